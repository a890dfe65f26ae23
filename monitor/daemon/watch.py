"""What may change under a running daemon: its files, and the clock. Shell."""

import asyncio
import os
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import watchfiles

from monitor import config, shipped

_SUFFIXES = frozenset({".toml", ".yaml", ".yml", ".txt", ".md"})
_JUMP = timedelta(seconds=2)


def watched_paths(settings: config.Settings, file: Path | None) -> tuple[Path, ...]:
    """Return the files and folders whose change means a reload; those that are not there are left out."""
    rules = (shipped.RULES if path == "builtin" else settings.folder / path for path in settings.rules.paths)
    files = (file, file.with_name(config.FEEDS_FILE)) if file else ()
    return tuple(path for path in (*files, *rules, *settings.seed_paths) if path.exists())


async def until_changed(paths: Iterable[Path], stop: asyncio.Event) -> bool:
    """Wait until something below `paths` changes; False when `stop` was set first.

    The folders of single files are watched, not the files: editors write another file and rename it.
    """
    exact = {path.resolve() for path in paths}
    places = {path if path.is_dir() else path.parent for path in exact}

    def matters(_: watchfiles.Change, changed: str) -> bool:
        path = Path(changed)
        inside = path in exact or any(folder in path.parents for folder in exact)
        return inside and (path.suffix in _SUFFIXES or path in exact)

    changes = watchfiles.awatch(
        *places,
        watch_filter=matters,
        stop_event=_OwnEvent(stop),
        recursive=False,
        ignore_permission_denied=True,
        rust_timeout=1000,
    )
    async for _ in changes:
        return True
    return False


class _OwnEvent(asyncio.Event):
    """Set when `stop` is, or alone: watchfiles sets the event that it was given when it is cancelled."""

    def __init__(self, stop: asyncio.Event) -> None:
        super().__init__()
        self._stop = stop

    def is_set(self) -> bool:
        """Whether to stop watching."""
        return super().is_set() or self._stop.is_set()


class ClockWatch:
    """Notices when wall time and monotonic time part company: a clock that was set, or a machine that slept."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def jump(self) -> timedelta:
        """Return how far the wall clock jumped since the last call, forward positive; zero for less than 2 s."""
        offset = time.time() - time.monotonic()
        jumped = timedelta(seconds=offset - self._offset)
        self._offset = offset
        return jumped if abs(jumped) >= _JUMP else timedelta()


def describe_self() -> dict[str, object]:
    """Return who we are, for the heartbeat: process and host."""
    return {"pid": os.getpid(), "host": os.uname().nodename}
