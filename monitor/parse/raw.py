"""What the readers of the formats hand on: cleaned text, but no keys and no outlets yet. Pure.

`a_title`, `a_date` and `a_link` make of a feed's words what the rest of the program can rely on.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from monitor.parse import text

LONGEST_TITLE = 500
LONGEST_SUMMARY = 5_000
LONGEST_BODY = 50_000

_LONGEST_URL = 2_000
_LONGEST_MADE_TITLE = 140
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|-)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item. source: the outlet that it names itself; empty when it names none."""

    title: str
    guid: str = ""
    url: str = ""
    summary: str = ""
    body: str = ""
    source: str = ""
    language: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """One document. url: of the page that the feed belongs to, else of the document."""

    title: str
    url: str
    entries: tuple[Entry, ...] = ()
    language: str | None = None
    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    dropped: tuple[str, ...] = ()


def entry(
    *,
    title: str,
    summary: str,
    body: str,
    guid: str = "",
    url: str = "",
    source: str = "",
    language: str | None = None,
    published_at: datetime | None = None,
) -> Entry | None:
    """Return an entry of cleaned texts, cut to length; None when it has neither words nor a link.

    An entry without a title is named by the first words of its text.
    """
    lead = summary or body
    title = title or text.cut(lead, _LONGEST_MADE_TITLE) or url
    if not title:
        return None
    full = body if len(body) > len(summary) else ""
    if len(summary) > LONGEST_SUMMARY and not full:
        full = summary
    return Entry(
        title=text.cut(title, LONGEST_TITLE),
        guid=guid,
        url=url,
        summary=text.cut(summary, LONGEST_SUMMARY),
        body=text.cut(full, LONGEST_BODY),
        source=text.cut(source, 100),
        language=language,
        published_at=published_at,
    )


def a_date(at: datetime | None, now: datetime) -> datetime | None:
    """Return `at` unless it is absurd: before 1990, or more than a day ahead of `now`."""
    if at is None or at < _OLDEST or at > now + _AHEAD:
        return None
    return at


def a_link(link: object, base: str) -> str:
    """Return an absolute http or https URL, else an empty string."""
    if not isinstance(link, str) or not link.strip():
        return ""
    try:
        url = urljoin(base, text.clean(link).replace(" ", "%20"))
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return url if good and len(url) <= _LONGEST_URL else ""


def a_language(code: object) -> str | None:
    """Return the language of a code such as `en-US` as two or three small letters, None when it is no code."""
    if not isinstance(code, str):
        return None
    found = _LANGUAGE.match(code.strip().lower().replace("_", "-"))
    return found.group() if found else None
