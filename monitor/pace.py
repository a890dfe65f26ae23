"""When to poll a feed again, when to try a message again, and whether our own network or a feed is down. Pure.

A poll's interval is the sum of four voices, and the latest wins:

```
rhythm     the configured interval, bent towards how often the feed really publishes
server     max-age, Expires, ttl: not before that; skipHours and skipDays: not then
failures   exponential back-off, up to a day, for ever: a feed is never given up
Retry-After                       a hard floor, whatever else was said
```

Chance is an argument (`jitter`, 0.0 to 1.0) and only ever delays, so that no floor is broken and no herd forms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor import model

ADAPT_FROM = timedelta(minutes=2)  # who sets a shorter interval wants speed: it is kept as it is
FASTEST = 0.5  # of the configured interval, for a feed that publishes more often
SLOWEST = 12.0  # times the configured interval, for a feed that hardly ever publishes
SERVER_CAP = timedelta(days=1)  # a floor that a server states is believed up to here
RETRY_AFTER_CAP = timedelta(days=7)
BACK_OFF_CAP = timedelta(days=1)
REFUSED_FLOOR = timedelta(hours=1)  # after 401, 403, 404 and 429: nothing changes within minutes there
OFFLINE_RETRY = timedelta(seconds=30)
OUTAGE = timedelta(hours=1)  # what is shorter mends itself, and everybody who uses the network knows of it
FAILING = timedelta(days=1)  # what fails for shorter mends itself more often than not
SILENT_GAPS = 3
SHORTEST_SILENCE = timedelta(hours=12)
NEVER = timedelta(days=36500)  # a feed that is gone

_POLLS_A_GAP = 3.0  # a feed is polled about three times between two new entries
_SPREAD = 0.1
_GAP_ENTRIES = 20
_GAP_MEMORY = 0.3  # weight of what was just seen against what was known
_REFUSALS = frozenset({401, 403, 404, 429})
_DELIVERY_FIRST = timedelta(seconds=10)
_DELIVERY_CAP = timedelta(days=1)
_FEWEST_HOSTS = 2
_FEWEST_ARRIVALS = 5
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poll came to, as far as it decides about the next.

    schedule: of the document, or of the last that was seen.
    retry_after, status: of the failure. gap: mean time between new entries, None while it is unknown.
    """

    polled: model.Polled
    freshness: model.Freshness = field(default_factory=model.Freshness)
    schedule: model.Schedule = field(default_factory=model.Schedule)
    retry_after: timedelta | None = None
    status: int | None = None
    gap: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a feed's rhythm bends the interval; None: half of it, twelve times it."""

    least: timedelta | None = None
    most: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Ailment:
    """What is wrong with a feed. kind: gone, failing or silent; why: in words."""

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class _Wait:
    """A voice: how long to wait at least, and why."""

    time: timedelta
    why: str


def next_poll(
    feed: model.Feed,
    outcome: Outcome,
    *,
    now: datetime,
    interval: timedelta,
    jitter: float,
    bounds: Bounds = Bounds(),
) -> model.Plan:
    """Return when `feed` may be polled again, and why then.

    interval: of the whole program; the feed's own, if it has one, is kept as it is and not adapted. bounds: of what is.
    jitter: 0.0 to 1.0, spread over a tenth of the wait. `feed.failures` counts those before this poll.
    Source: RFC 9110 10.2.3 (Retry-After), RFC 9111 4.2 (freshness), RSS 2.0 (ttl, skipHours, skipDays).
    """
    if outcome.polled is model.Polled.GONE:
        return model.Plan(now + NEVER, "never: the server says that the feed is gone (410)")
    if outcome.polled is model.Polled.OFFLINE:
        wait = _Wait(OFFLINE_RETRY, f"our own network is down: trying again after {words(OFFLINE_RETRY)}")
        return model.Plan(now + _jittered(wait.time, jitter), wait.why)
    if outcome.polled is model.Polled.FAILED:
        voices = _failed(feed, outcome, interval)
    else:
        voices = [_rhythm(feed, outcome, interval, bounds), *_server(outcome, now)]
    wait = max(voices, key=lambda voice: voice.time)
    at = now + _jittered(wait.time, jitter)
    allowed = _outside_skips(at, outcome)
    if allowed != at:
        return model.Plan(allowed, f"{wait.why}, then not in hours or days that the feed skips")
    return model.Plan(at, wait.why)


def gap(known: timedelta | None, dates: Iterable[datetime], *, now: datetime) -> timedelta | None:
    """Return the mean time between new entries: `known` bent towards what `dates`, of the document's entries, show.

    Two entries at least, of the newest twenty; the time since the newest counts as a gap when it is longer than the
    mean, so that a feed that falls asleep is polled less often. None while nothing is known.
    """
    newest = sorted((at for at in dates if at <= now), reverse=True)[:_GAP_ENTRIES]
    if len(newest) < 2:
        return known
    mean = max((newest[0] - newest[-1]) / (len(newest) - 1), (now - newest[0]) / _POLLS_A_GAP)
    if known is None:
        return mean
    return known * (1 - _GAP_MEMORY) + mean * _GAP_MEMORY


def retry_after(attempt: int, jitter: float, asked: timedelta | None) -> timedelta:
    """Return how long to wait before a message is tried again: 10 s, 20 s, 40 s, ... up to a day, never giving up.

    attempt: 1 after the first. jitter: 0.0 to 1.0, up to half again. asked: the receiver's own word, a floor.
    """
    wait = _doubled(_DELIVERY_FIRST, attempt - 1, _DELIVERY_CAP) * (1 + jitter / 2)
    return min(max(wait, asked or timedelta()), _DELIVERY_CAP)


def is_outage(outcomes: Sequence[tuple[str, bool]]) -> bool:
    """Whether our own network is down: of at least two hosts, none could be connected to.

    outcomes: of the polls that just ended, host and whether no connection was made at all (`FetchError.offline`).
    One host that answers anything, an error included, shows that the network is up.
    """
    if any(not unreached for _, unreached in outcomes):
        return False
    return len({host for host, _ in outcomes}) >= _FEWEST_HOSTS


def ailment(feed: model.Feed, arrivals: Sequence[datetime], *, now: datetime) -> Ailment | None:
    """Return what an operator should know of `feed`, None when it is well or rests.

    arrivals: when the polls of the last weeks that brought new entries were, in order. Five at least tell a rhythm; a
    silence is one that is three times as long as the usual gap, at least half a day, and in the same hours of every
    week that is known there was something new.
    """
    if feed.status is model.FeedStatus.GONE:
        return Ailment("gone", "the server says that it is gone for good (410): look for its new URL, or take it out")
    if feed.status is not model.FeedStatus.ACTIVE:
        return None
    if feed.failing_since_at is not None:
        lasts = now - feed.failing_since_at
        return Ailment("failing", f"fails since {words(lasts)}: {feed.last_error}") if lasts >= FAILING else None
    if len(arrivals) < _FEWEST_ARRIVALS or feed.last_ok_at is None:
        return None
    usual = (arrivals[-1] - arrivals[0]) / (len(arrivals) - 1)
    silence = feed.last_ok_at - arrivals[-1]  # not up to now: while we rested, nobody knows what it brought
    if silence < max(usual * SILENT_GAPS, SHORTEST_SILENCE) or _was_silent_before(arrivals, feed.last_ok_at):
        return None
    return Ailment("silent", f"silent since {words(silence)}; usually it brings something new every {words(usual)}")


def words(time: timedelta) -> str:
    """Return a duration as people say it: 45 s, 10 min, 2 h, 3 d; rounded to two units."""
    seconds = round(time.total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def _rhythm(feed: model.Feed, outcome: Outcome, interval: timedelta, bounds: Bounds) -> _Wait:
    if feed.spec.interval is not None:
        return _Wait(feed.spec.interval, f"every {words(feed.spec.interval)} as configured for this feed")
    found = outcome.gap or feed.gap
    if found is None or interval < ADAPT_FROM:
        return _Wait(interval, f"every {words(interval)} as configured")
    least, most = bounds.least or interval * FASTEST, bounds.most or interval * SLOWEST
    wait = min(max(found / _POLLS_A_GAP, least), max(most, least))
    if wait == interval:
        return _Wait(interval, f"every {words(interval)} as configured")
    return _Wait(wait, f"every {words(wait)}: it publishes about every {words(found)}")


def _server(outcome: Outcome, now: datetime) -> list[_Wait]:
    """Return the floors that the server states, each up to a day."""
    asked = (
        (outcome.freshness.max_age, "max-age"),
        (outcome.freshness.expires_at - now if outcome.freshness.expires_at else None, "Expires"),
        (outcome.schedule.ttl, "ttl"),
    )
    capped = [(min(time, SERVER_CAP), name) for time, name in asked if time is not None]
    return [_Wait(time, f"the server asks for {words(time)} ({name})") for time, name in capped]


def _failed(feed: model.Feed, outcome: Outcome, interval: timedelta) -> list[_Wait]:
    failures = feed.failures + 1
    times = "once" if failures == 1 else f"{failures} times"
    base = max(feed.spec.interval or interval, OFFLINE_RETRY)
    wait = _doubled(base, failures - 1, BACK_OFF_CAP)
    voices = [_Wait(wait, f"failed {times}: backing off {words(wait)}")]
    if outcome.status in _REFUSALS:
        voices.append(_Wait(REFUSED_FLOOR, f"answered {outcome.status}: waiting {words(REFUSED_FLOOR)}"))
    if outcome.retry_after is not None:
        asked = min(outcome.retry_after, RETRY_AFTER_CAP)
        voices.append(_Wait(asked, f"the server asks to be left alone for {words(asked)} (Retry-After)"))
    return voices


def _outside_skips(at: datetime, outcome: Outcome) -> datetime:
    """Return `at`, or the first full hour after it that the feed does not skip; `at` when it skips them all."""
    candidate, skipped = at, outcome.schedule
    for _ in range(7 * 24 + 1):
        if candidate.hour not in skipped.skip_hours and candidate.weekday() not in skipped.skip_days:
            return candidate
        candidate = candidate.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at


def _was_silent_before(arrivals: Sequence[datetime], now: datetime) -> bool:
    """Whether the feed was silent in these hours of an earlier week, too, as those of offices are at the weekend."""
    last, back = arrivals[-1], _WEEK
    while arrivals[0] < last - back:
        if not any(last - back < at <= now - back for at in arrivals):
            return True
        back += _WEEK
    return False


def _doubled(base: timedelta, times: int, cap: timedelta) -> timedelta:
    return min(base * 2 ** min(max(times, 0), 20), cap) if base < cap else max(base, cap)


def _jittered(wait: timedelta, jitter: float) -> timedelta:
    return wait * (1 + _SPREAD * jitter)
