"""What rules mean: terms, nodes, what `unless` cancels, the words that matched."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from monitor import match, model, rules
from tests.builders import NOON, an_entry


def a_ruleset(condition: object, lists: Mapping[str, object] | None = None, **more: object) -> rules.RuleSet:
    """Return a set of the one rule `one` that asks for `condition`."""
    return rules.from_files(
        {"one.yaml": json.dumps({"lists": lists or {}, "rules": [{"id": "one", "match": condition, **more}]})}
    )


def takes(condition: object, title: str, summary: str = "", **more: Any) -> bool:
    """Return whether a rule that asks for `condition` matches a text."""
    entry = an_entry(title=title, summary=summary)
    return bool(match.match(entry, a_ruleset(condition, **more), now=NOON))


def test_a_match_names_its_rule_and_the_words() -> None:
    """A match carries the rule and the words as printed, with their place in the field."""
    entry = an_entry(title="Tokyo warns of new sanctions", summary="")
    [found] = match.match(entry, a_ruleset({"near": ["sanction*", "warn*"], "within": 5}), now=NOON)
    assert found.rule.id == "one"
    assert [(one.text, one.start, one.term) for one in found.evidence] == [
        ("warns", 6, "warn*"),
        ("sanctions", 19, "sanction*"),
    ]


def test_the_words_are_the_printed_ones() -> None:
    """Evidence is cut from the text as printed, whatever was folded to find it."""
    entry = an_entry(title="“Türkiye’s” embargo", summary="")
    [found] = match.match(entry, a_ruleset({"all": ["Turkiye", "embargo"]}), now=NOON)
    assert [entry.title[one.start : one.end] for one in found.evidence] == ["Türkiye", "embargo"]
    assert [one.text for one in found.evidence] == ["Türkiye", "embargo"]


def test_matches_come_with_the_highest_level_first() -> None:
    """Matches are ordered by level, then by id."""
    listed = [
        {"id": name, "match": "embargo", "level": level} for name, level in [("b", "low"), ("c", "high"), ("a", "low")]
    ]
    ruleset = rules.from_files({"x.yaml": json.dumps({"rules": listed})})
    found = match.match(an_entry(title="Embargo", summary=""), ruleset, now=NOON)
    assert [one.rule.id for one in found] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("term", "title", "wanted"),
    [
        ("sanction", "New sanctions loom", False),  # whole words
        ("sanction*", "New sanctions loom", True),
        ("embargo", "EMBARGO ON OIL", True),
        ("asset freeze*", "Asset freezes widened", True),
        ("asset freeze", "Asset and price freeze", False),
        ("asset freeze", "He sold the asset. Freeze warning issued", False),  # a phrase stays in its sentence
        ("travel* ban", "Travellers were banned", False),
        ("travel* ban", "A travel ban", True),
        ("U.S.", "The US said", True),
        ("US", "U.S.-led talks", True),
        ("US", "Tell us more", False),  # two to five capitals match capitals only
        ("US", "Us and them", False),
        ("US", "NORTH KOREA WARNS US OF WAR", True),  # a text all in capitals tells nothing
        ("IS", "What is new", False),
        ("Iran", "Iran’s reply", True),
        ("Iran", "L'Iran répond", True),
        ("Iran", "Le pétrole d’Iran", True),
        ("Kim Jong Un", "Kim Jong-un travels", True),
        ("Kim Jong-un", "Kim Jong Un travels", True),
        ("F-35", "Two F35s? No, one F 35", True),
        ("F35", "an F-35 jet", True),
        ("1,000", "1000 drones", True),
        ("1000", "1,000 drones", True),
        ("Sana'a", "Sanaa hit", True),
        ("São Paulo", "sao paulo summit", True),
        ("Zelenskyy", "ZELENSKYY", True),
        ("NATO", "ＮＡＴＯ summit", True),
        ("Niger", "النيجر", False),
        ("نيجر", "والنيجر في خطر", True),
        ("النيجر", "نيجر", True),
        ("فاغنر", "قوات فاغنر", True),
        ("مالي", "إلى مالى", True),
        ("אירן", "ואירן הגיבה", True),
        ("制裁", "美国宣布新制裁措施", True),
        ("制裁", "美国宣布制定裁军", False),
        ("คว่ำบาตร", "สหรัฐคว่ำบาตรรัสเซีย", True),
        ("санкции", "Новые САНКЦИИ", True),
        ("=Wagner", "wagner opera", False),
        ("=Wagner", "Wagner's men", True),
        ("=São", "Sao", False),
        ("stem:deliver", "delivering jets", True),
        ("stem:deliver", "deliverance", False),
        ("stem:supply", "supplies of oil", True),
        ("stem:arms delivery", "arms deliveries resume", True),
        ("/f-?1[56]s?/", "Two F-16s land", True),
        ("/f-?1[56]s?/", "Two F-35s land", False),
        ("/(?-i)IS\\b/", "This is it", False),
        ("arms deal", "Big arms... Deal off", False),
        ("arms deal", "Big arms... deal on", True),
        ("制裁日本", "制裁。日本", False),
        ("/[!]+/", "No deal!", True),
        ("no", "No deal", True),
        ("1.0", "Version 1.0", True),
    ],
)
def test_terms(term: str, title: str, *, wanted: bool) -> None:
    """A term matches what a reader takes for the same words, and no more."""
    assert takes(term, title) is wanted


@pytest.mark.parametrize("written", ["NO", "on", "yes", "1.0", "0x1F", "null", "~ok", "2025-01-01"])
def test_scalars_stay_as_typed(written: str) -> None:
    """What YAML would take for a boolean, a number or a date stays the word that was typed."""
    ruleset = rules.from_files({"x.yaml": f"rules:\n- id: one\n  match: [{written}]\n"})
    assert match.match(an_entry(title=f"a {written} b", summary=""), ruleset, now=NOON)


@pytest.mark.parametrize(
    ("condition", "title", "wanted"),
    [
        (["tank", "jet"], "One jet", True),
        ({"any": ["tank", {"all": ["jet", "sold"]}]}, "A jet", False),
        ({"all": ["jet", "sold"]}, "Sold. And a jet", True),
        ({"at_least": {"count": 2, "of": ["tank", "jet", "ship"]}}, "A ship, a tank", True),
        ({"at_least": {"count": 2, "of": ["tank", "jet", "ship"]}}, "A ship, a ship", False),
        ({"near": ["a", "b"], "within": 3}, "a x x b", True),
        ({"near": ["a", "b"], "within": 2}, "a x x b", False),
        ({"near": ["a", "b", "c"], "within": 3}, "a x b c", True),  # it spans all its parts
        ({"near": ["a", "b", "c"], "within": 2}, "a x b c", False),
        ({"near": ["a", "b"]}, "a x x x x x x x x b", True),  # a sentence, when nothing is said
        ({"near": ["a", "b"]}, "a! b", False),
        ({"near": ["a", "b"], "within": "title"}, "a! b", True),
        ({"near": ["a", "b"], "ordered": True}, "b a", False),
        ({"near": ["a", "b", "c"], "ordered": True}, "a c b", False),
        ({"near": ["a", "b", "c"], "ordered": True}, "a c b c", True),
        ({"near": ["ban*", "bans"], "within": 3}, "it bans oil", False),  # no word serves two parts
        ({"near": ["ban*", "bans"], "within": 3}, "a ban bans oil", True),
        ({"near": ["a", "b", {"not": "c"}], "within": 2}, "a b x x c", True),
        ({"near": ["a", "b", {"not": "c"}], "within": 2}, "a b x c", False),
        ({"near": ["a", "b", {"not": "c"}], "within": 2}, "a b x! c", True),
        ({"near": ["a", {"near": ["b", "c"], "within": 1}], "within": 3}, "b a c b", True),
        ({"near": ["a", {"any": ["b", {"all": ["c", "d"]}]}], "within": 9}, "a c", False),
        ({"near": ["a", {"any": ["b", {"all": ["c", "d"]}]}], "within": 9}, "a c d", True),
        ({"all": ["visit", {"not": "tourist*"}]}, "A visit for tourists", False),
        ({"all": ["visit", {"not": "tourist*"}]}, "A visit! Tourists came later", True),  # negation is local
        ({"score": {"at_least": 10, "terms": {"embargo": 6, "oil": 4, "talks": -3}}}, "Oil embargo", True),
        ({"score": {"at_least": 10, "terms": {"embargo": 6, "oil": 4, "talks": -3}}}, "Oil embargo talks", False),
        ({"score": {"at_least": 10, "terms": {"embargo": 6, "oil": 4}}}, "Embargo, embargo", False),
        ({"all": [{"not": "a"}]}, "b", True),
        ({"all": [{"not": "a"}]}, "a b", False),
        ({"near": ["a", {"at_least": {"count": 2, "of": ["b", "c", "d"]}}], "within": 9}, "a b d", True),
        ({"near": ["a", {"title": "b"}]}, "a b", True),
        ({"near": ["a", {"form": "live"}]}, "Live: a b", True),
        ({"stem": ["deliver", "supply"]}, "Supplied with oil", True),
        ("$names", "Peruvians vote", True),
        ({"form": "question"}, "Will the embargo hold?", True),
        ({"form": ["explainer", "live"]}, "LIVE: embargo starts", True),
        ({"form": "explainer"}, "What to know about the embargo", True),
        ({"form": "explainer"}, "WHO chief visits Gaza", False),
        ({"form": "analysis"}, "Analysis: an embargo that works", True),
        ({"form": ["question", "explainer", "live", "analysis"]}, "Tokyo widens embargo", False),
    ],
)
def test_nodes(condition: object, title: str, *, wanted: bool) -> None:
    """Each node holds for what docs/rules.md says of it."""
    assert takes(condition, title, lists={"names": [{"stem": "Peruvian"}, "Chile"]}) is wanted


def test_any_and_all_span_the_fields_and_near_does_not() -> None:
    """`all` may find its parts in title and summary; `near` stays in one sentence of one of them."""
    assert takes({"all": ["ban", "oil"]}, "A ban", "On oil")
    assert not takes({"near": ["ban", "oil"]}, "A ban", "On oil")


def test_a_field_node_looks_there_only() -> None:
    """`title:` and `summary:` look at their field alone."""
    assert takes({"summary": "oil"}, "A ban", "On oil")
    assert not takes({"title": "oil"}, "A ban", "On oil")


def test_the_body_is_read_when_the_rule_says_so() -> None:
    """A body is left alone unless `fields` names it."""
    entry = an_entry(title="A", summary="", body="An embargo")
    assert not match.match(entry, a_ruleset("embargo"), now=NOON)
    assert match.match(entry, a_ruleset("embargo", fields=["title", "body"]), now=NOON)


def test_unless_cancels_what_it_overlaps() -> None:
    """`unless` cancels only the occurrences that it overlaps; another one still matches."""
    lifted = {"near": ["sanctions", "lift*"], "within": 3}
    assert not takes("sanctions", "EU lifts sanctions", unless=lifted)
    assert takes("sanctions", "EU lifts sanctions while Tokyo considers sanctions", unless=lifted)


def test_unless_cancels_in_every_way_in_which_it_holds() -> None:
    """A `near` in `unless` cancels whatever stands in its reach, not only what stands closest."""
    lifted = {"near": ["lifts", "sanctions"], "within": 5}
    assert not takes("sanctions", "EU lifts sanctions on Minsk, sanctions on Tunis", unless=lifted)
    assert not takes("sanctions", "Oslo's sanctions, EU sanctions: Brussels lifts both", unless=lifted)
    assert takes("sanctions", "EU lifts sanctions on Minsk and mulls more sanctions on Tunis", unless=lifted)
    one_by_one = [{"near": ["ban"], "within": 1}, {"near": ["US", "ban*"], "within": "sentence"}]
    assert not takes({"near": ["ban*"], "within": 1}, "ban!", "US ban bans!", unless=one_by_one)


def test_unless_cancels_what_another_rule_takes_in_every_way() -> None:
    """`rule: ID` in an `unless` cancels all that the rule takes."""
    listed = [
        {"id": "lifted", "match": {"near": ["lifts", "sanctions"], "within": 5}},
        {"id": "sanctions", "match": "sanctions", "unless": {"rule": "lifted"}},
    ]
    ruleset = rules.from_files({"x.yaml": json.dumps({"rules": listed})})
    found = match.match(
        an_entry(title="EU lifts sanctions on Minsk, sanctions on Tunis", summary=""), ruleset, now=NOON
    )
    assert [one.rule.id for one in found] == ["lifted"]


def test_unless_is_local_inside_all() -> None:
    """An `all` goes on with what `unless` leaves of each part."""
    both = {"all": ["visit", "Taipei"]}
    assert not takes(both, "Tourists visit Taipei", unless={"near": ["tourist*", "visit"], "within": 2})
    assert takes(
        both, "Tourists visit Taipei. A state visit follows", unless={"near": ["tourist*", "visit"], "within": 2}
    )


def test_unless_anywhere_cancels_the_entry() -> None:
    """`unless_anywhere` looks at all fields of the rule and cancels everything."""
    assert not takes("sanctions", "New sanctions", "Football fans cheer", unless_anywhere="football*")


def test_a_rule_can_ask_for_another() -> None:
    """`rule: ID` holds where that rule matches, its own `unless` included."""
    listed = [
        {"id": "deal", "match": "deal", "unless": "trade deal"},
        {"id": "named", "match": {"all": [{"rule": "deal"}, "Oslo"]}},
    ]
    ruleset = rules.from_files({"x.yaml": json.dumps({"rules": listed})})
    ids = [
        [one.rule.id for one in match.match(an_entry(title=title, summary=""), ruleset, now=NOON)]
        for title in ("Oslo deal", "Oslo trade deal", "Deal in Bern")
    ]
    assert ids == [["deal", "named"], [], ["deal"]]


@pytest.mark.parametrize(
    ("asked", "entry", "wanted"),
    [
        ({"feeds": ["Wire"]}, {"feed": "Wire"}, True),
        ({"feeds": ["Wire"]}, {"feed": "Other"}, False),
        ({"feeds": {"tags": ["asia"]}}, {"feed": "X", "feed_tags": ("asia",)}, True),
        ({"feeds": {"tags": ["asia"]}}, {"feed": "X"}, False),
        ({"feeds": ["Wire"]}, {"feed": ""}, True),  # a headline typed in by hand has no feed
        ({"outlets": ["reuters"]}, {"outlet": "Reuters"}, True),
        ({"outlets": ["reuters"]}, {"outlet": "AP"}, False),
        ({"languages": ["en"]}, {"language": "en-GB"}, True),
        ({"languages": ["en"]}, {"language": "fr"}, False),
        ({"languages": ["en"]}, {"language": ""}, True),
        ({"max_age": "2h"}, {"published_at": NOON - timedelta(hours=1)}, True),
        ({"max_age": "2h"}, {"published_at": NOON - timedelta(hours=3)}, False),
    ],
)
def test_conditions_on_the_entry(asked: dict[str, Any], entry: dict[str, Any], *, wanted: bool) -> None:
    """A rule may ask for feeds, outlets, languages and age; what is not known is not held against an entry."""
    found = match.match(an_entry(title="Embargo", **entry), a_ruleset("embargo", **asked), now=NOON)
    assert bool(found) is wanted


def test_an_experimental_rule_matches() -> None:
    """An experimental rule yields its match; its status says what it is."""
    [found] = match.match(an_entry(title="Embargo"), a_ruleset("embargo", status="experimental"), now=NOON)
    assert found.rule.status is model.RuleStatus.EXPERIMENTAL


def test_a_rule_that_is_switched_off_does_not_match() -> None:
    """`enabled: false` takes a rule out, and leaves it for others to refer to."""
    listed = [{"id": "off", "match": "embargo", "enabled": "false"}, {"id": "on", "match": {"rule": "off"}}]
    ruleset = rules.from_files({"x.yaml": json.dumps({"rules": listed})})
    assert [one.rule.id for one in match.match(an_entry(title="Embargo"), ruleset, now=NOON)] == ["on"]


def test_hostile_text_is_matched_in_good_time() -> None:
    """Ten thousand repeated words and a wide `near` of five parts end, and end with a match."""
    entry = an_entry(title="ban oil gas coal gold " * 2_000)
    assert match.match(entry, a_ruleset({"near": ["ban", "oil", "gas", "coal", "gold"], "within": 40}), now=NOON)


def test_a_treacherous_regular_expression_is_linear() -> None:
    """What takes other engines centuries is over at once."""
    assert not takes("/(a+)+(b+)+$/", f"{'a' * 5_000}c")


def test_half_a_character_harms_nobody() -> None:
    """A lone surrogate, which JSON can carry, is no word and breaks no regular expression."""
    assert takes({"all": ["ban", "/o.l/"]}, "a ban \ud800 oil")


def test_an_empty_entry_matches_nothing() -> None:
    """An entry without a word meets no rule and breaks none."""
    assert match.match(an_entry(title="", summary="?!"), a_ruleset(["a*", "/x/"]), now=NOON) == ()


# --- what is not even looked at ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "title", "holds"),
    [
        ({"near": [{"rule": "other"}, "oil"]}, "Ban on oil. Talks fail.", True),  # what a rule needs stands anywhere
        ({"near": [{"near": ["a1", "b1"], "within": 9}, "oil"], "within": 1}, "a1 x x x x x x b1 oil", True),
        ({"near": [["a1 b1 c1 d1", "x1"], "oil"], "within": 1}, "a1 b1 c1 d1 oil", True),
        ({"near": [{"all": ["a1", "b1"]}, "oil"], "within": 2}, "a1 oil x x x x x x x x x x b1", True),
        ({"near": ["a1", "oil"], "within": "title"}, "a1 fell. Then oil rose.", True),
        ({"near": ["a1", "oil"], "within": 3}, "a1 x x x x x x x x oil", False),
        ({"any": ["gas", {"any": [{"not": "ban"}, {"near": ["a1", "oil"]}]}]}, "Talks fail", True),
    ],
)
def test_what_may_hold_is_looked_at(condition: object, title: str, *, holds: bool) -> None:
    """Passing over alternatives whose words are absent or far apart never passes over one that holds."""
    other = {"id": "other", "match": {"all": ["ban", "talks"]}, "enabled": False}
    text = json.dumps({"rules": [{"id": "one", "match": {"any": ["never seen", condition]}}, other]})
    found = match.match(an_entry(title=title, summary=""), rules.from_files({"x.yaml": text}), now=NOON)
    assert bool(found) == holds
