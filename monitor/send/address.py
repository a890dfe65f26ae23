"""What a channel's URL says: which sender it needs, what may be shown of it, and what is wrong with it.

A URL is secret: it holds passwords and tokens. Nothing here returns or raises more of it than its scheme and host.
"""

import re
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

_OWN = ("stdout", "slack+http", "slack+https")


class Door(StrEnum):
    """By which way a message leaves."""

    STDOUT = "stdout"
    MAIL = "mail"
    SLACK = "slack"
    BOT = "bot"
    JSON = "json"
    SERVICE = "service"  # everything else that apprise knows


def door(url: str) -> Door:
    """Return the way that a channel's URL takes. Slack workflows and PGP mail are left to apprise."""
    scheme = scheme_of(url)
    if scheme == "stdout":
        return Door.STDOUT
    if scheme in {"mailto", "mailtos"}:
        return Door.SERVICE if re.search(r"[?&](pgp|wkd)=(?!no)", url) else Door.MAIL
    if scheme in {"json", "jsons"}:
        return Door.JSON
    is_hook = scheme == "https" and (host_of(url) or "").startswith("hooks.slack")
    if scheme.startswith("slack+") or is_hook:
        return Door.SLACK
    if scheme == "slack":
        from monitor.send import known

        return _slack_door(known.load(url))
    return Door.SERVICE


def _slack_door(service: Any) -> Door:  # noqa: ANN401 # apprise's object, None when there is none
    """Return the way for a `slack://` URL by what apprise reads in it; people by mail address are for apprise."""
    mode = getattr(service, "mode", "")
    if mode in {"hook", "gov-hook"}:
        return Door.SLACK
    if mode == "bot" and not any("@" in name[1:] or ":" in name for name in service.channels):
        return Door.BOT
    return Door.SERVICE


def check(url: str) -> str | None:
    """Return in one line what is wrong with a channel's URL and what to write instead; None when it can be used."""
    scheme = scheme_of(url)
    if not scheme:
        return "not a channel URL; write one like mailto://user:password@example.org or slack://A/B/C"
    if scheme == "stdout":
        return None
    if scheme.startswith("slack+") and scheme in _OWN:
        return None if host_of(url) else f"{scheme}:// needs a host; write {scheme}://chat.example.org/hooks/ID"
    from monitor.send import known  # apprise takes a tenth of a second to import

    return known.complaint(url, scheme, _OWN)


def scheme_of(url: str) -> str:
    """Return the scheme in lower case, empty when there is none."""
    found = re.match(r"\s*([a-z][a-z0-9+.-]{0,30})://", url, re.IGNORECASE)
    return found[1].lower() if found else ""


def host_of(url: str) -> str | None:
    """Return the host, or None."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def hidden(text: str, url: str) -> str:
    """Return `text` on one line of at most 300 characters, without anything that the secret parts of `url` hold.

    All parts are taken for secrets but the scheme, plain words and hosts: for many services the token stands where a
    host would.
    """
    parts = [part for part in re.split(r"[/?&=:@,#]+", url.partition("://")[2]) if part]
    secrets = {s for part in parts if not _is_host(part) for s in (part, unquote(part))}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= (8 if secret.isalpha() else 4):
            text = text.replace(secret, "***")
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:300]


def _is_host(part: str) -> bool:
    return part == "localhost" or re.fullmatch(r"[\w-]+(\.[\w-]+)*\.(\d+|[a-z]{2,24})", part.lower()) is not None
