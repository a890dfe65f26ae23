"""Workers that share a database: they know each other, and take over from those that are gone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor import clock, errors, model
from monitor.store import engine, entries, facts, feeds, migrate, outbox, tables, workers
from tests import postgres, stored
from tests.commands import SMALL_CONFIG, monitor, set_up
from tests.e2e import loopback
from tests.stored import MINUTE, NOON

SELF = workers.Worker(
    id="a" * 32,
    host="north",
    pid=7,
    version="1.0",
    revision=migrate.HEAD,
    files={"rules": "r1", "feeds": "f1"},
    clock_ahead=timedelta(),
    started_at=NOON,
    seen_at=NOON,
)
OTHER = replace(SELF, id="b" * 32, host="south", pid=9)


def test_a_worker_that_is_gone_gives_up_what_it_held(store: engine.Store) -> None:
    """After a minute without a sign of life its feeds, entries and messages are free; what it writes then is lost."""
    held = _hold(store, SELF)
    _say(store, SELF, OTHER)
    with store.write() as tx:
        assert workers.take_over(tx, NOON) == ()
    _let_pass(store, SELF, workers.GONE_AFTER + timedelta(seconds=1))
    with store.write() as tx:
        assert workers.take_over(tx, NOON) == ("process 7 on north",)
        assert workers.take_over(tx, NOON) == (), "it is told once"
    assert stored.save(store, stored.a_record(held[0])).lost == ("Wire",)
    with store.write() as tx:
        assert not entries.mark_processed(tx, held[1], 1, f"{SELF.id}:entry")
        assert not outbox.settle_sent(tx, held[2], f"{SELF.id}:send", NOON)
        until = NOON + MINUTE
        assert feeds.claim_due(tx, NOON, limit=5, lease=f"{OTHER.id}:1", until=until, names=["Wire"])
        assert entries.claim_pending(tx, NOON, limit=5, lease=f"{OTHER.id}:2", until=until)
        assert outbox.claim_next(tx, "desk", NOON, lease=f"{OTHER.id}:3", until=until)


def test_a_worker_that_lives_keeps_what_it_holds(store: engine.Store) -> None:
    """Another one's death frees nothing of it; nor does its own past, once it has come back."""
    _say(store, SELF, OTHER)
    _let_pass(store, SELF, 2 * MINUTE)
    with store.write() as tx:
        workers.take_over(tx, NOON)
    feed, _, _ = _hold(store, SELF)  # it was paused, and goes on
    with store.write() as tx:
        assert workers.take_over(tx, NOON) == ()
    assert stored.save(store, stored.a_record(feed)).lost == ()


def test_who_is_gone_for_a_day_is_forgotten(store: engine.Store) -> None:
    """Until then it is listed as gone; whoever ends by itself is not listed at all."""
    _say(store, SELF, OTHER)
    _let_pass(store, SELF, timedelta(hours=23))
    with store.write() as tx:
        workers.leave(tx, OTHER.id)
        workers.take_over(tx, NOON)
        assert [(one.name, one.is_gone) for one in workers.list_workers(tx, NOON)] == [("process 7 on north", True)]
    _let_pass(store, SELF, timedelta(hours=2))
    with store.write() as tx:
        workers.take_over(tx, NOON)
        assert workers.list_workers(tx, NOON) == ()


def test_differences_are_of_those_that_live() -> None:
    """Versions, tables and each kind of file are compared; who is gone is left aside."""
    other = replace(OTHER, version="1.1", files={"rules": "r2", "feeds": "f1"})
    assert workers.differences([SELF, other]) == {
        "version": {"1.0": ["process 7 on north"], "1.1": ["process 9 on south"]},
        "rules": {"r1": ["process 7 on north"], "r2": ["process 9 on south"]},
    }
    assert workers.differences([SELF, replace(other, unseen=2 * MINUTE)]) == {}
    assert workers.differences([SELF, OTHER]) == {}


@pytest.mark.slow
def test_status_tells_of_the_workers(postgres_server: str, tmp_path: Path) -> None:
    """It lists them, says who is gone, in what they differ and whose clock is off, each with what to do."""
    with postgres.database(postgres_server, f"monitor_workers_{tmp_path.name[-8:]}") as url:
        set_up(tmp_path, config=f'{SMALL_CONFIG}[store]\nurl = "{url}"\n')
        assert monitor("db", "upgrade", folder=tmp_path).status == 0
        store = engine.open_store(url)
        with store.write() as tx:
            facts.put(tx, "heartbeat", {"pid": 9, "host": "south", "version": "1"}, clock.now())
        third = replace(OTHER, id="c" * 32, pid=11, clock_ahead=timedelta(hours=1))
        _say(store, SELF, replace(OTHER, files={"rules": "r2", "feeds": "f1"}, version="0.9"), third)
        _let_pass(store, SELF, timedelta(minutes=5))
        store.close()
        found = monitor("status", folder=tmp_path)
        (state,) = monitor("status", "--json", folder=tmp_path).rows
    assert found.status == 1
    assert [(one["name"], one["gone"]) for one in state["workers"]] == [
        ("process 7 on north", True),
        ("process 9 on south", False),
        ("process 11 on south", False),
    ]
    assert "worker           process 9 on south, version 0.9, rules r2, last seen 0 s ago\n" in found.out
    for what in (
        "process 7 on north was last seen 5 min ago; the others have taken over its work\n          start it again",
        "workers differ in their version (process 9 on south: 0.9; process 11 on south: 1.0)\n          install",
        "workers differ in their rules (process 9 on south: r2; process 11 on south: r1)\n          give every worker",
        "the clock of process 11 on south is 1 h ahead of the database's\n          mend its time service (NTP)",
    ):
        assert f"NOT WELL: {what}" in found.out


def _say(store: engine.Store, *said: workers.Worker) -> None:
    with store.write() as tx:
        for worker in said:
            workers.beat(tx, worker, NOON)


def _let_pass(store: engine.Store, worker: workers.Worker, span: timedelta) -> None:
    """Let nobody have seen a worker for so much longer."""
    table = tables.workers
    with store.write() as tx:
        (seen_at,) = tx.connection().scalars(sa.select(table.c.seen_at).where(table.c.id == worker.id))
        tx.connection().execute(sa.update(table).where(table.c.id == worker.id).values(seen_at=seen_at - span))


def _hold(store: engine.Store, worker: workers.Worker) -> tuple[model.Feed, int, int]:
    """Let a worker hold a feed, an entry and a message."""
    stored.add_entries(store, "US warns Pyongyang")
    feed = stored.claim_feed(store, "Wire", lease=f"{worker.id}:poll")
    number = stored.notify(store)
    with store.write() as tx:
        (claimed,) = entries.claim_pending(tx, NOON, limit=1, lease=f"{worker.id}:entry", until=NOON + MINUTE)
        assert outbox.claim_next(tx, "desk", NOON, lease=f"{worker.id}:send", until=NOON + MINUTE)
    return feed, claimed.id, number


@pytest.mark.slow
def test_what_the_database_does_not_answer_is_given_up(postgres_server: str) -> None:
    """Silence on a wire that is well otherwise ends with a complaint; mended, the next transaction passes."""
    with loopback.Loop() as loop:
        wire = loopback.Wire(loop, postgres_server)
        store = engine.open_store(f"{wire.url}&connect_timeout=2")
        store.bound(timedelta(seconds=0.3))
        _look(store)
        wire.freeze()
        with pytest.raises(errors.StoreError, match="cannot be reached"):
            _look(store)
        wire.mend()
        _look(store)
        wire.cut()
        with pytest.raises(errors.StoreError, match="cannot be reached"):
            _look(store)
        wire.mend()
        _look(store)
        store.close()


def test_who_stands_still_under_a_lock_loses_it(postgres_store: engine.Store) -> None:
    """The server ends a transaction that holds a lock of all workers and does nothing for five seconds."""
    with postgres_store.write() as tx:
        engine.story_lock(tx)
        assert tx.connection().scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "5s"
    with postgres_store.read() as tx:
        assert tx.connection().scalar(sa.text("SHOW idle_in_transaction_session_timeout")) != "5s"


def test_a_worker_finds_tables_that_are_newer(store: engine.Store) -> None:
    """It is told which revision, and what to do; tables that it knows are no matter."""
    assert store.newer() == ""
    with store.write() as tx:
        tx.connection().execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert "was upgraded to revision 9999 under this program: install the newer program everywhere" in store.newer()


def test_the_clock_follows_another() -> None:
    """It goes on by the steady clock from what the other one said, and back by the machine's own."""
    clock.follow(NOON)
    try:
        assert NOON <= clock.now() < NOON + MINUTE
    finally:
        clock.follow(None)
    assert abs(clock.now() - clock.wall()) < MINUTE


def _look(store: engine.Store) -> None:
    with store.read() as tx:
        assert tx.connection().scalar(sa.text("SELECT 1")) == 1
