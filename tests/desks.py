"""A folder in which entries came in a moment ago, for commands to look at, and what changes its store."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from monitor import clock, config
from monitor.store import engine, facts, outbox
from tests.commands import SMALL_CONFIG, came_in, set_up

WARNED = "US warns Pyongyang and Moscow of new sanctions"
RETOLD = "US warns Pyongyang and Moscow of new sanctions, official says"
ARRIVED = "Putin arrives in Hanoi for a two-day visit"
CUP = "Cup tie postponed after storm"
CHANNEL = '[[channels]]\nname = "desk"\nurl = "json://127.0.0.1:9/"\nmin_level = "high"\n'


def fill(folder: Path, more: str = "") -> Path:
    """Let four entries come in: two tell one story, one another, one matches nothing; return the folder.

    more: lines for the end of the configuration.
    """
    path = set_up(folder, config=SMALL_CONFIG + CHANNEL + more)
    at = clock.now() - timedelta(minutes=5)
    came_in(path, WARNED, ARRIVED, CUP, at=at)
    came_in(path, RETOLD, at=at + timedelta(minutes=1))
    return folder


def changed(folder: Path) -> engine.Store:
    """Open the folder's store."""
    return engine.open_store(config.load(folder / "config.toml").store_url)


def beat(folder: Path, at: datetime) -> None:
    """Store a sign of life of a daemon."""
    store = changed(folder)
    with store.write() as tx:
        facts.put(tx, "heartbeat", {"pid": 7, "host": "here", "version": "1"}, at)
    store.close()


def spoil(folder: Path) -> None:
    """Let the first notification die."""
    store, now = changed(folder), clock.now()
    with store.write() as tx:
        claimed = outbox.claim_next(tx, "desk", now, lease="x", until=now + timedelta(minutes=1))
        assert claimed is not None
        outbox.settle_dead(tx, claimed.id, "x", "401: no such hook", now)
    store.close()


def damage(database: Path, *tables: str) -> None:
    """Overwrite half of the first page of each table with noise, as a bad disk does."""
    with sqlite3.connect(database) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = other.execute("PRAGMA page_size").fetchone()
        roots = [
            page
            for table in tables
            for (page,) in other.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        ]
    other.close()
    with database.open("r+b") as file:
        for page in roots:
            file.seek((page - 1) * size + size // 2)
            file.write(b"\xff" * (size // 2))
