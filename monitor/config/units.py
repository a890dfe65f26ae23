"""Durations, sizes and addresses as people write them: "10m", "1h30m", "7d", "8MiB". Pure."""

import re
import string
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern}\s*)+")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)")
_MOST_DAYS = 36_500
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_PROXIES = ("http", "https", "socks5", "socks5h", "socks4", "socks4a")


def parse_duration(text: object) -> timedelta:
    """Return the duration that `text` names. Raises ValueError with what to write instead."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not _DURATION.fullmatch(text.strip()):
        msg = f'{text!r} is not a duration; write a number and a unit (s, m, h, d, w), like "10m" or "1h30m"'
        raise ValueError(msg)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
    if seconds > _MOST_DAYS * 86_400:
        msg = f"{text!r} is longer than a hundred years"
        raise ValueError(msg)
    return timedelta(seconds=seconds)


def parse_size(text: object) -> int:
    """Return the bytes that `text` names. Raises ValueError with what to write instead."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    found = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        msg = f'{text!r} is not a size; write a number and a unit (kB, MB, KiB, MiB), like "8MiB"'
        raise ValueError(msg)
    return int(float(found[1]) * _BYTES[found[2]])


def format_duration(duration: timedelta) -> str:
    """Return `duration` as `parse_duration` reads it, in at most two units: "1h30m"."""
    left = round(duration.total_seconds())
    if left == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, int(_SECONDS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])


def spelling(url: str) -> str:
    """Return a URL in the one spelling that equal addresses share (RFC 3986 6.2.2 and 6.2.3).

    The user counts, because a server may show each another feed; the fragment does not, because it is never sent.
    """
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port
    with suppress(UnicodeError):
        host = host.encode("idna").decode().lower() if not host.isascii() else host
    default = {"http": 80, "https": 443}.get(parts.scheme.lower())
    place = host if port in {None, default} else f"{host}:{port}"
    user = f"{parts.username}@" if parts.username else ""
    path = _without_dots(_plain(parts.path))
    return f"{parts.scheme.lower()}://{user}{place}{path}{f'?{_plain(parts.query)}' if parts.query else ''}"


def parse_proxy(url: str) -> str:
    """Return the URL of a proxy, or `off` for none. Raises ValueError that says what to write."""
    if url == "off":
        return url
    msg = f'not a proxy that can be used; write "http://host:port" ({", ".join(_PROXIES)} work), or "off"'
    try:
        parts = urlsplit(url)
        well = parts.scheme in _PROXIES and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError(msg) from error
    if not well or parts.path.strip("/") or not url.isprintable() or " " in url:
        raise ValueError(msg)
    return url


def _plain(text: str) -> str:
    """Return `text` with what needs no percent sign written as it is, and capital digits where one is needed."""
    return _ESCAPE.sub(
        lambda found: char if (char := chr(int(found[1], 16))) in _UNRESERVED else found[0].upper(), text
    )


def _without_dots(path: str) -> str:
    """Return an absolute path without `.` and `..` segments (RFC 3986 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
