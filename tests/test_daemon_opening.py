"""A database is opened for a daemon: upgraded, and looked through after a kill."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor import config, errors
from monitor.daemon import opening
from monitor.store import engine, facts, outbox, soundness
from tests import desks, olden
from tests.commands import set_up
from tests.desks import changed


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with a database in which something came in."""
    return desks.fill(tmp_path)


def test_after_a_good_end_nothing_is_looked_through(desk: Path) -> None:
    """Whoever left the block has said so; the next start has nothing to look for."""
    assert _open(desk) == []
    assert _open(desk) == []


def test_after_a_kill_the_database_is_looked_through(desk: Path) -> None:
    """What a killed process leaves in the lock file makes the next start look, once."""
    _kill(desk)
    assert _open(desk) == ["ended_uncleanly", "database_sound"]
    assert _open(desk) == []


def test_another_command_leaves_the_mark_of_a_kill(desk: Path) -> None:
    """Whoever holds the database and does not look through it leaves that to the daemon."""
    _kill(desk)
    with engine.hold_instance(store := changed(desk)):
        pass
    store.close()
    assert _open(desk) == ["ended_uncleanly", "database_sound"]


def test_a_damaged_database_is_not_worked_on(desk: Path) -> None:
    """One line names the file, what is wrong and the way back; the next start looks again."""
    (desk / "monitor.db.backup-0001-20260101T000000Z").touch()
    desks.damage(desk / "monitor.db", "decisions")
    for _ in range(2):
        _kill(desk)
        with pytest.raises(errors.ConfigError) as caught:
            _open(desk)
        said = str(caught.value)
        assert said.startswith(f"{desk}/monitor.db is damaged (")
        assert f"the newest that an upgrade kept is {desk}/monitor.db.backup-0001-20260101T000000Z" in said
        assert said.endswith("`monitor db export`, and import it into a new one. See docs/database.md")
        assert "\n" not in said


def test_what_takes_too_long_goes_on_beside_the_daemon(desk: Path) -> None:
    """The start does not wait for it; when it finds nothing, that is all."""
    _kill(desk)
    assert _open(desk, beside=True) == ["ended_uncleanly", "look_unfinished", "database_sound"]
    assert _open(desk) == []


def test_what_is_found_beside_the_daemon_is_told(desk: Path) -> None:
    """The operator gets a message with the way back, `status` can say it, and the next start looks again."""
    desks.damage(desk / "monitor.db", "senses")
    _kill(desk)
    assert _open(desk, beside=True) == ["ended_uncleanly", "look_unfinished", "database_damaged"]
    store = changed(desk)
    with store.read() as tx:
        assert facts.find(tx, opening.DAMAGED)
        [message] = [one for one in outbox.list_notifications(tx, limit=9) if one.kind == "operator"]
    store.close()
    assert message.key.startswith("operator:damaged:")
    with pytest.raises(errors.ConfigError, match="is damaged"):
        _open(desk)


def test_a_look_that_was_not_finished_is_begun_again(desk: Path) -> None:
    """A daemon that is stopped before the end leaves it to the next one."""
    _kill(desk)
    assert _open(desk, beside=True, looks=False) == ["ended_uncleanly", "look_unfinished"]
    assert _open(desk) == ["ended_uncleanly", "database_sound"]


def test_an_upgrade_is_logged_with_its_backup(tmp_path: Path) -> None:
    """The daemon's log says from where to where, and which file holds the database as it was."""
    path = set_up(tmp_path)
    olden.make(f"sqlite:///{tmp_path}/monitor.db")
    with capture_logs() as events, opening.opened(config.load(path)):
        pass
    [kept] = tmp_path.glob("monitor.db.backup-0001-*")
    [event] = events
    assert (event["event"], event["before"], event["backup"]) == ("database_upgraded", "0001", str(kept))


def _open(folder: Path, *, looks: bool = True, beside: bool = False) -> list[str]:
    """Open the folder's database as a daemon does, close it, and return the names of what was logged.

    beside: the look takes longer than the start waits. looks: its end comes before the daemon's.
    """
    settings, may_look = config.load(folder / "config.toml"), threading.Event()

    def inspect(path: Path) -> tuple[str, ...]:
        assert may_look.wait(10)
        return soundness.inspect_file(path)

    if not beside:
        may_look.set()
    with (
        capture_logs() as events,
        opening.opened(settings, within=timedelta(seconds=0 if beside else 20), inspect=inspect) as (store, look),
    ):
        if looks:
            may_look.set()
            asyncio.run(look.go_on(store, settings, asyncio.Event()))
    may_look.set()
    return [event["event"] for event in events]


def _kill(folder: Path) -> None:
    """Leave what a killed daemon leaves."""
    (folder / "monitor.db.lock").write_text("process 7 on host here\n", encoding="utf-8")
