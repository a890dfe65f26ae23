"""The workers that share a database: who they are, who has not been seen for too long, what that frees. Shell.

By the database's clock throughout: the clocks of their machines may differ.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from monitor.store import engine, tables

GONE_AFTER = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works on the database.

    revision: of the tables that it works with. files: fingerprints of what its files say, by what they are about.
    clock_ahead: how far its machine's clock is ahead of the database's. unseen: how long it has not been seen.
    """

    id: str
    host: str
    pid: int
    version: str
    revision: str
    files: Mapping[str, str]
    clock_ahead: timedelta
    started_at: datetime
    seen_at: datetime
    unseen: timedelta = timedelta()

    @property
    def is_gone(self) -> bool:
        """Whether it has not been seen for so long that others take over what it holds."""
        return self.unseen > GONE_AFTER

    @property
    def name(self) -> str:
        """What people call it."""
        return f"process {self.pid} on {self.host}"


def beat(tx: Session, worker: Worker, now: datetime) -> None:
    """Say that `worker` lives, and who it is."""
    at, table = engine.lease_now(tx, now), tables.workers
    row = {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
        "revision": worker.revision,
        "files": dict(worker.files),
        "clock_ahead": worker.clock_ahead.total_seconds(),
        "started_at": worker.started_at,
        "seen_at": at,
        "gone_at": None,
    }
    insertion = engine.insert(tx, table).values(**row)
    changed = {name: insertion.excluded[name] for name in ("files", "clock_ahead", "seen_at", "gone_at")}
    tx.connection().execute(insertion.on_conflict_do_update(index_elements=["id"], set_=changed))


def list_workers(tx: Session, now: datetime) -> tuple[Worker, ...]:
    """Return all that are not forgotten, in the order of their start."""
    at, table = engine.lease_now(tx, now), tables.workers
    rows = tx.connection().execute(sa.select(table).order_by(table.c.started_at, table.c.id))
    return tuple(
        Worker(
            id=row.id,
            host=row.host,
            pid=row.pid,
            version=row.version,
            revision=row.revision,
            files=row.files,
            clock_ahead=timedelta(seconds=row.clock_ahead),
            started_at=row.started_at,
            seen_at=row.seen_at,
            unseen=max(timedelta(), at - row.seen_at),
        )
        for row in rows
    )


def leave(tx: Session, worker_id: str) -> None:
    """Strike a worker out that ends, or whose place another has taken, and free what it held."""
    _free(tx, worker_id)
    tx.connection().execute(sa.delete(tables.workers).where(tables.workers.c.id == worker_id))


def take_over(tx: Session, now: datetime) -> tuple[str, ...]:
    """Free what workers hold that are gone, so that nobody waits for the end of their leases; return their names.

    One that comes back finds its leases lost, and writes nothing with them. Who is gone for a day is forgotten.
    """
    at, table = engine.lease_now(tx, now), tables.workers
    lost = sa.select(table).where(table.c.seen_at < at - GONE_AFTER, table.c.gone_at.is_(None))
    rows = tx.connection().execute(lost.order_by(table.c.id).with_for_update(skip_locked=True)).all()
    for row in rows:
        _free(tx, row.id)
        tx.connection().execute(sa.update(table).where(table.c.id == row.id).values(gone_at=at))
    tx.connection().execute(sa.delete(table).where(table.c.seen_at < at - FORGOTTEN_AFTER))
    return tuple(f"process {row.pid} on {row.host}" for row in rows)


def differences(workers: Collection[Worker]) -> dict[str, dict[str, list[str]]]:
    """Return in what the workers that are there differ: names by value, by `version`, `tables`, `rules`, ... Pure."""
    found: dict[str, dict[str, list[str]]] = {}
    for worker in workers:
        if not worker.is_gone:
            said = {"version": worker.version, "tables": worker.revision, **worker.files}
            for about, value in said.items():
                found.setdefault(about, {}).setdefault(value, []).append(worker.name)
    return {about: values for about, values in found.items() if len(values) > 1}


def _free(tx: Session, worker_id: str) -> None:
    """End the leases of a worker; what they were for is done by whoever claims it next."""
    for table in (tables.feeds, tables.entries, tables.notifications):
        held = table.c.lease.startswith(f"{worker_id}:", autoescape=True)
        freed = sa.update(table).where(table.c.lease.is_not(None), held)
        tx.connection().execute(freed.values(lease=None, leased_until_at=None))
