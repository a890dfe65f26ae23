"""A database that moves to another one, of either kind, as text."""

import hashlib
import json
import os
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from monitor import errors, model
from monitor.store import engine, facts, migrate, portable, tables
from tests import olden, postgres, stored
from tests.stored import NOON

EXPORTED = timedelta(days=1) + NOON


@pytest.fixture(scope="module")
def target_url(postgres_server: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database to import into."""
    with postgres.database(postgres_server, f"monitor_into_{os.getpid()}") as url:
        yield url


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[engine.Store]:
    """Return an empty database to import into: a new file, or `target_url` made anew."""
    url = f"sqlite:///{tmp_path}/target.db" if request.param == "sqlite" else request.getfixturevalue("target_url")
    opened = engine.open_store(url)
    if opened.dialect == "postgresql":
        with opened.write() as tx:
            tx.connection().execute(sa.text("DROP SCHEMA public CASCADE"))
            tx.connection().execute(sa.text("CREATE SCHEMA public"))
    opened.upgrade()
    yield opened
    opened.close()


both = pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


@both
def test_nothing_is_lost(store: engine.Store, target: engine.Store) -> None:
    """From SQLite and PostgreSQL into both: every column of every row is what it was, and nothing is left out."""
    _live(store)
    contents = portable.load(target, portable.dump(store, EXPORTED))
    assert _all(target) == _all(store)
    assert set(contents.rows) == set(SQLModel.metadata.tables)
    assert all(_all(store).values())  # there was something of everything
    assert (contents.revision, contents.exported_at) == (migrate.HEAD, EXPORTED)


@both
def test_numbers_go_on_after_the_highest(store: engine.Store, target: engine.Store) -> None:
    """New rows get new numbers, also where the row with the highest one is gone."""
    _live(store)
    gone = stored.notify(store)
    with store.write() as tx:
        tx.connection().execute(sa.delete(tables.notifications).where(tables.notifications.c.id == gone))
    portable.load(target, portable.dump(store, EXPORTED))
    assert stored.notify(target) == gone + 1
    with store.read() as tx:
        highest = tx.connection().scalar(sa.select(sa.func.max(tables.entries.c.id)))
    assert stored.new_entry(target).id == highest + 1


@both
def test_claims_are_not_taken_along(store: engine.Store, target: engine.Store) -> None:
    """Whoever had claimed a row works on the old database: in the new one it is free."""
    stored.add_feeds(store, "Wire")
    stored.claim_feed(store)
    portable.load(target, portable.dump(store, EXPORTED))
    assert stored.claim_feed(target, now=NOON).name == "Wire"


def test_an_export_is_one_moment(store: engine.Store, tmp_path: Path) -> None:
    """What is written while the lines come is not among them, in no table."""
    _live(store)
    before = _all(store)
    lines = portable.dump(store, EXPORTED)
    first = [next(lines)]
    stored.new_story(store, "Meanwhile")
    with store.write() as tx:
        facts.put(tx, "meanwhile", {}, NOON)
    target = engine.open_store(f"sqlite:///{tmp_path}/target.db")
    target.upgrade()
    portable.load(target, [*first, *lines])
    assert _all(target) == before
    target.close()


@both
def test_what_an_older_program_exported_is_upgraded(target: engine.Store) -> None:
    """An export of the revision 0001 is taken in, and brought to the present one."""
    portable.load(target, _olden_lines())
    with target.read() as tx:
        assert migrate.find_revision(tx.connection()) == migrate.HEAD
        assert tx.connection().scalars(sa.select(tables.entries.c.title)).all() == ["Old news"]
    assert stored.new_entry(target, feed="Wire").id == 9


@both
def test_only_an_empty_database_takes_an_export(sqlite_store: engine.Store, target: engine.Store) -> None:
    """Where there is a row already, nothing is read and nothing changes."""
    with target.write() as tx:
        facts.put(tx, "mine", {}, NOON)
    with pytest.raises(errors.StoreError, match=r"is not empty \(its table facts holds rows\): name a new database"):
        portable.load(target, portable.dump(sqlite_store, EXPORTED))
    with target.read() as tx:
        assert set(facts.list_facts(tx)) == {"mine"}


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def _cut_within(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-3], lines[-3][:-1]]


def _without_a_row(lines: list[bytes]) -> list[bytes]:
    place = next(place for place, line in enumerate(lines) if b"US warns" in line and line.startswith(b"["))
    return lines[:place] + lines[place + 1 :]


def _altered(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"US warns", b"UK warns") for line in lines]


def _newer(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"revision":"', b'"revision":"9'), *lines[1:]]


def _strange(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"etag"', b'"e-mail"') for line in lines]


def _another_file(_: list[bytes]) -> list[bytes]:
    return [b'{"title": "US warns Pyongyang"}\n']


def _no_json(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], b"\xff\xfe\n", *lines[4:]]


@on_sqlite
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_cut, r"is cut off after line \d+: nothing was imported; export again"),
        (_cut_within, r"is cut off after line \d+: nothing was imported"),
        (_without_a_row, r"was altered on its way \(its sum is wrong\): nothing was imported|names one of"),
        (_altered, r"was altered on its way \(its sum is wrong\): nothing was imported"),
        (_newer, r"was written by a newer program \(revision 9\d+\): import it with that one"),
        (_strange, r"line \d+ of the export: 'e-mail' is not known here"),
        (_another_file, r"this is no export: write one with `monitor db export`"),
        (_no_json, r"line 5 of the export cannot be read"),
        (lambda _: [], r"this is no export"),
    ],
)
def test_what_is_not_whole_is_refused(
    sqlite_store: engine.Store, target: engine.Store, change: Any, complaint: str
) -> None:
    """An export that was cut, altered, or is none is refused in one line, and the database stays empty."""
    _live(sqlite_store)
    with pytest.raises(errors.StoreError, match=complaint) as caught:
        portable.load(target, change(list(portable.dump(sqlite_store, EXPORTED))))
    assert "\n" not in str(caught.value)
    assert not any(_all(target).values())
    _live(target)  # and it is as usable as before


@pytest.mark.slow
@on_sqlite
def test_memory_does_not_grow_with_the_rows(sqlite_store: engine.Store, target: engine.Store) -> None:
    """Ten times the rows take no more memory, out and in."""

    def peak(rows: int) -> int:
        with sqlite_store.write() as tx:
            tx.connection().execute(sa.delete(tables.facts))
            tx.connection().execute(
                sa.insert(tables.facts),
                [{"name": f"{number}", "value": {"text": "x" * 300}, "changed_at": NOON} for number in range(rows)],
            )
        with target.write() as tx:
            tx.connection().execute(sa.delete(tables.facts))
        tracemalloc.start()
        portable.load(target, portable.dump(sqlite_store, EXPORTED))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(700)
    assert peak(7_000) < 1.5 * peak(700)


def test_progress_is_told(sqlite_store: engine.Store) -> None:
    """Whoever watches hears of every row in the end, and of how many there are."""
    _live(sqlite_store)
    told: list[tuple[int, int]] = []
    lines = list(portable.dump(sqlite_store, EXPORTED, lambda done, total: told.append((done, total))))
    total = sum(json.loads(lines[0])["rows"].values())
    assert told[-1] == (total, total)


def _live(store: engine.Store) -> None:
    """Let a little of everything happen, with what is hard to move: other scripts, no value, JSON's null, folding."""
    stored.add_feeds(store, "Wire", "Zeitung")
    feed = stored.claim_feed(store, "Zeitung")
    stored.save(store, stored.a_record(feed, model.Polled.FAILED, error="timed out: \u201cslow\u201d \U0001f6a8"))
    story, _, alert = stored.new_story(store, "US warns Pyongyang \u0645\u0631\u062d\u0628\u0627")
    other, _, _ = stored.new_story(store, "US warns Moscow")
    stored.decide(store, stored.new_entry(store, "US warns Pyongyang again"), story_id=story)
    one, two = stored.notify(store, story_id=story, alert_ids=(alert,)), stored.notify(store, channel="mail")
    with store.write() as tx:
        connection = tx.connection()
        held, placed = tables.notifications, tables.stories
        connection.execute(sa.update(held).where(held.c.id == one).values(folded_into=two, message={"text": None}))
        connection.execute(sa.update(placed).where(placed.c.id == story).values(merged_into=other))
        feeds_table = tables.feeds
        nothing = {"Wire": sa.null(), "Zeitung": sa.JSON.NULL}
        for name, value in nothing.items():
            connection.execute(sa.update(feeds_table).where(feeds_table.c.name == name).values(schedule=value))
        connection.execute(sa.update(feeds_table).values(lease=None, leased_until_at=None, gap_seconds=0.1 + 0.2))
        facts.put(tx, "odd", {"number": 1e-7, "none": None, "list": [True, {"a": "\u2028\\u0041"}]}, NOON)
        for table in SQLModel.metadata.sorted_tables:
            if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None:
                connection.execute(sa.insert(table), [_any_row(table)])


def _any_row(table: sa.Table) -> dict[str, object]:
    """Return a row of a table that nothing above fills; whatever it refers to has the number 1."""
    values: tuple[tuple[type[sa.types.TypeEngine[Any]], object], ...] = (
        (tables.Instant, NOON + timedelta(microseconds=1)),
        (sa.JSON, {"a": [1, None]}),
        (sa.Boolean, True),
        (sa.Integer, 1),
        (sa.Float, 0.1),
        (sa.LargeBinary, bytes(range(256))),
    )
    return {
        column.name: next((value for kind, value in values if isinstance(column.type, kind)), "\u0645 text")
        for column in table.c
        if not (column.primary_key and column.autoincrement is True)
    }


def _all(store: engine.Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, JSON as its text."""
    found = {}
    with store.read() as tx:
        for table in SQLModel.metadata.sorted_tables:
            columns = [sa.cast(one, sa.Text) if isinstance(one.type, sa.JSON) else one for one in table.c]
            rows = tx.connection().execute(sa.select(*columns).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
    return found


def _olden_lines() -> list[bytes]:
    """Return what the program of revision 0001 would have exported of the database that `olden` makes."""
    lines: list[object] = [
        {
            "monitor": "export",
            "format": 1,
            "revision": "0001",
            "exported_at": olden.AT,
            "rows": {"feeds": 1, "entries": 1},
            "numbers": {},
        },
        {"table": "feeds", "columns": dict.fromkeys(["name", "url", "status", "why"], "text")
         | {"id": "integer", "failures": "integer", "spec": "json", "next_poll_at": "instant"}},
        ["Wire", "https://wire.example/rss", "active", "", 3, 0, olden.SPEC, olden.AT],
        {"table": "entries", "columns": dict.fromkeys(
            ["key", "fingerprint", "title", "summary", "body", "url", "outlet", "language", "status"], "text")
         | {"id": "integer", "feed_id": "integer", "revision": "integer", "attempts": "integer",
            "first_seen_at": "instant", "first_poll": "boolean"}},
        ["k", "f", "Old news", "", "", "", "", "en", "processed", 8, 3, 1, 1, olden.AT, False],
    ]  # fmt: skip
    written = [json.dumps(line).encode() + b"\n" for line in lines]
    end = {"end": f"sha256:{hashlib.sha256(b''.join(written)).hexdigest()}"}
    return [*written, json.dumps(end).encode() + b"\n"]
