"""RSS 0.9 to 2.0, Atom and RDF through feedparser, which is the authority on broken feeds. Pure.

feedparser raises on some input instead of reporting it (character references beyond Unicode, encodings that are none,
odd values in extensions). What can be mended is mended before; if it raises all the same, every entry is read alone,
so that a bad one does not cost its neighbours.
"""

import calendar
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser

from monitor import errors
from monitor.parse import encoding, fast, raw, split, text

_SHOWN = 60  # characters of a text that is no feed
_HOUR = re.compile(rb"<hour>\s*(\d{1,2})\s*</hour>", re.IGNORECASE)
_DAY = re.compile(rb"<day>\s*([A-Za-z]+)\s*</day>", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST_TTL = 7 * 24 * 60


def read(body: bytes, *, content_type: str | None, url: str, now: datetime, is_fast: bool = True) -> raw.Feed:
    """Return the feed in `body`. Raises ParseError when there is none. is_fast: whether `fast` may read it."""
    document, kind = encoding.mended(body, content_type)
    # Without a location: feedparser would resolve guids, too, and every key would change when the feed moves.
    headers = {"content-type": kind}
    dropped: list[str] = []
    parsed, found = _parsed(document, headers, dropped, is_fast=is_fast)
    if not parsed.get("version") and not found:
        raise errors.ParseError(_what_it_is(body))
    entries = _entries(found, url=url, now=now, dropped=dropped)
    about = parsed["feed"]
    return raw.Feed(
        title=text.cut(_words(about, "title"), raw.LONGEST_TITLE),
        url=_link(about, url) or url,
        entries=tuple(entries),
        language=raw.a_language(_get(about, "language")),
        ttl=_ttl(_get(about, "ttl")),
        skip_hours=_skipped_hours(document),
        skip_days=_skipped_days(document),
        dropped=tuple(dropped),
    )


def _parsed(
    document: bytes, headers: dict[str, str], dropped: list[str], *, is_fast: bool
) -> tuple[Any, list[tuple[Any, int]]]:
    """Return the document as feedparser has it, and its entries: whole, or one by one when that brings more."""
    plain = fast.read(document) if is_fast and headers["content-type"].endswith("utf-8") else None
    if plain is not None:
        return plain, [(plain, number) for number in range(len(plain["entries"]))]
    try:
        parsed = _feedparser(document, headers)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  feedparser raises what it likes
        return _one_by_one(document, headers, dropped, error)
    found = [(parsed, number) for number in range(len(parsed["entries"]))]
    if parsed.get("bozo") and parsed["entries"] and len(split.split(document)[1]) > len(found):
        # A tag that is never closed swallows the entries behind it.
        alone = _one_by_one(document, headers, [], None)[1]
        found = alone if len(alone) > len(found) else found
    return parsed, found


def _feedparser(document: bytes, headers: dict[str, str]) -> Any:  # noqa: ANN401  an untyped library's dictionary
    # Only ever BytesIO: bare bytes or text that name a file or a URL would be opened.
    return feedparser.parse(
        io.BytesIO(document), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _one_by_one(
    document: bytes, headers: dict[str, str], dropped: list[str], error: Exception | None
) -> tuple[Any, list[tuple[Any, int]]]:
    """Read the document without entries, then each entry inside that; note the ones that cannot be read."""
    head, items, tail = split.split(document)
    if not items:
        raise errors.ParseError(f"the feed cannot be read ({type(error).__name__})") from error
    try:
        parsed = _feedparser(head + tail, headers)
    except Exception:  # noqa: BLE001
        head, tail = split.BARE
        parsed = _feedparser(head + tail, headers)
    found: list[tuple[Any, int]] = []
    for number, item in enumerate(items, start=1):
        try:
            alone = _feedparser(head + item + tail, headers)
        except Exception as problem:  # noqa: BLE001
            dropped.append(f"entry {number}: cannot be read ({type(problem).__name__})")
            continue
        found += [(alone, index) for index in range(len(alone["entries"]))]
    return parsed, found


def _entries(found: list[tuple[Any, int]], *, url: str, now: datetime, dropped: list[str]) -> Iterator[raw.Entry]:
    for number, (parsed, index) in enumerate(found, start=1):
        try:
            entry = _entry(parsed["entries"][index], url, now)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            dropped.append(f"entry {number}: cannot be read ({type(error).__name__})")
            continue
        if entry is None:
            dropped.append(f"entry {number}: has neither words nor a link")
        else:
            yield entry


def _entry(item: Any, url: str, now: datetime) -> raw.Entry | None:  # noqa: ANN401
    detail = _get(item, "title_detail")
    source = _get(item, "source")
    summary = _words(item, "summary")
    return raw.entry(
        title=_words(item, "title"),
        guid=text.clean(_string(_get(item, "id"))),
        url=_link(item, url),
        summary=summary,
        body=_content(item),
        source=_words(source, "title") if isinstance(source, dict) else "",
        language=raw.a_language(_get(detail, "language") if isinstance(detail, dict) else None),
        published_at=raw.a_date(_date(item), now),
    )


def _content(item: Any) -> str:  # noqa: ANN401
    """Return the longest of the contents, as text."""
    contents = _get(item, "content")
    if not isinstance(contents, list):
        return ""
    texts = [_plain(_string(_get(each, "value")), _get(each, "type")) for each in contents if isinstance(each, dict)]
    return max(texts, key=len, default="")


def _words(item: Any, name: str) -> str:  # noqa: ANN401
    detail = _get(item, f"{name}_detail")
    kind = _get(detail, "type") if isinstance(detail, dict) else "text/html"
    return _plain(_string(_get(item, name)), kind)


def _plain(words: str, kind: object) -> str:
    return text.clean(words) if kind == "text/plain" else text.from_html(words)


def _link(item: Any, base: str) -> str:  # noqa: ANN401
    """Return the link of an entry or a feed; a guid serves as one only when it is a whole URL."""
    guid, link = _string(_get(item, "id")), _string(_get(item, "link"))
    return (raw.a_link(link, base) if link != guid else "") or raw.a_link(guid, "")


def _date(item: Any) -> datetime | None:  # noqa: ANN401
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        found = _get(item, name)
        if found is None:
            continue
        try:
            return datetime.fromtimestamp(calendar.timegm(found), UTC)
        except (ValueError, OverflowError, OSError, TypeError):
            continue
    return None


def _get(item: Any, name: str) -> Any:  # noqa: ANN401
    """Return a value as it stands there: feedparser's own look-up answers with other keys and warnings."""
    return dict.get(item, name) if isinstance(item, dict) else None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _ttl(value: object) -> timedelta | None:
    words = _string(value).strip()
    if not (words.isascii() and words.isdigit()) or len(words) > 9 or int(words) == 0:
        return None
    return timedelta(minutes=min(int(words), _LONGEST_TTL))


def _skipped_hours(document: bytes) -> frozenset[int]:
    hours = {int(hour) % 24 for hour in _HOUR.findall(_block(document, b"skiphours")) if int(hour) <= 24}
    return frozenset(hours)


def _skipped_days(document: bytes) -> frozenset[int]:
    names = [day.decode("ascii").lower() for day in _DAY.findall(_block(document, b"skipdays"))]
    return frozenset(_DAYS.index(name) for name in names if name in _DAYS)


def _block(document: bytes, name: bytes) -> bytes:
    """Return what stands inside an element of the channel, which stands before or after all entries."""
    for part in (document[:20_000], document[-20_000:]):
        lowered = part.lower()
        start = lowered.find(b"<" + name + b">")
        end = lowered.find(b"</" + name + b">", start)
        if 0 <= start < end:
            return part[start:end]
    return b""


def _what_it_is(body: bytes) -> str:
    head = body[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"%PDF"):
        return "a PDF document, not a feed"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b")):
        return "a picture or an archive, not a feed"
    if b"<opml" in head.lower():
        return "an OPML list of feeds, not a feed: import it with `monitor feeds import`"
    if head.startswith(b"<"):
        return "XML, but not a feed"
    words = text.clean(head.decode("utf-8", "replace"))
    if not words or b"\0" in head or words.count("\ufffd") > len(words) // 10:
        return "not a feed, and no text"
    return f'text, not a feed; it begins "{text.cut(words, _SHOWN)}"'
