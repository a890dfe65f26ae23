"""The one door to the clock. Shell: for `daemon`, `cli`, `web` and `demo`; all else is told `now`.

`now` is the machine's clock, or another one that the process follows: workers that share a database go by the
database's, so that one whose machine is an hour off plans nothing for an hour that the others do not have.
"""

import time
from datetime import UTC, datetime, timedelta

_followed: tuple[datetime, float] | None = None  # what the other clock said, and what the steady one said then


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    if _followed is None:
        return wall()
    at, steady = _followed
    return at + timedelta(seconds=time.monotonic() - steady)


def wall() -> datetime:
    """Return what the machine's own clock says, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251


def follow(at: datetime | None) -> None:
    """Let `now` follow a clock that says `at` at this moment, by the steady clock; None for the machine's own."""
    global _followed  # noqa: PLW0603  a process has one clock
    _followed = None if at is None else (at, time.monotonic())
