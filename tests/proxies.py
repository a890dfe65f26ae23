"""A SOCKS proxy on loopback for tests: it speaks versions 4, 4a and 5, and really connects.

```python
with proxies.SocksServer(password="s3cret", hosts={"public.example": "127.0.0.1"}) as proxy:
    ...                                       # poll through proxy.url("socks5h")
    assert proxy.asked == ["public.example:80"]
```
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Self

_CHUNK = 2**16


class SocksServer:
    """Connects for who asks, and records what it was asked for, as `host:port`.

    user, password: what version 5 wants; an empty password is none. hosts: what names are, to this proxy's own
    look-up; others do not exist. refuse: the code that it answers every wish with instead.
    """

    def __init__(
        self,
        *,
        user: str = "desk",
        password: str = "",
        hosts: Mapping[str, str] | None = None,
        refuse: int | None = None,
    ) -> None:
        self.asked: list[str] = []
        self.versions: list[int] = []
        self._user, self._password = user, password
        self._hosts, self._refuse = dict(hosts or {}), refuse
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="socks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, scheme: str, userinfo: str = "") -> str:
        """Return the proxy's address. userinfo: `user:password`."""
        return f"{scheme}://{userinfo}{'@' if userinfo else ''}127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listener))
        self._loop.run_forever()
        server.close()
        under_way = asyncio.all_tasks(self._loop)
        for task in under_way:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*under_way, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            version = (await reader.readexactly(1))[0]
            self.versions.append(version)
            asked = await (self._wish_5(reader, writer) if version == 5 else _wish_4(reader))
            if asked is None:
                return
            host, port = asked
            self.asked.append(f"{host}:{port}")
            code, there = (self._refuse, None) if self._refuse else await self._connect(host, port)
            writer.write(_reply(version, code or 0))
            if there is not None:
                await _both_ways((reader, writer), there)

    async def _wish_5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int] | None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = 2 if self._password else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            return None
        writer.write(bytes((5, wanted)))
        if wanted:
            await reader.readexactly(1)
            user = await reader.readexactly((await reader.readexactly(1))[0])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            right = (user.decode(), password.decode()) == (self._user, self._password)
            writer.write(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return None
        kind = (await reader.readexactly(4))[3]
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, await reader.readexactly(size))
        return host, struct.unpack(">H", await reader.readexactly(2))[0]

    async def _connect(
        self, host: str, port: int
    ) -> tuple[int, tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]:
        address = self._hosts.get(host, host if host[0].isdigit() else None)
        if address is None:
            return 4, None
        try:
            return 0, await asyncio.open_connection(address, port)
        except OSError:
            return 5, None


async def _wish_4(reader: asyncio.StreamReader) -> tuple[str, int]:
    _, port = struct.unpack(">BH", await reader.readexactly(3))
    packed = await reader.readexactly(4)
    await reader.readuntil(b"\0")
    if packed.startswith(b"\0\0\0"):  # 4a: a name follows
        return (await reader.readuntil(b"\0"))[:-1].decode(), port
    return socket.inet_ntoa(packed), port


def _reply(version: int, code: int) -> bytes:
    if version == 4:
        return bytes((0, 91 if code else 90)) + bytes(6)
    return bytes((5, code, 0, 1)) + bytes(6)


async def _both_ways(
    here: tuple[asyncio.StreamReader, asyncio.StreamWriter], there: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            while piece := await reader.read(_CHUNK):
                writer.write(piece)
                await writer.drain()

    await asyncio.gather(copy(here[0], there[1]), copy(there[0], here[1]))
