"""What crosses the pipe between the daemon and a parser child: requests, documents, and feeds in JSON. Pure.

JSON and nothing cleverer: the child has read hostile bytes, so that its answers are not trusted to build objects.
A frame is its length in four bytes, big-endian, and its content; a document follows its request bare.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from monitor import errors, model

LENGTH = struct.Struct(">I")
LARGEST = 128 * 2**20
READY = b"{}"

About = Mapping[str, str | None]


class Kind(StrEnum):
    """What an answer brings."""

    FEED = "feed"
    TEXT = "text"
    REFUSED = "refused"  # the document is no feed
    MEMORY = "memory"  # it took too much
    BUG = "bug"  # parsing raised what it should not


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a document. feed: None but for FEED. message: why not; of TEXT the text itself."""

    kind: Kind
    feed: model.ParsedFeed | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A document to come: its size in bytes, what to parse it with, and its limits.

    arguments: of `parse.parse`; None for a page, of which the article is wanted.
    """

    size: int
    arguments: Mapping[str, Any] | None
    seconds: float
    memory: int


def frame(content: bytes) -> bytes:
    """Return `content` with its length before it."""
    return LENGTH.pack(len(content)) + content


def request(about: About | None, size: int, *, seconds: float, memory: int) -> bytes:
    """Return the frame that announces a document of `size` bytes.

    about: arguments of `parse.parse`, dates as text; None for a page.
    """
    given = None if about is None else dict(about)
    return frame(json.dumps({"about": given, "size": size, "seconds": seconds, "memory": memory}).encode())


def read_request(content: bytes) -> Request:
    """Return what a request's frame says."""
    found = json.loads(content)
    about = found["about"]
    if about is not None:
        about["now"] = datetime.fromisoformat(about["now"])
    return Request(found["size"], about, found["seconds"], found["memory"])


def answer(found: Answer) -> bytes:
    """Return the content of an answer's frame."""
    feed = _feed(found.feed) if found.feed is not None else None
    return json.dumps({"kind": found.kind, "feed": feed, "message": found.message}).encode()


def read_answer(content: bytes) -> Answer:
    """Return the answer. Raises ParseError when it cannot be read."""
    try:
        found = json.loads(content)
        kind = Kind(found["kind"])
        feed = _read_feed(found["feed"]) if kind is Kind.FEED else None
        return Answer(kind, feed, str(found["message"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise errors.ParseError("the parser gave an answer that cannot be read") from error


def _feed(feed: model.ParsedFeed) -> dict[str, object]:
    return {
        "title": feed.title,
        "url": feed.url,
        "language": feed.language,
        "ttl": feed.ttl.total_seconds() if feed.ttl is not None else None,
        "skip_hours": sorted(feed.skip_hours),
        "skip_days": sorted(feed.skip_days),
        "dropped": feed.dropped,
        "entries": [_entry(entry) for entry in feed.entries],
    }


def _entry(entry: model.ParsedEntry) -> list[str | None]:
    at = entry.published_at.isoformat() if entry.published_at is not None else None
    return [entry.key, entry.title, entry.summary, entry.body, entry.url, entry.outlet, entry.language, at]


def _read_feed(found: Mapping[str, Any]) -> model.ParsedFeed:
    return model.ParsedFeed(
        title=str(found["title"]),
        entries=tuple(_read_entry(each) for each in found["entries"]),
        url=str(found["url"]),
        language=_text(found["language"]),
        ttl=timedelta(seconds=float(found["ttl"])) if found["ttl"] is not None else None,
        skip_hours=frozenset(int(hour) for hour in found["skip_hours"]),
        skip_days=frozenset(int(day) for day in found["skip_days"]),
        dropped=tuple(str(each) for each in found["dropped"]),
    )


def _read_entry(found: list[Any]) -> model.ParsedEntry:
    key, title, summary, body, url, outlet, language, at = found
    return model.ParsedEntry(
        key=str(key),
        title=str(title),
        summary=str(summary),
        body=str(body),
        url=str(url),
        outlet=_text(outlet),
        language=_text(language),
        published_at=datetime.fromisoformat(at) if at is not None else None,
    )


def _text(value: object) -> str | None:
    return str(value) if value is not None else None
