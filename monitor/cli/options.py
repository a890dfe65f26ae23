"""The options that many commands share, and what turns their text into values. Shell."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitor import errors

_GIVEN = "monitor.config"
_MOST_DIGITS = 9  # fits every database's integers
MOST = 10**_MOST_DIGITS


def examples(*lines: str) -> str:
    """Return the end of a help text that shows commands as they are typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def remember_config(context: typer.Context, path: Path | None) -> Path | None:
    """Return the configuration that was named after the command, else before it."""
    if path is not None:
        context.meta[_GIVEN] = path
    given = context.meta.get(_GIVEN)
    return given if isinstance(given, Path) else None


def instant(text: str, now: datetime) -> datetime:
    """Return the instant that people mean by "30d" (that long ago) or "2026-11-01" (with or without a time; UTC).

    Raises typer.BadParameter with what to write instead.
    """
    from monitor.config import units

    try:
        return _date(text)
    except (ValueError, OverflowError):
        try:
            return now - units.parse_duration(text)
        except ValueError as error:
            msg = f'{text!r} is neither a length of time like "30d" nor a date like "2026-11-01"'
            raise typer.BadParameter(msg) from error


def _date(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def number(text: str, letter: str) -> int:
    """Return the number of "7" or "A-7". Raises ConfigError with what to write instead."""
    bare = text.strip().upper().removeprefix(letter).removeprefix("-")
    if not (bare.isascii() and bare.isdecimal()) or len(bare) > _MOST_DIGITS:
        msg = f"{text!r} is no number; write it like {letter}-7 or 7"
        raise errors.ConfigError(msg)
    return int(bare)


def login() -> str:
    """Return who is at the keyboard; empty where the user has no name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        callback=remember_config,
        show_default=False,
        help="Configuration file; else MONITOR_CONFIG, ./config.toml, ~/.config/monitor/config.toml, "
        "/etc/monitor/config.toml.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for scripts.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000, metavar="N", help="At most so many.")]
