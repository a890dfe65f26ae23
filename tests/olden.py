"""Databases that an older program left: the tables of revision 0001, with rows."""

import sqlite3
from pathlib import Path

from monitor.store import engine, migrate

AT = "2026-03-01T08:00:00.000000+00:00"
SPEC = '{"name": "Wire", "url": "https://wire.example/rss", "tags": []}'
_FEED = f"""INSERT INTO feeds (id, name, spec, url, status, next_poll_at, failures, why)
VALUES (3, 'Wire', '{SPEC}', 'https://wire.example/rss', 'active', '{AT}', 0, '')"""
_ENTRY = f"""INSERT INTO entries (id, feed_id, key, fingerprint, revision, title, summary, body, url, outlet, language,
first_seen_at, first_poll, status, attempts)
VALUES (8, 3, 'k', 'f', 1, 'Old news', '', '', '', '', 'en', '{AT}', false, 'processed', 1)"""


def make(url: str, *, rows: bool = True) -> None:
    """Make a database at revision 0001, with a feed and an entry."""
    store = engine.open_store(url)
    with store.write() as tx:
        migrate.upgrade(tx.connection(), store.name, to="0001")
        for statement in (_FEED, _ENTRY) if rows else ():
            tx.connection().exec_driver_sql(statement)
    store.close()


def revision(path: Path) -> str:
    """Return the revision of a SQLite database, as another program reads it."""
    with sqlite3.connect(path) as other:
        (found,) = other.execute("SELECT version_num FROM alembic_version").fetchone()
    other.close()
    return str(found)


def titles(path: Path) -> list[str]:
    """Return the titles of the entries of a SQLite database, as another program reads them."""
    with sqlite3.connect(path) as other:
        found = [title for (title,) in other.execute("SELECT title FROM entries ORDER BY id")]
    other.close()
    return found
