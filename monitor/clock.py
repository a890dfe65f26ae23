"""The one door to the wall clock. Shell: only `daemon`, `cli`, `web` and `demo` may look at it; all else is told `now`."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251
