"""What the modules about stories share: where a merged story went, and rows as values. Shell."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import codec, tables

# Statements of the hot path are built once: building one costs more than SQLite takes to run it.
_RESOLVED = "resolved_stories"
_RESOLVE = sa.select(tables.stories.c.id, tables.stories.c.merged_into).where(
    tables.stories.c.id == sa.bindparam("story_id")
)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What became of one revision of an entry.

    entry: as it was when it was decided. story_id: where it is now, after merges and splits. channels: one decision
    for each channel that there was.
    """

    id: int
    entry: model.Entry
    matches: tuple[model.Match, ...]
    assignment: model.Assignment
    level: model.Level
    story_id: int
    decided_at: datetime
    rules_id: int
    channels: tuple[model.Decision, ...]


def resolve(tx: Session, story_id: int) -> int:
    """Return the story that `story_id` is part of now: itself, unless a person merged it. Raises KeyError.

    Asked once in a transaction: a decision names its story in four places, while others wait for the story lock.
    """
    known: dict[int, int] = tx.info.setdefault(_RESOLVED, {})
    if story_id not in known:
        row = tx.connection().execute(_RESOLVE, {"story_id": story_id}).first()
        if row is None:
            raise KeyError(story_id)
        known[story_id] = int(row.merged_into or row.id)
    return known[story_id]


def forget_resolved(tx: Session) -> None:
    """Ask anew: stories were merged in this transaction."""
    tx.info.pop(_RESOLVED, None)


def select_stories(tx: Session, wanted: sa.Select[Any]) -> tuple[model.Story, ...]:
    """Return what `wanted`, a select of whole rows of stories, selects, in its order."""
    rows = tx.connection().execute(wanted).mappings().all()
    seeds = _seed_names(tx, [row["id"] for row in rows])
    return tuple(_story(row, tuple(seeds[row["id"]])) for row in rows)


def select_decisions(tx: Session, wanted: sa.Select[Any]) -> tuple[DecisionRecord, ...]:
    """Return what `wanted`, a select of whole rows of decisions, selects, in its order."""
    return tuple(_decision(row) for row in tx.connection().execute(wanted).mappings())


def matches_of(row: RowMapping) -> tuple[model.Match, ...]:
    """Return the matches of a decision's row."""
    return tuple(codec.decode(model.Match, match) for match in row["matches"])


def entry_of(row: RowMapping) -> model.Entry:
    """Return the entry of a decision's row, as it was when it was decided."""
    return codec.decode(model.Entry, row["text"])


def assignment_of(row: RowMapping) -> model.Assignment:
    """Return the assignment of a decision's row; it names no story where it opened one."""
    kind = model.Kind(row["kind"])
    return model.Assignment(
        kind=kind,
        story_id=None if kind is model.Kind.NEW else row["story_id"],
        score=row["score"],
        because=row["because"],
        news=row["news"],
        features=row["features"],
        known=row["known"],
        nearest_id=row["nearest_id"],
    )


def higher(one: str, other: str) -> model.Level:
    """Return the higher of two levels."""
    return max(model.Level(one), model.Level(other), key=lambda level: level.rank)


def with_outlet(outlets: list[str], outlet: str) -> list[str]:
    """Return `outlets` with `outlet` at the end, if it has a name and is not among them."""
    return [*outlets, outlet] if outlet and outlet not in outlets else outlets


def _seed_names(tx: Session, story_ids: Collection[int]) -> dict[int, list[str]]:
    table = tables.seeds
    names: dict[int, list[str]] = defaultdict(list)
    wanted = sa.select(table.c.story_id, table.c.name).where(table.c.story_id.in_(story_ids))
    if story_ids:
        for story_id, name in tx.connection().execute(wanted.where(table.c.removed_at.is_(None)).order_by(table.c.id)):
            names[story_id].append(name)
    return names


def _story(row: RowMapping, seeds: tuple[str, ...]) -> model.Story:
    return model.Story(
        id=row["id"],
        title=row["title"],
        level=model.Level(row["level"]),
        opened_at=row["opened_at"],
        last_at=row["last_at"],
        entries=row["entries"],
        outlets=tuple(row["outlets"]),
        seeds=seeds,
    )


def _decision(row: RowMapping) -> DecisionRecord:
    return DecisionRecord(
        id=row["id"],
        entry=entry_of(row),
        matches=matches_of(row),
        assignment=assignment_of(row),
        level=model.Level(row["level"]),
        story_id=row["story_id"],
        decided_at=row["decided_at"],
        rules_id=row["rules_id"],
        channels=tuple(codec.decode(model.Decision, decision) for decision in row["channels"]),
    )
