"""Open the database for a daemon: upgraded, ours alone, and looked through if whoever had it last was killed. Shell.

A small database is looked through before anything else happens, and a damaged one is not worked on. A look that takes
longer than twenty seconds goes on beside the daemon, and the operator is told: alerts that go out are worth more.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import structlog

from monitor import clock, config, deliver, errors
from monitor.store import backup, engine, facts, migrate, soundness

events = structlog.get_logger()

_AT_START = timedelta(seconds=20)
_AGAIN = 0.5  # seconds
DAMAGED = "damaged"
"""The fact that says what a look beside the daemon has found."""

Inspect = Callable[[Path], tuple[str, ...]]
"""Reads a whole database, and returns what is damaged."""


class Look:
    """A look through a database on a thread of its own, which ends with the process: SQLite cannot be stopped."""

    def __init__(self, inspect: Inspect) -> None:
        """Begin nothing yet: after a good end there is nothing to look for."""
        self._inspect = inspect
        self._path: Path | None = None
        self._complaints: tuple[str, ...] | None = None
        self._goes_on = False
        self._thread = threading.Thread(target=self._run, name="look", daemon=True)

    def begin(self, path: Path, within: timedelta) -> None:
        """Look through `path`, and wait for so long. Raises ConfigError for a file that is damaged."""
        events.warning("ended_uncleanly", database=str(path), why="the last process on it was killed: it is checked")
        self._path = path
        self._thread.start()
        self._thread.join(within.total_seconds())
        self._goes_on = self.is_unfinished
        if self._complaints:
            raise errors.ConfigError(complaint(path, self._complaints[0]))
        if self._goes_on:
            events.warning("look_unfinished", database=str(path), why="it is large: the look goes on beside the daemon")
        else:
            events.info("database_sound", database=str(path))

    @property
    def is_unfinished(self) -> bool:
        """Whether a look was begun and is not over."""
        return self._path is not None and self._complaints is None

    @property
    def is_open(self) -> bool:
        """Whether the database was not found sound."""
        return self.is_unfinished or bool(self._complaints)

    async def go_on(self, store: engine.Store, settings: config.Settings, stop: asyncio.Event) -> None:
        """Wait for the end of the look beside the daemon, and tell the operator of what it finds."""
        if not self._goes_on:
            return
        while not stop.is_set() and self.is_unfinished:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN)
        if self._complaints is not None:
            await asyncio.to_thread(self._tell, store, settings)

    def _run(self) -> None:
        assert self._path
        try:
            self._complaints = self._inspect(self._path)
        except errors.StoreError as error:
            self._complaints = (str(error),)

    def _tell(self, store: engine.Store, settings: config.Settings) -> None:
        assert self._path
        now = clock.now()
        if not self._complaints:
            events.info("database_sound", database=str(self._path))
            return
        found = complaint(self._path, self._complaints[0])
        events.error("database_damaged", error=found)
        with store.write() as tx:
            facts.put(tx, DAMAGED, {"complaint": found}, now)
            topic, subject = f"damaged:{now:%Y-%m-%d}", "The database is damaged"
            deliver.tell_operator(tx, settings.all_channels, topic=topic, subject=subject, text=found, now=now)


@contextmanager
def opened(
    settings: config.Settings, *, within: timedelta = _AT_START, inspect: Inspect = soundness.inspect_file
) -> Iterator[tuple[engine.Store, Look]]:
    """Yield the settings' database, for one daemon, and the look that may go on; closed at the end.

    within: how long the start may wait for the look after a kill. Raises StoreError; ConfigError for a damaged file,
    because to start again would not mend it.
    """
    store, look = engine.open_store(settings.store_url), Look(inspect)
    try:
        done = store.upgrade(clock.now())
        if done:
            tell_upgrade(store.name, done)
        with engine.hold_instance(store, after_kill=lambda path: look.begin(path, within)):
            _forget_damage(store)
            yield store, look
        if look.is_open:
            engine.mark_as_killed(store)  # the next start looks again
    finally:
        store.close()


def tell_upgrade(name: str, done: migrate.Upgraded) -> None:
    """Log what an upgrade did, and where the database is as it was before; tables that were made are no upgrade."""
    if done.before is None:
        return
    kept = str(done.backup) if done.backup else "none: before you upgrade PostgreSQL, keep it with pg_dump"
    events.info("database_upgraded", database=name, before=done.before, revision=done.after, backup=kept)


def complaint(path: Path, found: str) -> str:
    """Return what to say of a damaged file: which, what was found, and the way back."""
    kept = backup.list_backups(path)
    newest = f", the newest that an upgrade kept is {kept[0]}" if kept else ""
    return (
        f"{path} is damaged ({found}): put a backup in its place{newest}; or save what can be read with "
        f"`monitor db export`, and import it into a new one. See docs/database.md"
    )


def _forget_damage(store: engine.Store) -> None:
    """Forget what an earlier daemon's look found: this one looks again."""
    with store.write() as tx:
        facts.remove(tx, DAMAGED)
