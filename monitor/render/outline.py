"""The order of a digest: grouped by rule, new stories before updates, all listed, the first ones in full. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor import model
from monitor.render import words
from monitor.render.view import View

DETAILED = 25


@dataclass(frozen=True, slots=True)
class Group:
    """The alerts of one rule."""

    title: str
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A digest before any markup. lead: one line that says what this is. detailed: those that are shown in full."""

    title: str
    lead: str
    groups: tuple[Group, ...]
    detailed: tuple[View, ...]
    level: model.Level


def outline(views: Sequence[View], title: str, silenced: int = 0) -> Outline:
    """Return the outline of `views`; `silenced` more were held back by silences and are only counted."""
    ordered = sorted(views, key=lambda view: (view.is_update, -view.level.rank))
    by_rule: dict[str, list[View]] = {}
    for view in ordered:
        by_rule.setdefault(_bare(view.rule), []).append(view)
    groups = tuple(Group(rule, tuple(of_rule)) for rule, of_rule in by_rule.items())
    lead = f"{title}: {words.plural(len(views), 'alert')}"
    if silenced:
        lead += f"; {silenced} more silenced"
    level = max((view.level for view in views), key=lambda level: level.rank, default=model.Level.INFO)
    in_order = tuple(view for group in groups for view in group.views)
    return Outline(title, lead, groups, in_order[:DETAILED], level)


def subject(plan: Outline) -> str:
    """Return `[HIGH] Digest: quiet hours: 3 alerts: Sanctions threat (2), Arms deal (1)`, at most 200 characters."""
    kinds = ", ".join(f"{group.title} ({len(group.views)})" for group in plan.groups)
    return words.cut(f"[{plan.level.upper()}] {plan.lead}" + (f" · {kinds}" if kinds else ""), 200)


def _bare(rule: str) -> str:
    """Return the rule's title without `+1 rule`."""
    return rule.partition(" +")[0]
