"""The store's own thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from monitor.daemon.thread import StoreThread


def run(scenario: Callable[[StoreThread, threading.Event], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on a thread that is busy until the event is set."""

    async def begin() -> None:
        thread, gate = StoreThread(), threading.Event()
        busy = asyncio.create_task(thread.call(gate.wait))
        await asyncio.sleep(0)
        try:
            await asyncio.wait_for(scenario(thread, gate), 10)
        finally:
            gate.set()
            await busy
            thread.close()

    asyncio.run(begin())


def test_what_is_urgent_runs_first() -> None:
    """An outcome does not wait behind what was asked for before it; all others keep their order."""
    done: list[str] = []

    async def scenario(thread: StoreThread, gate: threading.Event) -> None:
        asked = [asyncio.create_task(thread.call(done.append, name)) for name in ("first", "second")]
        asked.append(asyncio.create_task(thread.call_first(done.append, "urgent")))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*asked)

    run(scenario)
    assert done == ["urgent", "first", "second"]


def test_an_urgent_call_returns_and_raises() -> None:
    """Its caller hears how it ended."""

    async def scenario(thread: StoreThread, gate: threading.Event) -> None:
        gate.set()
        assert await thread.call_first(int, "7") == 7
        with pytest.raises(ValueError, match="seven"):
            await thread.call_first(int, "seven")

    run(scenario)


def test_an_urgent_call_runs_though_its_caller_was_cancelled() -> None:
    """A drain that is late does not undo the outcome of a send."""
    done: list[str] = []

    async def scenario(thread: StoreThread, gate: threading.Event) -> None:
        asked = asyncio.create_task(thread.call_first(done.append, "urgent"))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        gate.set()
        await thread.call(int)

    run(scenario)
    assert done == ["urgent"]
