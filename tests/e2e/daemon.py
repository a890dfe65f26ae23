"""A real daemon in a child process, for tests that end it in every way."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from monitor.store import engine
from tests import servers

RULES = """\
version: 1
rules:
  - id: sanctions-threat
    title: Sanctions threat
    level: high
    match:
      near: ["sanction*", [threaten, threatens, warns]]
      within: 8
    tests:
      match: ["Ministry threatens sanctions"]
      no_match: ["Ministry praises trade"]
"""


class Daemon:
    """`monitor run` on a configuration of its own, in `folder`."""

    def __init__(
        self, folder: Path, feeds: Sequence[str], channels: Sequence[str], more: str = "", *, rules: str = "rules"
    ) -> None:
        """Write its files. feeds: URLs. channels: Apprise URLs. more: further TOML. rules: `rules` for RULES."""
        self.folder = folder
        self.config = folder / "config.toml"
        self.log = folder / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._out: IO[bytes] | None = None
        (folder / "rules").mkdir()
        (folder / "rules" / "own.yaml").write_text(RULES, encoding="utf-8")
        self.config.write_text(_config(feeds, channels, more, rules), encoding="utf-8")

    def start(self, *, crash_at: str = "") -> None:
        """Start it. crash_at: kill it there, `module:function:call` or `:return`; see `crashing.py`."""
        program = ["-m", "tests.e2e.crashing", crash_at] if crash_at else ["-m", "monitor"]
        self._out = self._out or self.log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, *program, "run", "--config", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._out,
            cwd=Path(__file__).parent.parent.parent,
            env=os.environ | {"NO_COLOR": "1"},
        )

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait_for_death(self, seconds: float = 30) -> int:
        """Return the exit status of a daemon that ends by itself."""
        assert self._process
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it went on running:\n{self.text}") from None

    def stop(self, seconds: float = 15) -> int:
        """End it as systemd would, and return its exit status."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self.wait_for_death(seconds)

    def hang_up(self) -> None:
        """Ask it to reload."""
        assert self._process
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        """Leave nothing running."""
        if self._process and self._process.poll() is None:
            self.kill()
        if self._out:
            self._out.close()

    @property
    def text(self) -> str:
        """All that it has logged and printed."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def until_logged(self, words: str, seconds: float = 20, *, times: int = 1) -> None:
        """Wait until `words` stand in its log so many times."""
        try:
            servers.until(lambda: self.text.count(words) >= times, seconds)
        except AssertionError:
            raise AssertionError(f"{words!r} was not logged:\n{self.text}") from None

    def store(self) -> engine.Store:
        """Open its database, to look; the caller closes it."""
        return engine.open_store(f"sqlite:///{self.folder}/monitor.db")


def _config(feeds: Sequence[str], channels: Sequence[str], more: str, rules: str) -> str:
    lines = [
        "[poll]",
        'interval = "1s"',
        'timeout = "5s"',
        'first = "alert"',
        'allow_networks = ["127.0.0.0/8"]',
        "[rules]",
        f'paths = ["{rules}"]',
        "[web]",
        'listen = "off"',
    ]
    for number, url in enumerate(feeds):
        lines += ["[[feeds]]", f'name = "feed{number}"', f'url = "{url}"']
    for number, url in enumerate(channels):
        lines += ["[[channels]]", f'name = "channel{number}"', f'url = "{url}"']
    return "\n".join([*lines, more, ""])
