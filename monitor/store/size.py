"""How large a database is, and what is in it. Shell."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel

from monitor.store import backup, engine, migrate

_LEAST_SPACE = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Size:
    """What a database takes. free_bytes: inside the file, for what comes. backups: what upgrades kept of it."""

    revision: str
    bytes: int
    free_bytes: int
    rows: Mapping[str, int]
    backups: tuple[Path, ...] = ()


def measure(store: engine.Store) -> Size:
    """Count everything."""
    with store.snapshot() as tx:
        sql = tx.connection()
        free = 0
        if store.path:
            free = sql.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            free *= sql.exec_driver_sql("PRAGMA page_size").scalar_one()
        rows = {
            table.name: sql.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in SQLModel.metadata.sorted_tables
        }
        revision = migrate.find_revision(sql) or ""
    kept = backup.list_backups(store.path) if store.path else ()
    return Size(revision, bytes_of(store), free, rows, kept)


def bytes_of(store: engine.Store) -> int:
    """Return what the database takes on its disk, with the log that SQLite writes ahead."""
    if store.path:
        files = (store.path, store.path.with_name(store.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    with store.read() as tx:
        return int(tx.connection().scalar(sa.select(sa.func.pg_database_size(sa.func.current_database()))) or 0)


def short_of_space(database: Path | None, least: int = _LEAST_SPACE) -> str:
    """Return what to tell the operator when a SQLite database's disk has less than `least` bytes left; else empty."""
    if database is None:
        return ""
    free = shutil.disk_usage(database.parent).free
    if free >= least:
        return ""
    return (
        f"{database.parent} has {free // 2**20} MiB left. When it is full, nothing new is stored or sent, and nothing "
        f"that is stored is lost. Make room, or keep less: [keep] entries in the configuration."
    )
