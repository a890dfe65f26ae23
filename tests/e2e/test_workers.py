"""Several workers on one PostgreSQL lose nothing and do nothing twice; `bench/workers.py` is the long form."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import clock, model
from monitor.store import engine, entries, feeds, migrate
from monitor.store import workers as worker_rows
from tests import servers
from tests.builders import NOON
from tests.e2e import faults, workers


@pytest.mark.slow
def test_workers_that_are_killed_paused_and_cut_off_lose_nothing(tmp_path: Path, postgres_server: str) -> None:
    """Every entry is stored and decided once, every alert arrives; at most one extra poll or message a fault."""
    plan = workers.Plan(workers=2, feeds=40, stories=30, seconds=8, faults=4, pause=2, patience=60)
    figures = workers.run(tmp_path, plan, postgres_server)
    logs = [worker.read_text() for worker in tmp_path.glob("*/daemon.log")]
    assert workers.broken(figures, plan) == [], "\n".join(map(str, [figures, *logs]))
    assert sum(figures.faults.values()) == 4


@pytest.mark.slow
def test_a_feed_goes_when_the_last_worker_that_names_it_is_gone(tmp_path: Path, postgres_server: str) -> None:
    """While another worker's files may name it, it is polled; once nobody's do, a running worker sets it aside."""
    other = worker_rows.Worker("b" * 32, "elsewhere", 7, "1", migrate.HEAD, {}, timedelta(), clock.now(), clock.now())
    with workers.world(tmp_path, workers.Plan(workers=1, feeds=2), postgres_server) as world:
        store = engine.open_store(world.url)
        store.upgrade(clock.now())
        with store.write() as tx:
            worker_rows.beat(tx, other, clock.now())
            spec = model.FeedSpec("Of another", world.news.url(0))
            feeds.sync_specs(tx, [spec], clock.now(), first_due=lambda _: clock.now())
        world.start()
        servers.until(lambda: "workers_differ" in world.workers[0].daemon.text, 20)
        assert _status(store) is model.FeedStatus.ACTIVE
        with store.write() as tx:
            worker_rows.leave(tx, other.id)
        servers.until(lambda: _status(store) is model.FeedStatus.DISABLED, 30)
        store.close()
        assert "feeds_left_to_others=1" in world.workers[0].daemon.text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="the shifted clock is a small library in C")
def test_a_worker_whose_clock_is_an_hour_off_does_no_harm(tmp_path: Path, postgres_server: str) -> None:
    """It goes by the database's clock: nothing is polled too early, nothing waits for an hour, and it says so."""
    plan = workers.Plan(workers=2, feeds=40, stories=20, seconds=6, faults=0, interval=3, patience=30)
    with workers.world(tmp_path, plan, postgres_server) as world:
        with faults.Clock(tmp_path) as shifted:
            shifted.set(3600)
            world.workers[0].start()
            world.workers[0].until_started()
        world.workers[1].start()
        world.workers[1].until_started()
        workers.live(world)
        caught_up = world.until_settled()
        figures = workers.count(world, workers.stop(world.workers), caught_up, 0.0)
        store = engine.open_store(world.url)
        with store.read() as tx:
            at = engine.lease_now(tx, NOON)
            due = [feed.next_poll_at for feed in feeds.list_feeds(tx)]
            said = [entries.get(tx, number).first_seen_at for number in range(1, 21)]
        store.close()
        log = world.workers[0].daemon.text
    assert workers.broken(figures, plan) == []
    assert figures.extra_polls == 0
    assert "clock_differs" in log
    assert "1 h ahead of the database's" in log
    assert all(moment and abs(moment - at) < timedelta(minutes=5) for moment in [*due, *said])


def _status(store: engine.Store) -> model.FeedStatus:
    with store.read() as tx:
        return feeds.get_feed(tx, "Of another").status
