"""How much there is of everything, for whoever watches: one look, a number each. Shell."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from monitor import model
from monitor.store import engine, entries, facts, feeds, outbox, silences, tables, workers


@dataclass(frozen=True, slots=True)
class Gauges:
    """One look.

    failing: active feeds whose last poll failed. due: active feeds whose time has come; longest_due_at: since when the
    first of them waits. entries_pending_since_at, notification_pending_since_at: of the oldest that waits, None when
    none does. workers_gone: not seen for a minute, within a day. size: of the database in bytes, with its log; free:
    bytes left on its disk, None when that is another machine's.
    """

    feeds: Mapping[model.FeedStatus, int]
    failing: int
    due: int
    longest_due_at: datetime | None
    entries_pending: int
    entries_pending_since_at: datetime | None
    notifications: Mapping[tuple[str, model.NotificationState], int]
    notification_pending_since_at: datetime | None
    silences: int
    workers: int
    workers_gone: int
    heartbeat_at: datetime | None
    size: int
    free: int | None


def look(store: engine.Store, now: datetime) -> Gauges:
    """Count everything at `now`. Raises StoreError."""
    with store.read() as tx:
        next_due_at = feeds.next_due_at(tx)
        due = _count_feeds(tx, tables.feeds.c.next_poll_at <= now)
        beat = facts.find(tx, "heartbeat")
        gone = [worker.is_gone for worker in workers.list_workers(tx, now)]
        return Gauges(
            feeds=feeds.count_by_status(tx),
            failing=_count_feeds(tx, tables.feeds.c.failures > 0),
            due=due,
            longest_due_at=next_due_at if due else None,
            entries_pending=entries.count_pending(tx),
            entries_pending_since_at=entries.oldest_pending_at(tx),
            notifications=outbox.counts(tx),
            notification_pending_since_at=outbox.oldest_pending_at(tx),
            silences=len(silences.list_active(tx, now)),
            workers=gone.count(False),
            workers_gone=gone.count(True),
            heartbeat_at=beat[1] if beat else None,
            size=_size(tx, store.path),
            free=shutil.disk_usage(store.path.parent).free if store.path else None,
        )


def _count_feeds(tx: Session, condition: sa.ColumnElement[bool]) -> int:
    active = sa.and_(tables.feeds.c.status == model.FeedStatus.ACTIVE, condition)
    return tx.connection().scalar(sa.select(sa.func.count()).select_from(tables.feeds).where(active)) or 0


def _size(tx: Session, path: Path | None) -> int:
    if path is None:
        return tx.connection().scalar(sa.select(sa.func.pg_database_size(sa.func.current_database()))) or 0
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
