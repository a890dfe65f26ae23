"""What many workers talk to, on one thread: feeds, a webhook, and wires to PostgreSQL that can be cut and frozen.

One event loop instead of a thread for each connection, because thousands of feeds are served beside the workers.
"""

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import sqlalchemy as sa

from tests import servers

_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/rss+xml; charset=utf-8\r\nContent-Length: %d\r\n%s\r\n"


class Loop:
    """An event loop on a thread of its own, with what listens and is connected on it."""

    def __init__(self) -> None:
        self.servers: list[asyncio.Server] = []
        self.open: set[asyncio.Transport] = set()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            for server in self.servers:
                server.close()
            for transport in self.open:
                transport.abort()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, job: Coroutine[Any, Any, Any]) -> Any:
        """Run a job on the loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(30)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. at: by the monotonic clock."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    at: float


class Http(asyncio.Protocol):
    """Answers requests on one connection, each after `delay` seconds: enough of HTTP/1.1, at hardly any cost."""

    def __init__(self, loop: Loop, answer: Callable[[Asked], bytes], busy: "Busy", host: str, delay: float) -> None:
        self._loop, self._answer, self._busy, self._host, self._delay = loop, answer, busy, host, delay
        self._got = b""
        self._open = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._back = transport
        self._loop.open.add(transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._got[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", 0))
            if len(self._got) < end + 4 + size:
                return
            body, self._got = self._got[end + 4 : end + 4 + size], self._got[end + 4 + size :]
            self._open += 1
            self._busy.begin(self._host)
            answer = self._answer(Asked(first.split(" ")[1], body, headers, time.monotonic()))
            asyncio.get_running_loop().call_later(self._delay, self._send, answer)

    def connection_lost(self, _: Exception | None) -> None:
        """Count what nobody waits for any more as answered."""
        self._loop.open.discard(self._back)
        while self._open:
            self._done()

    def _send(self, answer: bytes) -> None:
        if self._open:
            self._done()
            self._back.write(answer)

    def _done(self) -> None:
        self._open -= 1
        self._busy.end(self._host)


@dataclass(slots=True)
class Busy:
    """How many requests each host answers at once. most: the most that it ever did."""

    now: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    def begin(self, host: str) -> None:
        """Count one more."""
        self.now[host] += 1
        self.most[host] = max(self.most[host], self.now[host])

    def end(self, host: str) -> None:
        """Count one less."""
        self.now[host] -= 1


class News:
    """Feeds by number, spread over hosts of 127.0.0.0/8; a feed's ETag is the number of its items."""

    def __init__(self, loop: Loop, feeds: int, hosts: int, delay: float = 0.0) -> None:
        """delay: seconds before every answer."""
        self.busy = Busy()
        self.asked: dict[int, list[float]] = defaultdict(list)
        self._items: dict[int, list[str]] = {number: [] for number in range(feeds)}
        self._hosts = [f"127.0.0.{1 + number % 250}" for number in range(hosts)]
        self._port = 0
        self._delay = delay
        self._loop = loop
        loop.run(self._listen())

    def url(self, number: int) -> str:
        """Return the address of a feed."""
        return f"http://{self._hosts[number % len(self._hosts)]}:{self._port}/{number}.xml"

    def publish(self, number: int, *items: str) -> None:
        """Let a feed show these items too, the newest first."""
        self._items[number] = [*items, *self._items[number]]

    @property
    def polls(self) -> int:
        """How often any feed was asked for."""
        return sum(len(times) for times in list(self.asked.values()))

    async def _listen(self) -> None:
        for host in self._hosts:
            made = partial(Http, self._loop, self._answer, self.busy, host, self._delay)
            self._port = await _listen(self._loop, made, host, self._port)

    def _answer(self, asked: Asked) -> bytes:
        number = int(asked.path[1:-4])
        self.asked[number].append(asked.at)
        items = self._items[number]
        etag = f'"{len(items)}"'
        if asked.headers.get("if-none-match") == etag:
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n" % etag.encode()
        body = servers.rss(f"Feed {number}", *items)
        return _HEAD % (b"200 OK", len(body), b"ETag: %s\r\n" % etag.encode()) + body


class Hook:
    """A webhook that takes everything. keys: of the messages, in the order in which they came."""

    def __init__(self, loop: Loop) -> None:
        self.messages: list[Asked] = []
        self.busy = Busy()
        made = partial(Http, loop, self._answer, self.busy, "hook", 0.0)
        self.port = loop.run(_listen(loop, made, "127.0.0.1", 0))

    @property
    def keys(self) -> list[str]:
        """The keys of all messages but the operator's."""
        keys = [asked.headers["idempotency-key"] for asked in list(self.messages)]
        return [key for key in keys if "operator:" not in key]

    def _answer(self, asked: Asked) -> bytes:
        self.messages.append(asked)
        return _HEAD % (b"200 OK", 2, b"") + b"ok"


class Wire:
    """A way to a PostgreSQL server that can be cut (connections end, new ones are refused) and frozen (silence)."""

    def __init__(self, loop: Loop, url: str) -> None:
        """url: of the database, on a socket or a port."""
        self._loop, self._url = loop, sa.make_url(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._port = loop.run(self._listen())

    @property
    def url(self) -> str:
        """The database's address over this wire."""
        over = self._url.set(host="127.0.0.1", port=self._port, query={"sslmode": "disable", "gssencmode": "disable"})
        return over.render_as_string(hide_password=False)

    def cut(self) -> None:
        """End every connection and take no new one."""
        self._loop.run(self._cut())

    def mend(self) -> None:
        """Let everything pass again."""
        self._loop.run(self._mend())

    def freeze(self) -> None:
        """Let nothing pass, and say nothing."""
        self._loop.run(self._freeze())

    async def _listen(self) -> int:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self._loop.servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _cut(self) -> None:
        self._is_cut = True
        self._thawed.set()
        for writer in list(self._open):
            writer.transport.abort()

    async def _mend(self) -> None:
        self._is_cut = False
        self._thawed.set()

    async def _freeze(self) -> None:
        self._thawed.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        await self._thawed.wait()
        there, back = await self._reach()
        self._open |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)
        self._open -= {writer, back}

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = str(self._url.query.get("host", ""))
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{self._url.port or 5432}")
        return await asyncio.open_connection(self._url.host, self._url.port or 5432)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._thawed.wait()
                writer.write(data)
                await writer.drain()
        finally:
            with suppress(OSError, RuntimeError):
                writer.close()


async def _listen(loop: Loop, made: Callable[[], asyncio.Protocol], host: str, port: int) -> int:
    server = await asyncio.get_running_loop().create_server(made, host, port, backlog=512)
    loop.servers.append(server)
    return int(server.sockets[0].getsockname()[1])
