"""Copy a SQLite database while others go on writing to it. Shell.

A read is held open on the source from the first page to the last, so that the copy is one moment of it, and a write
meanwhile does not make SQLite begin again. The copy gets its name only once it is whole, checked and on the disk.
"""

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from monitor import errors
from monitor.store import complaints

Progress = Callable[[int, int], None]
"""Called now and then: pages that are copied, pages in all."""

_PAGES = 2_000  # a step: 8 MB
_SPARE = 16 * 2**20  # bytes to leave on the disk beside the copy
_KEPT = 3


def copy(
    source: Path, target: Path, *, progress: Progress | None = None, free: Callable[[Path], int] | None = None
) -> int:
    """Copy the database `source` to the new file `target`, which its owner alone can read. Returns its bytes.

    free: tells the free bytes of a folder's disk; None asks the system. Raises StoreError, and leaves nothing behind,
    when `target` exists, when it does not fit, and when SQLite finds the copy damaged.
    """
    with new_file(target) as part:
        _refuse_small_disk(source, target, (free or _free)(target.parent))
        try:
            _copy(source, part, progress)
        except sqlite3.Error as error:
            raise errors.StoreError(complaints.in_words(error, f"{source} could not be copied: {target}")) from error
    return target.stat().st_size


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield a file to write, for its owner alone; it becomes `target` at the end, once all of it is on the disk.

    Raises StoreError when `target` exists, which is never overwritten, and when it cannot be written; whatever is
    raised, nothing is left behind.
    """
    if target.exists():
        raise errors.StoreError(f"{target} exists already: name another file, or remove it")
    try:
        handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
    except FileNotFoundError as error:
        raise errors.StoreError(f"{target}: the folder {target.parent} does not exist: create it") from error
    except OSError as error:
        raise errors.StoreError(f"{target} cannot be written: {error.strerror}") from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _put_in_place(part, target)
    except FileExistsError as error:
        raise errors.StoreError(f"{target} exists already: name another file, or remove it") from error
    except OSError as error:
        raise errors.StoreError(f"{target} could not be written: {error.strerror}") from error
    finally:
        for rest in (part, *(part.with_name(part.name + end) for end in ("-journal", "-wal", "-shm"))):
            rest.unlink(missing_ok=True)


def before_upgrade(
    source: Path, revision: str, now: datetime, *, free: Callable[[Path], int] | None = None, kept: int = _KEPT
) -> Path:
    """Copy the database beside itself before it leaves `revision`; the newest `kept` of these copies stay.

    Whoever calls holds SQLite's write lock, so that nobody else does the same. Raises StoreError: then nothing has
    changed.
    """
    while (target := source.with_name(f"{source.name}.backup-{revision}-{now:%Y%m%dT%H%M%SZ}")).exists():
        now += timedelta(seconds=1)  # an upgrade that was killed a moment ago made it
    for rest in source.parent.glob(f"{source.name}.backup-*.part*"):  # of a process that was killed
        rest.unlink(missing_ok=True)
    try:
        copy(source, target, free=free)
    except errors.StoreError as error:
        raise errors.StoreError(
            f"{source} was not upgraded, because the backup before it failed; nothing has changed: {error}. To do "
            "without one: `monitor db upgrade --no-backup`",
            passing=True,
        ) from error
    for old in list_backups(source)[kept:]:
        with suppress(OSError):  # somebody else's file: it stays
            old.unlink()
    return target


def list_backups(source: Path) -> tuple[Path, ...]:
    """Return the copies that upgrades have made of `source`, the newest first."""
    ours = re.compile(re.escape(source.name) + r"\.backup-\w+-(\d{8}T\d{6}Z)")
    found = [(match[1], path) for path in source.parent.iterdir() if (match := ours.fullmatch(path.name))]
    return tuple(path for _, path in sorted(found, reverse=True))


def _refuse_small_disk(source: Path, target: Path, free: int) -> None:
    needed = source.stat().st_size + _SPARE
    if free < needed:
        raise errors.StoreError(
            f"{target}: the disk has {free // 2**20} MiB left and {needed // 2**20} MiB are needed: make room"
        )


def _copy(source: Path, part: Path, progress: Progress | None) -> None:
    """Copy page by page and let SQLite look at the result. Raises sqlite3.Error, and StoreError for what it finds."""

    def step(_status: int, left: int, pages: int) -> None:
        if progress:
            progress(pages - left, pages)

    with closing(_connect(source)) as old, closing(_connect(part)) as new:
        old.execute("PRAGMA query_only=ON")
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment that is copied
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):  # what is half done is thrown away as a whole
            new.execute(f"PRAGMA {pragma}")
        old.backup(new, pages=_PAGES, progress=step, sleep=0)
        old.execute("ROLLBACK")
        new.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
        found = new.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise errors.StoreError(f"{source} is damaged ({found}), and so would be its copy")


def _put_in_place(part: Path, target: Path) -> None:
    """Give the copy its name, once all of it is on the disk; never over another file."""
    _sync(part)
    try:
        os.link(part, target)
    except PermissionError:  # a file system without links
        if target.exists():
            raise FileExistsError(target) from None
        part.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=10)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
