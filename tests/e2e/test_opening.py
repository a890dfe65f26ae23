"""A real daemon on a database that the last one left: killed, stopped, damaged, of an older program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import migrate
from tests import desks, olden
from tests.e2e.daemon import Daemon

pytestmark = pytest.mark.slow


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon without feeds, which prints its alerts."""
    it = Daemon(tmp_path, [], [])
    yield it
    it.close()


def test_a_damaged_database_is_found_after_a_kill(daemon: Daemon) -> None:
    """A good end leaves nothing to look for; after a kill the file is read, and a damaged one is not worked on."""
    daemon.start()
    daemon.until_logged("started")
    assert daemon.stop() == 0
    daemon.start()
    daemon.until_logged("started", times=2)
    assert "ended_uncleanly" not in daemon.text
    daemon.kill()
    desks.damage(daemon.folder / "monitor.db", "facts", "rule_versions")
    daemon.start()
    assert daemon.wait_for_death() == 2
    last = daemon.text.splitlines()[-1]
    assert last.startswith(f"{daemon.folder}/monitor.db is damaged (")
    assert last.endswith("See docs/database.md")


def test_a_daemon_upgrades_what_an_older_program_left(daemon: Daemon) -> None:
    """Its log says from where to where, and which file holds the database as it was; then it runs."""
    olden.make(f"sqlite:///{daemon.folder}/monitor.db")
    daemon.start()
    daemon.until_logged("started")
    assert daemon.stop() == 0
    [kept] = daemon.folder.glob("monitor.db.backup-0001-*")
    assert f"before=0001 revision={migrate.HEAD} backup={kept}" in daemon.text
    assert (olden.revision(kept), olden.titles(kept)) == ("0001", ["Old news"])
    assert olden.titles(daemon.folder / "monitor.db") == ["Old news"]
