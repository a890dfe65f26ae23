"""What may change under a running daemon: its files, and the clock. Shell."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import watchfiles

from monitor import config, shipped
from monitor.store import engine, facts, upkeep

events = structlog.get_logger()

_SUFFIXES = frozenset({".toml", ".yaml", ".yml", ".txt", ".md", ".html", ".j2"})
_JUMP = timedelta(seconds=2)


def watched_paths(settings: config.Settings, file: Path | None) -> tuple[Path, ...]:
    """Return the files and folders whose change means a reload; one that is not there may come."""
    rules = (shipped.RULES if path == "builtin" else settings.folder / path for path in settings.rules.paths)
    files = (file, file.with_name(config.FEEDS_FILE)) if file else ()
    return (*files, *rules, *settings.seed_paths, *settings.template_paths)


def stamp(paths: Iterable[Path]) -> frozenset[tuple[str, int, int]]:
    """Return what tells that something below `paths` changed: name, time and size of every file that matters."""
    return frozenset(_stamps(paths))


async def until_changed(paths: Sequence[Path], stop: asyncio.Event, known: object = None) -> bool:
    """Wait until something below `paths` changes; False when `stop` was set first.

    known: the `stamp` of what was read last, None for now's. It is compared every second, so that a change is noticed
    that came while the last one was read, or on a file system that tells nothing.
    The folders of single files are watched, not the files: editors write another file and rename it.
    """
    known = stamp(paths) if known is None else known
    places = {folder for path in paths for folder in _folders(path)}
    changes = watchfiles.awatch(
        *places,
        watch_filter=lambda _, changed: Path(changed).suffix in _SUFFIXES,
        stop_event=_OwnEvent(stop),
        recursive=False,
        ignore_permission_denied=True,
        rust_timeout=1000,
        yield_on_timeout=True,
    )
    async for _ in changes:
        if stamp(paths) != known:
            return True
    return False


def _folders(path: Path) -> Iterator[Path]:
    """Yield the folders to watch for `path`."""
    if not path.is_dir():
        yield next(folder for folder in path.absolute().parents if folder.is_dir())
        return
    yield path
    yield from (below for below in path.rglob("*") if below.is_dir())


def _stamps(paths: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else (path,):
            with suppress(OSError):  # it went while we looked
                found = file.stat()
                if file.suffix in _SUFFIXES:
                    yield str(file), found.st_mtime_ns, found.st_size


class _OwnEvent(asyncio.Event):
    """Set when `stop` is, or alone: watchfiles sets the event that it was given when it is cancelled."""

    def __init__(self, stop: asyncio.Event) -> None:
        super().__init__()
        self._stop = stop

    def is_set(self) -> bool:
        """Whether to stop watching."""
        return super().is_set() or self._stop.is_set()


@dataclass(frozen=True, slots=True)
class Jump:
    """How far the wall clock jumped, forward positive, and when that was at the earliest, by the clock as it is now."""

    by: timedelta
    since_at: datetime


class ClockWatch:
    """Notices when wall time and monotonic time part company: a clock that was set, or a machine that slept."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """Compare from now on. wall, steady: seconds of a clock that people set, and of one that nobody can."""
        self._wall, self._steady = wall, steady
        self._looked, self._looked_steadily = wall(), steady()

    def jump(self) -> Jump | None:
        """Return how the wall clock jumped since the last call; None for less than 2 s."""
        looked, steadily = self._looked, self._looked_steadily
        self._looked, self._looked_steadily = self._wall(), self._steady()
        by = timedelta(seconds=(self._looked - looked) - (self._looked_steadily - steadily))
        return Jump(by, datetime.fromtimestamp(looked, UTC) + by) if abs(by) >= _JUMP else None


def catch_up_with_the_clock(store: engine.Store, now: datetime) -> None:
    """Move what is planned when the clock was set back while nobody ran: the last heartbeat lies ahead then."""
    with store.read() as tx:
        beat = facts.find(tx, "heartbeat")
    if store.dialect == "sqlite" and beat and beat[1] > now + _JUMP:
        events.warning("clock_was_set_back", seconds=round((now - beat[1]).total_seconds(), 1))
        move_due_times(store, now - beat[1])


def move_due_times(store: engine.Store, jump: timedelta, before: datetime | None = None) -> None:
    """Move what is planned with the clock, in a database that one clock plans for."""
    with store.write() as tx:
        upkeep.move_due_times(tx, jump, before)


def describe_self() -> dict[str, object]:
    """Return who we are, for the heartbeat: process and host."""
    return {"pid": os.getpid(), "host": os.uname().nodename}
