"""Killed at random moments while news comes in and receivers fail: nothing is lost, repeats are rare and equal."""

from pathlib import Path

import pytest

from tests.e2e import kills


@pytest.mark.slow
def test_nothing_is_lost_however_often_it_is_killed(tmp_path: Path) -> None:
    """All of 40 stories arrive on three failing channels over 4 kills; repeats have the key and text of the first."""
    figures = kills.run(tmp_path, entries=40, kills=4, faults=True, seed=7)
    assert figures.lost == 0
    assert figures.changed == 0
    assert figures.worst <= figures.kills
    assert figures.intact == "ok"
