"""What apprise makes of a channel's URL. Imported when a channel needs it: apprise takes a tenth of a second."""

import difflib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import apprise
from apprise import plugins
from apprise.manager_plugins import NotificationManager
from apprise.plugins.base import NotifyBase

from monitor import errors
from monitor.send import address

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


def load(url: str) -> NotifyBase | None:
    """Return apprise's object for a URL, its own pacing taken out; None when apprise cannot use it."""
    service = apprise.Apprise.instantiate(url, asset=_ASSET)
    return _unpaced(service) if service else None


def parts(url: str) -> Mapping[str, Any]:
    """Return a URL taken apart by its apprise plugin. Raises DeliveryError when it cannot be."""
    found: dict[str, Any] | None = plugins.url_to_dict(url)  # type: ignore[no-untyped-call]
    if not found:
        raise errors.DeliveryError(f"this {address.scheme_of(url)}:// address cannot be used", permanent=True)
    return {**found, "asset": _ASSET}


def complaint(url: str, scheme: str, own: Sequence[str]) -> str | None:
    """Return in one line what is wrong with a URL that apprise is to use; None when it can be.

    own: schemes beside apprise's, for a guess at what was meant.
    """
    known = _services().schemas()
    if scheme not in known and load(url) is None:
        return f"apprise knows no service {scheme}://{_meant(scheme, [*known, *own])}"
    if load(url) is None:
        return f"this {scheme}:// address cannot be used: a part is missing or wrong; its form: {_form(scheme)}"
    return None


def _unpaced(service: NotifyBase) -> NotifyBase:
    service.request_rate_per_sec = 0
    service.socket_connect_timeout = min(service.socket_connect_timeout or _CONNECT, _CONNECT)
    service.socket_read_timeout = min(service.socket_read_timeout or _READ, _READ)
    return service


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
