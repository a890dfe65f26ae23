"""The rules that come with the program."""

from pathlib import Path

import pytest

from monitor import match, model, rules, shipped
from tests.builders import NOON, an_entry


@pytest.fixture(scope="module")
def builtin() -> rules.RuleSet:
    """Return the shipped rules."""
    return rules.load(["builtin"], base=Path())


def ids(title: str, builtin: rules.RuleSet) -> list[str]:
    """Return the ids of the shipped rules that a title meets."""
    return [one.rule.id for one in match.match(an_entry(title=title, summary=""), builtin, now=NOON)]


def test_the_shipped_rules_have_no_complaint(builtin: rules.RuleSet) -> None:
    """No lint complains of them, and each headline in their tests does what they say."""
    assert [str(one) for one in (*rules.lint(builtin), *match.failing_tests(builtin))] == []


def test_each_move_has_its_reverse_at_a_lower_level(builtin: rules.RuleSet) -> None:
    """Sanctions, arms and visits each have a core rule, and a low one for the way back."""
    levels = {rule.id: rule.level for rule in builtin.rules}
    assert levels["sanctions-threat"] is levels["arms-deal"] is model.Level.HIGH
    assert levels["leader-visit"] is model.Level.MEDIUM
    assert {levels[name] for name in ("penalties-lifted", "weapons-halted", "trip-cancelled")} == {model.Level.LOW}


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Putin accepts Kim Jong Un's invitation to visit North Korea, KCNA says", "leader-visit"),
        ("Putin arrives in Pyongyang for first visit in 24 years", "leader-visit"),
        ("US warns of new sanctions if North Korea arms Russia", "sanctions-threat"),
        ("Kim Jong Un invites Russia’s Putin to visit North Korea; vows ‘full support’ for Moscow", "leader-visit"),
    ],
)
def test_the_known_stories_meet_their_rules(title: str, wanted: str, builtin: rules.RuleSet) -> None:
    """The happenings of the two known stories that are shipped, and their next steps, meet the rules."""
    assert wanted in ids(title, builtin)


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("EU lifts oil embargo against Syria", "penalties-lifted"),
        ("Netherlands suspends arms exports to Turkey", "weapons-halted"),
        ("Merkel cancels trip to Ankara", "trip-cancelled"),
    ],
)
def test_the_way_back_is_told_apart(title: str, wanted: str, builtin: rules.RuleSet) -> None:
    """A move that is taken back meets the low rule alone."""
    assert ids(title, builtin) == [wanted]


@pytest.mark.parametrize(
    "title",
    [
        "Rial sinks to record low as sanctions bite",
        "March was sanctioned by the city government",
        "FIFA sanctions striker for doping",
        "Warships leave port for exercise",
        "Museum visitors queue for hours",
        "Shops sold out of umbrellas in London",
    ],
)
def test_the_topic_alone_is_no_event(title: str, builtin: rules.RuleSet) -> None:
    """Effects, other senses, own forces and everyday words meet nothing."""
    assert ids(title, builtin) == []


def test_every_list_says_where_it_is_from_and_leaders_as_of_when() -> None:
    """Lists of names state a source, and those that go out of date a day."""
    for file in (shipped.RULES / "lists").glob("*.yaml"):
        text = file.read_text()
        assert text.count("terms: |") == text.count("as_of:") == text.count("source:"), file.name
