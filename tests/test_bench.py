"""The commands that measure: small runs, so that they go on working. Their figures mean nothing here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


def measure(*command: str, well: bool = True) -> list[dict[str, Any]]:
    """Run a command of bench/ and return the JSON objects that it prints. well: its figures are to be good, too."""
    done = subprocess.run(
        [sys.executable, *command, "--json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0 or not well, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_what_a_pass_costs_is_measured() -> None:
    """`bench/polls.py` runs passes, finds what was published in each, and counts its CPU."""
    (found,) = measure("bench/polls.py", "--feeds", "12", "--items", "12", "--passes", "cold,304")
    (row,) = found["rows"]
    assert row["feeds"] == 12
    assert all(row[name]["cpu_ms"] > 0 for name in ("cold", "304"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_soak_is_watched() -> None:
    """`bench/soak.py` runs the daemon, counts its polls, and says what it takes."""
    rows = measure("bench/soak.py", "--minutes", "0.1", "--report", "3", "--feeds", "4", "--interval", "1s")
    assert len(rows) == 2
    assert rows[-1]["polls"] > rows[0]["polls"] > 0
    assert rows[-1]["memory"] > 10


@pytest.mark.slow
def test_news_is_told_while_a_crowd_is_due() -> None:
    """`bench/latency.py` times each message; with other feeds due at once none waits for long."""
    command = ("bench/latency.py", "--news", "2", "--others", "60", "--interval", "2")
    (found,) = measure(*command, well=False)  # 4 s are allowed where nobody else uses the machine
    assert found["news"] == 2
    assert 0 < found["most"] < 15


@pytest.mark.slow
def test_one_command_sets_goals_beside_what_is_found() -> None:
    """`bench/polling.py` runs the measurements beside it and makes one table of what they find."""
    (found,) = measure("bench/polling.py", "--quick", "--parts", "tls")
    assert {row["unit"] for row in found["rows"]} == {"ms"}
    assert all(row["found"] > 0 for row in found["rows"])
