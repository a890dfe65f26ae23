"""What this process counts of its own work, for Prometheus: counters, histograms, gauges. Shell; knows no store.

Counters begin at zero with the process, and every worker has its own. What the store knows (queues, ages, health) is
read when somebody asks: `web/metrics.py`. Labels have few values, the operator's names and our own words: rules,
channels, outcomes; never a feed's name, and nothing that a feed wrote.
Names, units and zeros from the start: https://prometheus.io/docs/practices/naming/ and .../instrumentation/.
"""

import platform
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from monitor import model

_INSTANT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_MATCHING = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)
_ENCODING = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_NETWORK = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
_DELAY = (0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600)
_PUBLICATION = (30, 60, 120, 300, 600, 900, 1800, 3600, 10800, 43200, 172800)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a time beside every counter, which nobody asks for
REGISTRY = CollectorRegistry()

POLLS = Counter("monitor_polls", "Polls that were stored, by outcome.", ["outcome"], registry=REGISTRY)
POLL_SECONDS = Histogram(
    "monitor_poll_duration_seconds",
    "How long one poll took, from asking for the feed to its parsed answer.",
    buckets=_NETWORK,
    registry=REGISTRY,
)
STORED = Counter("monitor_entries_stored", "Entries that polls brought, new or edited.", ["change"], registry=REGISTRY)
PUBLICATION_SECONDS = Histogram(
    "monitor_entry_publication_delay_seconds",
    "From an entry's own date until we first saw it; without those that came with a feed's first poll.",
    buckets=_PUBLICATION,
    registry=REGISTRY,
)
PROCESSED = Counter(
    "monitor_entries_processed",
    "Entries that were processed, by outcome; `raised` is tried again, `given_up` is not.",
    ["outcome"],
    registry=REGISTRY,
)
MATCH_SECONDS = Histogram(
    "monitor_match_duration_seconds",
    "How long one entry took to be matched with all rules.",
    buckets=_MATCHING,
    registry=REGISTRY,
)
ENCODE_SECONDS = Histogram(
    "monitor_encode_duration_seconds",
    "How long it took to encode the meaning of an entry that matched, in the mean of those encoded together.",
    buckets=_ENCODING,
    registry=REGISTRY,
)
MATCHES = Counter("monitor_matches", "Entries that matched a rule, by rule.", ["rule"], registry=REGISTRY)
DECISIONS = Counter(
    "monitor_decisions", "Entries that matched, by what they are to stories.", ["kind"], registry=REGISTRY
)
CHANNEL_DECISIONS = Counter(
    "monitor_channel_decisions",
    "What channels get of entries that matched (send, hold, drop), and why.",
    ["channel", "verdict", "reason"],
    registry=REGISTRY,
)
ALERTS = Counter("monitor_alerts", "Alerts that were made, by level.", ["level"], registry=REGISTRY)
DECISION_SECONDS = Histogram(
    "monitor_entry_decision_delay_seconds",
    "From the moment we first saw an entry that matches until it was decided; edits are left out.",
    buckets=_DELAY,
    registry=REGISTRY,
)
STORY_LOCK_WAIT = Histogram(
    "monitor_story_lock_wait_seconds",
    "How long a decision waited for the lock that lets one worker at a time decide stories.",
    buckets=_INSTANT,
    registry=REGISTRY,
)
STORY_LOCK_HOLD = Histogram(
    "monitor_story_lock_hold_seconds",
    "How long a decision held that lock, its commit included.",
    buckets=_INSTANT,
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "monitor_deliveries",
    "Attempts to deliver a message, by channel and outcome.",
    ["channel", "outcome"],
    registry=REGISTRY,
)
SEND_SECONDS = Histogram(
    "monitor_send_duration_seconds",
    "How long one send took, whatever its outcome.",
    ["channel"],
    buckets=_NETWORK,
    registry=REGISTRY,
)
DELIVERY_SECONDS = Histogram(
    "monitor_notification_delivery_delay_seconds",
    "From an alert's decision until its message was delivered; without what was held for quiet hours or a digest.",
    buckets=_DELAY,
    registry=REGISTRY,
)
CHANNEL_FAILURES = Gauge(
    "monitor_channel_failures",
    "Sends in a row that failed for the channel's own reasons; 0 when the last one was taken.",
    ["channel"],
    registry=REGISTRY,
)
CHANNEL_RESUMES = Gauge(
    "monitor_channel_resume_timestamp_seconds",
    "When a channel that failed is tried again, in Unix time; 0 when it is not resting.",
    ["channel"],
    registry=REGISTRY,
)
TICK_FAILURES = Counter(
    "monitor_tick_failures",
    "Ticks of the daemon that ended early: the store was away, or something raised that is a bug.",
    ["tick", "why"],
    registry=REGISTRY,
)
RULES = Gauge("monitor_rules", "Rules in force, by their fingerprint.", ["fingerprint"], registry=REGISTRY)
RELOAD_WELL = Gauge(
    "monitor_config_last_reload_successful", "Whether the files were good when last read.", registry=REGISTRY
)
RELOAD_AT = Gauge(
    "monitor_config_last_reload_success_timestamp_seconds",
    "When the files were last taken over, in Unix time.",
    registry=REGISTRY,
)
BUILD = Gauge("monitor_build_info", "Which program this is; always 1.", ["version", "python"], registry=REGISTRY)

for _outcome in model.Polled:
    POLLS.labels(_outcome.value)
for _change in ("new", "edited"):
    STORED.labels(_change)
for _became in ("unmatched", "decided", "raised", "given_up"):
    PROCESSED.labels(_became)
for _kind in model.Kind:
    DECISIONS.labels(_kind.value)
for _level in model.Level:
    ALERTS.labels(_level.value)


def polled(records: Sequence[model.PollRecord], lost: Collection[str], *, entries: int, edits: int) -> None:
    """Count polls that were stored. lost: names of feeds whose poll was not; entries, edits: what was stored."""
    for record in records:
        if record.feed.name in lost:
            continue
        POLLS.labels(record.polled.value).inc()
        if record.feed.first_polled_at is not None:
            for entry in record.entries:
                if entry.published_at is not None:
                    PUBLICATION_SECONDS.observe(_seconds(record.at - entry.published_at))
    STORED.labels("new").inc(entries)
    STORED.labels("edited").inc(edits)


def decided(finding: model.Finding, decisions: Sequence[model.Decision], now: datetime, *, alerted: bool) -> None:
    """Count an entry that matched, after its decision was stored. now: when it was decided."""
    PROCESSED.labels("decided").inc()
    DECISIONS.labels(finding.assignment.kind.value).inc()
    for match in finding.matches:
        MATCHES.labels(match.rule.id).inc()
    for decision in decisions:
        CHANNEL_DECISIONS.labels(decision.channel, decision.verdict.value, decision.reason.value).inc()
    if alerted:
        ALERTS.labels(finding.level.value).inc()
    if finding.entry.revision == 1:
        DECISION_SECONDS.observe(_seconds(now - finding.entry.first_seen_at))


def settled(item: model.Notification, outcome: str, now: datetime) -> None:
    """Count an attempt to deliver `item`. outcome: `delivered`, `put_off`, `given_up`, ..."""
    DELIVERIES.labels(item.channel, outcome).inc()
    if outcome == "delivered" and item.kind is model.NotificationKind.ALERT and not item.batch:
        DELIVERY_SECONDS.observe(_seconds(now - item.created_at))


def channel_fares(channel: str, failures: int, resume_at: datetime | None) -> None:
    """Note how a channel fares: failures in a row, and until when it is left alone."""
    CHANNEL_FAILURES.labels(channel).set(failures)
    CHANNEL_RESUMES.labels(channel).set(resume_at.timestamp() if resume_at else 0)


def channel_left(channel: str) -> None:
    """Forget how a channel fares that is served no more."""
    for gauge in (CHANNEL_FAILURES, CHANNEL_RESUMES):
        gauge.labels(channel)  # which may not be there yet
        gauge.remove(channel)


def in_force(fingerprint: str, rules: Collection[str], now: datetime, *, version: str) -> None:
    """Note what the files put in force at `now`. rules: their ids."""
    RULES.clear()
    RULES.labels(fingerprint).set(len(rules))
    for rule in rules:
        MATCHES.labels(rule)
    BUILD.labels(version, platform.python_version()).set(1)
    RELOAD_WELL.set(1)
    RELOAD_AT.set(now.timestamp())


@contextmanager
def encoding(entries: int) -> Iterator[None]:
    """Measure how long it takes to encode so many entries; none are not counted."""
    since = time.perf_counter()
    yield
    took = time.perf_counter() - since
    for _ in range(entries):
        ENCODE_SECONDS.observe(took / entries)


class StoryLock:
    """Measures how long one decision waits for the story lock, and how long it holds it.

    with tally.StoryLock() as lock, store.write() as tx:
        engine.story_lock(tx)
        lock.taken()
    """

    def __enter__(self) -> Self:
        """Begin to wait."""
        self._since, self._has_it = time.perf_counter(), False
        return self

    def taken(self) -> None:
        """Note that it is ours."""
        now = time.perf_counter()
        STORY_LOCK_WAIT.observe(now - self._since)
        self._since, self._has_it = now, True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note that it is free again; whoever never had it waited in vain."""
        (STORY_LOCK_HOLD if self._has_it else STORY_LOCK_WAIT).observe(time.perf_counter() - self._since)


def _seconds(span: timedelta) -> float:
    """Return a delay in seconds; a clock that is ahead makes none."""
    return max(0.0, span.total_seconds())
