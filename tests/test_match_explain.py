"""Why a rule did or did not match."""

import json
from pathlib import Path

import pytest

from monitor import match, model, rules
from tests.builders import NOON, an_entry

LIFTED = {"near": ["sanction*", "lift*"], "within": 3}


def note(condition: object, title: str, **more: object) -> str:
    """Return what the top of the tree says of a rule that does not match."""
    ruleset = rules.from_files({"x.yaml": json.dumps({"rules": [{"id": "one", "match": condition, **more}]})})
    [trace] = match.explain(an_entry(title=title, summary="", feed="Wire"), ruleset, now=NOON)
    assert not trace.holds
    return trace.note


def test_a_match_is_a_tree_of_ticks() -> None:
    """A rule that matches shows its nodes with the words that each found."""
    text = json.dumps(
        {"rules": [{"id": "one", "match": {"near": ["sanction*", ["warn*", "vow*"]], "within": 5}, "unless": LIFTED}]}
    )
    [trace] = match.explain(
        an_entry(title="Tokyo warns of sanctions", summary=""), rules.from_files({"x.yaml": text}), now=NOON
    )
    assert list(trace.lines()) == [
        "✓ one",
        "  ✓ match",
        "    ✓ near, within 5",
        "      ✓ sanction*: “sanctions”",
        "      ✓ any of warn*, vow*: “warns”",
        "  ✓ unless (cancels nothing)",
    ]  # fmt: skip
    assert trace.rule is not None
    assert trace.rule.id == "one"


@pytest.mark.parametrize(
    ("condition", "title", "said"),
    [
        ({"near": ["warn*", "ban"], "within": 2}, "Warns us of a ban", "the closest are 4 words apart: “Warns”, “ban”"),
        ({"near": ["warn*", "ban"], "within": 3}, "It warns of fog", "nothing of ban"),
        ({"near": ["warn*", "ban"]}, "It warns! A ban", "the parts stand in different sentences"),
        ({"near": ["warn*", "ban"], "ordered": True}, "A ban, it warns", "“ban”, “warns” stand in another order"),
        ({"near": ["ban", {"not": "talks"}], "within": 3}, "Ban talks", "“Ban” stands beside what a `not` forbids"),
        ("ban", "New bans", "the text has “bans”, and a term is a whole word; `ban*` would take it"),
        ("US", "Tell us more", "the text has “us”, and `US` matches capitals only"),
        ("=Wagner", "a wagner opera", "the text has “wagner”, and `=Wagner` asks for exactly that"),
        ({"all": ["ban", {"not": "talks"}]}, "Ban talks", "but “talks” occurs"),
        ({"at_least": {"count": 2, "of": ["a", "b", "c"]}}, "b", "1 of the 2 that it takes"),
        ({"score": {"at_least": 5, "terms": {"a": 3, "b": 4}}}, "b", "the words add up to 4"),
        ({"title": {"near": ["ban", "oil"], "within": "title"}}, "A ban", "nothing of oil"),
        ({"form": "live"}, "Will it hold?", "the title's form is question"),
    ],
)  # fmt: skip
def test_the_nearest_miss_is_told(condition: object, title: str, said: str) -> None:
    """A rule that does not match says what came nearest."""
    assert note(condition, title) == said


def test_what_unless_cancelled_is_told() -> None:
    """A match that `unless` cancelled names the words that did."""
    said = note("sanction*", "EU lifts sanctions", unless=LIFTED)
    assert said == "cancels what “lifts”, “sanctions” overlaps, and nothing is left"
    said = note("sanction*", "EU lifts sanctions, ends sanctioning", unless=LIFTED)
    assert said == "cancels what “lifts”, “sanctions”, “sanctioning” overlaps, and nothing is left"


def test_what_cancelled_the_entry_is_told() -> None:
    """So does one that `unless_anywhere` cancelled."""
    assert note("ban", "Ban in football", unless_anywhere="football") == "“football” cancels the whole entry"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"feeds": ["Other"]}, "the feed is Wire, not one of: Other"),
        ({"languages": ["fr"]}, "the language is en, not one of: fr"),
        ({"outlets": ["AP"]}, "the outlet is Reuters, not one of: ap"),
    ],
)
def test_an_unmet_condition_is_told(asked: dict[str, object], said: str) -> None:
    """A rule that asks for another feed, language or outlet says so, whatever the words."""
    assert note("ban", "Ban", **asked) == said


def test_rules_that_match_come_first() -> None:
    """Of several rules those that match are explained first."""
    text = json.dumps({"rules": [{"id": "one", "match": "oil"}, {"id": "two", "match": "ban"}]})
    traces = match.explain(an_entry(title="Ban", summary=""), rules.from_files({"x.yaml": text}), now=NOON)
    assert [trace.label for trace in traces] == ["two", "one"]


def test_every_trace_agrees_with_the_match() -> None:
    """What `explain` ticks is what `match` finds, for every shipped rule."""
    ruleset = rules.load(["builtin"], base=Path())
    for title in ("EU lifts sanctions", "Putin visits Beijing", "US warns of new sanctions", "Oslo buys K9 howitzers"):
        entry = an_entry(title=title)
        ticked = {trace.label for trace in match.explain(entry, ruleset, now=NOON) if trace.holds}
        assert ticked == {one.rule.id for one in match.match(entry, ruleset, now=NOON)}


def test_words_are_marked() -> None:
    """`marked` puts signs around the words that matched, and leaves the rest as printed."""
    found = [
        model.Evidence(model.Field.TITLE, 6, 11, "warns", "warn*"),
        model.Evidence(model.Field.SUMMARY, 0, 1, "x", "x"),
    ]
    assert match.marked("Tokyo warns Oslo", found, model.Field.TITLE, before="[", after="]") == "Tokyo [warns] Oslo"


def test_words_that_overlap_are_marked_once() -> None:
    """Of two finds that share a word, the second is marked from where the first ends."""
    title = model.Field.TITLE
    found = [model.Evidence(title, 0, 13, "invitation to", "x"), model.Evidence(title, 11, 19, "to visit", "y")]
    assert match.marked("invitation to visit", found, title, before="[", after="]") == "[invitation to][ visit]"


def test_a_failing_test_says_what_did_or_did_not_match() -> None:
    """A headline that does not do what the file says is named with its place and the reason."""
    tests = '  tests:\n    match: ["Bans on oil"]\n    no_match: |\n      Oil found\n      A ban: lifted\n'
    text = f"rules:\n- id: one\n  match: ban\n{tests}"
    first, second = (str(one) for one in match.failing_tests(rules.from_files({"x.yaml": text})))
    assert first == (
        "x.yaml:5:13: `one`: “Bans on oil” should match and does not: "
        "the text has “Bans”, and a term is a whole word; `ban*` would take it [test]"
    )
    assert second == "x.yaml:8:1: `one`: “A ban: lifted” should not match and does: “ban” [test]"
