"""A worker among those of its database: whose place it takes, what it says of itself, what it tells of the others."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor import __version__, clock, config
from monitor.daemon import inforce, member
from monitor.store import engine, migrate, tables, workers
from tests.builders import NOON
from tests.commands import SMALL_CONFIG, SMALL_RULES, set_up

HERE = socket.gethostname()


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    """Let no test leave another's clock behind."""
    yield
    clock.follow(None)


@pytest.fixture
def found(tmp_path: Path) -> inforce.InForce:
    """Return what a small configuration puts in force."""
    return _read(tmp_path / "here")


def test_a_worker_takes_the_place_of_the_one_that_died_here(
    postgres_store: engine.Store, found: inforce.InForce
) -> None:
    """Of those that died on this machine one is struck out; who lives here or is elsewhere stays."""
    dead = _dead_process()
    _say(postgres_store, _worker("a", HERE, dead), _worker("b", HERE, os.getppid()), _worker("c", "elsewhere", dead))
    member.Member(postgres_store, found).enter()
    assert _names(postgres_store) == {(HERE, os.getpid()), (HERE, os.getppid()), ("elsewhere", dead)}


def test_on_sqlite_there_is_no_other(sqlite_store: engine.Store, found: inforce.InForce) -> None:
    """Whoever holds the instance lock is alone, whatever the rows say; at its end nobody is listed."""
    _say(sqlite_store, _worker("a", HERE, os.getppid()), _worker("b", "elsewhere", 7))
    only = member.Member(sqlite_store, found)
    only.enter()
    assert _names(sqlite_store) == {(HERE, os.getpid())}
    only.leave()
    assert _names(sqlite_store) == set()


def test_a_beat_lets_it_begin_and_work(postgres_store: engine.Store, found: inforce.InForce) -> None:
    """Polls and messages begin for 50 seconds after a sign of life; on SQLite nobody else would take them over."""
    postgres_store.alive_until = 0.0
    assert not postgres_store.holds()
    member.Member(postgres_store, found).beat()
    assert postgres_store.holds()
    postgres_store.alive_until = float("inf")


def test_differences_that_last_are_told(postgres_store: engine.Store, found: inforce.InForce, tmp_path: Path) -> None:
    """For ten minutes workers may differ, as in an upgrade; then the operator is told in what, under one topic."""
    now = [0.0]
    one = member.Member(postgres_store, found, steady=lambda: now[0])
    one.enter()
    other = _read(tmp_path / "there", rules=SMALL_RULES.replace("level: high", "level: low"))
    _say(postgres_store, replace(_worker("b", "elsewhere", 7), files=inforce.fingerprints(other)))
    assert one.beat().told == ()
    now[0] += 599
    assert one.beat().told == ()
    now[0] += 2
    (told,) = one.beat().told
    assert told.subject == "Workers of one database differ in their rules"
    assert "process 7 on elsewhere" in told.text
    one.now_works_with(other)
    assert one.beat().told == ()


def test_what_one_workers_files_lack_goes_when_all_agree(
    postgres_store: engine.Store, found: inforce.InForce, tmp_path: Path
) -> None:
    """A feed or known story that others' files may name is left to them; it goes when no worker that lives names it."""
    fuller = _fuller(tmp_path)
    _apply(postgres_store, fuller)
    _say(postgres_store, replace(_worker("b", "elsewhere", 7), files=inforce.fingerprints(fuller)))
    one = member.Member(postgres_store, found)
    one.enter()
    changes = _apply(postgres_store, found)
    assert (changes.feeds.left, changes.feeds.disabled) == (("More",), ())
    assert (changes.seeds.left, changes.seeds.removed) == (("known.txt",), ())
    assert changes.unlike == {"feeds", "stories"}
    one.now_works_with(found, changes.unlike)
    assert not one.beat().agree
    _say(postgres_store, replace(_worker("b", "elsewhere", 7), files=inforce.fingerprints(found)))
    assert one.beat().agree
    _say(postgres_store, _worker("c", "elsewhere", 8))
    assert not one.beat().agree, "one that does not say what it has may have anything"
    with postgres_store.write() as tx:
        workers.leave(tx, "c" * 32)
    assert one.beat().agree
    assert one.beat().agree, "as long as its files were not read anew"
    changes = _apply(postgres_store, found)
    assert (changes.feeds.disabled, changes.seeds.removed) == (("More",), ("known.txt",))
    one.now_works_with(found, changes.unlike)
    assert not one.beat().agree


def test_what_left_the_files_of_the_only_worker_goes_at_once(
    store: engine.Store, found: inforce.InForce, tmp_path: Path
) -> None:
    """So it does when the others are gone, and on SQLite whatever a worker that was killed has left in the tables."""
    fuller = _fuller(tmp_path)
    _apply(store, fuller)
    killed = replace(_worker("b", "elsewhere", 7), files=inforce.fingerprints(fuller))
    _say(store, killed)
    if store.dialect == "postgresql":
        with store.write() as tx:
            long_ago = clock.now() - 2 * workers.GONE_AFTER
            tx.connection().execute(sa.update(tables.workers).values(seen_at=long_ago))
    changes = _apply(store, found)
    assert (changes.feeds.disabled, changes.seeds.removed) == (("More",), ("known.txt",))


def test_fingerprints_tell_what_differs_and_no_secret(found: inforce.InForce, tmp_path: Path) -> None:
    """Each kind of file has its own; a channel's address is in none of them."""
    plain = inforce.fingerprints(found)
    more = _read(tmp_path / "a", more='[[feeds]]\nname = "More"\nurl = "https://more.example/"\n')
    assert {about for about, value in inforce.fingerprints(more).items() if value != plain[about]} == {"feeds"}
    settings = _read(tmp_path / "b", more='[[channels]]\nname = "web"\nurl = "json://user:hunter2@a.example/"\n')
    moved = _read(tmp_path / "c", more='[[channels]]\nname = "web"\nurl = "json://user:hunter3@b.example/"\n')
    assert inforce.fingerprints(settings)["channels"] == inforce.fingerprints(moved)["channels"] != plain["channels"]


def _read(folder: Path, *, rules: str = SMALL_RULES, more: str = "") -> inforce.InForce:
    path = set_up(folder, rules=rules, config=SMALL_CONFIG + more)
    return inforce.read(lambda: config.load(path))


def _fuller(folder: Path) -> inforce.InForce:
    """Return what is in force with a feed and a known story more."""
    (folder / "fuller" / "known").mkdir(parents=True)
    (folder / "fuller" / "known" / "known.txt").write_text("Leaders meet in Geneva\n\nThey talk about arms.\n")
    more = '[stories]\nseeds = ["known"]\n[[feeds]]\nname = "More"\nurl = "https://more.example/"\n'
    return _read(folder / "fuller", more=more)


def _apply(store: engine.Store, found: inforce.InForce) -> inforce.Changes:
    _, changes = inforce.apply(found, store, NOON, lambda _: NOON)
    return changes


def _worker(name: str, host: str, pid: int) -> workers.Worker:
    return workers.Worker(name * 32, host, pid, __version__, migrate.HEAD, {}, timedelta(), NOON, NOON)


def _say(store: engine.Store, *said: workers.Worker) -> None:
    with store.write() as tx:
        for worker in said:
            workers.beat(tx, worker, clock.now())


def _names(store: engine.Store) -> set[tuple[str, int]]:
    with store.read() as tx:
        return {(one.host, one.pid) for one in workers.list_workers(tx, clock.now())}


def _dead_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    return ended.pid
