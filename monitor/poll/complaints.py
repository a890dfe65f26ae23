"""Why a poll failed, in words that hold no URL: those of libraries may show its secrets. Pure."""

import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

import aiohttp
import httpx

from monitor import errors
from monitor.poll import guard, headers, urls

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_ADVICE = {
    401: "it wants credentials: put them into the feed's URL or its headers",
    403: "it refuses us: credentials, a bot check, or a User-Agent that it does not like",
    404: "there is no such page: look for the feed's new URL",
    407: "the proxy wants a user and password: put them into its URL",
    410: "it is closed for good: look for its new URL or take it out",
    429: "it is polled too often: give it a longer interval",
}


def refusal(url: str, status: int, fields: Mapping[str, str], now: datetime) -> errors.FetchError:
    """Return the failure that an answer without a document is. fields: its headers by lower-case name."""
    advice = _ADVICE.get(status, "")
    if "cf-mitigated" in fields:
        advice = "it answers with a bot check instead of the feed; ask the publisher to let feed readers through"
    message = f"{urls.place(url)} answered {status} {_PHRASES.get(status, '')}".rstrip() + (
        f": {advice}" if advice else ""
    )
    asked = headers.retry_after(fields, now) if status in (429, 503) else None
    return errors.FetchError(message, permanent=status == HTTPStatus.GONE, retry_after=asked, status=status)


def translated(error: Exception, url: str) -> errors.FetchError:
    """Return the failure that a library's error is. offline: where our own network may be the one that is down."""
    place = urls.place(url)
    chain = [error, *_causes(error)]

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    if guard.REFUSED in " ".join(str(each) for each in chain if isinstance(each, OSError)):
        return not_public(place)
    if blamed := _proxy_problem(chain, place):
        return blamed
    if among(aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError):
        return errors.FetchError(f"{place} has no valid TLS certificate: {_certificate_problem(chain)}")
    if among(aiohttp.ClientConnectorDNSError):
        return errors.FetchError(f"the name {place} has no address (DNS)", offline=True)
    if among(ConnectionRefusedError):
        return errors.FetchError(f"{place} refuses connections on its port")
    if among(aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) or _is_bare_connect_error(error):
        return errors.FetchError(f"no connection to {place}", offline=True)
    return errors.FetchError(f"the answer of {place} broke off or is no HTTP ({type(error).__name__})")


def not_public(place: str) -> errors.FetchError:
    """Return the failure of a URL that leads into a network that is not public."""
    advice = "list its network in poll.allow_networks to allow it"
    return errors.FetchError(f"{place} leads to an address that is not public; {advice}")


def _proxy_problem(chain: Sequence[BaseException], place: str) -> errors.FetchError | None:
    """Return the failure of a proxy, None when it was none. offline: where its own network may be down."""
    for each in chain:
        if isinstance(each, aiohttp.ClientProxyConnectionError):
            return errors.FetchError(f"the proxy {each.host}:{each.port} cannot be reached", offline=True)
        if isinstance(each, aiohttp.ClientHttpProxyError):
            wants = each.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
            said = _ADVICE[each.status] if wants else _PHRASES.get(each.status, "")
            message = f"the proxy opens no way to {place}: {each.status} {said}".rstrip()
            return errors.FetchError(message, offline=each.status >= 500)
    return None


def _is_bare_connect_error(error: Exception) -> bool:
    """Whether a transport says so itself that no connection came about; the real one has aiohttp's word as cause."""
    return type(error) in (httpx.ConnectError, httpx.ConnectTimeout) and error.__cause__ is None


def _certificate_problem(chain: Sequence[BaseException]) -> str:
    for each in chain:
        reason = getattr(each, "verify_message", "") or getattr(each, "reason", "")
        if isinstance(reason, str) and reason:
            return reason[:200]
    return "it cannot be verified"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and cause not in found:
        found.append(cause)
        inner = getattr(cause, "os_error", None)
        if isinstance(inner, OSError) and inner not in found:
            found.append(inner)
        cause = cause.__cause__ or cause.__context__
    return found
