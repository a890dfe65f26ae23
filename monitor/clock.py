"""The one door to the wall clock. Shell: for `daemon`, `cli`, `web` and `demo`; all else is told `now`."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251
