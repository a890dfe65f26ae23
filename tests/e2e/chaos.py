"""Kill the daemon at random moments while news comes in, break what it depends on, and count what arrived.

`bench/chaos.py` is the command line. Everything is real: `monitor run` in a child process, three senders, loopback
receivers. What comes out is `counted.Figures`.
"""

import random
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from tests import servers
from tests.e2e import counted, faults, headlines
from tests.e2e.daemon import Daemon
from tests.e2e.inbox import Inbox, actors

_SHOWN = 200  # items of a feed's document
_LIFE = 2.5  # seconds at most from the news to the kill
_STARTUP = 0.2  # share of kills that come while it starts
_GENTLE = 30.0  # seconds after which a daemon that was told to end is given up


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    gently: end it with SIGTERM. aim: kill it at the moment when a message arrives, which is when repeats come from.
    faults: of `faults.KINDS`, one of them for each life, in turn. patience: seconds for what is left in the end.
    """

    entries: int = 500
    kills: int = 50
    channels: int = 3
    feeds: int = 5
    seed: int = 1
    gently: bool = False
    aim: bool = False
    faults: tuple[str, ...] = ()
    patience: float = 600


@dataclass(slots=True)
class World:
    """A daemon and what surrounds it. lives: how many messages each channel had at each start."""

    plan: Plan
    chance: random.Random
    stories: Sequence[headlines.Headline]
    daemon: Daemon
    place: faults.Place
    lives: list[dict[str, int]] = field(default_factory=list)
    ends: list[counted.End] = field(default_factory=list)
    deaths: int = 0
    _started: int = 0

    def publish(self, until: int) -> None:
        """Let the feeds show the first `until` stories, spread over them, the newest first."""
        for number in range(self.plan.feeds):
            shown = self.stories[:until][number :: self.plan.feeds][-_SHOWN:]
            items = [servers.item(s.title, guid=s.actor, summary=s.summary, published=formatdate()) for s in shown]
            self.place.feeds.put(f"/{number}.xml", servers.rss(f"Feed {number}", *reversed(items)), etag=f'"{until}"')

    def missing(self, name: str) -> int:
        """Return how many stories a channel has not got."""
        wanted = {story.actor for story in self.stories}
        return len(wanted.difference(*map(actors, self.place.inbox.got(name))))

    def start(self) -> None:
        """Start the daemon, and note what has come before."""
        self._started = self.daemon.text.count(" started ")
        self.lives.append({name: len(self.place.inbox.got(name)) for name in self.place.inbox.names})
        self.daemon.start()

    def until_started(self) -> None:
        """Wait until the daemon works."""
        try:
            servers.until(lambda: self.daemon.text.count(" started ") > self._started or not self.daemon.is_running, 60)
        except AssertionError:
            raise AssertionError(f"it does not start:\n{self.daemon.text[-2000:]}") from None

    def wait_a_moment(self) -> None:
        """Wait for a random time, or for a message to arrive when kills are aimed."""
        if not self.plan.aim:
            time.sleep(self.chance.uniform(0, _LIFE))
            return
        enough = self.place.inbox.count() + self.chance.randint(1, 5)
        end = time.monotonic() + _LIFE
        while time.monotonic() < end and self.place.inbox.count() < enough:
            time.sleep(0.0005)

    def end(self) -> None:
        """Kill it; or end it gently, and note the exit status and the time that it took."""
        self.deaths += not self.daemon.is_running
        if not self.daemon.is_running:
            return
        if not self.plan.gently:
            self.daemon.kill()
            return
        self.stop()

    def stop(self) -> None:
        """End it gently."""
        begun = time.monotonic()
        status = self.daemon.stop(_GENTLE)
        self.ends.append(counted.End(status, round(time.monotonic() - begun, 2)))

    def live(self, until: int, fault: str | None) -> None:
        """Start the daemon, bring news, let something fail, and end it."""
        self.start()
        if not fault and not self.plan.gently and self.chance.random() < _STARTUP:
            self.publish(until)
            time.sleep(self.chance.uniform(0, 1))
            self.end()
            return
        self.until_started()
        with ExitStack() as stack:
            if fault:
                stack.enter_context(faults.KINDS[fault](self.place, self.chance))
            self.publish(until)
            self.wait_a_moment()
            if fault and self.chance.random() < 0.5:  # it is over before the end
                stack.close()
                self.wait_a_moment()
            self.end()

    def catch_up(self) -> dict[str, float]:
        """Let the daemon run until every channel has all; return after how many seconds each had, and end it."""
        self.start()
        self.until_started()
        begun = time.monotonic()
        done: dict[str, float] = {}
        while len(done) < len(self.place.inbox.names) and time.monotonic() < begun + self.plan.patience:
            for name in self.place.inbox.names:
                enough = len(self.place.inbox.got(name)) >= len(self.stories)  # the cheaper question first
                if name not in done and enough and not self.missing(name):
                    done[name] = round(time.monotonic() - begun, 2)
            time.sleep(0.05)
        self.stop()
        return done


def run(folder: Path, plan: Plan) -> counted.Figures:
    """Do what `plan` says in an empty folder."""
    begun, before = time.monotonic(), _cpu()
    with _world(folder, plan) as (world, database):
        world.publish(0)
        for life in range(plan.kills):
            fault = plan.faults[life % len(plan.faults)] if plan.faults else None
            world.live(plan.entries * (life + 1) // plan.kills, fault)
        world.publish(plan.entries)
        caught_up = world.catch_up()
        got = {name: world.place.inbox.got(name) for name in world.place.inbox.names}
        return counted.Figures(
            entries=plan.entries,
            kills=plan.kills,
            lost=sum(world.missing(name) for name in got),
            repeats=counted.repeats(got, world.lives, {story.actor for story in world.stories}),
            books=counted.books(database),
            ends=tuple(world.ends),
            deaths=world.deaths,
            tracebacks=world.daemon.text.count("Traceback"),
            said=counted.said(world.daemon.text),
            caught_up=caught_up,
            seconds=round(time.monotonic() - begun, 1),
            cpu=round(_cpu() - before, 1),
        )


@contextmanager
def _world(folder: Path, plan: Plan) -> Iterator[tuple[World, Path]]:
    """Build what a run needs, and leave nothing running or mounted."""
    chance = random.Random(plan.seed)
    with ExitStack() as stack:
        clock = stack.enter_context(faults.Clock(folder)) if "clock" in plan.faults else None
        disk = stack.enter_context(faults.Disk(folder / "disk")) if "disk" in plan.faults else None
        database = (disk.folder if disk else folder) / "monitor.db"
        feeds, inbox = stack.enter_context(servers.FeedServer()), stack.enter_context(Inbox(plan.channels))
        more = (
            f'{inbox.toml()}[stories]\nupdate_every = "1s"\nsensitivity = 1.0\n[store]\nurl = "sqlite:///{database}"\n'
        )
        daemon = Daemon(folder, [feeds.url(f"/{number}.xml") for number in range(plan.feeds)], [], more)
        stack.callback(daemon.close)
        place = faults.Place(feeds, inbox, lambda: daemon.pid, clock, disk)
        yield World(plan, chance, headlines.make(plan.entries, chance), daemon, place), database


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
