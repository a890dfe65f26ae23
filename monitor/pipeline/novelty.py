"""What is new in an answer, and when to ask again: Answer and known entries -> PollRecord. No I/O.

Runs between the look at what is stored and transaction (a).
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor import errors, model, pace
from monitor.store import feeds

_RECENT = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator set. interval, first: for feeds without their own. max_entry_age: older edits stay quiet.

    bounds: of what a feed's rhythm makes of `interval`. retry_after: whom it holds back.
    """

    interval: timedelta = timedelta(minutes=10)
    first: model.FirstPoll = model.FirstPoll.DIGEST
    max_entry_age: timedelta = timedelta(hours=48)
    retry_after: model.RetryAfter = model.RetryAfter.FEED
    bounds: pace.Bounds = pace.Bounds()  # noqa: RUF009  frozen


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one poll. `parsed` is None for a 304, for the same bytes as before, and for an error.

    size: bytes of the document that `parsed` was read from. The document itself is no longer here.
    """

    feed: model.Feed
    at: datetime
    fetched: model.Fetched | model.NotModified | None = None
    parsed: model.ParsedFeed | None = None
    error: errors.FeedError | None = None
    size: int = 0


class Judge:
    """Turns answers into records. It remembers the last few to tell our own outage from a feed's."""

    def __init__(self, limits: Limits, jitter: Callable[[], float]) -> None:
        """jitter: 0.0 to 1.0 at each call."""
        self._limits, self._jitter = limits, jitter
        self._recent: deque[tuple[str, bool]] = deque(maxlen=_RECENT)

    def record(self, answer: Answer, known: Mapping[str, feeds.KnownEntry]) -> model.PollRecord:
        """Return what `answer` leaves in the store. known: the feed's stored entries by key."""
        unreached = isinstance(answer.error, errors.FetchError) and answer.error.offline
        self._recent.append((urlsplit(answer.feed.url).netloc, unreached))
        if answer.error:
            return self._failure(answer, answer.error)
        if answer.parsed is None:
            return self._unchanged(answer)
        return self._parsed(answer, answer.parsed, known)

    def rests(self, answers: Sequence[Answer]) -> dict[str, datetime]:
        """Return hosts that asked to be left alone, with until when; none where that concerns their feeds alone."""
        found: dict[str, datetime] = {}
        for answer in answers if self._limits.retry_after is model.RetryAfter.HOST else ():
            asked = answer.error.retry_after if isinstance(answer.error, errors.FetchError) else None
            if asked is not None:
                host = urlsplit(answer.feed.url).hostname or ""
                until = answer.at + min(asked, pace.RETRY_AFTER_CAP)
                found[host] = max(until, found.get(host, until))
        return found

    def _failure(self, answer: Answer, error: errors.FeedError) -> model.PollRecord:
        fetch = error if isinstance(error, errors.FetchError) else errors.FetchError(str(error))
        polled = model.Polled.GONE if fetch.permanent else model.Polled.FAILED
        if fetch.offline and pace.is_outage(self._recent):
            polled = model.Polled.OFFLINE
        outcome = pace.Outcome(
            polled, retry_after=fetch.retry_after, status=fetch.status, schedule=answer.feed.schedule
        )
        return model.PollRecord(answer.feed, polled, answer.at, self._plan(answer, outcome), error=str(error))

    def _unchanged(self, answer: Answer) -> model.PollRecord:
        fetched = answer.fetched
        if fetched is None:
            msg = "an answer without error has been fetched"
            raise TypeError(msg)
        same = isinstance(fetched, model.Fetched)
        polled = model.Polled.UNCHANGED if same else model.Polled.NOT_MODIFIED
        outcome = pace.Outcome(polled, fetched.freshness, answer.feed.schedule)
        return model.PollRecord(
            answer.feed,
            outcome.polled,
            answer.at,
            self._plan(answer, outcome),
            validators=fetched.validators,
            moved_to=fetched.moved_to,
        )

    def _parsed(
        self, answer: Answer, parsed: model.ParsedFeed, known: Mapping[str, feeds.KnownEntry]
    ) -> model.PollRecord:
        fetched = answer.fetched
        if not isinstance(fetched, model.Fetched):
            msg = "only a document can be parsed"
            raise TypeError(msg)
        entries = tuple(self._complete(entry, answer.feed, parsed) for entry in reversed(parsed.entries))
        new = tuple(entry for entry in entries if entry.key not in known)
        edits = self._edits(entries, known, answer.at)
        gap = pace.gap(answer.feed.gap, [e.published_at for e in entries if e.published_at], now=answer.at)
        polled = model.Polled.NEW if new or edits else model.Polled.SAME
        schedule = model.Schedule(parsed.ttl, parsed.skip_hours, parsed.skip_days)
        outcome = pace.Outcome(polled, fetched.freshness, schedule, gap=gap)
        return model.PollRecord(
            answer.feed,
            outcome.polled,
            answer.at,
            self._plan(answer, outcome),
            validators=fetched.validators,
            fingerprint=fetched.fingerprint,
            moved_to=fetched.moved_to,
            gap=gap,
            schedule=schedule,
            entries=new,
            edits=edits,
            quiet=answer.feed.first_polled_at is None and self._first(answer.feed) is model.FirstPoll.NOTHING,
        )

    def _edits(
        self, entries: Sequence[model.ParsedEntry], known: Mapping[str, feeds.KnownEntry], at: datetime
    ) -> tuple[model.Edit, ...]:
        """Return entries whose title or lead changed; those first seen long ago are stored and go no further."""
        edits = []
        for entry in entries:
            stored = known.get(entry.key)
            if stored and stored.fingerprint != feeds.entry_fingerprint(entry.title, entry.summary):
                again = at - stored.first_seen_at <= self._limits.max_entry_age
                edits.append(model.Edit(stored.id, entry, again))
        return tuple(edits)

    def _complete(self, entry: model.ParsedEntry, feed: model.Feed, parsed: model.ParsedFeed) -> model.ParsedEntry:
        """Fill in what the operator set for the whole feed: its language rules over the declared one."""
        language = feed.spec.language or entry.language or parsed.language
        return replace(entry, outlet=entry.outlet or feed.spec.outlet or feed.name, language=language)

    def _plan(self, answer: Answer, outcome: pace.Outcome) -> model.Plan:
        interval = answer.feed.spec.interval or self._limits.interval
        bounds, jitter = self._limits.bounds, self._jitter()
        return pace.next_poll(answer.feed, outcome, now=answer.at, interval=interval, jitter=jitter, bounds=bounds)

    def _first(self, feed: model.Feed) -> model.FirstPoll:
        return feed.spec.first or self._limits.first
