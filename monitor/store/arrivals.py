"""When feeds brought something new, for who judges whether one has fallen silent. Shell."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from monitor.store import tables

_CHUNK = 500


def list_arrivals(tx: Session, feed_ids: Collection[int], since: datetime) -> dict[int, list[datetime]]:
    """Return for each feed the instants since `since` at which polls brought new entries, in order."""
    found: dict[int, list[datetime]] = {feed_id: [] for feed_id in feed_ids}
    wanted, table = sorted(found), tables.entries
    for at in range(0, len(wanted), _CHUNK):
        seen = sa.select(table.c.feed_id, table.c.first_seen_at).distinct()
        seen = seen.where(table.c.feed_id.in_(wanted[at : at + _CHUNK]), table.c.first_seen_at > since)
        for feed_id, seen_at in tx.connection().execute(seen.order_by(table.c.first_seen_at)):
            found[feed_id].append(seen_at)
    return found
