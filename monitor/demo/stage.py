"""The stage: a temporary folder with a configuration, and the daemon as a child process. Shell."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor import errors
from monitor.demo import mail, news, server

CHANNELS = ("mail", "webhook")

_STOP = 12.0  # seconds for the daemon to drain
_TAIL = 12  # lines of its log that are shown when it fails


class Stage:
    """The daemon in a folder of its own, polling `web` and sending to `web` and `postbox`; an async context manager.

    The folder and the child are gone in the end, however it ends. status: the daemon's exit status, None before.
    """

    def __init__(self, web: server.NewsServer, postbox: mail.MailServer, *, page: str = "off") -> None:
        """page: where the daemon's status page listens."""
        self._web, self._postbox, self._page = web, postbox, page
        self._child: asyncio.subprocess.Process | None = None
        self.status: int | None = None

    async def __aenter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="monitor-demo-"))
        self.config = self.folder / "config.toml"
        try:
            self.config.write_text(config_text(self._web, self._postbox, self._page), encoding="utf-8")
            with self._log.open("wb") as log:
                self._child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "monitor",
                    "run",
                    "--config",
                    str(self.config),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={name: value for name, value in os.environ.items() if name != "MONITOR_CONFIG"},
                    start_new_session=True,  # Ctrl-C is ours: we stop the daemon ourselves
                )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def store_url(self) -> str:
        """The daemon's database."""
        return f"sqlite:///{self.folder / 'monitor.db'}"

    def check(self) -> None:
        """Raise MonitorError with the end of its log when the daemon has ended by itself."""
        if self._child is not None and self._child.returncode is not None:
            raise errors.MonitorError(f"the daemon ended with exit status {self._child.returncode}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of the daemon's log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL:])

    async def stop(self) -> None:
        """Stop the daemon by SIGTERM, and by SIGKILL when it does not drain in time."""
        child = self._child
        if child is None or self.status is not None:
            return
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        try:
            self.status = await asyncio.wait_for(child.wait(), _STOP)
        except TimeoutError:
            child.kill()
            self.status = await child.wait()

    @property
    def _log(self) -> Path:
        return self.folder / "daemon.log"


def config_text(web: server.NewsServer, postbox: mail.MailServer, page: str) -> str:
    """Return a config.toml that polls every feed of `web` every second and sends to both receivers."""
    mailbox = f"mailto://127.0.0.1:{postbox.port}?from=monitor@desk.example&to=desk@desk.example"
    tables = [
        '[store]\nurl = "sqlite:///monitor.db"',
        '[poll]\ninterval = "1s"\nper_host = 8\nallow_networks = ["127.0.0.1/32"]\ncontact = "demo@desk.example"',
        '[rules]\npaths = ["builtin"]',
        '[stories]\nseeds = ["builtin"]\nupdate_every = "10s"',
        f"[web]\nlisten = {_quoted(page)}",
        f'[[channels]]\nname = "mail"\nurl = {_quoted(mailbox)}',
        f'[[channels]]\nname = "webhook"\nurl = {_quoted(web.hook_url.replace("http://", "json://"))}',
        *_feed_tables(web, tuple(web.outlets.values())),
    ]
    return "\n\n".join(tables) + "\n"


def _feed_tables(web: server.NewsServer, outlets: Sequence[news.Outlet]) -> list[str]:
    tables = []
    for outlet in outlets:
        lines = [
            "[[feeds]]",
            f"name = {_quoted(outlet.name)}",
            f"url = {_quoted(web.feed_url(outlet.slug))}",
            f"tags = {json.dumps(list(outlet.tags))}",
        ]
        lines += [f"outlet = {_quoted(outlet.outlet)}"] if outlet.outlet else []
        tables.append("\n".join(lines))
    return tables


def _quoted(text: str) -> str:
    """Return `text` as a TOML string; what JSON escapes, TOML does, too."""
    return json.dumps(text, ensure_ascii=False)
