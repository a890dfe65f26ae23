"""What may be done with a feed's URL: shown, compared, taken apart. Pure."""

import base64
import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit


def redact(url: str) -> str:
    """Return `url` without what may be secret: user and password, values of the query, path segments like tokens."""
    try:
        parts = urlsplit(url)
        host = netloc(parts)
    except ValueError:
        return "(a URL that cannot be read)"
    path = "/".join("…" if looks_secret(segment) else segment for segment in parts.path.split("/"))
    query = "&".join(f"{pair.split('=', 1)[0]}=…" if "=" in pair else "…" for pair in parts.query.split("&") if pair)
    return urlunsplit((parts.scheme, host, path, query, ""))


def credentials(url: str) -> str | None:
    """Return what Authorization says for the user and password of `url`, None when it names no user."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def same_origin(one: str, other: str) -> bool:
    """Whether credentials for `one` may go to `other`: same scheme, host and port, or from http to https."""
    a, b = urlsplit(one), urlsplit(other)
    if a.hostname != b.hostname:
        return False
    if (a.scheme, a.port, b.scheme, b.port) == ("http", None, "https", None):
        return True
    return a.scheme == b.scheme and _port(a) == _port(b)


def netloc(parts: SplitResult) -> str:
    """Return host and port, without the user."""
    host = parts.hostname or ""
    return (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if parts.port else "")


def bare(url: str) -> str:
    """Return `url` without user and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, netloc(parts), parts.path, parts.query, ""))


def host(url: str) -> str:
    """Return the host in small letters, an empty string when there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def place(url: str) -> str:
    """Return how an error names where it happened: the host, which is no secret."""
    return host(url)[:100] or "the URL"


def looks_secret(segment: str) -> bool:
    """Whether a segment of a path looks like a token: long, of letters and digits."""
    long = len(segment) >= 20 and re.fullmatch(r"[A-Za-z0-9_=.~+]+", segment) is not None
    return long and any(c.isdigit() for c in segment) and any(c.isalpha() for c in segment)


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
