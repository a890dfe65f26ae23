"""Entries on their way through match and dedupe, and what people look up in them. Shell.

An entry is claimed before it is processed, and the attempt is counted with the claim: one that kills the process is
`failed` after three, and holds nobody up.
"""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import engine, poll_rows, tables

ATTEMPTS = 3

_PAGE = 500  # rows that a search reads at a time

# As literal text, because SQLite uses a partial index only where the statement itself says its condition.
_PENDING = sa.text("entries.status = 'pending'")
_TRIED = sa.text("entries.status = 'pending' AND entries.attempts > 0")

_MARK = (
    sa.update(tables.entries)
    .where(
        _PENDING,
        tables.entries.c.id == sa.bindparam("this_id"),
        tables.entries.c.revision == sa.bindparam("this_revision"),
        tables.entries.c.lease == sa.bindparam("this_lease"),
    )
    .values(
        status=model.EntryStatus.PROCESSED.value,
        rules_id=sa.bindparam("rules_id"),
        last_error=None,
        lease=None,
        leased_until_at=None,
    )
)


@dataclass(frozen=True, slots=True)
class Record:
    """An entry and what became of it.

    kind, story_id, because: of its latest decision; None and empty when it matched no rule or is not processed yet.
    """

    entry: model.Entry
    status: model.EntryStatus
    kind: model.Kind | None
    story_id: int | None
    because: str


def claim_pending(
    tx: Session, now: datetime, *, limit: int, lease: str, until: datetime, attempts: int = ATTEMPTS
) -> tuple[model.Entry, ...]:
    """Claim entries that wait to be processed, in order of their ids, and count the attempt.

    A batch is of entries that were never attempted. One that was is claimed alone, so that an entry that kills the
    process cannot use up its neighbours' attempts. What was attempted `attempts` times is left to `fail_exhausted`.
    """
    at = engine.lease_now(tx, now)
    waiting = sa.select(tables.entries).where(_is_waiting(at), tables.entries.c.attempts < attempts)
    waiting = waiting.order_by(tables.entries.c.id).limit(limit).with_for_update(skip_locked=True)
    rows = _batch(tx.connection().execute(waiting).mappings().all())
    engine.take(tx, tables.entries, [row["id"] for row in rows], lease=lease, until=at + (until - now))
    return _entries(tx, rows)


def fail_exhausted(tx: Session, now: datetime, *, attempts: int = ATTEMPTS) -> tuple[model.Entry, ...]:
    """Give up on entries that were attempted `attempts` times, and return them, so that the operator is told."""
    at = engine.lease_now(tx, now)
    exhausted = sa.select(tables.entries).where(_is_waiting(at), _TRIED, tables.entries.c.attempts >= attempts)
    exhausted = exhausted.order_by(tables.entries.c.id).limit(_PAGE).with_for_update(skip_locked=True)
    rows = tx.connection().execute(exhausted).mappings().all()
    _update(tx, [row["id"] for row in rows], None, status=model.EntryStatus.FAILED)
    return _entries(tx, rows)


def mark_unmatched(tx: Session, entry_ids: Collection[int], rules_id: int | None, lease: str) -> int:
    """Mark entries as processed that matched no rule of `rules_id`; return how many this lease still held."""
    return _update(tx, entry_ids, lease, status=model.EntryStatus.PROCESSED, rules_id=rules_id, last_error=None)


def mark_processed(tx: Session, entry_id: int, revision: int, lease: str, rules_id: int | None = None) -> bool:
    """Mark an entry as processed; False when the lease was lost or the entry was edited meanwhile: then roll back."""
    this = {"this_id": entry_id, "this_revision": revision, "this_lease": lease, "rules_id": rules_id}
    return tx.connection().execute(_MARK, this).rowcount == 1


def mark_again(tx: Session, entry_id: int, revision: int, rules_id: int) -> bool:
    """Note that a processed entry was decided again under `rules_id`; False when it was edited or is not processed."""
    table = tables.entries
    this = sa.and_(table.c.id == entry_id, table.c.revision == revision)
    processed = sa.and_(this, table.c.status == model.EntryStatus.PROCESSED)
    return tx.connection().execute(sa.update(table).where(processed).values(rules_id=rules_id)).rowcount == 1


def record_failure(tx: Session, entry_id: int, lease: str, error: str) -> bool:
    """Give an entry back after an attempt that failed, and keep the attempt and the error; False: lease lost."""
    return _update(tx, [entry_id], lease, last_error=poll_rows.legible(error)) == 1


def release(tx: Session, entry_ids: Collection[int], lease: str) -> int:
    """Give entries back that nobody tried, and take back the counted attempt; return how many were still held."""
    return _update(tx, entry_ids, lease, attempts=tables.entries.c.attempts - 1)


def get(tx: Session, entry_id: int) -> model.Entry:
    """Return an entry as it is stored now; raises KeyError."""
    rows = tx.connection().execute(sa.select(tables.entries).where(tables.entries.c.id == entry_id)).mappings().all()
    if not rows:
        raise KeyError(entry_id)
    return _entries(tx, rows)[0]


def get_record(tx: Session, entry_id: int) -> Record:
    """Return an entry with what became of it; raises KeyError."""
    row = tx.connection().execute(_records().where(tables.entries.c.id == entry_id)).mappings().first()
    if row is None:
        raise KeyError(entry_id)
    return _record(row)


def find_by_url(tx: Session, url: str) -> model.Entry | None:
    """Return the newest entry with exactly this link, None without one. Reads the whole table."""
    wanted = sa.select(tables.entries).where(tables.entries.c.url == url).order_by(tables.entries.c.id.desc()).limit(1)
    rows = tx.connection().execute(wanted).mappings().all()
    return _entries(tx, rows)[0] if rows else None


def find_by_title(tx: Session, title: str) -> model.Entry | None:
    """Return the newest entry with exactly this title, None without one. Reads the whole table."""
    table = tables.entries
    wanted = sa.select(table).where(table.c.title == title).order_by(table.c.id.desc()).limit(1)
    rows = tx.connection().execute(wanted).mappings().all()
    return _entries(tx, rows)[0] if rows else None


def list_titles(tx: Session, since: datetime, until: datetime) -> tuple[tuple[int, str], ...]:
    """Return number and title of the entries first seen between two instants, in the order in which they came."""
    table = tables.entries
    seen = sa.and_(table.c.first_seen_at >= since, table.c.first_seen_at < until)
    rows = tx.connection().execute(sa.select(table.c.id, table.c.title).where(seen).order_by(table.c.id))
    return tuple((row.id, row.title) for row in rows)


def search(
    tx: Session,
    words: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    decision: str | None = None,
    feed: str | None = None,
    limit: int = 50,
) -> tuple[Record, ...]:
    """Return entries in whose title or summary every one of `words` occurs, the newest first.

    Case and accents do not count, and a part of a word is enough. since, until: when we first saw the entry.
    decision: new, duplicate, update, unmatched, pending or failed.
    """
    table = tables.entries
    wanted = _records().order_by(table.c.id.desc())
    if since is not None:
        wanted = wanted.where(table.c.first_seen_at >= since)
    if until is not None:
        wanted = wanted.where(table.c.first_seen_at < until)
    if feed is not None:
        wanted = wanted.where(tables.feeds.c.name == feed)
    if decision is not None:
        wanted = wanted.where(_became(decision))
    found: list[Record] = []
    folded = _fold(words).split()
    for row in _pages(tx, wanted):
        text = _fold(f"{row['title']} {row['summary']}")
        if all(word in text for word in folded):
            found.append(_record(row))
            if len(found) >= limit:
                break
    return tuple(found)


def count_pending(tx: Session) -> int:
    """Return how many entries wait to be processed."""
    return tx.connection().scalar(sa.select(sa.func.count()).select_from(tables.entries).where(_PENDING)) or 0


def oldest_pending_at(tx: Session) -> datetime | None:
    """Return when the entry was first seen that is next to be processed, None when none waits."""
    table = tables.entries
    at: datetime | None = tx.connection().scalar(
        sa.select(table.c.first_seen_at).where(_PENDING).order_by(table.c.id).limit(1)
    )
    return at


def count_by_status(tx: Session, since: datetime) -> dict[model.EntryStatus, int]:
    """Return how many entries first seen since then are in each status; a status without entries is missing."""
    table = tables.entries
    counted = sa.select(table.c.status, sa.func.count()).where(table.c.first_seen_at >= since).group_by(table.c.status)
    return {model.EntryStatus(status): count for status, count in tx.connection().execute(counted)}


def count_by_day(tx: Session, since: datetime) -> dict[str, int]:
    """Return how many entries were first seen on each day since then, by ISO date in UTC, the earliest first."""
    seen_at = tables.entries.c.first_seen_at
    if tx.connection().dialect.name == "sqlite":
        day: sa.ColumnElement[str] = sa.func.substr(sa.type_coerce(seen_at, sa.String), 1, 10)
    else:
        day = sa.func.to_char(sa.func.timezone("UTC", seen_at), "YYYY-MM-DD")
    labelled = day.label("day")
    counted = sa.select(labelled, sa.func.count()).where(seen_at >= since).group_by(labelled).order_by(labelled)
    return {row.day: row[1] for row in tx.connection().execute(counted)}


# --- claims -----------------------------------------------------------------------------------------------------


def _is_waiting(at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_PENDING, engine.lease_is_free(tables.entries, at))


def _batch(rows: Sequence[RowMapping]) -> Sequence[RowMapping]:
    """Return the first row alone if it was attempted, else the rows before the first that was."""
    if rows and rows[0]["attempts"]:
        return rows[:1]
    fresh = [number for number, row in enumerate(rows) if row["attempts"]]
    return rows[: fresh[0]] if fresh else rows


def _update(tx: Session, entry_ids: Collection[int], lease: str | None, **values: object) -> int:
    """Write `values` on pending entries and end the lease; only on those that `lease` holds, if there is one."""
    table = tables.entries
    these = sa.and_(table.c.id.in_(entry_ids), table.c.status == model.EntryStatus.PENDING)
    if lease is not None:
        these = sa.and_(these, table.c.lease == lease)
    if not entry_ids:
        return 0
    statement = sa.update(table).where(these).values(lease=None, leased_until_at=None, **values)
    return tx.connection().execute(statement).rowcount


# --- rows -------------------------------------------------------------------------------------------------------


def _entries(tx: Session, rows: Sequence[RowMapping]) -> tuple[model.Entry, ...]:
    """Return rows of the table as entries, with the names and tags of their feeds, in the same order."""
    table = tables.feeds
    wanted = sa.select(table.c.id, table.c.name, table.c.spec).where(table.c.id.in_({row["feed_id"] for row in rows}))
    feeds = {row.id: (row.name, tuple(row.spec["tags"])) for row in tx.connection().execute(wanted)} if rows else {}
    return tuple(_entry(row, *feeds[row["feed_id"]]) for row in rows)


def _entry(row: RowMapping, feed: str, tags: tuple[str, ...]) -> model.Entry:
    return model.Entry(
        id=row["id"],
        feed=feed,
        key=row["key"],
        title=row["title"],
        first_seen_at=row["first_seen_at"],
        summary=row["summary"],
        body=row["body"],
        url=row["url"],
        outlet=row["outlet"],
        language=row["language"],
        published_at=row["published_at"],
        revision=row["revision"],
        first_poll=row["first_poll"],
        feed_tags=tags,
    )


def _records() -> sa.Select[Any]:
    """Select entries with their feed and their latest decision."""
    decided, feeds, table = tables.decisions, tables.feeds, tables.entries
    other = decided.alias()
    newest = sa.select(sa.func.max(other.c.id)).where(other.c.entry_id == table.c.id).correlate(table).scalar_subquery()
    columns = (feeds.c.name, feeds.c.spec, decided.c.kind, decided.c.story_id, decided.c.because)
    joined = table.join(feeds, feeds.c.id == table.c.feed_id).outerjoin(decided, decided.c.id == newest)
    return sa.select(table, *columns).select_from(joined)


def _became(decision: str) -> sa.ColumnElement[bool]:
    status = tables.entries.c.status
    if decision in (model.EntryStatus.PENDING, model.EntryStatus.FAILED):
        return status == decision
    if decision == "unmatched":
        return sa.and_(status == model.EntryStatus.PROCESSED, tables.decisions.c.id.is_(None))
    return tables.decisions.c.kind == model.Kind(decision)


def _record(row: RowMapping) -> Record:
    return Record(
        entry=_entry(row, row["name"], tuple(row["spec"]["tags"])),
        status=model.EntryStatus(row["status"]),
        kind=model.Kind(row["kind"]) if row["kind"] else None,
        story_id=row["story_id"],
        because=row["because"] or "",
    )


def _pages(tx: Session, wanted: sa.Select[Any]) -> Iterator[RowMapping]:
    """Yield rows page by page, downwards by id, so that a search that finds enough stops reading."""
    below: int | None = None
    while True:
        page = wanted if below is None else wanted.where(tables.entries.c.id < below)
        rows = tx.connection().execute(page.limit(_PAGE)).mappings().all()
        yield from rows
        if len(rows) < _PAGE:
            return
        below = rows[-1]["id"]


def _fold(text: str) -> str:
    """Return `text` without case and accents."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in spread if not unicodedata.combining(char))
