"""The daily report of a channel: what came, what was held back and by what, what waits, which feeds were down. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor import model
from monitor.render import view, words

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What the channel was told, or holds a message about."""

    level: model.Level
    title: str
    outlet: str


@dataclass(frozen=True, slots=True)
class Down:
    """A feed that could not be polled; until_at is None while it lasts."""

    feed: str
    since_at: datetime
    until_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Report:
    """A day of one channel.

    entries: how many came in; matched: of them, by a rule. known: titles of known stories and how many entries each
    held back. others: how many were not sent for another reason, in words. waiting: how many messages wait to go
    out; unconfirmed: titles that wait for more outlets.
    """

    since_at: datetime
    until_at: datetime
    entries: int
    matched: int
    told: tuple[Told, ...]
    known: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, int], ...]
    waiting: int
    unconfirmed: tuple[str, ...]
    down: tuple[Down, ...]


def subject(report: Report) -> str:
    """Return `daily report: 5 told, 3 held back, 1 waits, 1 feed down`."""
    held_back = sum(count for _, count in (*report.known, *report.others))
    waits = report.waiting + len(report.unconfirmed)
    feeds = len({down.feed for down in report.down})
    parts = [f"{len(report.told)} told", f"{held_back} held back", f"{waits} waiting"]
    return "daily report: " + ", ".join([*parts, *([f"{words.plural(feeds, 'feed')} down"] if feeds else [])])


def text(report: Report, zone: str) -> str:
    """Return the report; each part is there, empty or not, so that nobody wonders."""
    period = f"{view.instant(report.since_at, zone)} to {view.instant(report.until_at, zone)}"
    came = f"{words.plural(report.entries, 'entry', 'entries')} came in, {report.matched} matched a rule."
    known = [f'{count} by known story "{words.line(title, 120)}"' for title, count in report.known]
    others = [f"{count} {reason}" for reason, count in report.others]
    waiting = [f"{words.plural(report.waiting, 'message')} held or on its way"] if report.waiting else []
    unconfirmed = [f"for more outlets: {words.line(title, 120)}" for title in report.unconfirmed]
    parts = [
        _part("Told on this channel", [_told(one) for one in report.told]),
        _part("Held back", [*known, *others]),
        _part("Waiting", [*waiting, *unconfirmed]),
        _part("Feeds that were down", [_down(one, zone) for one in report.down]),
    ]
    return "\n\n".join([f"{period}\n{came}", *parts])


def _told(one: Told) -> str:
    return f"[{one.level.upper()}] {words.line(one.title, 120)} ({words.line(one.outlet, 60)})"


def _down(down: Down, zone: str) -> str:
    until = "still down" if down.until_at is None else f"until {view.instant(down.until_at, zone)}"
    return f"{down.feed}: since {view.instant(down.since_at, zone)}, {until}: {words.line(down.error, 120)}"


def _part(heading: str, lines: Sequence[str]) -> str:
    shown = [f"- {line}" for line in lines[:_LISTED]] or ["- nothing"]
    more = [f"- and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n".join([heading, *shown, *more])
