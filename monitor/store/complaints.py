"""What a database error means, in words that tell an operator what to do. Shell: looks at the file's folder."""

import os
from pathlib import Path

from sqlalchemy import exc

from monitor import errors

# What the drivers say, in small letters, and what it means. The first that is found counts.
_MEANINGS = (
    (
        ("database is locked", "database table is locked", "lock timeout", "deadlock detected"),
        "is locked by another process for too long: find who else has it open, or wait",
    ),
    (
        ("database or disk is full", "no space left", "could not extend file", "disk full"),
        "cannot grow, the disk is full: make room; nothing is lost meanwhile",
    ),
    (
        ("readonly database", "read-only", "permission denied for"),
        "cannot be written: give the program's user the right to write the file and its folder",
    ),
    (("file is not a database", "file is encrypted"), "is not a SQLite database: name another file in store.url"),
    (
        ("malformed", "corrupt"),
        "is damaged: put a backup in its place, or save what can be read with `monitor db export` (docs/database.md)",
    ),
    (
        ("unable to open database", "disk i/o error"),
        "cannot be opened or read: see that its folder exists, may be written and that the disk is well",
    ),
    (
        ("no such table", "undefinedtable", "does not exist"),
        "lacks what this program needs: run `monitor db upgrade`",
    ),
    (("no such column", "undefinedcolumn"), "is older than this program: run `monitor db upgrade`"),
    (
        ("password authentication", "no password supplied", "authentication failed"),
        "refuses the user or the password: mend store.url",
    ),
    (
        ("connection refused", "connection failed", "could not translate", "server closed", "terminating connection",
         "connection is closed", "connection timeout", "timeout expired", "the connection is lost", "starting up",
         "shutting down", "failed to resolve", "consuming input failed", "is bad", "in recovery"),
        "cannot be reached: see that the server runs and that store.url names it; it is tried again",
    ),
)  # fmt: skip

_PASSING = ("is locked", "cannot grow", "cannot be reached")


def in_words(error: Exception, name: str) -> str:
    """Return one line: which database, what is wrong, what to do; what the driver said stands in brackets."""
    if isinstance(error, exc.TimeoutError):
        return f"{name}: all connections are in use: something holds its transactions open for too long"
    said, meaning = _meaning(error)
    return f"{name} {meaning} [{said}]" if meaning else f"{name}: the database refuses: {said}"


def complain(error: Exception, name: str) -> errors.StoreError:
    """Return the complaint of `in_words`, which knows whether the trouble may pass by itself."""
    passing = isinstance(error, exc.TimeoutError) or _meaning(error)[1].startswith(_PASSING)
    return errors.StoreError(in_words(error, name), passing=passing)


def unusable(path: Path) -> str | None:
    """Return why a SQLite database cannot live at `path`, in one line with the mend; None when it can."""
    folder = path.parent
    if not folder.exists():
        return f"{path}: the folder {folder} does not exist: create it, or name another path in store.url"
    if not folder.is_dir():
        return f"{path}: {folder} is not a folder: name another path in store.url"
    if path.is_dir():
        return f"{path} is a folder: name a file in it in store.url, such as {path / 'monitor.db'}"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"{path} cannot be written: give the program's user the right to read and write it"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{path}: the folder {folder} cannot be written: give the program's user the right to write into it"
    return None


def _meaning(error: Exception) -> tuple[str, str]:
    """Return what the driver said, and what it means: empty when that is not known."""
    original = getattr(error, "orig", None) or error
    said = " ".join(str(original).split())
    haystack = f"{type(original).__name__} {said}".lower()
    return said, next((meaning for marks, meaning in _MEANINGS if any(mark in haystack for mark in marks)), "")
