"""Several workers on one PostgreSQL lose nothing and do nothing twice; `bench/workers.py` is the long form."""

from pathlib import Path

import pytest

from tests.e2e import workers


@pytest.mark.slow
def test_workers_that_are_killed_paused_and_cut_off_lose_nothing(tmp_path: Path, postgres_server: str) -> None:
    """Every entry is stored and decided once, every alert arrives; at most one extra poll or message a fault."""
    plan = workers.Plan(workers=2, feeds=40, stories=30, seconds=8, faults=4, pause=2, patience=60)
    figures = workers.run(tmp_path, plan, postgres_server)
    logs = [worker.read_text() for worker in tmp_path.glob("*/daemon.log")]
    assert workers.broken(figures, plan) == [], "\n".join(map(str, [figures, *logs]))
    assert sum(figures.faults.values()) == 4
