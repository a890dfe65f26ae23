"""What a channel's URL says: which sender it needs, what may be shown of it, and what is wrong with it.

A URL is secret: it holds passwords and tokens. Nothing here returns or raises more of it than its scheme and host.
"""

import difflib
import logging
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

import apprise
from apprise import plugins
from apprise.manager_plugins import NotificationManager
from apprise.plugins.base import NotifyBase

from monitor import errors

_OWN = ("stdout", "slack+http", "slack+https")
# No throttle, no retry and no deadline of apprise's own: pacing, back-off and bounds are the outbox's.
_ASSET = apprise.AppriseAsset(
    app_id="monitor",
    app_desc="geopolitical monitor",
    app_url="",
    async_mode=False,
    default_service_retry=0,
    service_timeout=0,
    storage_mode="memory",
)
# Apprise's log lines name parts of URLs. They are read for what went wrong (`services`), and go nowhere else.
_LOG = logging.getLogger("apprise")
_LOG.setLevel(logging.WARNING)
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False
_CONNECT, _READ = 4.0, 5.0  # seconds


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
        return _slack_door(load(url))
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
    known = _services().schemas()
    if scheme not in known and load(url) is None:
        return f"apprise knows no service {scheme}://{_meant(scheme, [*known, *_OWN])}"
    if load(url) is None:
        return f"this {scheme}:// address cannot be used: a part is missing or wrong; its form: {_form(scheme)}"
    return None


def load(url: str) -> NotifyBase | None:
    """Return apprise's object for a URL, its own pacing taken out; None when apprise cannot use it."""
    service = apprise.Apprise.instantiate(url, asset=_ASSET)
    return _unpaced(service) if service else None


def parts(url: str) -> Mapping[str, Any]:
    """Return a URL taken apart by its apprise plugin. Raises DeliveryError when it cannot be."""
    found: dict[str, Any] | None = plugins.url_to_dict(url)  # type: ignore[no-untyped-call]
    if not found:
        raise errors.DeliveryError(f"this {scheme_of(url)}:// address cannot be used", permanent=True)
    return {**found, "asset": _ASSET}


def _unpaced(service: NotifyBase) -> NotifyBase:
    service.request_rate_per_sec = 0
    service.socket_connect_timeout = min(service.socket_connect_timeout or _CONNECT, _CONNECT)
    service.socket_read_timeout = min(service.socket_read_timeout or _READ, _READ)
    return service


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


def _services() -> Any:  # noqa: ANN401
    """Return apprise's register of services, which has no types."""
    return NotificationManager()  # type: ignore[no-untyped-call]


def _meant(scheme: str, known: list[str]) -> str:
    near = difflib.get_close_matches(scheme, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}://?)" if near else "; the list is on apprise's home page"


def _form(scheme: str) -> str:
    """Return the shortest of the plugin's URL templates."""
    plugin = _services()[scheme]
    forms = [str(form).replace("{schema}", scheme) for form in plugin.templates or ()]
    return min(forms, key=len, default=f"{scheme}://...")
