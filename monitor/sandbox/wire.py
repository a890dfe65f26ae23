"""What crosses the pipe between the daemon and a parser child: frames of bytes, and documents and feeds in JSON. Pure.

JSON and nothing cleverer: the child has read hostile bytes, so that its answers are not trusted to build objects.
A frame is its length in four bytes, big-endian, and its content.
"""

import json
import struct
from datetime import datetime, timedelta
from typing import Any

from monitor import model

LENGTH = struct.Struct(">I")
LARGEST = 64 * 2**20


def frame(content: bytes) -> bytes:
    """Return `content` with its length before it."""
    return LENGTH.pack(len(content)) + content


def request(body: bytes, *, content_type: str | None, url: str, now: datetime, outlet: str | None) -> bytes:
    """Return the frame that asks for one document: a line of JSON, then the document."""
    about = {"content_type": content_type, "url": url, "now": now.isoformat(), "outlet": outlet}
    return frame(json.dumps(about).encode() + b"\n" + body)


def read_request(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the document and the arguments to parse it with."""
    line, _, body = content.partition(b"\n")
    about = json.loads(line)
    return body, {**about, "now": datetime.fromisoformat(about["now"])}


def answer(feed: model.ParsedFeed) -> bytes:
    """Return the content of an answer that brings a feed."""
    return json.dumps({"feed": _feed(feed)}).encode()


def refusal(kind: str, message: str) -> bytes:
    """Return the content of an answer that brings none. kind: `parse` for a document that is no feed, else `bug`."""
    return json.dumps({"error": kind, "message": message}).encode()


def read_answer(content: bytes) -> tuple[model.ParsedFeed | None, str, str]:
    """Return the feed, or None with kind and message. Raises ValueError when the answer is not one."""
    try:
        found = json.loads(content)
        if "feed" in found:
            return _read_feed(found["feed"]), "", ""
        return None, str(found["error"]), str(found["message"])
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"an answer that cannot be read: {type(error).__name__}") from error


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


def _read_feed(found: dict[str, Any]) -> model.ParsedFeed:
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
