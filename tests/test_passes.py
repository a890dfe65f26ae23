"""Passes beside the store's thread: what is decided, and what an end in the middle of one leaves."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from monitor import dedupe, pipeline, rules
from monitor.daemon import passes
from monitor.daemon.thread import StoreThread
from monitor.store import engine, entries
from tests import builders, networks, servers, stored

NOW = builders.NOON
RULES = "rules:\n  - {id: quake, title: Quake, level: high, match: quake*}\n"
TITLES = [f"Quake number {number} shakes the coast near {place}" for number, place in enumerate("ABCDEFGHIJKLMNOPQRST")]


class Waiting(networks.Counting):
    """An encoder that waits until it is let go on, and knows on which thread it works."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.threads: set[str] = set()

    def encode_all(self, texts: Any) -> list[dedupe.Array | None]:
        """Return one vector for each text, in the end."""
        self.threads.add(threading.current_thread().name)
        result = super().encode_all(texts)
        assert self.goes_on.wait(20)
        return result


def test_others_write_while_entries_are_encoded(sqlite_store: engine.Store) -> None:
    """The store's thread is free meanwhile, and in the end everything is decided in order."""
    encoder = Waiting()
    deciding = _deciding(sqlite_store, encoder)

    async def work(running: passes.Passes, thread: StoreThread) -> pipeline.Pass:
        task = asyncio.create_task(running.run(deciding, limit=50))
        await asyncio.to_thread(servers.until, lambda: encoder.asked)
        assert await thread.call(_count, sqlite_store) == len(TITLES)
        encoder.goes_on.set()
        return await task

    done = _with_passes(work)
    assert (done.claimed, done.matched) == (len(TITLES), len(TITLES))
    assert len(encoder.asked) == len(TITLES)
    assert not any(name.startswith("store") for name in encoder.threads)


def test_an_end_in_the_middle_leaves_the_entries_as_they_were(sqlite_store: engine.Store) -> None:
    """What was claimed is given back with its attempts, and only what is being encoded is waited for."""
    encoder = Waiting()
    deciding = _deciding(sqlite_store, encoder)

    async def end(running: passes.Passes, thread: StoreThread) -> None:
        task = asyncio.create_task(running.run(deciding, limit=50))
        await asyncio.to_thread(servers.until, lambda: encoder.asked)
        task.cancel()
        encoder.goes_on.set()
        with suppress(asyncio.CancelledError):
            await task
        running.close()
        await thread.call(deciding.give_back)

    for _ in range(4):
        encoder.goes_on.clear()
        encoder.asked.clear()
        _with_passes(end)
        assert 0 < len(encoder.asked) < len(TITLES)
    assert _deciding(sqlite_store, None, titles=()).run_pass(NOW).matched == len(TITLES)


def _deciding(
    store: engine.Store, encoder: dedupe.Encodes | None, titles: tuple[str, ...] = tuple(TITLES)
) -> pipeline.Deciding:
    if titles:
        stored.add_entries(store, *titles)
    ruleset = rules.from_files({"own.yaml": RULES})
    return pipeline.Deciding(store, ruleset, [builders.a_channel()], pipeline.Policy(), NOW, encoder=encoder)


def _with_passes(work: Callable[[passes.Passes, StoreThread], Any]) -> Any:
    async def run() -> Any:
        thread = StoreThread()
        running = passes.Passes(thread.call, clock=lambda: NOW)
        try:
            return await work(running, thread)
        finally:
            running.close()
            thread.close()

    return asyncio.run(run())


def _count(store: engine.Store) -> int:
    with store.read() as tx:
        return len(entries.search(tx, "quake", limit=100))
