"""What Prometheus scrapes: what the store knows, read at each scrape, beside what this process counted. Shell.

Every worker on one database tells the same of the store: take `max` of it, and `sum` of what the processes counted.
Names and units follow Prometheus's conventions (prometheus.io/docs/practices/naming).
"""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor import errors, model, tally
from monitor.store import engine, gauges


def scrape(store: engine.Store, now: datetime) -> bytes:
    """Return everything in Prometheus's text format. While the store is away, what only it knows is missing."""
    asked = CollectorRegistry()
    asked.register(_StoreCollector(store, now))
    return generate_latest(asked) + generate_latest(tally.REGISTRY) + generate_latest(_PROCESS)


def of_store(store: engine.Store, now: datetime) -> Iterator[Metric]:
    """Yield what the store knows at `now`; when it is away, only that."""
    try:
        found = gauges.look(store, now)
    except errors.StoreError:
        found = None
    yield GaugeMetricFamily("monitor_store_up", "Whether the database can be read.", 0 if found is None else 1)
    if found is not None:
        yield from _counts(found)
        yield from _ages(found, now)


_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)


class _StoreCollector(Collector):
    """One scrape at `now`."""

    def __init__(self, store: engine.Store, now: datetime) -> None:
        """Read nothing yet."""
        self._store, self._now = store, now

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from of_store(self._store, self._now)


def _counts(found: gauges.Gauges) -> Iterator[Metric]:
    family = GaugeMetricFamily("monitor_feeds", "Feeds by status.", labels=["status"])
    for status in model.FeedStatus:
        family.add_metric([status.value], found.feeds.get(status, 0))
    yield family
    yield GaugeMetricFamily("monitor_feeds_failing", "Feeds whose last poll failed.", found.failing)
    yield GaugeMetricFamily("monitor_feeds_due", "Feeds whose time has come, those being polled included.", found.due)
    yield GaugeMetricFamily("monitor_entries_pending", "Entries that wait to be decided.", found.entries_pending)
    family = GaugeMetricFamily("monitor_notifications", "Messages by channel and state.", labels=["channel", "state"])
    for (channel, state), count in found.notifications.items():
        family.add_metric([channel, state.value], count)
    yield family
    family = GaugeMetricFamily(
        "monitor_workers", "Workers on the database; gone: not seen for a minute.", labels=["state"]
    )
    for state_of, number in (("alive", found.workers), ("gone", found.workers_gone)):
        family.add_metric([state_of], number)
    yield family
    yield GaugeMetricFamily("monitor_silences", "Silences in force.", found.silences)
    yield GaugeMetricFamily("monitor_store_size_bytes", "Size of the database, its log included.", found.size)
    text = "Space that is left on the disk of a SQLite database."
    yield GaugeMetricFamily("monitor_store_free_bytes", text, found.free)  # None makes no sample


def _ages(found: gauges.Gauges, now: datetime) -> Iterator[Metric]:
    ages = {
        "monitor_feed_overdue_seconds": ("How long the longest due feed waits.", found.longest_due_at),
        "monitor_entry_oldest_pending_seconds": (
            "Since the oldest entry that waits to be decided was first seen.",
            found.entries_pending_since_at,
        ),
        "monitor_notification_oldest_pending_seconds": (
            "Age of the oldest message that waits to be sent.",
            found.notification_pending_since_at,
        ),
        "monitor_heartbeat_age_seconds": ("Since the daemon last said that it lives.", found.heartbeat_at),
    }
    for name, (text, at) in ages.items():
        yield GaugeMetricFamily(name, text, max(0.0, (now - at).total_seconds()) if at else 0.0)
