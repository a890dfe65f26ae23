"""What was stored is alerted at least once, whatever is killed, full or down; `bench/chaos.py` is the long form."""

import shutil
from pathlib import Path

import pytest

from tests.e2e import chaos, counted


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost(tmp_path: Path) -> None:
    """60 stories reach three channels over 4 SIGKILLs; at most one repeat a kill and channel, equal to the first."""
    assert _broken(tmp_path, chaos.Plan(entries=60, kills=4, patience=60)) == []


@pytest.mark.slow
def test_ended_gently_nothing_comes_twice(tmp_path: Path) -> None:
    """SIGTERM, in the middle of a delivery too, ends it with status 0 within 10 s and causes no repeat at all."""
    assert _broken(tmp_path, chaos.Plan(entries=30, kills=3, gently=True, aim=True, patience=60)) == []


@pytest.mark.slow
def test_receivers_and_feeds_that_fail_lose_nothing(tmp_path: Path) -> None:
    """A feed server that goes away, a closed port, 500, 429 with Retry-After, and no answer for longer than 8 s."""
    faults = ("feeds", "refuse", "500", "429", "hang")
    assert _broken(tmp_path, chaos.Plan(entries=20, kills=5, faults=faults, patience=120)) == []


@pytest.mark.slow
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """No file can be written for a while, neither database nor log; then it goes on where it was, killed or not."""
    assert _broken(tmp_path, chaos.Plan(entries=20, kills=2, faults=("limit",), patience=60)) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="the shifted clock is a small library in C")
def test_a_clock_that_is_set_delays_nothing(tmp_path: Path) -> None:
    """The wall clock is set by up to three hours, and right again, while the daemon runs and while it is dead."""
    assert _broken(tmp_path, chaos.Plan(entries=20, kills=4, faults=("clock",), seed=3, patience=60)) == []


def _broken(folder: Path, plan: chaos.Plan) -> list[str]:
    """Run, and return the promises that were broken; with the log, when any was."""
    broken = counted.broken(chaos.run(folder, plan), gently=plan.gently)
    return [*broken, (folder / "daemon.log").read_text()] if broken else []
