"""What `monitor poll --all` costs: `python bench/polls.py [--feeds 200,1000] [--items 30] [--tls] [--close] [--json]`.

Serves generated feeds on loopback addresses from a process of its own, runs the command as a child with the shipped
rules (one entry in a hundred matches one), and prints its CPU: user and system, with its parser children, without the
server:

- cold: an empty database, every entry is new;
- 304: nothing new, and the server says so;
- new: every tenth feed has two new entries, the others answer 304;
- same: the server knows no validators and sends the same bytes again.

A feed's marginal cost is (total of the most feeds less total of the fewest) / their difference; the start is what is
left of the smallest 304 pass without its feeds. Peak memory is the command's own process.

--tls serves by https with a certificate of its own, which is checked; --close makes the server end every connection
after one answer, as most do between two polls. It needs the repository and its development dependencies, no more.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import certificates, newsstand

PASSES = ("cold", "304", "new", "same")
GOALS = {"cold": 5.0, "304": 0.8, "new": 1.4, "same": 1.0, "start": 1.0}


@dataclass(frozen=True, slots=True)
class Pass:
    """What one run of the command took: CPU in milliseconds, and the largest process of it in MB."""

    cpu: float
    memory: float
    entries: int = 0
    matched: int = 0


@dataclass(slots=True)
class Row:
    """The passes over so many feeds, by name."""

    feeds: int
    passes: dict[str, Pass] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="200,1000")
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--passes", default=",".join(PASSES), help="of these, in this order")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--close", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    counts = sorted({int(count) for count in args.feeds.split(",")})
    with trusted(tls=args.tls) as (tls, environment):
        plans = [newsstand.Plan(count, args.items, tls, closes=args.close) for count in counts]
        rows = [measure(plan, environment, args.passes.split(",")) for plan in plans]
    found = costs(rows)
    if args.json:
        print(json.dumps({"rows": [as_json(row) for row in rows], "marginal_ms": found}))
    else:
        show(rows, found)


@contextmanager
def trusted(*, tls: bool) -> Iterator[tuple[tuple[Path, Path] | None, dict[str, str]]]:
    """Make a certificate for all hosts, and return its files with the environment in which it is trusted."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if not tls:
        yield None, environment
        return
    with certificates.made(*(f"127.0.0.{host}" for host in range(2, newsstand.HOSTS + 1))) as made:
        yield (made.file, made.key), environment | {"SSL_CERT_FILE": str(made.file)}


def measure(plan: newsstand.Plan, environment: Mapping[str, str], passes: Sequence[str]) -> Row:
    """Run these passes over the feeds of `plan`."""
    row, count = Row(plan.feeds), plan.feeds
    with tempfile.TemporaryDirectory() as folder, newsstand.serving(plan) as stand:
        config = set_up(Path(folder), count, stand)
        run(config, environment, "--feed", "no such feed")  # compiles the modules, where nobody has
        for name in passes:
            if name == "new":
                stand.advance()
            if name == "same":
                stand.unconditional()
                run(config, environment, "--all")  # learns that there are no validators; the bytes stay the same
            progress(f"{count} feeds: {name}")
            row.passes[name] = run(config, environment, "--all")
    progress("")
    if "cold" in passes and not row.passes["cold"].matched:
        sys.exit("cold: no entry matched a rule: this measures too little")
    expected = {"cold": count * plan.items, "304": 0, "new": 2 * len(range(0, count, 10)), "same": 0}
    for name, done in row.passes.items():
        if done.entries != expected[name]:
            sys.exit(f"{name}: {done.entries} new entries, {expected[name]} were published: this measures nothing")
    return row


def set_up(folder: Path, count: int, stand: newsstand.Stand) -> Path:
    """Write a configuration for `count` feeds, without channels that reach anybody."""
    lines = ['[poll]\nallow_networks = ["127.0.0.0/8"]\nconcurrency = 32']
    lines += ['[rules]\npaths = ["builtin"]', '[stories]\nseeds = ["builtin"]', '[log]\nlevel = "warning"']
    lines += [f'[[feeds]]\nname = "Desk {i}"\nurl = "{stand.url(i)}"' for i in range(count)]
    config = folder / "config.toml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def run(config: Path, environment: Mapping[str, str], *arguments: str) -> Pass:
    """Run `monitor poll` and return what it and its children took."""
    command = [sys.executable, "-m", "monitor", "poll", "--json", "--config", str(config), *arguments]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout
        said = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)  # of this child and its own alone
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        complaint = complaints.read().decode(errors="replace")
    if process.returncode not in (0, 2):
        sys.exit(f"monitor poll failed ({process.returncode}):\n{complaint[-2000:]}")
    cpu, memory = (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024
    if process.returncode:
        return Pass(cpu, memory)
    told = json.loads(said.strip().splitlines()[-1])  # after the alerts
    return Pass(cpu, memory, told["entries"], told["matched"])


def costs(rows: Sequence[Row]) -> dict[str, float]:
    """Return the marginal milliseconds of a feed by pass, and the seconds of a start; nothing of a single row."""
    if len(rows) < 2:
        return {}
    few, many = rows[0], rows[-1]
    found = {name: (many.passes[name].cpu - few.passes[name].cpu) / (many.feeds - few.feeds) for name in few.passes}
    if "304" in found:
        found["start"] = (few.passes["304"].cpu - found["304"] * few.feeds) / 1000
    return found


def show(rows: Sequence[Row], found: Mapping[str, float]) -> None:
    """Print the table."""
    passes = list(rows[0].passes)
    print(f"{'CPU, ms':>22} | " + " | ".join(f"{name:>8}" for name in passes) + " | start, s | peak MB")
    for row in rows:
        cells = " | ".join(f"{row.passes[name].cpu:8.0f}" for name in passes)
        memory = max(each.memory for each in row.passes.values())
        print(f"{f'{row.feeds} feeds, a pass':>22} | {cells} | {'':>8} | {memory:7.0f}")
    for title, values in (("one feed more", found), ("goal", GOALS)):
        if found:
            cells = " | ".join(f"{values[name]:8.2f}" for name in passes)
            print(f"{title:>22} | {cells} | {values.get('start', 0):8.2f} |")


def as_json(row: Row) -> dict[str, object]:
    """Return a row as JSON has it."""
    passes = {name: {"cpu_ms": round(each.cpu), "mb": round(each.memory)} for name, each in row.passes.items()}
    return {"feeds": row.feeds, **passes}


def progress(text: str) -> None:
    """Show what is under way, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{text:<40}", end="\r" if not text else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
