"""Several workers on one PostgreSQL, killed, paused and cut off at random while feeds publish; and what came of it.

`bench/workers.py` is the command line. Everything is real: `monitor run` in child processes, each over a wire of its
own to one server.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import text

from monitor.store import engine
from tests import postgres, servers
from tests.e2e import counted, headlines
from tests.e2e.daemon import Daemon
from tests.e2e.loopback import Hook, Loop, News, Wire

FAULTS = ("kill", "pause", "cut", "freeze")
ALL_FAULTS = (*FAULTS, "sleep")  # a pause that is longer than it takes to be given up
SLEEP = (65.0, 80.0)  # seconds
PER_HOST = 2
_EARLY = 0.6  # of the interval: a poll sooner than that after the one before is one too many
SETTLED = """
    SELECT (SELECT count(*) FROM entries WHERE status = 'pending')
         + (SELECT count(*) FROM notifications WHERE state IN ('pending', 'held'))
"""
_DECIDED = """
    SELECT e.key, count(DISTINCT d.id) AS decisions, count(DISTINCT a.id) AS alerts, min(d.kind) AS kind
    FROM entries e LEFT JOIN decisions d ON d.entry_id = e.id LEFT JOIN alerts a ON a.entry_id = e.id GROUP BY e.key
"""


_DELAYS = """
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM d.decided_at - e.first_seen_at)),
           percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM n.sent_at - n.created_at))
    FROM notifications n JOIN notification_alerts l ON l.notification_id = n.id JOIN alerts a ON a.id = l.alert_id
    JOIN decisions d ON d.id = a.decision_id JOIN entries e ON e.id = a.entry_id WHERE n.state = 'sent'
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    stories: entries that match, each a story of its own. others: entries that match nothing, for each of those.
    seconds: how long to publish and to break things. faults: how many, of `kinds` in turn. pause: of a fault, at most.
    patience: seconds for what is left in the end.
    """

    workers: int = 3
    feeds: int = 60
    hosts: int = 10
    stories: int = 60
    others: int = 1
    seconds: float = 15
    faults: int = 6
    kinds: tuple[str, ...] = FAULTS
    pause: float = 3
    interval: int = 2
    seed: int = 1
    patience: float = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """The outcome.

    missing: entries that were published and are not stored. twice: entries with more than one decision or alert.
    undecided: entries that match and have no decision. unalerted: new stories without an alert. swallowed: entries
    that the story index took for another's: made-up news is not always different enough. lost: alerts that did not
    arrive. extra_messages, extra_polls: what was sent or asked once too often; worst_feed: for one feed and fault.
    crowd: the most polls that a host had at once. decided_within: seconds from the poll to the decision, the middle
    and the slowest of a hundred; sent_within: from there until the message was taken. said: warnings and errors of the
    logs, counted.
    """

    workers: int
    feeds: int
    faults: dict[str, int]
    published: int
    missing: int
    twice: int
    undecided: int
    unalerted: int
    swallowed: int
    lost: int
    messages: int
    extra_messages: int
    polls: int
    extra_polls: int
    worst_feed: int
    crowd: int
    decided_within: tuple[float, float]
    sent_within: tuple[float, float]
    ends: tuple[counted.End, ...]
    deaths: int
    tracebacks: int
    caught_up: float
    seconds: float
    said: dict[str, int] = field(default_factory=dict)


def broken(figures: Figures, plan: Plan) -> list[str]:
    """Return which promises a run broke, in words."""
    faults = sum(figures.faults.values())
    checks = {
        f"{figures.missing} published entries are not stored": figures.missing == 0,
        f"{figures.twice} entries were decided or alerted more than once": figures.twice == 0,
        f"{figures.undecided} matching entries were not decided": figures.undecided == 0,
        f"{figures.unalerted} new stories have no alert": figures.unalerted == 0,
        f"{figures.lost} alerts did not arrive": figures.lost == 0,
        f"{figures.extra_messages} messages too many for {faults} faults": figures.extra_messages <= faults,
        f"a feed was polled {figures.worst_feed} times too often": figures.worst_feed <= max(1, faults // 4),
        f"{figures.extra_polls} polls too many for {faults} faults": figures.extra_polls <= 32 * faults,
        f"a host had {figures.crowd} polls at once": figures.crowd <= PER_HOST or not plan.hosts,
        f"the ends were {figures.ends}": all(end.status == 0 and end.seconds <= 15 for end in figures.ends),
        f"workers ended {figures.deaths} times by themselves": figures.deaths == 0,
        f"{figures.tracebacks} tracebacks in the logs": figures.tracebacks == 0,
    }
    return [what for what, holds in checks.items() if not holds]


@dataclass(slots=True)
class Worker:
    """One of the workers, and its wire to the database."""

    daemon: Daemon
    wire: Wire
    busy_until: float = 0.0
    fault: str = ""  # what it suffers until then
    deaths: int = 0
    _begun: int = 0

    def start(self) -> None:
        """Start the daemon."""
        self._begun = len(self.daemon.text)
        self.daemon.start()

    @property
    def has_started(self) -> bool:
        """Whether the daemon works."""
        return " started " in self.daemon.text[self._begun :]

    def until_started(self) -> None:
        """Wait until the daemon works."""
        try:
            servers.until(lambda: self.has_started, 180)  # 20,000 feeds, on a busy machine
        except AssertionError:
            raise AssertionError(f"it does not start:\n{self.daemon.text[-3000:]}") from None

    def suffer(self, fault: str, until: float) -> None:
        """Begin a fault that ends at `until`."""
        self.fault, self.busy_until = fault, until
        if fault == "kill":
            self.daemon.kill()
        elif fault in ("pause", "sleep"):
            os.kill(self.daemon.pid, signal.SIGSTOP)
        elif fault == "cut":
            self.wire.cut()
        else:
            self.wire.freeze()

    def recover(self) -> None:
        """End the fault that it suffers."""
        if self.fault in ("pause", "sleep"):
            os.kill(self.daemon.pid, signal.SIGCONT)
        elif self.fault in ("cut", "freeze"):
            self.wire.mend()
        if not self.daemon.is_running:
            self.deaths += self.fault != "kill"
            self.start()
        self.fault = ""


@dataclass(slots=True)
class World:
    """The workers and what surrounds them."""

    plan: Plan
    url: str
    news: News
    hook: Hook
    workers: list[Worker]
    published: list[str] = field(default_factory=list)
    matching: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Start all workers, and wait until each works."""
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.until_started()

    def publish(self, number: int, title: str, summary: str = "", *, matches: bool) -> None:
        """Let a feed bring an entry."""
        key = f"k{len(self.published)}"
        self.published.append(key)
        if matches:
            self.matching.add(key)
        self.news.publish(number, servers.item(title, guid=key, summary=summary, published=formatdate()))

    def until_settled(self) -> float:
        """Wait until all is stored, decided and sent; return after how many seconds that was."""
        begun = time.monotonic()
        store = engine.open_store(self.url)
        try:
            while time.monotonic() < begun + self.plan.patience:
                with store.read() as tx:
                    stored = tx.connection().scalar(text("SELECT count(*) FROM entries"))
                    left = tx.connection().scalar(text(SETTLED))
                if stored >= len(self.published) and not left:
                    break
                time.sleep(0.2)
        finally:
            store.close()
        return round(time.monotonic() - begun, 1)


def run(folder: Path, plan: Plan, admin_url: str) -> Figures:
    """Do what `plan` says in an empty folder, on a new database of the server."""
    begun = time.monotonic()
    with world(folder, plan, admin_url) as found:
        found.start()
        live(found)
        caught_up = found.until_settled()
        ends = stop(found.workers)
        return count(found, ends, caught_up, round(time.monotonic() - begun, 1))


@contextmanager
def world(folder: Path, plan: Plan, admin_url: str, *, delay: float = 0.01, wired: bool = True) -> Iterator[World]:
    """Build what a run needs, and leave nothing running. wired: each worker has a wire that can be cut."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database(admin_url, f"monitor_workers_{os.getpid()}_{time.monotonic_ns()}"))
        loop = stack.enter_context(Loop())
        news, hook = News(loop, plan.feeds, plan.hosts, delay), Hook(loop)
        workers = []
        for number in range(plan.workers):
            place = folder / f"worker{number}"
            place.mkdir()
            wire = Wire(loop, url)
            daemon = Daemon(place, [], [])
            daemon.config.write_text(_config(plan, news, hook, wire.url if wired else url), encoding="utf-8")
            stack.callback(_close, daemon)
            workers.append(Worker(daemon, wire))
        yield World(plan, url, news, hook, workers)


def live(world: World) -> None:
    """Publish and break things, evenly over the time, in an order that the seed decides."""
    plan, chance = world.plan, random.Random(world.plan.seed)
    stories = headlines.make(plan.stories, chance)
    begun = time.monotonic()
    faults = [plan.kinds[number % len(plan.kinds)] for number in range(plan.faults)]
    chance.shuffle(faults)
    due = sorted((chance.uniform(0, plan.seconds), fault) for fault in faults)
    told = 0
    while True:
        now = time.monotonic()
        for worker in world.workers:
            if now >= worker.busy_until:
                worker.recover()
        share = min(1.0, (now - begun) / plan.seconds)
        for story in stories[told : round(share * plan.stories)]:
            world.publish(chance.randrange(plan.feeds), story.title, story.summary, matches=True)
            for _ in range(plan.others):
                world.publish(chance.randrange(plan.feeds), f"Weather is fine in {story.actor}", matches=False)
        told = round(share * plan.stories)
        is_due = due and due[0][0] <= now - begun
        free = [worker for worker in world.workers if is_due and not worker.fault and worker.has_started]
        while due and due[0][0] <= now - begun and free:
            worker, (_, fault) = free.pop(chance.randrange(len(free))), due.pop(0)
            worker.suffer(fault, now + chance.uniform(*(SLEEP if fault == "sleep" else (0.2, plan.pause))))
            world.faults[fault] += 1
        if share == 1.0 and not due and not any(worker.fault for worker in world.workers):
            return
        time.sleep(0.05)


def stop(workers: Sequence[Worker]) -> tuple[counted.End, ...]:
    """End all at once."""
    for worker in workers:
        worker.until_started()
    begun = time.monotonic()
    for worker in workers:
        os.kill(worker.daemon.pid, signal.SIGTERM)
    return tuple(
        counted.End(worker.daemon.wait_for_death(30), round(time.monotonic() - begun, 1)) for worker in workers
    )


def count(world: World, ends: tuple[counted.End, ...], caught_up: float, seconds: float) -> Figures:
    """Compare what was published with what is stored and what arrived."""
    store = engine.open_store(world.url)
    with store.read() as tx:
        rows = {row.key: row for row in tx.connection().execute(text(_DECIDED))}
        decided, delivered = tx.connection().execute(text(_DELAYS)).one()
        sent = set(tx.connection().scalars(text("SELECT key FROM notifications WHERE kind = 'alert'")))
    store.close()
    keys = Counter(world.hook.keys)
    arrived = {unquote(key).rpartition("@")[0] for key in keys}
    matching = [rows[key] for key in world.matching if key in rows]
    early = _early(world)
    logs = "".join(worker.daemon.text for worker in world.workers)
    return Figures(
        workers=world.plan.workers,
        feeds=world.plan.feeds,
        faults=dict(world.faults),
        published=len(world.published),
        missing=len(set(world.published) - set(rows)),
        twice=sum(row.decisions > 1 or row.alerts > 1 for row in rows.values()),
        undecided=sum(row.decisions == 0 for row in matching),
        unalerted=sum(row.kind == "new" and row.alerts == 0 for row in matching),
        swallowed=sum(row.alerts == 0 for row in matching),
        lost=len(sent - arrived),
        messages=keys.total(),
        extra_messages=keys.total() - len(keys),
        polls=world.news.polls,
        extra_polls=sum(early.values()),
        worst_feed=max(early.values(), default=0),
        crowd=max(world.news.busy.most.values(), default=0),
        decided_within=_rounded(decided),
        sent_within=_rounded(delivered),
        ends=ends,
        deaths=sum(worker.deaths for worker in world.workers),
        tracebacks=logs.count("Traceback"),
        caught_up=caught_up,
        seconds=seconds,
        said=dict(counted.said(logs)),
    )


def _rounded(found: Sequence[float] | None) -> tuple[float, float]:
    middle, slow = found or (0.0, 0.0)
    return round(middle, 2), round(slow, 2)


def _early(world: World) -> Counter[int]:
    """Return how often each feed was asked sooner than its interval allows."""
    least = world.plan.interval * _EARLY
    found: Counter[int] = Counter()
    for number, times in world.news.asked.items():
        found[number] = sum(later - earlier < least for earlier, later in pairwise(times))
    return found


def _close(daemon: Daemon) -> None:
    if daemon.is_running:
        os.kill(daemon.pid, signal.SIGCONT)
    daemon.close()


def _config(plan: Plan, news: News, hook: Hook, url: str) -> str:
    lines = [
        f'[poll]\ninterval = "{plan.interval}s"\ntimeout = "10s"\nfirst = "alert"\nper_host = {PER_HOST}',
        'allow_networks = ["127.0.0.0/8"]',
        '[rules]\npaths = ["rules"]\n[stories]\nseeds = []\nsensitivity = 1.0\nupdate_every = "1s"',
        f'[web]\nlisten = "127.0.0.1:{servers.free_port("127.0.0.1")}"\n[store]\nurl = "{url}"',
        f'[[channels]]\nname = "hook"\nurl = "json://127.0.0.1:{hook.port}/hook"\nlimit = "off"',
    ]
    lines += [
        f'[[feeds]]\nname = "Feed {number}"\nurl = "{news.url(number)}"\ninterval = "{plan.interval}s"'
        for number in range(plan.feeds)
    ]
    return "\n".join([*lines, ""])
