"""The demo's news: what eight invented outlets told in the last two weeks. Pure but for reading its own files.

Times are kept as "how long ago", so that the news is fresh whenever the demo runs. What is older than `LIVE` lies in
the feeds from the start; the rest comes out one after another, in the order in which it was told.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "news"
LIVE = timedelta(hours=36)

_AGO = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")


class Format(StrEnum):
    """In which format an outlet's feed is served."""

    RSS = "rss"
    ATOM = "atom"
    RDF = "rdf"
    JSON = "json"


class Expect(StrEnum):
    """What is to become of an entry: `ANY` for ordinary news and for what two readers would decide differently."""

    ALERT = "alert"
    UPDATE = "update"  # something new in a story that was told before
    SILENT = "silent"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Telling:
    """What an outlet says at one time; an edit is a later telling under the same key.

    ago: how long before the start of the demo it was told.
    """

    ago: timedelta
    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of one outlet. tellings: the first one and its edits, in order of time. story: may be empty."""

    key: str
    tellings: tuple[Telling, ...]
    story: str = ""
    expect: Expect = Expect.ANY

    @property
    def ago(self) -> timedelta:
        """How long before the start of the demo it was first told."""
        return self.tellings[0].ago


@dataclass(frozen=True, slots=True)
class Outlet:
    """An invented outlet and its feed. slug: names its file and its address. outlet: None for an aggregator."""

    slug: str
    name: str
    format: Format
    outlet: str | None
    language: str
    tags: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """An entry or an edit that comes out while the demo runs. index: which of the item's tellings."""

    slug: str
    item: Item
    index: int

    @property
    def telling(self) -> Telling:
        """What is told."""
        return self.item.tellings[self.index]


def load(folder: Path = FOLDER) -> tuple[Outlet, ...]:
    """Return the outlets in order of their names; their items oldest first."""
    return tuple(
        _outlet(path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yaml"))
    )


def releases(outlets: Sequence[Outlet]) -> tuple[Release, ...]:
    """Return what comes out while the demo runs, in the order in which it was told."""
    found = [
        Release(outlet.slug, item, index)
        for outlet in outlets
        for item in outlet.items
        for index, telling in enumerate(item.tellings)
        if telling.ago < LIVE
    ]
    return tuple(sorted(found, key=lambda release: release.telling.ago, reverse=True))


def shown(outlet: Outlet, released: Mapping[str, int]) -> tuple[tuple[Item, Telling], ...]:
    """Return what an outlet's feed holds, newest first, each item with its latest telling that is out.

    released: index of the latest telling that came out, by the item's key.
    """
    found: list[tuple[Item, Telling]] = []
    for item in outlet.items:
        index = released.get(item.key, 0 if item.ago >= LIVE else -1)
        if index >= 0:
            found.append((item, item.tellings[index]))
    return tuple(sorted(found, key=lambda pair: pair[0].ago))


def told_at(telling: Telling, started_at: datetime) -> datetime:
    """Return when it was told, in whole seconds."""
    return (started_at - telling.ago).replace(microsecond=0)


def parse_ago(text: str) -> timedelta:
    """Read "13d4h", "30h50m" or "20m". Raises ValueError."""
    found = _AGO.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"not a time ago: {text!r} (write 13d4h, 30h50m or 20m)")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _outlet(slug: str, document: Mapping[str, Any]) -> Outlet:
    items = [_item(f"{slug}-{number}", row) for number, row in enumerate(document["entries"], start=1)]
    return Outlet(
        slug=slug,
        name=document["name"],
        format=Format(document["format"]),
        outlet=document.get("outlet"),
        language=document["language"],
        tags=tuple(document["tags"]),
        items=tuple(sorted(items, key=lambda item: item.ago, reverse=True)),
    )


def _item(key: str, row: Mapping[str, Any]) -> Item:
    rows = [row, *row.get("edits", ())]
    tellings = tuple(Telling(parse_ago(each["ago"]), each["title"], each["summary"]) for each in rows)
    return Item(key, tellings, row.get("story", ""), Expect(row.get("expect", "any")))
