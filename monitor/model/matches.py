"""Rules as the rest of the program knows them, and entries that meet them. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.levels import Level


class Field(StrEnum):
    """The parts of an entry that rules read."""

    TITLE = "title"
    SUMMARY = "summary"
    BODY = "body"


class RuleStatus(StrEnum):
    """How far a rule is trusted."""

    EXPERIMENTAL = "experimental"  # recorded, never sent
    STABLE = "stable"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the rest of the program knows of a rule; its condition stays in `rules`.

    channels: names of the only channels that it goes to; empty means every channel whose selector takes it.
    min_sources: different outlets that must have told the story before anybody is told.
    """

    id: str
    title: str
    level: Level = Level.MEDIUM
    status: RuleStatus = RuleStatus.STABLE
    tags: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    min_sources: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """Words that matched: `text` is `entry.<field>[start:end]` as printed there, `term` the rule's own word."""

    field: Field
    start: int
    end: int
    text: str
    term: str


@dataclass(frozen=True, slots=True)
class Match:
    """An entry meeting a rule, with the words that did it, in reading order."""

    rule: Rule
    evidence: tuple[Evidence, ...] = ()
