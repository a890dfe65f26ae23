"""The shipped core rules on made-up headlines of many kinds; each file in rules/headlines is one family."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import match, rules
from tests.builders import NOON, an_entry

FOLDER = Path(__file__).parent / "rules" / "headlines"
FLOORS = {
    "sanctions": ("sanctions-threat", 0.92),
    "arms": ("arms-deal", 0.95),
    "visits": ("leader-visit", 0.96),
}


@pytest.fixture(scope="module")
def builtin() -> rules.RuleSet:
    """Return the shipped rules."""
    return rules.load(["builtin"], base=Path())


def headlines(family: str) -> Iterator[tuple[str, str, str]]:
    """Yield mark, title and summary of a family's headlines."""
    for line in (FOLDER / f"{family}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            mark, title, summary = (*line.split(" | "), "")[:3]
            yield mark, title, summary


@pytest.mark.parametrize("family", FLOORS)
def test_a_core_rule_takes_the_event_and_leaves_the_topic(family: str, builtin: rules.RuleSet) -> None:
    """The F1 of each core rule on its headlines is at least its floor; the wrong ones are named."""
    rule, floor = FLOORS[family]
    wrong: list[str] = []
    right = 0
    for mark, title, summary in headlines(family):
        found = match.match(an_entry(title=title, summary=summary), builtin, now=NOON)
        hit = any(one.rule.id == rule for one in found)
        right += hit and mark == "+"
        if hit != (mark == "+"):
            wrong.append(f"{'false' if hit else 'missed'}: {title}")
    f1 = 2 * right / (2 * right + len(wrong))
    assert f1 >= floor, f"F1 {f1:.3f} is under {floor}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("family", FLOORS)
def test_the_headlines_hold_both_kinds_once(family: str) -> None:
    """Each family has at least 120 headlines that are to match and 120 that are not, none of them twice."""
    rows = list(headlines(family))
    marks = [mark for mark, _, _ in rows]
    assert marks.count("+") >= 120
    assert len(marks) - marks.count("+") >= 120
    assert set(marks) == {"+", "<", "~", "-"}
    assert len({title for _, title, _ in rows}) == len(rows)
