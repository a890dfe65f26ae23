"""Status, health, feeds and known stories as the store knows them, rule statistics, and replay of what is stored."""

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor import clock
from monitor.store import facts, tables
from tests import desks, postgres
from tests.commands import SMALL_CONFIG, SMALL_RULES, came_in, monitor, set_up
from tests.desks import ARRIVED, RETOLD, WARNED, beat, changed, spoil


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill one folder for the tests of this module."""
    return desks.fill(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, for the test alone."""
    return Path(shutil.copytree(filled, tmp_path / "desk"))


def test_feeds_are_listed_with_their_health(desk: Path) -> None:
    """A feed that was polled is `well`, with when it is polled next and why."""
    (row,) = monitor("feeds", "list", "--json", folder=desk).rows
    assert (row["name"], row["status"], row["why"]) == ("Wire", "well", "every 10m")
    assert "Wire" in monitor("feeds", "list", folder=desk).out


def test_status_says_what_to_do(tmp_path: Path) -> None:
    """Without a daemon it is not well, and says how to start it; exit status 1."""
    set_up(tmp_path)
    found = monitor("status", folder=tmp_path)
    assert found.status == 1
    assert "NOT WELL: the daemon has never run on this store\n          start it: monitor run\n" in found.out


def test_status_is_well_under_cron(desk: Path) -> None:
    """Feeds that were polled within the hour are well, daemon or not: `monitor poll` is a way to run it, too."""
    found = monitor("status", folder=desk)
    assert found.status == 0
    assert "2 new, 1 duplicate; 2 alerts" in found.out


def test_status_names_a_daemon_that_died(tmp_path: Path) -> None:
    """An old sign of life is not well."""
    path = set_up(tmp_path)
    came_in(path, WARNED, at=clock.now() - timedelta(hours=3))
    beat(tmp_path, clock.now() - timedelta(hours=2))
    found = monitor("status", folder=tmp_path)
    assert found.status == 1
    assert (
        "NOT WELL: the daemon's last sign of life (process 7 on here) is 2 h old\n"
        "          start it: monitor run; why it ended: journalctl -u monitor, docker compose logs\n"
    ) in found.out


def test_status_names_what_waits(tmp_path: Path) -> None:
    """A story that waits for more outlets is named, until it was told."""
    path = set_up(tmp_path, rules=SMALL_RULES.replace("level: high", "level: high\n    min_sources: 2"))
    came_in(path, WARNED, at=clock.now() - timedelta(minutes=5))
    (state,) = monitor("status", "--json", folder=tmp_path).rows
    assert state["waiting_stories"] == [{"story": 1, "title": WARNED}]
    assert f"S-1 {WARNED} (for more outlets)" in monitor("status", folder=tmp_path).out


def test_status_is_well(desk: Path) -> None:
    """With a living daemon and nothing dead all is well; exit status 0."""
    beat(desk, clock.now())
    found = monitor("status", folder=desk)
    assert found.out.endswith("All is well.\n")
    assert found.status == 0
    (row,) = monitor("status", "--json", folder=desk).rows
    assert row["well"] is True
    assert row["outbox"] == {"desk": {"pending": 1}}
    assert row["decisions_24h"] == {"new": 2, "duplicate": 1}


def test_status_names_dead_letters(desk: Path) -> None:
    """A dead letter is not well, and the command that mends it is named."""
    beat(desk, clock.now())
    spoil(desk)
    found = monitor("status", folder=desk)
    assert found.status == 1
    assert "1 message could not be sent" in found.out
    assert "monitor outbox retry" in found.out


def test_status_names_broken_rules(desk: Path) -> None:
    """Rules that were broken meanwhile are told by status, with their place."""
    beat(desk, clock.now())
    (desk / "rules" / "own.yaml").write_text("rules: [", encoding="utf-8")
    found = monitor("status", folder=desk)
    assert found.status == 1
    assert "rules are broken: rules/own.yaml:" in found.out


@pytest.mark.parametrize(("age", "status"), [(1, 0), (80, 0), (100, 1), (-3600, 1)])
def test_the_heartbeat_tells_whether_it_lives(desk: Path, age: int, status: int) -> None:
    """A heartbeat younger than 90 s is a living daemon; an older one, or one from the future, is not."""
    beat(desk, clock.now() - timedelta(seconds=age))
    found = monitor("healthcheck", folder=desk)
    assert found.status == status
    assert found.out.startswith("alive: process 7 on here" if status == 0 else "not running: ")
    assert found.out.count("\n") == 1


def test_before_the_first_run_it_does_not_live(tmp_path: Path) -> None:
    """Without a store there is no daemon; no traceback."""
    set_up(tmp_path)
    found = monitor("healthcheck", folder=tmp_path)
    assert found.status == 1
    assert found.out.startswith("not running: ")


def test_known_stories_are_listed_and_held_back(tmp_path: Path) -> None:
    """A seed is listed with its story, and status counts what it held back, by story."""
    path = set_up(tmp_path)
    monitor("seeds", "add", "--title", WARNED, "--text", "Washington warned both.", folder=tmp_path)
    came_in(path, RETOLD, at=clock.now() - timedelta(minutes=5))
    (seed,) = monitor("seeds", "list", "--json", folder=tmp_path).rows
    assert seed["title"] == WARNED
    assert monitor("alerts", "list", "--json", folder=tmp_path).rows == []
    (state,) = monitor("status", "--json", folder=tmp_path).rows
    assert state["held_back_24h"] == [{"story": seed["story"], "title": WARNED, "entries": 1}]
    assert f"1 by S-{seed['story']} ({WARNED})" in monitor("status", folder=tmp_path).out


def test_stats_tell_what_each_rule_matched(desk: Path) -> None:
    """`check --stats` names each rule with its matches, what became of them and headlines."""
    rows = monitor("check", "--stats", "--json", folder=desk).rows
    threat = next(row for row in rows if row["rule"] == "sanctions-threat")
    assert (threat["matches"], threat["decisions"]) == (2, {"new": 1, "duplicate": 1})
    assert threat["headlines"] == [RETOLD, WARNED]
    assert "sanctions-threat: 2 in 30 days" in monitor("check", "--stats", folder=desk).out


def test_replay_takes_what_is_stored(desk: Path) -> None:
    """`replay --since` runs stored entries in the order in which they came."""
    rows = monitor("replay", "--since", "1d", "--json", folder=desk).rows
    assert [row["decision"] for row in rows] == ["new", "new", "unmatched", "duplicate"]
    assert WARNED in monitor("replay", "--since", "1d", folder=desk).out


@pytest.mark.parametrize(
    "command",
    [
        "alerts list",
        "stories list",
        "entries search",
        "outbox list",
        "silence list",
        "feeds list",
        "seeds list",
        "status",
    ],
)
def test_a_look_makes_nothing(tmp_path: Path, command: str) -> None:
    """Before the first run a listing is empty, and makes no database that the daemon's user could not write."""
    set_up(tmp_path)
    assert monitor(*command.split(), folder=tmp_path).err == ""
    assert not (tmp_path / "monitor.db").exists()


def test_the_tables_are_brought_up_to_date(tmp_path: Path) -> None:
    """`db upgrade` makes the database."""
    set_up(tmp_path)
    assert monitor("db", "upgrade", folder=tmp_path).out == f"{tmp_path}/monitor.db: the tables are up to date\n"
    assert (tmp_path / "monitor.db").exists()


def test_a_look_waits_for_nobody_who_writes(desk: Path) -> None:
    """A listing is answered while somebody is in the middle of a write."""
    store = changed(desk)
    with store.write() as tx:
        facts.put(tx, "busy", {}, clock.now())
        began = time.monotonic()
        assert len(monitor("alerts", "list", "--json", folder=desk).rows) == 2
        assert time.monotonic() - began < 5
    store.close()


def test_every_look_works_on_postgresql(postgres_server: str, tmp_path: Path) -> None:
    """What commands show is the same on PostgreSQL; nothing shows the database's password."""
    with postgres.database(postgres_server, f"monitor_cli_{os.getpid()}") as url:
        desks.fill(tmp_path, f'[store]\nurl = "{url}"\n')
        assert [row["title"] for row in monitor("alerts", "list", "--json", folder=tmp_path).rows] == [ARRIVED, WARNED]
        assert len(monitor("stories", "list", "--json", folder=tmp_path).rows) == 2
        assert len(monitor("entries", "search", "--json", folder=tmp_path).rows) == 4
        assert monitor("silence", "add", "--story", "1", "--for", "1h", folder=tmp_path).status == 0
        assert monitor("healthcheck", folder=tmp_path).status == 1
        assert "now pending" in monitor("explain", "A-1", folder=tmp_path).out
        assert monitor("status", folder=tmp_path).status == 0


def test_among_several_workers_the_one_of_this_machine_is_asked(postgres_server: str, tmp_path: Path) -> None:
    """A worker elsewhere that lives does not make this machine's healthy; a machine without one hears of any."""
    here = os.uname().nodename
    with postgres.database(postgres_server, f"monitor_beat_{os.getpid()}") as url:
        set_up(tmp_path, config=SMALL_CONFIG + f'[store]\nurl = "{url}"\n')
        monitor("db", "upgrade", folder=tmp_path)
        beat(tmp_path, clock.now())
        assert monitor("healthcheck", folder=tmp_path).out.startswith("alive: process 7 on here")
        store = changed(tmp_path)
        for host, age in (("elsewhere", 1), (here, 200)):
            worker = {"id": host, "host": host, "pid": 8, "version": "1", "revision": "2", "files": {}}
            at = clock.now() - timedelta(seconds=age)
            with store.write() as tx:
                seen = {"clock_ahead": 0.0, "started_at": at, "seen_at": at}
                tx.connection().execute(sa.insert(tables.workers), [worker | seen])
        store.close()
        found = monitor("healthcheck", folder=tmp_path)
        assert found.status == 1
        assert found.out.startswith(f"not running: the last heartbeat, of process 8 on {here}, version 1, is 3 min old")


def test_a_database_that_is_away_is_failed(tmp_path: Path) -> None:
    """A server that does not answer is no mistake in the configuration: one line and status 1, without the password."""
    away = '[store]\nurl = "postgresql://monitor:hunter2@127.0.0.1:9/monitor"\n'
    set_up(tmp_path, config=SMALL_CONFIG + away)
    found = monitor("status", folder=tmp_path)
    assert found.status == 1
    assert found.err.count("\n") == 1
    assert "hunter2" not in found.err
