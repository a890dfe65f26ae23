"""What the headers of an answer say: validators, freshness, when to come back, where it moved to. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from monitor import model

_LONGEST_VALIDATOR = 1024
_FOREVER = timedelta(days=3650)  # what a number of seconds is cut to, so that sums stay inside the calendar
_DIRECTIVE = re.compile(r'([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;]*)))?')


def validators(headers: Mapping[str, str], kept: model.Validators = model.Validators()) -> model.Validators:  # noqa: B008
    """Return ETag and Last-Modified byte for byte; what the answer does not name stays as it is in `kept`."""
    return model.Validators(
        etag=_exact(headers.get("etag")) or kept.etag,
        last_modified=_exact(headers.get("last-modified")) or kept.last_modified,
    )


def conditions(kept: model.Validators) -> dict[str, str]:
    """Return the headers that ask for a document only if it changed; empty when there is nothing to compare with."""
    asked: dict[str, str] = {}
    if kept.etag:
        asked["If-None-Match"] = kept.etag
    if kept.last_modified:
        asked["If-Modified-Since"] = kept.last_modified
    return asked


def freshness(headers: Mapping[str, str], now: datetime) -> model.Freshness:
    """Return how long the answer stays fresh; `max-age` wins over `Expires`, `no-cache` over both.

    The time that the answer spent in a cache (Age) is taken off, and `Expires` is read by the server's own clock.
    Source: RFC 9111 4.2.1, 4.2.3, 5.2.2, 5.3.
    """
    directives = {
        name.lower(): quoted or plain
        for name, quoted, plain in _DIRECTIVE.findall(headers.get("cache-control", "")[:1000])
    }
    if "no-cache" in directives or "no-store" in directives:
        return model.Freshness()
    lifetime = _seconds(directives.get("max-age"))
    if lifetime is not None:
        age = _seconds(headers.get("age")) or timedelta()
        return model.Freshness(max_age=max(lifetime - age, timedelta()))
    expires = _date(headers.get("expires"))
    if expires is None:
        return model.Freshness()
    try:
        return model.Freshness(expires_at=now + (expires - (_date(headers.get("date")) or now)))
    except OverflowError:
        return model.Freshness()


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the server asks to be left alone, from seconds or a date; None when it does not say.

    Source: RFC 9110 10.2.3.
    """
    text = headers.get("retry-after")
    seconds = _seconds(text)
    if seconds is not None:
        return seconds
    at = _date(text)
    if at is None:
        return None
    return max(at - now, timedelta())


def _exact(value: str | None) -> str | None:
    """Return a validator that can be sent back exactly as it came, else None: rather none than another one."""
    if not value or len(value) > _LONGEST_VALIDATOR or not value.isprintable():
        return None
    return value


def _seconds(text: str | None) -> timedelta | None:
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) > 9:
        return _FOREVER
    return min(timedelta(seconds=int(text)), _FOREVER)


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime((text or "").strip()[:100])
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
