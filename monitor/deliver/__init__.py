"""The outbox's worker: claim, render, send, settle. Shell.

    outbox.claim_next      a notification, its attempt counted, leased
    writing.write          alerts, silences, now    -> message, stored before it is sent
    sender.send            on the channel's own thread, 8 s at most
    outbox.settle_         sent | retry | dead | silenced | held

Never in another order: a crash between any two steps repeats a message, with its key and its text, and loses none.
One channel never waits for another (`lane`); a channel that fails is left alone for a while, a message that is refused
does not block the others. It meets the pipeline in the outbox table only.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, ParamSpec, Protocol, TypeVar

import structlog
from sqlmodel import Session

from monitor import errors, model, pace, send, tally
from monitor.deliver import digests, notices, places, rests, timetable, writing
from monitor.deliver.lane import LONGEST_PAUSE, Health, Lane
from monitor.deliver.notices import tell_operator
from monitor.deliver.writing import preview
from monitor.store import engine, outbox

__all__ = ["Deliverer", "Health", "preview", "tell_operator"]

SEND_WITHIN = timedelta(seconds=8)
LEASE = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(hours=36)
TELL_AFTER = timedelta(hours=1)
FEWEST_ATTEMPTS = 14  # before anything is given up for its age: a clock that jumps must not age it
MOST_ATTEMPTS = 500  # claims that never came to an outcome: what kills the process is not tried for ever

log = structlog.get_logger()
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Call(Protocol):
    """Runs a function on the store's thread."""

    def __call__(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Coroutine[Any, Any, _T]:
        """Return what the function returns, or raise what it raises."""
        ...


class Deliverer:
    """Brings what the outbox holds to its channels.

    call: runs a function on the store's thread; call_first: the same, before what waits there, for outcomes.
    clock, jitter: now, and chance from 0.0 to 1.0.
    within: how long a send may take, whatever the library does.
    """

    def __init__(
        self,
        store: engine.Store,
        call: Call,
        channels: Sequence[model.Channel],
        sender: send.Sender,
        *,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        within: timedelta = SEND_WITHIN,
        call_first: Call | None = None,
    ) -> None:
        self._store, self._call, self._sender = store, call, sender
        self._call_first = call_first or call
        self._clock, self._jitter, self._within = clock, jitter, within
        self._channels: dict[str, model.Channel] = {}
        self._timetable = timetable.Timetable(store)
        self._lanes: dict[str, Lane] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._draining = False
        self._claimed = 0
        self.set_channels(channels)

    def set_channels(self, channels: Sequence[model.Channel]) -> None:
        """Serve these channels from now on; what another one still has in the outbox waits until it comes back.

        A channel whose URL was changed is tried at once, however it fared before.
        """
        before, self._channels = self._channels, {channel.name: channel for channel in channels}
        for name, lane in self._lanes.items():
            if name in self._channels and name in before and before[name].url != self._channels[name].url:
                lane.health = Health()
                tally.channel_fares(name, 0, None)
        for name in set(self._lanes) - set(self._channels):
            self._lanes.pop(name).close()
            tally.channel_left(name)

    async def tick(self) -> None:
        """Let out what is due and start work on every channel that is idle and not resting; does not wait for it."""
        if self._draining:
            return
        now = self._clock()
        for name in await self._call(self._look, now):
            lane = self._lanes.setdefault(name, Lane(name))
            if name in self._channels and name not in self._tasks and not lane.health.is_resting(now):
                task = asyncio.create_task(self._work(lane), name=f"deliver {name}")
                self._tasks[name] = task
                task.add_done_callback(partial(self._ended, name))

    async def run_until_idle(self, within: timedelta) -> int:
        """Deliver all that is ready, for at most `within`, and drain; returns how many messages still wait."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        before = -1
        while self._claimed > before and loop.time() < deadline:
            before = self._claimed
            await self.tick()
            if self._tasks:
                await asyncio.wait(list(self._tasks.values()), timeout=deadline - loop.time())
        await self.drain()
        return await self._call(self._count_waiting)

    async def drain(self, within: timedelta = SEND_WITHIN) -> None:
        """Claim nothing more, wait for what is under way, give back what was not begun, and end the threads."""
        self._draining = True
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for lane in self._lanes.values():
            lane.close()

    def clock_was_set(self, jump: timedelta) -> None:
        """Move the rests of all channels with a wall clock that was set by `jump`."""
        for lane in self._lanes.values():
            lane.health.clock_was_set(jump)

    @property
    def health(self) -> Mapping[str, Health]:
        """How each channel fares since the start."""
        return {name: lane.health for name, lane in self._lanes.items()}

    def _ended(self, name: str, _: "asyncio.Task[None]") -> None:
        self._tasks.pop(name, None)

    # --- one channel ------------------------------------------------------------------------------------------------

    async def _work(self, lane: Lane) -> None:
        """Deliver one message after the other until none is ready, the channel rests, or we drain."""
        try:
            while not self._draining and self._store.holds() and not lane.health.is_resting(self._clock()):
                await self._settle_late(lane)
                channel = self._channels.get(lane.name)
                ours_until = monotonic() + LEASE.total_seconds() - 2 * self._within.total_seconds()
                item = await self._call(self._claim, lane.name) if channel else None
                if channel is None or item is None:
                    return
                self._claimed += 1
                await self._deliver(item, channel, lane, ours_until)
            await self._settle_late(lane)
        except errors.StoreError as error:
            log.warning("store_unavailable", channel=lane.name, error=str(error))
        except Exception:  # the other channels go on, and so does this one at the next tick
            log.exception("delivery_raised", channel=lane.name)

    async def _deliver(self, item: model.Notification, channel: model.Channel, lane: Lane, ours_until: float) -> None:
        """Write a claimed message and send it, or settle why not.

        ours_until: by the steady clock. Later, when this process was paused, it is given back: another may have it.
        """
        now = self._clock()
        try:
            write = partial(writing.write, now=now, operators=tuple(self._channels.values()))
            written = await self._call(write, self._store, item, channel)
        except errors.StoreError:
            lane.unsettled = partial(self._write, outbox.release, item.id, item.lease)  # nobody waits for its lease
            raise
        except Exception as error:  # a message that cannot be written must not hold up the others
            log.exception("rendering_raised", channel=lane.name, key=item.key)
            await self._failed(item, lane, errors.DeliveryError(f"cannot be written: {error}", message_only=True))
            return
        match written:
            case writing.Written() if self._draining or not self._store.holds(ours_until):
                await self._settle(lane, item, "given_back", outbox.release)
            case writing.Written():
                await self._send(item, channel, lane, written)
            case writing.Silenced():
                by = f"silence {written.by}"
                await self._settle(lane, item, "silenced", partial(outbox.settle_silenced, by=by), by=by)
            case writing.Unsayable():
                await self._failed(item, lane, errors.DeliveryError(written.why, permanent=True, message_only=True))
            case writing.Exceeding(until=until):
                held = partial(outbox.settle_held, until=until, batch=digests.BURST, reason="limit")
                await self._settle(lane, item, "folded", held, until=until.isoformat())

    async def _send(
        self, item: model.Notification, channel: model.Channel, lane: Lane, written: writing.Written
    ) -> None:
        try:
            with tally.SEND_SECONDS.labels(lane.name).time():
                stands = await lane.run(partial(self._sender.send, channel, written.message), within=self._within)
        except errors.DeliveryError as error:
            await self._failed(item, lane, error)
        except Exception as error:  # whatever a library raises; the message is tried again
            log.exception("sender_raised", channel=lane.name, key=item.key)
            await self._failed(item, lane, errors.DeliveryError(f"{type(error).__name__}", message_only=True))
        else:
            now = self._clock()
            lane.health.succeeded(now)
            tally.channel_fares(lane.name, 0, None)
            await self._settle(
                lane, item, "delivered", partial(places.settle_sent, message=written.message, places=stands, now=now)
            )

    async def _failed(self, item: model.Notification, lane: Lane, error: errors.DeliveryError) -> None:
        """Put a message off or give it up, and leave the channel alone for a while when the failure is its own."""
        now = self._clock()
        if not error.message_only:
            pause = min(pace.retry_after(lane.health.failures + 1, 0.0, None), LONGEST_PAUSE)
            lane.health.failed(str(error), now, now + max(pause, error.retry_after or timedelta()))
            tally.channel_fares(lane.name, lane.health.failures, lane.health.resume_at)
            channel = self._channels.get(lane.name)
            if channel and error.retry_after and lane.health.resume_at:
                await self._call(rests.note, self._store, channel, lane.health.resume_at, now)
            since = lane.health.failing_since_at or now
            if now - since >= TELL_AFTER and item.kind is not model.NotificationKind.OPERATOR:
                await self._call(self._tell_down, lane.name, since, str(error), now)
        is_old = item.attempts >= FEWEST_ATTEMPTS and now - item.created_at >= GIVE_UP_AFTER
        if error.permanent or is_old or item.attempts >= MOST_ATTEMPTS:
            await self._settle(
                lane, item, "given_up", partial(self._bury, item=item, error=str(error)), error=str(error)
            )
            return
        wait = pace.retry_after(item.attempts, self._jitter(), error.retry_after)
        if lane.health.failures > 1:  # it is the channel that is down: no message is put off for longer than it
            wait = max(min(wait, LONGEST_PAUSE), error.retry_after or timedelta())
        put_off = partial(outbox.settle_retry, ready_at=now + wait, error=str(error))
        await self._settle(lane, item, "put_off", put_off, error=str(error), seconds=round(wait.total_seconds()))

    # --- the store --------------------------------------------------------------------------------------------------

    async def _settle(
        self, lane: Lane, item: model.Notification, event: str, how: Callable[..., bool], **why: object
    ) -> None:
        """Record an outcome. While the store is away it is kept, and nothing more is claimed for the channel."""
        lane.unsettled = partial(self._write, how, item.id, item.lease)
        log.info(event, channel=lane.name, key=item.key, attempt=item.attempts, **why)
        tally.settled(item, event, self._clock())
        await self._settle_late(lane)

    async def _settle_late(self, lane: Lane) -> None:
        if lane.unsettled is None:
            return
        if not await self._call_first(lane.unsettled):
            log.warning("lease_lost", channel=lane.name)
        lane.unsettled = None

    def _write(self, how: Callable[..., bool], notification_id: int, lease: str) -> bool:
        with self._store.write() as tx:
            return how(tx, notification_id, lease)

    def _bury(self, tx: Session, notification_id: int, lease: str, *, item: model.Notification, error: str) -> bool:
        """Give a message up and tell the operator on the other channels, in one transaction."""
        now = self._clock()
        if not outbox.settle_dead(tx, notification_id, lease, error, now):
            return False
        notices.tell_dead(tx, tuple(self._channels.values()), item, error, now)
        return True

    def _tell_down(self, name: str, since: datetime, error: str, now: datetime) -> None:
        with self._store.write() as tx:
            notices.tell_down(tx, tuple(self._channels.values()), name, since, error, now)

    def _look(self, now: datetime) -> tuple[str, ...]:
        """Let out what is due; return the names of the channels that have something ready."""
        self._timetable.add_due(self._channels.values(), now)
        with self._store.read() as tx:
            is_due = bool(outbox.list_due_held(tx, now))
        if is_due:
            with self._store.write() as tx:
                digests.release_due(tx, now)
        with self._store.read() as tx:
            ready = {name: outbox.next_ready_at(tx, name) for name in self._channels}
        unsettled = {name for name, lane in self._lanes.items() if lane.unsettled}
        furthest = outbox.FURTHEST_RETRY
        return tuple(name for name, at in ready.items() if name in unsettled or (at and not now < at <= now + furthest))

    def _claim(self, name: str) -> model.Notification | None:
        now, channel = self._clock(), self._channels.get(name)
        with self._store.write() as tx:
            if channel is None or rests.is_resting(tx, channel, now):
                return None
            return outbox.claim_next(tx, name, now, lease=self._store.new_lease(), until=now + LEASE)

    def _count_waiting(self) -> int:
        waiting = {model.NotificationState.PENDING, model.NotificationState.HELD}
        with self._store.read() as tx:
            return sum(count for (_, state), count in outbox.counts(tx).items() if state in waiting)
