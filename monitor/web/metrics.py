"""What Prometheus scrapes, read from the store at each scrape, so that every worker tells the same. Shell.

Names and units follow Prometheus's conventions (prometheus.io/docs/practices/naming).
"""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.store import engine, entries, facts, feeds, outbox


class StoreCollector(Collector):
    """One scrape at `now`."""

    def __init__(self, store: engine.Store, now: datetime) -> None:
        """Read nothing yet."""
        self._store, self._now = store, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the families. Raises StoreError when the database is away, so that the scrape fails visibly."""
        with self._store.read() as tx:
            by_status = feeds.count_by_status(tx)
            failing = sum(1 for feed in feeds.list_feeds(tx) if feed.failures)
            due_at = feeds.next_due_at(tx)
            pending = entries.count_pending(tx)
            messages = outbox.counts(tx)
            oldest_at = outbox.oldest_pending_at(tx)
            beat = facts.find(tx, "heartbeat")
        family = GaugeMetricFamily("monitor_feeds", "Feeds by status.", labels=["status"])
        for status, count in by_status.items():
            family.add_metric([str(status)], count)
        yield family
        yield GaugeMetricFamily("monitor_feeds_failing", "Feeds whose last poll failed.", failing)
        yield GaugeMetricFamily("monitor_entries_pending", "Entries that wait to be decided.", pending)
        family = GaugeMetricFamily(
            "monitor_notifications", "Messages by channel and state.", labels=["channel", "state"]
        )
        for (channel, state), count in messages.items():
            family.add_metric([channel, str(state)], count)
        yield family
        ages = {
            "monitor_feed_overdue_seconds": ("How long the longest due feed waits.", due_at),
            "monitor_notification_oldest_pending_seconds": ("Age of the oldest message that waits.", oldest_at),
            "monitor_heartbeat_age_seconds": ("Since the daemon last said that it lives.", beat[1] if beat else None),
        }
        for name, (text, at) in ages.items():
            yield GaugeMetricFamily(name, text, max(0.0, (self._now - at).total_seconds()) if at else 0.0)
