"""Stories: opened, joined, raised, and corrected by people. Shell.

What belongs to a story is reached through here, too: its decisions (`decisions.py`), its alerts (`alerts.py`) and the
known stories that seeds tell (`seeds.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import engine, story_rows, tables
from monitor.store.alerts import (
    ack_alert,
    add_alert,
    alerts,
    count_alerts,
    find_alert_of,
    get_alert,
    heard,
    judged,
    list_alerts,
    told,
)
from monitor.store.decisions import (
    Member,
    count_by_kind,
    count_held_back,
    find_decision,
    list_decisions,
    list_members,
    list_story_entries,
    save_decision,
    save_sense,
)
from monitor.store.seeds import SeedChanges, list_seeds, sync_seeds
from monitor.store.story_rows import DecisionRecord, resolve

__all__ = [
    "Correction",
    "DecisionRecord",
    "Member",
    "SeedChanges",
    "ack_alert",
    "add_alert",
    "alerts",
    "count_alerts",
    "count_by_kind",
    "count_held_back",
    "find_alert_of",
    "find_decision",
    "get_alert",
    "get_story",
    "heard",
    "join_story",
    "judged",
    "last_correction",
    "list_alerts",
    "list_corrections",
    "list_decisions",
    "list_members",
    "list_seeds",
    "list_stories",
    "list_story_entries",
    "merge",
    "open_story",
    "raise_level",
    "resolve",
    "save_decision",
    "save_sense",
    "split",
    "sync_seeds",
    "told",
]


_INSERT = sa.insert(tables.stories).returning(tables.stories.c.id)
_THIS = tables.stories.c.id == sa.bindparam("this_id")
_FOR_JOINING = sa.select(tables.stories).where(_THIS).with_for_update()
_JOINED: dict[str, object] = {name: sa.bindparam(name) for name in ("last_at", "entries", "outlets", "level")}
_JOIN = sa.update(tables.stories).where(_THIS).values(_JOINED)


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's word on stories: `merge` of story_id into into_id, or `split` of entry_id off into the new into_id."""

    id: int
    made_at: datetime
    kind: str
    story_id: int
    into_id: int
    entry_id: int | None = None
    author: str = ""


def open_story(tx: Session, finding: model.Finding, now: datetime) -> int:
    """Open a story with an entry, and return its id."""
    entry = finding.entry
    return _insert(tx, entry.title, finding.level, now, entries=1, outlets=[entry.outlet] if entry.outlet else [])


def join_story(tx: Session, story_id: int, finding: model.Finding, now: datetime) -> int:
    """Add an entry to a story, and return the story that it really joined, after merges.

    The story's level rises with the entry's. Another revision of an entry that is in the story counts once.
    """
    story_id = story_rows.resolve(tx, story_id)
    row = tx.connection().execute(_FOR_JOINING, {"this_id": story_id}).mappings().one()
    values = {
        "this_id": story_id,
        "last_at": max(now, row["last_at"]),
        "entries": row["entries"] + (0 if _was_in(tx, story_id, finding.entry) else 1),
        "outlets": story_rows.with_outlet(row["outlets"], finding.entry.outlet),
        "level": story_rows.higher(row["level"], finding.level).value,
    }
    tx.connection().execute(_JOIN, values)
    return story_id


def raise_level(tx: Session, story_id: int) -> bool:
    """Raise a story by one level because many outlets tell it; False when that was done before: once per story."""
    table = tables.stories
    story_id = story_rows.resolve(tx, story_id)
    this = sa.and_(table.c.id == story_id, sa.not_(table.c.raised))
    raised = tx.connection().execute(sa.update(table).where(this).values(raised=True).returning(table.c.level)).first()
    if raised is None:
        return False
    level = model.Level(raised.level).raised()
    tx.connection().execute(sa.update(table).where(table.c.id == story_id).values(level=level.value))
    return True


def get_story(tx: Session, story_id: int) -> model.Story:
    """Return a story, or the one that it was merged into; raises KeyError."""
    wanted = sa.select(tables.stories).where(tables.stories.c.id == story_rows.resolve(tx, story_id))
    return story_rows.select_stories(tx, wanted)[0]


def list_stories(tx: Session, *, since: datetime | None = None, limit: int = 100) -> tuple[model.Story, ...]:
    """Return stories, the one that was told last first; since: when it was told last."""
    table = tables.stories
    wanted: sa.Select[Any] = sa.select(table).where(table.c.merged_into.is_(None))
    if since is not None:
        wanted = wanted.where(table.c.last_at >= since)
    return story_rows.select_stories(tx, wanted.order_by(table.c.last_at.desc(), table.c.id.desc()).limit(limit))


def merge(tx: Session, story_id: int, into_id: int, author: str, now: datetime) -> int:
    """Make one story part of another for a person, and return the one that remains. Raises KeyError.

    Its decisions, alerts, messages and seeds move over, so that what a channel was told of either counts for both.
    """
    engine.story_lock(tx)
    story_id, into_id = story_rows.resolve(tx, story_id), story_rows.resolve(tx, into_id)
    if story_id == into_id:
        return into_id
    sql = tx.connection()
    for table in (tables.decisions, tables.notifications, tables.seeds):
        sql.execute(sa.update(table).where(table.c.story_id == story_id).values(story_id=into_id))
    moved = tables.alerts.c.story_id == story_id
    numbered = tables.alerts.c.sequence + _last_sequence(tx, into_id)
    sql.execute(sa.update(tables.alerts).where(moved).values(story_id=into_id, sequence=numbered))
    _add_up(tx, story_id, into_id)
    points_here = sa.or_(tables.stories.c.id == story_id, tables.stories.c.merged_into == story_id)
    sql.execute(sa.update(tables.stories).where(points_here).values(merged_into=into_id))
    story_rows.forget_resolved(tx)
    _note(tx, "merge", story_id, into_id, None, author, now)
    return into_id


def split(tx: Session, story_id: int, entry_id: int, author: str, now: datetime) -> int:
    """Make an entry a story of its own for a person, and return the new story; its alert and messages move along.

    An entry that is all of its story stays where it is. Raises KeyError when the entry is not in the story.
    """
    engine.story_lock(tx)
    story_id = story_rows.resolve(tx, story_id)
    members = list_story_entries(tx, story_id)
    leaving = [member for member in members if member.entry.id == entry_id]
    staying = [member for member in members if member.entry.id != entry_id]
    if not leaving:
        raise KeyError(entry_id)
    if not staying and not get_story(tx, story_id).seeds:
        return story_id
    entry = leaving[-1].entry
    level = find_decision(tx, entry_id)
    outlets = [entry.outlet] if entry.outlet else []
    new_id = _insert(tx, entry.title, level.level if level else model.Level.INFO, now, entries=1, outlets=outlets)
    _move_entry(tx, entry_id, story_id, new_id)
    remaining: list[str] = []
    for member in staying:
        remaining = story_rows.with_outlet(remaining, member.entry.outlet)
    counts = {"entries": len({member.entry.id for member in staying}), "outlets": remaining}
    tx.connection().execute(sa.update(tables.stories).where(tables.stories.c.id == story_id).values(**counts))
    _note(tx, "split", story_id, new_id, entry_id, author, now)
    return new_id


def list_corrections(tx: Session, *, after: int = 0) -> tuple[Correction, ...]:
    """Return what people corrected, in that order, after the correction `after`; an index in memory follows it."""
    table = tables.corrections
    rows = tx.connection().execute(sa.select(table).where(table.c.id > after).order_by(table.c.id)).mappings()
    return tuple(Correction(**row) for row in rows)


def last_correction(tx: Session) -> int:
    """Return the number of the latest correction, 0 before the first."""
    return tx.connection().scalar(sa.select(sa.func.max(tables.corrections.c.id))) or 0


# --- rows -------------------------------------------------------------------------------------------------------


def _insert(tx: Session, title: str, level: model.Level, now: datetime, *, entries: int, outlets: list[str]) -> int:
    row = {
        "title": title,
        "level": level.value,
        "opened_at": now,
        "last_at": now,
        "entries": entries,
        "outlets": outlets,
        "raised": False,
    }
    return int(tx.connection().execute(_INSERT, row).scalar_one())


def _was_in(tx: Session, story_id: int, entry: model.Entry) -> bool:
    """Whether an earlier revision of the entry was counted in the story."""
    if entry.revision == 1:
        return False
    table = tables.decisions
    earlier = sa.and_(table.c.entry_id == entry.id, table.c.revision < entry.revision, table.c.story_id == story_id)
    return tx.connection().execute(sa.select(table.c.id).where(earlier).limit(1)).first() is not None


def _last_sequence(tx: Session, story_id: int) -> int:
    table = tables.alerts
    return tx.connection().scalar(sa.select(sa.func.max(table.c.sequence)).where(table.c.story_id == story_id)) or 0


def _add_up(tx: Session, story_id: int, into_id: int) -> None:
    """Write what the two stories come to together."""
    table = tables.stories
    both = sa.select(table).where(table.c.id.in_((story_id, into_id))).with_for_update()
    rows = {row["id"]: row for row in tx.connection().execute(both).mappings()}
    tx.connection().execute(sa.update(table).where(table.c.id == into_id).values(**_sum(rows[into_id], rows[story_id])))


def _sum(into: RowMapping, other: RowMapping) -> dict[str, object]:
    first, second = sorted((into, other), key=lambda row: row["opened_at"])
    outlets = list(first["outlets"])
    for outlet in second["outlets"]:
        outlets = story_rows.with_outlet(outlets, outlet)
    return {
        "opened_at": first["opened_at"],
        "last_at": max(into["last_at"], other["last_at"]),
        "entries": into["entries"] + other["entries"],
        "outlets": outlets,
        "level": story_rows.higher(into["level"], other["level"]).value,
        "raised": into["raised"] or other["raised"],
    }


def _move_entry(tx: Session, entry_id: int, story_id: int, new_id: int) -> None:
    """Move an entry's decisions, alerts and the messages that bring these alone."""
    sql, table, links = tx.connection(), tables.alerts, tables.notification_alerts
    decided = tables.decisions
    these = sa.and_(decided.c.entry_id == entry_id, decided.c.story_id == story_id)
    sql.execute(sa.update(decided).where(these).values(story_id=new_id))
    raised = sa.select(table.c.id).where(table.c.entry_id == entry_id, table.c.story_id == story_id)
    ids = list(sql.scalars(raised.order_by(table.c.sequence)))
    for sequence, alert_id in enumerate(ids, start=1):
        this = table.c.id == alert_id
        sql.execute(sa.update(table).where(this).values(story_id=new_id, sequence=sequence))
    about = sa.select(links.c.notification_id).where(links.c.alert_id.in_(ids))
    sent = tables.notifications
    single = sa.and_(sent.c.id.in_(about), sent.c.story_id == story_id)
    sql.execute(sa.update(sent).where(single).values(story_id=new_id))


def _note(
    tx: Session, kind: str, story_id: int, into_id: int, entry_id: int | None, author: str, now: datetime
) -> None:
    row = {"made_at": now, "kind": kind, "story_id": story_id, "into_id": into_id, "entry_id": entry_id}
    tx.connection().execute(sa.insert(tables.corrections).values(**row, author=author))
