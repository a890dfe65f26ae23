"""What may change under a running daemon: its files."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.daemon import watch
from monitor.store import size


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


def test_a_folder_that_was_away_is_noticed_when_it_comes_back(tmp_path: Path) -> None:
    """A folder of rules that is not there, nor the one around it, is waited for."""
    folder = tmp_path / "share" / "rules"

    async def wait() -> bool:
        waiting = asyncio.create_task(watch.until_changed([folder], asyncio.Event(), watch.stamp([folder])))
        await asyncio.sleep(0)
        folder.mkdir(parents=True)
        (folder / "own.yaml").write_text("rules: []\n")
        return await asyncio.wait_for(waiting, 20)

    assert asyncio.run(wait())


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


def test_a_change_that_came_while_the_last_was_read_is_noticed(tmp_path: Path) -> None:
    """What was stamped before the read is compared again, even if no event comes any more."""
    (tmp_path / "own.yaml").write_text("version: 1\n", encoding="utf-8")
    known = watch.stamp([tmp_path])
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "more.yaml").write_text("version: 1\n", encoding="utf-8")
    assert asyncio.run(asyncio.wait_for(watch.until_changed([tmp_path], asyncio.Event(), known), 10))


def test_a_clock_that_is_set_is_noticed_once() -> None:
    """An hour back is an hour back, in both directions; a slow drift is no jump."""
    wall, steady = [1000.0], [5.0]
    clock = watch.ClockWatch(lambda: wall[0], lambda: steady[0])
    for step, set_by, expected in ((1, 0, 0), (1, -3600, -3600), (1, 0, 0), (1, 7200, 7200), (1, 0.5, 0)):
        steady[0] += step
        wall[0] += step + set_by
        jump = clock.jump()
        assert (jump.by.total_seconds() if jump else 0) == expected


def test_a_jump_came_after_the_last_look() -> None:
    """However late it is noticed, what the new clock planned since is told apart from what the old one planned."""
    wall, steady = [1000.0], [5.0]
    clock = watch.ClockWatch(lambda: wall[0], lambda: steady[0])
    steady[0] += 30
    wall[0] += 30 + 7200
    jump = clock.jump()
    assert jump
    assert (jump.by, jump.since_at) == (timedelta(hours=2), datetime.fromtimestamp(8200, UTC))


def test_a_disk_that_fills_up_is_told_before_it_is_full(tmp_path: Path) -> None:
    """The operator reads the folder, what is left and what to do; with room there is nothing to say."""
    database = tmp_path / "monitor.db"
    assert size.short_of_space(database, least=1) == ""
    assert size.short_of_space(None) == ""
    told = size.short_of_space(database, least=2**62)
    assert str(tmp_path) in told
    assert "[keep] entries" in told
