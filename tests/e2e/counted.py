"""What came of a run of `chaos`: what was lost, what came twice and why, and how the daemon ended."""

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.inbox import Arrival, actors


@dataclass(frozen=True, slots=True)
class End:
    """How the daemon ended when it was told to. seconds: from the signal to the end."""

    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Repeats:
    """What came more than once.

    worst: most repeats of one channel that one kill can have caused. mean: repeats for each kill and channel.
    changed: repeats that have not the key and the text of the first.
    """

    count: int
    worst: int
    mean: float
    changed: int


@dataclass(frozen=True, slots=True)
class Books:
    """What the database says in the end.

    swallowed: entries that were stored and raised no alert: the made-up news was not different enough, or a bug.
    open: messages that are not sent. intact: what SQLite's own check says.
    """

    stored: int
    swallowed: int
    open: int
    intact: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The outcome.

    lost: messages that a channel never got. seconds, cpu: of the whole run; the processor's are the daemon's alone.
    caught_up: seconds from the last start until each channel had all. said: warnings and errors of the log, counted.
    """

    entries: int
    kills: int
    lost: int
    repeats: Repeats
    books: Books
    ends: tuple[End, ...]
    deaths: int
    tracebacks: int
    said: Mapping[str, int]
    caught_up: Mapping[str, float]
    seconds: float
    cpu: float


def broken(figures: Figures, *, gently: bool) -> list[str]:
    """Return which promises a run broke, in words."""
    allowed = 0 if gently else 1
    checks = {
        f"{figures.lost} messages were lost": figures.lost == 0,
        f"{figures.books.swallowed} stored entries raised no alert": figures.books.swallowed == 0,
        f"{figures.repeats.worst} repeats for one kill and channel": figures.repeats.worst <= allowed,
        f"{figures.repeats.changed} repeats have another key or text": figures.repeats.changed == 0,
        f"the ends were {figures.ends}": all(end.status == 0 and end.seconds <= 10 for end in figures.ends),
        f"{figures.books.open} messages are not settled": figures.books.open == 0,
        f"the database is not sound: {figures.books.intact}": figures.books.intact == "ok",
        f"it ended {figures.deaths} times by itself": figures.deaths == 0,
        f"{figures.tracebacks} tracebacks in the log": figures.tracebacks == 0,
    }
    return [what for what, holds in checks.items() if not holds]


def repeats(got: Mapping[str, Sequence[Arrival]], lives: Sequence[Mapping[str, int]], wanted: set[str]) -> Repeats:
    """Count what came twice. lives: how many messages each channel had at each start."""
    by_kill: Counter[tuple[str, int]] = Counter()
    changed = 0
    for name, arrivals in got.items():
        first: dict[str, Arrival] = {}
        last: dict[str, int] = {}
        starts = [life[name] for life in lives]
        for number, arrival in enumerate(arrivals):
            [about] = actors(arrival) & wanted
            if about in first:
                by_kill[name, _life(starts, last[about])] += 1
                changed += arrival != first[about]
            first.setdefault(about, arrival)
            last[about] = number
    count = by_kill.total()
    chances = max(1, len(lives) - 1) * len(got)
    return Repeats(count, max(by_kill.values(), default=0), round(count / chances, 3), changed)


def books(database: Path) -> Books:
    """Read what the database says, when no daemon runs."""
    with sqlite3.connect(database) as connection:

        def number(query: str) -> int:
            return int(connection.execute(query).fetchone()[0])

        return Books(
            stored=number("SELECT count(*) FROM entries"),
            swallowed=number("SELECT count(*) FROM entries WHERE id NOT IN (SELECT entry_id FROM alerts)"),
            open=number("SELECT count(*) FROM notifications WHERE state <> 'sent' OR lease IS NOT NULL"),
            intact=str(connection.execute("PRAGMA integrity_check").fetchone()[0]),
        )


def said(log: str) -> Mapping[str, int]:
    """Return the log's warnings and errors by event, the most frequent first."""
    found = re.findall(r"^\S+ \[(?:warning|error|critical) *\] (\w+)", log, re.MULTILINE)
    return dict(Counter(found).most_common())


def _life(starts: Sequence[int], number: int) -> int:
    """Return in which life the message with this number came."""
    return sum(start <= number for start in starts)
