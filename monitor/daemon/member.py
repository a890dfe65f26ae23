"""What one worker tells the others that share its database, and what it learns of them. Shell; on the store's thread.

Each says every ten seconds that it lives. Whoever was not seen for a minute is gone: the others take over what it held.
"""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

import monitor
from monitor import clock, pace
from monitor.daemon import inforce
from monitor.store import engine, hosts, migrate, workers

events = structlog.get_logger()

ANSWER_WITHIN = timedelta(seconds=60)
TELL_AFTER = timedelta(minutes=10)  # of differing: workers are upgraded one after the other
CLOCK_OFF = timedelta(seconds=10)  # so far a machine's clock may be from the database's before we say so

_BEFORE_GONE = timedelta(seconds=10)
_UNNOTICED = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Told:
    """What the operator is to be told. topic: the same from every worker, so that it is told once."""

    topic: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a look at the others came to.

    agree: files that decide what goes differed, and are the same by now; so in each look until they are read anew.
    """

    told: tuple[Told, ...] = ()
    agree: bool = False


class Member:
    """This process among the workers of its database."""

    def __init__(
        self, store: engine.Store, found: inforce.InForce, *, steady: Callable[[], float] = time.monotonic
    ) -> None:
        """steady: seconds of a clock that nobody can set."""
        self._store, self._steady = store, steady
        self._differing: dict[str, dict[str, list[str]]] = {}
        self._since = steady()
        self._unlike: frozenset[str] = frozenset()
        self._clock_told = False
        now = clock.now()
        self._self = workers.Worker(
            id=store.worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=monitor.__version__,
            revision=migrate.HEAD,
            files=inforce.fingerprints(found),
            clock_ahead=timedelta(),
            started_at=now,
            seen_at=now,
        )

    def enter(self) -> None:
        """Take the place of a worker that died here, and say that we live. Raises StoreError.

        From now on no answer of the database is waited for without end.
        """
        self._store.bound(ANSWER_WITHIN)
        self._follow_the_clock()
        begun, now = time.monotonic(), clock.now()
        self._self = replace(self._self, started_at=now, seen_at=now)
        with self._store.write() as tx:
            dead = [one.id for one in workers.list_workers(tx, now) if self._replaces(one)]
            for worker_id in dead if self._store.dialect == "sqlite" else dead[:1]:
                workers.leave(tx, worker_id)
            workers.beat(tx, self._self, now)
        self._trust_until(begun)

    def now_works_with(self, found: inforce.InForce, unlike: frozenset[str] = frozenset()) -> None:
        """Note that these files are in force. unlike: those that others had another version of."""
        self._self = replace(self._self, files=inforce.fingerprints(found))
        self._unlike = unlike

    def beat(self) -> Heard:
        """Say that we live, take over from whoever does not, and look who differs from us. Raises StoreError."""
        self._follow_the_clock()
        begun, now = time.monotonic(), clock.now()
        with self._store.write() as tx:
            workers.beat(tx, self._self, now)
            lost = workers.take_over(tx, now)
            hosts.forget_rests(tx, now)
            others = workers.list_workers(tx, now)
        self._trust_until(begun)
        for name in lost:
            events.warning("worker_gone", worker=name, why="not seen for a minute: what it held is free")
        differing = workers.differences(others)
        unlike = inforce.unlike(self._store, others, self._self.files)
        self._unlike |= unlike
        return Heard(self._differences(differing, now), agree=self._unlike != unlike)

    def leave(self) -> None:
        """Say that we end. Raises StoreError."""
        with self._store.write() as tx:
            workers.leave(tx, self._store.worker)

    def _trust_until(self, beaten: float) -> None:
        """Begin no poll and no message later than the others may take us for gone; nobody else is on SQLite."""
        if self._store.dialect == "postgresql":
            self._store.alive_until = beaten + (workers.GONE_AFTER - _BEFORE_GONE).total_seconds()

    def _differences(self, differing: dict[str, dict[str, list[str]]], now: datetime) -> tuple[Told, ...]:
        """Log what differs when that changes; tell of it when it lasts."""
        if differing != self._differing:
            since = self._since if self._differing and differing else self._steady()
            self._differing, self._since = differing, since
            for about, values in differing.items():
                events.warning("workers_differ", about=about, values=values)
        if not differing or self._steady() - self._since < TELL_AFTER.total_seconds():
            return ()
        lines = [f"{about}: {said(values)}" for about, values in differing.items()]
        text = "\n".join([*lines, "", "Give all the same program and the same files; `monitor status` lists them."])
        subject = f"Workers of one database differ in their {', '.join(differing)}"
        return (Told(f"workers:{now:%Y-%m-%d}", subject, text),)

    def _follow_the_clock(self) -> None:
        """Go by the database's clock where workers share one, whatever our machine's says."""
        if self._store.dialect == "sqlite":
            return
        with self._store.read() as tx:
            before = time.monotonic()
            at = engine.lease_now(tx, clock.now())
            at += timedelta(seconds=(time.monotonic() - before) / 2)
        if abs(clock.now() - at) > _UNNOTICED:
            clock.follow(at)
        ahead = clock.wall() - at
        self._self = replace(self._self, clock_ahead=ahead)
        if (abs(ahead) > CLOCK_OFF) != self._clock_told:
            self._clock_told = not self._clock_told
            if self._clock_told:
                which = "ahead of" if ahead > timedelta() else "behind"
                why = f"this machine's clock is {pace.words(abs(ahead))} {which} the database's, which is followed"
                events.warning("clock_differs", why=why)

    def _replaces(self, other: workers.Worker) -> bool:
        """Whether a worker's process does not run any more, as far as we can see from here."""
        if self._store.dialect == "sqlite":
            return True  # we hold the instance lock
        if other.host != self._self.host:
            return False
        return other.pid == self._self.pid or not _runs(other.pid)


def said(values: dict[str, list[str]]) -> str:
    """Return who has what, in words."""
    return "; ".join(f"{', '.join(names)}: {value or 'none'}" for value, names in values.items())


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
