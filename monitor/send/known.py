"""What apprise makes of a channel's URL. Imported when a channel needs it: apprise takes a tenth of a second.

Of apprise's services only those are imported that a channel names. Left to itself it imports all of them, and what each
of them needs: a quarter of a second of each start, and 13 MB for as long as the daemon runs.
"""

import difflib
import functools
import logging
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
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
_FOLDER = Path(plugins.__path__[0])
_DECLARED = re.compile(r"protocol *= *(\([^)]*\)|\"[^\"\n]*\")")
_QUOTED = re.compile(r"\"([^\"\n]+)\"")

_loaded: set[str] = set()  # modules of services that are in apprise's register


def load(url: str) -> NotifyBase | None:
    """Return apprise's object for a URL, its own pacing taken out; None when apprise cannot use it."""
    _services(url)
    service = apprise.Apprise.instantiate(url, asset=_ASSET)
    return _unpaced(service) if service else None


def parts(url: str) -> Mapping[str, Any]:
    """Return a URL taken apart by its apprise plugin. Raises DeliveryError when it cannot be."""
    _services(url)
    found: dict[str, Any] | None = plugins.url_to_dict(url)  # type: ignore[no-untyped-call]
    if not found:
        raise errors.DeliveryError(f"this {address.scheme_of(url)}:// address cannot be used", permanent=True)
    return {**found, "asset": _ASSET}


def complaint(url: str, scheme: str, own: Sequence[str]) -> str | None:
    """Return in one line what is wrong with a URL that apprise is to use; None when it can be.

    own: schemes beside apprise's, for a guess at what was meant.
    """
    usable = load(url) is not None
    known = _services(url).schemas()
    if not usable and scheme not in known:
        return f"apprise knows no service {scheme}://{_meant(scheme, [*known, *own])}"
    if not usable:
        return f"this {scheme}:// address cannot be used: a part is missing or wrong; its form: {_form(scheme)}"
    return None


def _unpaced(service: NotifyBase) -> NotifyBase:
    service.request_rate_per_sec = 0
    service.socket_connect_timeout = min(service.socket_connect_timeout or _CONNECT, _CONNECT)
    service.socket_read_timeout = min(service.socket_read_timeout or _READ, _READ)
    return service


def _services(url: str) -> Any:  # noqa: ANN401
    """Return apprise's register, which has no types, with the services of a URL's scheme in it, or all without any.

    It imports the modules that a folder names: one with empty files of their names is enough.
    """
    register: Any = NotificationManager()  # type: ignore[no-untyped-call]
    modules = declared().get(address.scheme_of(url))
    if modules is None:
        register.load_modules()
        return register
    lacking = modules - _loaded
    if lacking:
        with tempfile.TemporaryDirectory() as folder:
            for name in lacking:
                (Path(folder) / f"{name}.py").touch()
            register.load_modules(path=folder)
        _loaded.update(lacking)
    return register


@functools.cache
def declared() -> Mapping[str, frozenset[str]]:
    """Return the modules of apprise that say in their text that they are for a scheme."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in _FOLDER.rglob("*.py"):
        module = path.relative_to(_FOLDER).parts[0].removesuffix(".py")
        for said in _DECLARED.findall(path.read_text(encoding="utf-8")):
            for scheme in _QUOTED.findall(said):
                found[scheme].add(module)
    return {scheme: frozenset(modules) for scheme, modules in found.items()}


def _meant(scheme: str, known: list[str]) -> str:
    near = difflib.get_close_matches(scheme, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}://?)" if near else "; the list is on apprise's home page"


def _form(scheme: str) -> str:
    """Return the shortest of the plugin's URL templates."""
    plugin = _services(f"{scheme}://")[scheme]
    forms = [str(form).replace("{schema}", scheme) for form in plugin.templates or ()]
    return min(forms, key=len, default=f"{scheme}://...")
