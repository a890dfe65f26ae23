"""Which addresses may be connected to, and how names become addresses. Shell: names are looked up here.

What counts is the address of the socket, after the look-up, at every hop: a name that is checked first and connected
to later can change in between. Whatever is not public is refused: loopback, private, link-local, carrier-grade,
multicast and reserved addresses, and IPv4 ones of these kinds that hide in IPv6. A list of networks is the exception.
"""

import asyncio
import errno
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from monitor import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddrInfo = tuple[int, int, int, str, tuple[str | int | bytes, ...]]
AddrInfos = Sequence[AddrInfo]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
REFUSED = "is an address that is not public"

_LOOKUPS = 8  # threads at most; a look-up that hangs keeps its thread until the system gives up
_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
_PROTOCOL = ipaddress.ip_network("192.0.0.0/24")
_TRANSLATED = (  # a gateway connects to the IPv4 address in the last 32 bits (RFC 6052, 4291, 2765)
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("::ffff:0:0/96"),
    ipaddress.ip_network("::ffff:0:0:0/96"),
    ipaddress.ip_network("::/96"),
)


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read an allow-list of networks in CIDR notation. Raises ConfigError that names the wrong one."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            message = f'poll.allow_networks: "{text}" is no network; write an address with its prefix, as "10.0.0.0/8"'
            raise errors.ConfigError(message) from None
    return tuple(found)


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Whether a connection to `address`, as a socket would be given it, is allowed: public, or in a listed network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(each) or any(each in net for net in allowed) for each in _faces(parsed))


def literal(host: str) -> str | None:
    """Return the address that `host` spells in any way a system's resolver knows (`127.2`, `0x7f000001`), or None."""
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare)) if bare[:1].isdigit() else None
    except (OSError, UnicodeError, ValueError):
        return None


def is_for_proxy(host: str, allowed: Sequence[Network]) -> bool:
    """Whether a proxy may be asked for `host`: any name but `localhost`, and addresses that may be connected to.

    What a name becomes is the affair of the proxy that looks it up.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):  # loopback whoever is asked (RFC 6761 6.3)
        return is_allowed("127.0.0.1", allowed)
    address = literal(host)
    return address is None or is_allowed(address, allowed)


def socket_factory(allowed: Sequence[Network]) -> Callable[[AddrInfo], socket.socket]:
    """Return what aiohttp makes its sockets with: it sees every address before the connection is tried."""

    def make(info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        host = str(address[0])
        if not is_allowed(host, allowed):
            raise OSError(errno.EACCES, f"{host} {REFUSED}")
        return socket.socket(family, kind, protocol)

    return make


class Names(AbstractResolver):
    """Looks names up on threads of its own: one that hangs neither fills asyncio's executor nor delays the end."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. Raises OSError when it has none."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[AddrInfos] = loop.create_future()

        def settle(infos: AddrInfos, error: OSError | None) -> None:
            self._free.release()
            if answer.done():
                return
            if error is None:
                answer.set_result(infos)
            else:
                answer.set_exception(error)

        threading.Thread(target=_look_up, args=(host, port, family, loop, settle), name="names", daemon=True).start()
        return [_result(host, port, info) for info in await answer]

    async def close(self) -> None:
        """Leave the threads to end with their look-ups."""


def _look_up(
    host: str,
    port: int,
    family: int,
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[AddrInfos, OSError | None], None],
) -> None:
    infos: AddrInfos = ()
    error: OSError | None = None
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
    except OSError as caught:
        error = caught
    except (UnicodeError, ValueError) as caught:  # a label that is too long, a zero character
        error = OSError(errno.EINVAL, str(caught))
    try:
        loop.call_soon_threadsafe(settle, infos, error)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more


def _result(host: str, port: int, info: AddrInfo) -> ResolveResult:
    family, _, protocol, _, address = info
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(
        hostname=host, host=str(address[0]), port=port, family=int(family), proto=int(protocol), flags=int(flags)
    )


def _faces(address: Address) -> tuple[Address, ...]:
    """Return all that has to be allowed: the address, or the IPv4 one that it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if any(address in net for net in _TRANSLATED) and int(address) > 1:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return (address,)


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address not in _PROTOCOL
    return address in _UNICAST and address not in _DOCUMENTATION
