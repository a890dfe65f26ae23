"""JSON Feed 1.0 and 1.1. Pure. Source: https://www.jsonfeed.org/version/1.1/."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from monitor import errors
from monitor.parse import raw, text

_BOM = "\ufeff"


def is_json(body: bytes, content_type: str | None) -> bool:
    """Whether `body` is to be read as JSON: it begins as an object, whatever its server says."""
    head = body[:100].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"{") or (head.startswith(b"[") and "json" in (content_type or ""))


def read(body: bytes, *, url: str, now: datetime) -> raw.Feed:
    """Return the feed in `body`. Raises ParseError when it is other JSON or none."""
    document = _document(body)
    items = document.get("items")
    if not isinstance(items, list) or "jsonfeed.org" not in _string(document.get("version")):
        raise errors.ParseError('JSON, but not a JSON Feed (it has no "version" of jsonfeed.org and "items")')
    home = raw.a_link(document.get("home_page_url"), url) or url
    language = raw.a_language(document.get("language"))
    entries: list[raw.Entry] = []
    dropped: list[str] = []
    for number, item in enumerate(items, start=1):
        entry = _entry(item, url, language, now) if isinstance(item, dict) else None
        if entry is None:
            dropped.append(f"entry {number}: has neither words nor a link")
        else:
            entries.append(entry)
    return raw.Feed(
        title=text.cut(text.clean(_string(document.get("title"))), raw.LONGEST_TITLE),
        url=home,
        entries=tuple(entries),
        language=language,
        dropped=tuple(dropped),
    )


def _document(body: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(body.decode("utf-8", "replace").lstrip(_BOM))
    except (ValueError, RecursionError) as error:
        raise errors.ParseError(f"JSON that cannot be read ({type(error).__name__})") from None
    if not isinstance(document, dict):
        raise errors.ParseError("JSON, but not a JSON Feed")
    return document


def _entry(item: Mapping[str, object], url: str, language: str | None, now: datetime) -> raw.Entry | None:
    identity = item.get("id")
    guid = text.clean(str(identity)) if isinstance(identity, str | int | float) else ""
    html = text.from_html(_string(item.get("content_html")))
    plain = text.clean(_string(item.get("content_text")))
    content = max(html, plain, key=len)
    return raw.entry(
        title=text.clean(_string(item.get("title"))),
        guid=guid,
        url=raw.a_link(item.get("url"), url) or raw.a_link(item.get("external_url"), url) or raw.a_link(guid, ""),
        summary=text.clean(_string(item.get("summary"))) or content,
        body=content,
        language=raw.a_language(item.get("language")) or language,
        published_at=raw.a_date(_date(item), now),
    )


def _date(item: Mapping[str, object]) -> datetime | None:
    for name in ("date_published", "date_modified"):
        try:
            found = datetime.fromisoformat(_string(item.get(name)).strip())
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
