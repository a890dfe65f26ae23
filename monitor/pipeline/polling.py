"""From due feeds to stored entries: poll, parse, and transaction (a). Shell.

A pass never waits for its slowest feed: answers are written as they come, many feeds in one transaction, while others
are still under way. Feeds that failed last time share half of the places, so that they cannot take them all.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic as _steady
from typing import Any, Self

import structlog

from monitor import errors, model, poll, sandbox, tally
from monitor.pipeline import novelty
from monitor.pipeline.novelty import Limits
from monitor.store import engine, feeds, hosts, network

log = structlog.get_logger()

_LEASE = timedelta(minutes=10)
_LAST_BEGIN = 90.0  # seconds before the lease's end; no poll takes so long, unless the operator allows it
_BATCH = 200
_LONGEST_START = 20.0  # seconds that one call of `start_due` goes on
_STORE_PAUSE = 1.0  # seconds between attempts while the store is away
_STORE_PATIENCE = 3.0  # seconds that a stop waits for it


@dataclass(frozen=True, slots=True)
class PollSummary:
    """What polling came to: polls by outcome, entries and edits stored."""

    polls: Mapping[model.Polled, int]
    entries: int = 0
    edits: int = 0


class Polling:
    """Polls feeds side by side and stores what they bring. Use as an async context manager."""

    def __init__(
        self,
        store: engine.Store,
        call: Callable[..., Awaitable[Any]],
        client: poll.Client,
        parser: sandbox.Sandbox,
        limits: Limits,
        *,
        concurrency: int,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        on_stored: Callable[[], None] = lambda: None,
    ) -> None:
        """call: runs a function on the store's thread. jitter: 0.0 to 1.0. on_stored: called when entries came in."""
        self._store, self._call, self._client, self._parser = store, call, client, parser
        self._clock, self._on_stored = clock, on_stored
        self._judge = novelty.Judge(limits, jitter)
        self._room = concurrency * 4
        self._suspects = asyncio.Semaphore(max(1, concurrency // 2))
        self._tasks: dict[asyncio.Task[None], model.Feed] = {}
        self._starting, self._ending = asyncio.Lock(), False
        self._answers: asyncio.Queue[novelty.Answer] = asyncio.Queue()
        self._rests: dict[str, float] = {}  # by host, until when by the steady clock
        self._polls: Counter[model.Polled] = Counter()
        self._entries = self._edits = 0

    async def __aenter__(self) -> Self:
        """Begin to write answers."""
        self._writer = asyncio.create_task(self._write_forever(), name="write polls")
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what is under way and give it back; store what has come."""
        self._ending = True
        async with self._starting:  # what a claim that is under way brings is given back, too
            cut_off = dict(self._tasks)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        with suppress(errors.StoreError):
            await self._call(self._release, list(cut_off.values()))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._answers.join(), _STORE_PATIENCE)
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    @property
    def summary(self) -> PollSummary:
        """What was done since the start."""
        return PollSummary(dict(self._polls), self._entries, self._edits)

    async def start_due(self) -> int:
        """Claim feeds that are due, the most urgent first, and begin to poll them. Returns how many.

        When more are due than there is room for, it goes on as room comes, for a while.
        """
        started, end = 0, _steady() + _LONGEST_START
        while True:
            room = self._room - len(self._tasks)
            begun = len(await self._start(self._clock()))
            started += begun
            if not begun or begun < min(room, _BATCH) or _steady() >= end:
                return started
            while self._room - len(self._tasks) < self._room // 4 and _steady() < end:
                await asyncio.wait(self._tasks, timeout=end - _steady(), return_when=asyncio.FIRST_COMPLETED)

    async def run_all(self, *, names: Collection[str] | None = None, everything: bool = False) -> PollSummary:
        """Poll what is due now until nothing of it is left, and all of it is stored.

        names: these feeds instead, due or not. everything: all feeds, due or not.
        """
        now = self._clock()
        if everything:
            await self._call(self._make_due, now)
        waiting = None if names is None else set(names)
        while waiting is None or waiting:
            started = await self._start(now, waiting)
            if waiting is not None:
                waiting -= {feed.name for feed in started}
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            elif not started:
                break
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._answers.join()
        return self.summary

    # --- one feed -------------------------------------------------------------------------------------------------

    async def _start(self, now: datetime, names: Collection[str] | None = None) -> tuple[model.Feed, ...]:
        async with self._starting:
            room = 0 if self._ending or not self._store.holds() else min(self._room - len(self._tasks), _BATCH)
            ours_until = _steady() + _LEASE.total_seconds() - _LAST_BEGIN
            claimed: tuple[model.Feed, ...] = await self._call(self._claim, now, room, names) if room > 0 else ()
            for feed in claimed:
                task = asyncio.create_task(self._poll(feed, ours_until), name=f"poll {feed.name}")
                self._tasks[task] = feed
                task.add_done_callback(self._tasks.pop)
            return claimed

    def _claim(self, now: datetime, limit: int, names: Collection[str] | None) -> tuple[model.Feed, ...]:
        with self._store.write() as tx:
            lease = self._store.new_lease()
            return feeds.claim_due(tx, now, limit=limit, lease=lease, until=now + _LEASE, names=names)

    def _release(self, cut_off: Sequence[model.Feed]) -> None:
        with self._store.write() as tx:
            for feed in cut_off:
                feeds.release(tx, [feed.id], feed.lease)

    def _make_due(self, now: datetime) -> None:
        with self._store.write() as tx:
            feeds.make_due(tx, now)

    async def _poll(self, feed: model.Feed, ours_until: float) -> None:
        """Poll and parse one feed; whatever happens becomes an answer.

        ours_until: by the steady clock. A feed that waited for its turn for longer, because this process was paused or
        its host is slow, is given back unasked: another worker may have it by now. So is one whose host wants rest.
        """
        host = hosts.host_of(feed.url)

        def may_begin() -> bool:
            return self._rests.get(host, 0.0) <= _steady() and self._store.holds(ours_until)

        try:
            async with AsyncExitStack() as places:
                if feed.failures:
                    await places.enter_async_context(self._suspects)
                with tally.POLL_SECONDS.time():
                    answer = await self._ask(feed, may_begin)
        except poll.NotBegunError:
            with suppress(errors.StoreError):
                await self._call(self._release, [feed])
            return
        for resting, until in self._judge.rests([answer]).items():
            self._rests[resting] = _steady() + (until - answer.at).total_seconds()
        self._answers.put_nowait(answer)

    async def _ask(self, feed: model.Feed, may_begin: Callable[[], bool]) -> novelty.Answer:
        try:
            fetched = await poll.fetch(self._client, feed, now=self._clock(), may_begin=may_begin)
            if isinstance(fetched, model.NotModified) or fetched.fingerprint == feed.fingerprint:
                return novelty.Answer(feed, self._clock(), _without_body(fetched))
            return await self._read(feed, fetched)
        except errors.FeedError as error:
            return novelty.Answer(feed, self._clock(), error=_bare(error))
        except poll.NotBegunError:
            raise
        except Exception as error:
            log.exception("poll_raised", feed=feed.name)
            return novelty.Answer(feed, self._clock(), error=errors.FetchError(f"unexpected {type(error).__name__}"))

    async def _read(self, feed: model.Feed, fetched: model.Fetched) -> novelty.Answer:
        """Parse a document. What it weighs is counted until its answer is stored."""
        size = len(fetched.body)
        self._client.load.take(size)
        try:
            parsed = await self._parser.parse(
                fetched.body,
                content_type=fetched.content_type,
                url=fetched.url,
                now=self._clock(),
                outlet=feed.spec.outlet,
                suspect=feed.failures > 0,
            )
        except BaseException:
            self._client.load.give_back(size)
            raise
        return novelty.Answer(feed, self._clock(), _without_body(fetched), parsed, size=size)

    # --- transaction (a) ------------------------------------------------------------------------------------------

    async def _write_forever(self) -> None:
        """Store answers as they come, as many together as are there. While the store is away, they wait."""
        while True:
            batch = [await self._answers.get()]
            while not self._answers.empty() and len(batch) < _BATCH:
                batch.append(self._answers.get_nowait())
            while not await self._write(batch):  # noqa: ASYNC110  nobody tells when a database is back
                await asyncio.sleep(_STORE_PAUSE)
            for answer in batch:
                self._client.load.give_back(answer.size)
                self._answers.task_done()

    async def _write(self, batch: Sequence[novelty.Answer]) -> bool:
        """Store a batch. Returns False when the store is away."""
        try:
            records, saved = await self._call(self._save, batch)
        except errors.StoreError as error:
            log.warning("polls_not_stored", polls=len(batch), error=str(error))
            return False
        self._polls.update(record.polled for record in records)
        self._entries += saved.entries
        self._edits += saved.edits
        tally.polled(records, saved.lost, entries=saved.entries, edits=saved.edits)
        _tell(records, saved.lost)
        if saved.entries or saved.edits:
            self._on_stored()
        return True

    def _save(self, batch: Sequence[novelty.Answer]) -> tuple[list[model.PollRecord], feeds.Saved]:
        """Find out what is new in the answers, and write them all. Runs on the store's thread."""
        wanted = {answer.feed.id: [entry.key for entry in answer.parsed.entries] for answer in batch if answer.parsed}
        with self._store.read() as tx:
            known = feeds.known_entries_of(tx, wanted)
        records = [self._judge.record(answer, known.get(answer.feed.id, {})) for answer in batch]
        rests = self._judge.rests(batch)
        with self._store.write() as tx:
            saved = feeds.save_polls(tx, records)
            hosts.rest(tx, rests, self._clock())
            network.note(tx, records)
            return records, saved


def _without_body(fetched: model.Fetched | model.NotModified) -> model.Fetched | model.NotModified:
    """Return what came without its megabytes, which nobody needs once they are parsed."""
    return fetched if isinstance(fetched, model.NotModified) else replace(fetched, body=b"")


def _bare(error: errors.FeedError) -> errors.FeedError:
    """Return an error without the frames that it came through: they hold the document until the error is stored."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _tell(records: Sequence[model.PollRecord], lost: Collection[str]) -> None:
    for record in records:
        if record.feed.name in lost:
            log.info("poll_lost", feed=record.feed.name, why="another worker took the feed, or its files changed")
        elif record.polled in (model.Polled.FAILED, model.Polled.GONE):
            log.warning("poll_failed", feed=record.feed.name, error=record.error, failures=record.feed.failures + 1)
        elif record.entries or record.edits:
            log.info("polled", feed=record.feed.name, new=len(record.entries), edited=len(record.edits))
