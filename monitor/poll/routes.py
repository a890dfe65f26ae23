"""How feeds are reached: directly or through a proxy, with certificates checked or not. Shell; opens HTTP clients.

One client for each way, opened when a feed first needs it and closed with all others.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import CERT_NONE, SSLContext
from typing import Literal

import aiohttp
import httpx
import httpx_aiohttp
from aiohttp.abc import AbstractResolver

from monitor import model
from monitor.poll import guard, urls

DIRECT: Literal["off"] = "off"
KEPT_OPEN = 3.0  # seconds, for the host's next feed: a TLS connection that waits holds 300 kB (bench/tls.py)

_SOCKS = ("socks5:", "socks5h:", "socks4:", "socks4a:")


@dataclass(frozen=True, slots=True)
class Route:
    """One way. allowed: None when sockets are checked, not URLs (no proxy). credentials: for the proxy to read."""

    http: httpx.AsyncClient
    allowed: tuple[guard.Network, ...] | None = None
    credentials: str | None = None


class Routes:
    """Opens routes and keeps them. `close` it at the end."""

    def __init__(
        self,
        allowed: tuple[guard.Network, ...],
        *,
        deadline: timedelta,
        proxy: str | None = None,
        names: Callable[[], AbstractResolver] = guard.Names,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """proxy: of feeds without their own; None or `off` is none. transport: stands in for every real one."""
        self._allowed, self._proxy, self._names, self._transport = allowed, proxy, names, transport
        self._timeouts = _timeouts(deadline)
        self._known: dict[tuple[str | None, bool], Route] = {}
        self._open = AsyncExitStack()

    async def close(self) -> None:
        """Close every client."""
        await self._open.aclose()

    def find(self, spec: model.FeedSpec, url: str) -> Route:
        """Return the way to `url`, which the feed names or a redirect of it.

        A certificate goes unchecked only at the host that the operator named.
        """
        proxy = spec.proxy or self._proxy
        proxy = None if proxy == DIRECT else proxy
        trusting = spec.accept_invalid_certificate and urls.host(url) == urls.host(spec.url)
        route = self._known.get((proxy, trusting))
        if route is None:
            route = self._known[proxy, trusting] = self._make(proxy, trusting=trusting)
            self._open.push_async_callback(route.http.aclose)
        return route

    def _make(self, proxy: str | None, *, trusting: bool) -> Route:
        http = httpx.AsyncClient(
            transport=self._transport or _transport(self._allowed, proxy, self._names, trusting=trusting),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
            timeout=self._timeouts,
        )
        if proxy is None:
            return Route(http)
        return Route(http, self._allowed, None if is_socks(proxy) else urls.credentials(proxy))


def is_socks(proxy: str | None) -> bool:
    """Whether `proxy` is the URL of a SOCKS proxy."""
    return (proxy or "").startswith(_SOCKS)


def _timeouts(total: timedelta) -> httpx.Timeout:
    """Return time-outs under the total deadline, so that a connection that never stands is told from a slow answer."""
    connecting = min(20.0, total.total_seconds() * 2 / 3)
    return httpx.Timeout(None, connect=connecting, pool=connecting)


def _transport(
    allowed: Sequence[guard.Network], proxy: str | None, names: Callable[[], AbstractResolver], *, trusting: bool
) -> httpx.AsyncBaseTransport:
    verify = _certificates(trusting=trusting)

    def session() -> aiohttp.ClientSession:
        connector = _connector(allowed, proxy, names, verify)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    asked = None if is_socks(proxy) else _proxy(proxy)
    return httpx_aiohttp.AiohttpTransport(verify=verify, proxy=asked, client=session)


def _connector(
    allowed: Sequence[guard.Network], proxy: str | None, names: Callable[[], AbstractResolver], verify: SSLContext
) -> aiohttp.TCPConnector:
    """Return what opens connections. Turns bound how many there are, so that it sets no limit."""
    if proxy is not None and is_socks(proxy):
        from monitor.poll import socks  # its library takes time to load, and few have such a proxy

        return socks.Connector(proxy, allowed, names, verify)
    return aiohttp.TCPConnector(
        ssl=verify,
        limit=0,
        keepalive_timeout=KEPT_OPEN,
        resolver=names(),
        ttl_dns_cache=120,
        socket_factory=None if proxy else guard.socket_factory(allowed),
    )


def _certificates(*, trusting: bool) -> SSLContext:
    context = httpx.create_ssl_context()
    if trusting:
        context.check_hostname = False
        context.verify_mode = CERT_NONE
    return context


def _proxy(url: str | None) -> httpx.Proxy | None:
    if not url:
        return None
    credentials = urls.credentials(url)
    return httpx.Proxy(urls.bare(url), headers={"Proxy-Authorization": credentials} if credentials else None)
