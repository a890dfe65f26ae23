"""Connections through a SOCKS proxy, beneath aiohttp. Shell; loaded when the first feed needs it.

socks5://  socks4://     names are looked up here and every address is checked before the proxy hears of it
socks5h:// socks4a://    the proxy looks names up, as an HTTP proxy does, and is trusted with that
"""

import asyncio
import socket
import ssl as tls
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

import aiohttp_socks
import python_socks
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from python_socks.async_.asyncio import Proxy

from monitor import errors
from monitor.poll import complaints, guard, routes

_PORT = 1080
_KINDS = {5: python_socks.ProxyType.SOCKS5, 4: python_socks.ProxyType.SOCKS4}
_OURS = 0.9  # of aiohttp's time for the same, so that it is we who say what was too slow
_REFUSES_US = 2
_PORT_CLOSED = 5


class Connector(aiohttp_socks.ProxyConnector):
    """Makes connections through one SOCKS proxy. What fails on the way is a FetchError that names the proxy."""

    def __init__(
        self,
        url: str,
        allowed: Sequence[guard.Network],
        names: Callable[[], AbstractResolver],
        verify: tls.SSLContext,
    ) -> None:
        """url: of the proxy. allowed: networks that may be polled although they are not public."""
        parts = urlsplit(url)
        self._version = int(parts.scheme[5])
        self._looks_up = parts.scheme in ("socks5", "socks4")
        self._allowed, self._names = allowed, names()
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._at = (parts.hostname or "", parts.port or _PORT)
        super().__init__(
            *self._at, ssl=verify, limit=0, keepalive_timeout=routes.KEPT_OPEN
        )  # turns bound how many there are

    async def _connect_via_proxy(
        self,
        host: str,
        port: int,
        ssl: tls.SSLContext | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the library's
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """Return a connection to `host`. Called by the library with what the URL names, a name or an address."""
        try:
            async with asyncio.timeout(None if timeout is None else timeout * _OURS):
                through = await self._reach(host, port)
        except TimeoutError:
            raise errors.FetchError(f"{self._words} made no connection to {host} in time", offline=True) from None
        return await self._loop.create_connection(
            self._factory, sock=through, ssl=ssl, server_hostname=host.rstrip(".") if ssl else None
        )

    @property
    def _words(self) -> str:
        return f"the proxy {self._at[0]}:{self._at[1]}"

    async def _reach(self, host: str, port: int) -> socket.socket:
        """Return a socket through the proxy to the first address of `host` that it can reach."""
        addresses = await self._addresses(host)
        proxy = await self._proxy_address()
        for address in addresses[:-1]:
            try:
                return await self._ask(proxy, address, port, host)
            except errors.FetchError:
                continue
        return await self._ask(proxy, addresses[-1], port, host)

    async def _ask(self, proxy: str, address: str, port: int, host: str) -> socket.socket:
        try:
            way = Proxy(_KINDS[self._version], proxy, self._at[1], self._user, self._password, rdns=True)
            return await way.connect(address, port)
        except (python_socks.ProxyConnectionError, python_socks.ProxyTimeoutError):
            raise errors.FetchError(f"{self._words} cannot be reached", offline=True) from None
        except (python_socks.ProxyError, AssertionError) as error:  # it wants a password, and we have none
            raise self._refusal(getattr(error, "error_code", None), str(error), host) from None

    def _refusal(self, code: int | None, said: str, host: str) -> errors.FetchError:
        """Return what the proxy's answer means. offline: where it is the proxy's own network that may be down."""
        if code is None:
            return errors.FetchError(f"{self._words} takes neither us nor our user and password: {said}", offline=True)
        if self._version == 5 and code == _PORT_CLOSED:
            return errors.FetchError(f"{host} refuses connections on its port, says {self._words}")
        if self._version == 5 and code == _REFUSES_US:
            return errors.FetchError(f"{self._words} does not let us reach {host}")
        return errors.FetchError(f"{self._words} has no connection to {host}: {said}", offline=True)

    async def _addresses(self, host: str) -> Sequence[str]:
        """Return what the proxy is asked for: a checked address, or the name as it is where the proxy looks it up."""
        if self._version == 4 and ":" in host:
            raise errors.FetchError(f"{self._words} speaks SOCKS4, which knows no IPv6 addresses like {host}")
        if guard.literal(host) is not None or not self._looks_up:
            return [host]  # an address in a URL was checked before
        family = socket.AF_INET if self._version == 4 else socket.AF_UNSPEC
        try:
            found = [each["host"] for each in await self._names.resolve(host, 0, family)]
        except OSError:
            found = []
        if not found:
            raise errors.FetchError(f"the name {host[:100]} has no address (DNS)", offline=True)
        allowed = [address for address in found if guard.is_allowed(address, self._allowed)]
        if not allowed:
            raise complaints.not_public(host)
        return allowed

    async def _proxy_address(self) -> str:
        """Return where the proxy is, looked up on threads that do not hold up the end of the program."""
        host = self._at[0]
        if guard.literal(host) is not None:
            return host
        try:
            return (await self._names.resolve(host, 0, socket.AF_UNSPEC))[0]["host"]
        except (OSError, IndexError):
            raise errors.FetchError(f"the name of {self._words} has no address (DNS)", offline=True) from None
