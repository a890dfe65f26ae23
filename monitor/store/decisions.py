"""What became of entries that matched: one decision for each revision, never changed but for its story. Shell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from monitor import model
from monitor.store import codec, story_rows, tables

_INSERT = sa.insert(tables.decisions).returning(tables.decisions.c.id)


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of a story, as the index of stories needs it.

    at: when it was decided. sense: what it means, as its encoder told it; empty when that one did not.
    """

    decision_id: int
    story_id: int
    entry: model.Entry
    matches: tuple[model.Match, ...]
    at: datetime
    kind: model.Kind
    sense: bytes = b""


def save_decision(
    tx: Session,
    finding: model.Finding,
    decisions: Sequence[model.Decision],
    *,
    rules_id: int,
    story_id: int,
    now: datetime,
) -> int:
    """Store what was decided about an entry, and return the decision's id.

    Raises IntegrityError when this revision of the entry was decided before.
    """
    assignment = finding.assignment
    row = {
        "entry_id": finding.entry.id,
        "revision": finding.entry.revision,
        "decided_at": now,
        "rules_id": rules_id,
        "kind": assignment.kind.value,
        "level": finding.level.value,
        "story_id": story_rows.resolve(tx, story_id),
        "score": assignment.score,
        "because": assignment.because,
        "news": assignment.news,
        "known": assignment.known,
        "nearest_id": assignment.nearest_id,
        "features": codec.encode(assignment.features),
        "matches": codec.encode(finding.matches),
        "channels": codec.encode(tuple(decisions)),
        "text": codec.encode(finding.entry),
    }
    return int(tx.connection().execute(_INSERT, row).scalar_one())


def save_sense(tx: Session, decision_id: int, *, encoder: str, sense: bytes) -> None:
    """Store what the entry of a decision means, so that nobody has to encode it again. encoder: its fingerprint."""
    row = {"decision_id": decision_id, "encoder": encoder, "vector": sense}
    tx.connection().execute(sa.insert(tables.senses), row)


def list_members(tx: Session, since: datetime, *, after: int = 0, encoder: str = "") -> tuple[Member, ...]:
    """Return what was decided since then, and after the decision `after`, in order of decisions.

    The index of stories in memory is a fold over these; the stories are those of today, after merges and splits.
    encoder: the fingerprint of the one whose vectors are wanted; those of others cannot be compared.
    """
    table = tables.decisions
    return _members(tx, sa.and_(table.c.decided_at >= since, table.c.id > after), encoder)


def list_story_entries(tx: Session, story_id: int) -> tuple[Member, ...]:
    """Return the entries of a story in order of decisions, each revision once. Raises KeyError."""
    return _members(tx, tables.decisions.c.story_id == story_rows.resolve(tx, story_id))


def find_decision(tx: Session, entry_id: int) -> story_rows.DecisionRecord | None:
    """Return the latest decision about an entry; None when it matched no rule or is not decided yet."""
    found = list_decisions(tx, entry_id=entry_id, limit=1)
    return found[0] if found else None


def list_decisions(
    tx: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    entry_id: int | None = None,
    limit: int = 100,
) -> tuple[story_rows.DecisionRecord, ...]:
    """Return decisions, the newest first; since, until: when they were made."""
    table = tables.decisions
    wanted = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if since is not None:
        wanted = wanted.where(table.c.decided_at >= since)
    if until is not None:
        wanted = wanted.where(table.c.decided_at < until)
    if entry_id is not None:
        wanted = wanted.where(table.c.entry_id == entry_id)
    return story_rows.select_decisions(tx, wanted)


def count_held_back(tx: Session, since: datetime | None = None) -> dict[int, int]:
    """Return how many duplicates known stories (seeds) held back, by story; since: when they were decided."""
    table = tables.decisions
    held = sa.and_(table.c.known, table.c.kind == model.Kind.DUPLICATE.value)
    if since is not None:
        held = sa.and_(held, table.c.decided_at >= since)
    counted = sa.select(table.c.story_id, sa.func.count()).where(held).group_by(table.c.story_id)
    return {row.story_id: row[1] for row in tx.connection().execute(counted)}


def count_by_kind(tx: Session, since: datetime) -> dict[model.Kind, int]:
    """Return how many decisions of each kind were made since then; a kind without any is missing."""
    table = tables.decisions
    counted = sa.select(table.c.kind, sa.func.count()).where(table.c.decided_at >= since).group_by(table.c.kind)
    return {model.Kind(row.kind): row[1] for row in tx.connection().execute(counted)}


def _members(tx: Session, condition: sa.ColumnElement[bool], encoder: str = "") -> tuple[Member, ...]:
    table, senses = tables.decisions, tables.senses
    columns = (table.c.id, table.c.story_id, table.c.text, table.c.matches, table.c.decided_at, table.c.kind)
    told = table.outerjoin(senses, sa.and_(senses.c.decision_id == table.c.id, senses.c.encoder == encoder))
    wanted: sa.Select[Any] = (
        sa.select(*columns, senses.c.vector).select_from(told).where(condition).order_by(table.c.id)
    )
    return tuple(
        Member(
            row["id"],
            row["story_id"],
            story_rows.entry_of(row),
            story_rows.matches_of(row),
            row["decided_at"],
            model.Kind(row["kind"]),
            row["vector"] or b"",
        )
        for row in tx.connection().execute(wanted).mappings()
    )
