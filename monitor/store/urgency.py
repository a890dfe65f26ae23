"""Which of the feeds that are due goes first. Pure."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from monitor.store import tables

_NEVER_POLLED = 600.0  # seconds: a wait like any other


def of(now: datetime) -> sa.ColumnElement[float | Decimal]:
    """Return how late a due feed is, in parts of the wait that was planned for it.

    A second late is much for a feed that is polled every five seconds, and nothing for one that is every hour. Whoever
    waits becomes more urgent, so that nobody waits for ever.
    """
    table = tables.feeds
    planned_at = sa.extract("epoch", table.c.next_poll_at)
    wait = planned_at - sa.func.coalesce(sa.extract("epoch", table.c.last_polled_at), planned_at - _NEVER_POLLED)
    return (now.timestamp() - planned_at + 1.0) / (sa.case((wait > 0, wait), else_=0) + 1.0)
