"""All that is promised of polling, measured: `python bench/polling.py [--quick] [--parts polls,memory,...] [--json]`.

Runs the measurements beside it, one after the other, and prints one table with what was found and the goal of it:

- polls: CPU for one feed more in `monitor poll --all`, and for a start (`polls.py`);
- memory: of all processes at rest, and whether it grows with the feeds (`memory.py`);
- hostile: of all processes while feeds send what they must not (`memory.py --hostile`);
- latency: from publish to the message, while 1,000 other feeds are due (`latency.py`);
- tls: CPU for a poll by https, on a connection that is kept and on a new one (`tls.py`).

Ten minutes on an idle machine; with --quick, at smaller sizes, three: enough to see what a change broke, no figures to
quote. It needs the repository and its development dependencies, no more. Exit status 1 when a goal is missed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_FLAT = 20.0  # percent

Found = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. goal: the most that is allowed, None where nothing is promised."""

    what: str
    found: float
    unit: str
    goal: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        return self.goal is None or self.found <= self.goal


@dataclass(frozen=True, slots=True)
class Part:
    """A measurement. read: makes rows of what it prints in JSON, a line each."""

    program: str
    full: tuple[str, ...]
    quick: tuple[str, ...]
    read: Callable[[Found], list[Row]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in args.parts.split(","):
        part = PARTS[name]
        found = measured(part.program, *(part.quick if args.quick else part.full))
        rows += part.read(found)
    tell(rows, as_json=args.json)
    return 0 if all(row.holds for row in rows) else 1


def measured(program: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a measurement and return what it found."""
    command = [sys.executable, str(_HERE / program), *arguments, "--json"]
    print(f"{program} {' '.join(arguments)}".strip(), file=sys.stderr, flush=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        sys.exit(f"{program} found nothing:\n{done.stderr[-2000:]}")
    return found


def tell(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print the table."""
    if as_json:
        told = [{"what": row.what, "found": row.found, "unit": row.unit, "goal": row.goal} for row in rows]
        print(json.dumps({"rows": told}))
        return
    print("| what | found | goal | |\n|---|---:|---:|---|")
    for row in rows:
        goal = f"{row.goal:g} {row.unit}" if row.goal is not None else ""
        print(f"| {row.what} | {row.found:g} {row.unit} | {goal} | {'' if row.holds else 'MISSED'} |")


# --- what the parts find ----------------------------------------------------------------------------------------


def _polls(found: Found) -> list[Row]:
    cost = found[0]["marginal_ms"]
    goals = {"304": ("nothing new (304)", 0.8), "same": ("same bytes again", 1.0)}
    goals |= {"new": ("a tenth has two new entries", 1.4), "cold": ("cold", 5.0)}
    rows = [
        Row(f"CPU of one feed more, {what}", round(cost[name], 2), "ms", goal) for name, (what, goal) in goals.items()
    ]
    return [*rows, Row("CPU of a start", round(cost["start"], 2), "s", 1.0)]


def _memory(found: Found) -> list[Row]:
    rows = [
        Row(f"memory at rest, {one['feeds']} feeds", one["rest"], "MB", 150 if one["feeds"] == 1000 else None)
        for one in found
    ]
    if len(found) > 1:
        few, many = found[0], found[-1]
        growth = round((many["rest"] / few["rest"] - 1) * 100)
        rows.append(Row(f"memory at rest, from {few['feeds']} to {many['feeds']} feeds", growth, "%", _FLAT))
    return rows


def _hostile(found: Found) -> list[Row]:
    return [Row(f"memory at most, {found[0]['hostile polls']} hostile polls", found[0]["most"], "MB", 400)]


def _latency(found: Found) -> list[Row]:
    one = found[0]
    return [
        Row(f"publish to message, median of {one['news']}", one["median"], "s"),
        Row("publish to message, p95", one["p95"], "s", one["allowed"]),
    ]


def _tls(found: Found) -> list[Row]:
    return [Row(f"CPU of a poll, {one['way']} connection", one["cpu_ms"], "ms") for one in found]


PARTS = {
    "polls": Part("polls.py", ("--feeds", "200,1000"), ("--feeds", "100,300"), _polls),
    "memory": Part(
        "memory.py", ("--feeds", "200,1000,5000", "--idle", "70"), ("--feeds", "200", "--idle", "70"), _memory
    ),
    "hostile": Part("memory.py", ("--hostile", "--seconds", "60"), ("--hostile", "--seconds", "20"), _hostile),
    "latency": Part("latency.py", ("--news", "20"), ("--news", "5", "--others", "300"), _latency),
    "tls": Part("tls.py", (), ("--polls", "200"), _tls),
}

if __name__ == "__main__":
    sys.exit(main())
