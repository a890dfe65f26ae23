"""What systemd hears of the daemon."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import commands, servers
from tests.e2e.daemon import Daemon


@pytest.mark.slow
def test_a_store_that_is_away_does_not_starve_the_watchdog(tmp_path: Path) -> None:
    """The daemon is not killed and started again for it: it is alive, and goes on when the store is back."""
    daemon = Daemon(tmp_path, [], [])
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        with commands.environment(NOTIFY_SOCKET=str(tmp_path / "notify")):
            daemon.start()
        try:
            told = _Told(systemd)
            servers.until(lambda: told.count("READY=1") and told.count("WATCHDOG=1"), 30)
            _rename(tmp_path / "monitor.db", "facts", "facts_away")
            servers.until(lambda: "store_away" in daemon.text and "tick=heartbeat" in daemon.text, 30)
            before = told.count("WATCHDOG=1")
            servers.until(lambda: told.count("WATCHDOG=1") > before, 30)
            _rename(tmp_path / "monitor.db", "facts_away", "facts")
        finally:
            assert daemon.stop() == 0
            daemon.close()
    assert "tick_raised" not in daemon.text


class _Told:
    """What came to systemd's socket so far."""

    def __init__(self, systemd: socket.socket) -> None:
        self._systemd = systemd
        self._heard: list[str] = []

    def count(self, word: str) -> int:
        """Return how often `word` was said."""
        try:
            while True:
                self._heard.append(self._systemd.recv(4096).decode())
        except BlockingIOError:
            return sum(line == word for said in self._heard for line in said.splitlines())


def _rename(database: Path, table: str, name: str) -> None:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {name}")
        connection.commit()
