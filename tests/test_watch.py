"""What may change under a running daemon: its files."""

import asyncio
import contextlib
from pathlib import Path

from monitor.daemon import watch


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """A rule file that is written ends the wait."""

    async def scenario() -> bool:
        waiting = asyncio.create_task(watch.until_changed([tmp_path], asyncio.Event()))
        for number in range(100):  # until the watch has begun
            (tmp_path / "own.yaml").write_text(f"version: {number}\n", encoding="utf-8")
            await asyncio.wait([waiting], timeout=0.1)
            if waiting.done():
                break
        return await asyncio.wait_for(waiting, 10)

    assert asyncio.run(scenario())


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    """Nothing changed when the daemon is told to stop."""

    async def scenario() -> bool:
        stop = asyncio.Event()
        waiting = asyncio.create_task(watch.until_changed([tmp_path], stop))
        await asyncio.sleep(0)
        stop.set()
        return await asyncio.wait_for(waiting, 10)

    assert not asyncio.run(scenario())


def test_a_wait_that_is_cancelled_does_not_stop_the_daemon(tmp_path: Path) -> None:
    """SIGHUP cancels the wait for files; the event that ends the daemon stays as it is."""

    async def scenario() -> asyncio.Event:
        stop = asyncio.Event()
        waiting = asyncio.create_task(watch.until_changed([tmp_path], stop))
        await asyncio.wait([waiting], timeout=0.3)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        return stop

    assert not asyncio.run(scenario()).is_set()
