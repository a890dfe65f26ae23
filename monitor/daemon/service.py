"""`monitor run`: start, tick, reload, drain. Shell."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sdnotify
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

import monitor
from monitor import clock, config, deliver, errors, log, pace, pipeline, send, tally
from monitor.daemon import health, inforce, member, opening, passes, pinger, polls, watch
from monitor.daemon.thread import StoreThread
from monitor.store import engine, facts, size, upkeep

events = structlog.get_logger()

_DRAIN = timedelta(seconds=8)
_OVERDUE = 90.0  # seconds
_SELDOM = frozenset({"prune", "ping", "feeds"})  # ticks that may be further apart
_DEBOUNCE = 0.3
_PASS = 50

Service = Callable[[engine.Store, config.Settings, asyncio.Event], Coroutine[None, None, None]]
"""Something that runs beside the ticks until the event is set, such as the web page."""


def run(load: Callable[[], config.Settings], file: Path | None, services: tuple[Service, ...] = ()) -> int:
    """Run until SIGTERM or SIGINT, and return the exit status.

    load: reads the settings, at the start and at each reload. file: the configuration, whose changes are watched.
    Raises ConfigError and StoreError for what is wrong at the start.
    """
    found = inforce.read(load)
    log.configure(as_json=found.settings.log.format == "json", level=found.settings.log.level)
    with opening.opened(found.settings) as (store, look):
        return asyncio.run(_Service(store, found, load, file, (*services, look.go_on)).run())


class _Service:
    """One running daemon on an open store."""

    def __init__(
        self,
        store: engine.Store,
        found: inforce.InForce,
        load: Callable[[], config.Settings],
        file: Path | None,
        services: tuple[Service, ...],
    ) -> None:
        self._store, self._found, self._load, self._file, self._services = store, found, load, file, services
        self._thread = StoreThread()
        self._passes = passes.Passes(self._thread.call, clock=clock.now)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._systemd = sdnotify.SystemdNotifier()
        self._clock_watch = watch.ClockWatch()
        self._member = member.Member(store, found)
        self._alive: dict[str, float] = {}  # when each tick ended well
        self._ended: dict[str, float] = {}  # ... or in vain, because the store is away
        self._complaint = ""
        self._status = 0
        self._pinger = pinger.Pinger()
        self._polling: pipeline.Polling | None = None

    async def run(self) -> int:
        """Start everything, wait for the signal, and drain."""
        self._stop, self._reload = asyncio.Event(), asyncio.Event()
        self._listen()
        await self._thread.call(watch.catch_up_with_the_clock, self._store, clock.now())
        await self._thread.call(self._member.enter)
        self._deciding, changes = await self._apply(self._found)
        courier = send.open_sender(identity=await self._thread.call(inforce.identity, self._store, clock.now()))
        self._deliverer = deliver.Deliverer(
            self._store,
            self._thread.call,
            self._found.usable,
            courier,
            clock=clock.now,
            jitter=random.random,
            call_first=self._thread.call_first,
        )
        async with AsyncExitStack() as self._open:
            self._polling = await self._open.enter_async_context(self._open_polling(self._found.settings))
            beside = [asyncio.create_task(self._watch_files(), name="watch files")]
            beside += [
                asyncio.create_task(service(self._store, self._found.settings, self._stop))
                for service in self._services
            ]
            self._schedule()
            rules, channels = len(self._found.ruleset.rules), [channel.name for channel in self._found.channels]
            events.info("started", version=monitor.__version__, rules=rules, channels=channels, **changes.counts())
            await self._name_unusable()
            self._systemd.notify("READY=1")
            await self._stop.wait()
            await self._drain(beside)
        with suppress(errors.StoreError):
            await self._thread.call(self._member.leave)
        courier.close()
        self._thread.close()
        return self._status

    # --- ticks ----------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        ticks: dict[str, tuple[Callable[[], Awaitable[None]], float]] = {
            "poll": (self._poll, 1),
            "decide": (self._decide, 1),
            "deliver": (self._deliver, 1),
            "heartbeat": (self._heartbeat, 10),
            "ping": (self._ping, self._found.settings.heartbeat.every.total_seconds()),
            "prune": (self._prune, 3600),
            "feeds": (self._tell_of_feeds, 3600),
        }
        now = clock.wall()
        for name, (tick, seconds) in ticks.items():
            self._alive[name] = self._ended[name] = time.monotonic()
            self._scheduler.add_job(
                self._tick,
                "interval",
                args=(name, tick),
                id=name,
                seconds=seconds,
                next_run_time=now,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()
        self._clock_task = asyncio.create_task(self._mind_the_clock(), name="mind the clock")

    async def _tick(self, name: str, tick: Callable[[], Awaitable[None]]) -> None:
        """Run one tick; whatever it raises ends this tick only."""
        try:
            await tick()
        except errors.StoreError as error:
            events.error("store_away", tick=name, error=str(error))
            tally.TICK_FAILURES.labels(name, "store_away").inc()
            self._ended[name] = time.monotonic()
            return
        except asyncio.CancelledError:  # the scheduler cuts it short at the end; what it holds is given back
            if not self._stop.is_set():
                raise
            return
        except Exception:  # noqa: BLE001  the loop that must survive
            events.exception("tick_raised", tick=name)
            tally.TICK_FAILURES.labels(name, "raised").inc()
            return
        self._alive[name] = self._ended[name] = time.monotonic()

    def _soon(self, name: str) -> None:
        """Let a tick run at once instead of at its next second."""
        if not self._stop.is_set():
            self._scheduler.modify_job(name, next_run_time=clock.wall())

    async def _poll(self) -> None:
        if self._polling:
            await self._polling.start_due()

    async def _decide(self) -> None:
        while not self._stop.is_set():
            done = await self._passes.run(self._deciding, limit=_PASS)
            # A backlog of an hour is many passes: it is at work.
            self._alive["decide"] = self._ended["decide"] = time.monotonic()
            for entry in done.failed:
                events.error("entry_given_up", entry=entry.id, feed=entry.feed)
                await self._tell(
                    f"entry-failed:{entry.id}",
                    f"An entry of {entry.feed} could not be processed",
                    f"Entry {entry.id} raised three times and was given up: {entry.title}\n{entry.url}",
                )
            if done.alerts:
                self._soon("deliver")
            if not done.claimed:
                return

    async def _deliver(self) -> None:
        await self._deliverer.tick()

    async def _heartbeat(self) -> None:
        """Say that we live, if all ticks do: a watchdog that is fed by a timer alone watches nothing.

        A store that is away is no reason to be killed and started again: that would not bring it back.
        """
        overdue = _overdue(self._ended)
        if overdue:
            events.error("ticks_overdue", ticks=overdue)
            return
        self._systemd.notify("WATCHDOG=1")
        now = clock.now()
        newer = await self._thread.call(self._store.newer)
        if newer:
            events.error("database_newer", error=newer)
            await self._tell(f"database:{now:%Y-%m-%d}", "The database is newer than this program", newer)
            self._status = 1
            self._stop.set()
            return
        await self._thread.call(self._put_heartbeat, now)
        heard = await self._thread.call(self._member.beat)
        for told in heard.told:
            await self._tell(told.topic, told.subject, told.text)
        if heard.agree:  # what none of the workers' files has any more goes now
            self._reload.set()
        if await self._thread.call(health.tell_of_network, self._store, self._found.usable, now):
            self._soon("deliver")
        short = size.short_of_space(self._store.path)
        if short:
            await self._tell(f"disk:{now:%Y-%m-%d}", "The disk is nearly full", short)

    async def _ping(self) -> None:
        await self._pinger.ping(self._found.settings, well=not _overdue(self._alive))

    def _put_heartbeat(self, now: datetime) -> None:
        with self._store.write() as tx:
            facts.put(tx, "heartbeat", {**watch.describe_self(), "version": monitor.__version__}, now)

    async def _prune(self) -> None:
        before = clock.now() - self._found.settings.keep.entries
        while pruned := await self._thread.call(self._prune_before, before):
            events.info("pruned", entries=pruned)

    async def _tell_of_feeds(self) -> None:
        if await self._thread.call(health.tell, self._store, self._found.usable, clock.now()):
            self._soon("deliver")

    def _prune_before(self, before: datetime) -> int:
        with self._store.write() as tx:
            return upkeep.prune(tx, before)

    async def _mind_the_clock(self) -> None:
        """Reschedule when the wall clock jumps: APScheduler would wait for the old time to come back."""
        while True:
            await asyncio.sleep(1)
            jump = self._clock_watch.jump()
            if jump:
                events.warning("clock_jumped", seconds=round(jump.by.total_seconds(), 1))
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=clock.wall())
                if self._store.dialect == "sqlite":  # where workers share a database, they go by its clock
                    self._deliverer.clock_was_set(jump.by)
                    move = partial(watch.move_due_times, self._store, jump.by, jump.since_at)
                    await self._tick("clock", partial(self._thread.call, move))
                    await self._tick("clock", partial(self._tell_of_jump, jump.by))

    async def _tell_of_jump(self, jump: timedelta) -> None:
        ahead = "ahead" if jump > timedelta() else "back"
        text = (
            f"The clock of this machine was set {ahead} by {pace.words(abs(jump))}, or the machine slept. What was "
            f"planned moved with it and nothing is lost; times in alerts may be wrong. Check its time service (NTP)."
        )
        await self._tell(f"clock:{clock.now():%Y-%m-%dT%H}", f"The clock was set {ahead}", text)

    # --- files and signals ----------------------------------------------------------------------------------------

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    async def _watch_files(self) -> None:
        """Reload on SIGHUP and when a file changes."""
        paths = watch.watched_paths(self._found.settings, self._file)
        stamp = watch.stamp(paths)
        while not self._stop.is_set():
            waits = [
                asyncio.create_task(self._reload.wait()),
                asyncio.create_task(watch.until_changed(paths, self._stop, stamp)),
            ]
            _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            if self._stop.is_set():
                return
            await asyncio.sleep(_DEBOUNCE)
            self._reload.clear()
            stamp = watch.stamp(paths)
            await self._tick("reload", self._reread)
            paths, before = watch.watched_paths(self._found.settings, self._file), paths
            stamp = stamp if paths == before else watch.stamp(paths)

    async def _reread(self) -> None:
        """Put what the files say now in force, or keep what is, and say so once."""
        self._systemd.notify("RELOADING=1")
        try:
            found = await asyncio.get_running_loop().run_in_executor(None, inforce.read, self._load)
            await self._put_in_force(found)
        except errors.ConfigError as error:
            await self._complain(str(error))
        else:
            if self._complaint:
                self._complaint = ""
                await self._tell(
                    f"files-mended:{clock.now():%Y%m%dT%H%M%S}", "The files are well again", "They are in force."
                )
        finally:
            self._systemd.notify("READY=1")

    async def _put_in_force(self, found: inforce.InForce) -> None:
        before = self._found.settings
        deciding, changes = await self._apply(found)
        if found.settings.poll != before.poll:
            self._polling = None
            await self._open.aclose()
            self._polling = await self._open.enter_async_context(self._open_polling(found.settings))
        self._deciding, self._found = deciding, found
        self._deliverer.set_channels(found.usable)
        await self._name_unusable()
        self._scheduler.reschedule_job(
            "ping", trigger="interval", seconds=found.settings.heartbeat.every.total_seconds()
        )
        if (found.settings.store, found.settings.web, found.settings.log) != (before.store, before.web, before.log):
            events.warning("restart_needed", why="[store], [web] and [log] are read at the start only")
        rules, channels = len(found.ruleset.rules), [channel.name for channel in found.channels]
        events.info("reloaded", rules=rules, channels=channels, **changes.counts())

    async def _name_unusable(self) -> None:
        """Say which channels cannot be sent to, what these are owed waits; and whether meanings cannot be compared."""
        for complaint in self._found.complaints:
            events.error("channel_unusable", error=complaint)
            text = f"What it is owed waits in the outbox. Mend this:\n{complaint}"
            await self._tell(f"channel:{clock.now():%Y-%m-%d}:{complaint}", "A channel cannot be used", text)
        complaint = await self._passes.complaint(self._found.encoder)
        if complaint:
            text = f"Words alone decide which story an entry tells. Mend this and reload:\n{complaint}"
            await self._tell(f"encoder:{clock.now():%Y-%m-%d}:{complaint}", "The encoder cannot be used", text)

    async def _complain(self, complaint: str) -> None:
        events.error("files_refused", error=complaint)
        tally.RELOAD_WELL.set(0)
        if complaint != self._complaint:
            first = not self._complaint
            self._complaint = complaint
            if first:
                text = f"What was in force goes on. Mend this:\n{complaint}"
                await self._tell(f"files-broken:{clock.now():%Y%m%dT%H%M%S}", "The files cannot be read", text)

    async def _apply(self, found: inforce.InForce) -> tuple[pipeline.Deciding, inforce.Changes]:
        now = clock.now()
        first_due = inforce.spread(now, len(found.settings.specs), found.settings.poll.interval / 2)
        deciding, changes = await self._thread.call(inforce.apply, found, self._store, now, first_due)
        self._member.now_works_with(found, changes.unlike)
        return deciding, changes

    def _open_polling(self, settings: config.Settings) -> AbstractAsyncContextManager[pipeline.Polling]:
        return polls.open_polling(self._store, self._thread.call, settings, lambda: self._soon("decide"))

    async def _tell(self, topic: str, subject: str, text: str) -> None:
        """Tell the operator, through the outbox like everything else."""
        await self._thread.call(self._add_operator_alert, topic, subject, text)
        self._soon("deliver")

    def _add_operator_alert(self, topic: str, subject: str, text: str) -> None:
        with self._store.write() as tx:
            deliver.tell_operator(tx, self._found.usable, topic=topic, subject=subject, text=text, now=clock.now())

    # --- the end --------------------------------------------------------------------------------------------------

    async def _drain(self, beside: list[asyncio.Task[None]]) -> None:
        """Begin nothing, finish what is under way within 8 s."""
        events.info("stopping")
        self._systemd.notify("STOPPING=1")
        self._scheduler.pause()
        self._clock_task.cancel()
        await asyncio.gather(self._deliverer.drain(_DRAIN), self._open.aclose())
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, self._clock_task, return_exceptions=True)
        self._scheduler.shutdown(wait=False)
        self._passes.close()
        with suppress(errors.StoreError):
            await self._thread.call(self._deciding.give_back)
        events.info("stopped")


def _overdue(ends: Mapping[str, float]) -> list[str]:
    """Return the ticks that have not come to an end for too long. ends: when each did last."""
    steady = time.monotonic()
    return [name for name, at in ends.items() if name not in _SELDOM and steady - at > _OVERDUE]
