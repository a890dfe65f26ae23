"""`monitor poll`: one pass over what is due, decided and delivered, then the end. Shell; for cron."""

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog

from monitor import clock, config, deliver, log, pipeline, send
from monitor.daemon import inforce, opening, polls
from monitor.daemon.thread import StoreThread
from monitor.store import engine

events = structlog.get_logger()

_DELIVERY = timedelta(seconds=60)
_PASS = 200


@dataclass(frozen=True, slots=True)
class OnceSummary:
    """What the pass came to. waiting: messages that are not out yet; the next pass or the daemon sends them."""

    polling: pipeline.PollSummary
    decided: int = 0
    matched: int = 0
    alerts: int = 0
    waiting: int = 0


def poll_once(
    load: Callable[[], config.Settings], *, names: Collection[str] | None = None, everything: bool = False
) -> OnceSummary:
    """Poll, decide and deliver once. names: these feeds, due or not. everything: all feeds, due or not.

    Raises ConfigError, and StoreError also when a daemon runs on the same SQLite database.
    """
    found = inforce.read(load)
    log.configure(as_json=found.settings.log.format == "json", level=found.settings.log.level)
    unknown = sorted(set(names or ()) - {spec.name for spec in found.settings.specs})
    if unknown:
        from monitor import errors

        msg = f"no feed is named {unknown[0]!r}; `monitor feeds list` shows the names"
        raise errors.ConfigError(msg)
    with opening.opened(found.settings) as (store, _):
        return asyncio.run(_pass(store, found, names, everything=everything))


async def _pass(
    store: engine.Store, found: inforce.InForce, names: Collection[str] | None, *, everything: bool
) -> OnceSummary:
    thread = StoreThread()
    now = clock.now()
    for complaint in found.complaints:
        events.error("channel_unusable", error=complaint)
    deciding, _ = await thread.call(inforce.apply, found, store, now, lambda _: now)
    async with polls.open_polling(store, thread.call, found.settings) as polling:
        summary = await polling.run_all(names=names, everything=everything)
    decided = matched = alerts = 0
    while True:
        done = await thread.call(deciding.run_pass, clock.now(), limit=_PASS)
        for entry in done.failed:
            events.error("entry_given_up", entry=entry.id, feed=entry.feed)
        decided, matched, alerts = decided + done.claimed, matched + done.matched, alerts + done.alerts
        if not done.claimed:
            break
    courier = send.open_sender(identity=await thread.call(inforce.identity, store, now))
    deliverer = deliver.Deliverer(store, thread.call, found.usable, courier, clock=clock.now, jitter=random.random)
    waiting = await deliverer.run_until_idle(_DELIVERY)
    await polls.read_pages(store, thread.call, found.settings)
    courier.close()
    thread.close()
    return OnceSummary(summary, decided, matched, alerts, waiting)
