"""Runs `parse` in child processes of our own, each document with a deadline and a memory limit. Shell.

Children and not threads, because the parser holds the interpreter's lock while it takes quadratic time; children of
our own and not a ProcessPoolExecutor, because there one killed child breaks every job. A child is started when there
is work for it, replaced when it dies or has served long enough, and ends with its parent, or when it is long idle.

Two lanes, so that hostile documents do not hold up good ones: everything small starts in the quick lane, where it has
a second. What takes longer, what is large, and what its caller suspects goes through the slow lane, one at a time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor import errors, model
from monitor.sandbox import wire
from monitor.sandbox.child_process import Child, EndedError

DEADLINE = timedelta(seconds=10)
QUICK = timedelta(seconds=1)
MEMORY = 128 * 2**20
LARGE = 2**20

_QUICK_MEMORY = 48 * 2**20
_SLOW_BYTES = 16 * 2**20  # documents that wait for the slow lane are held in memory: not more than this
_IDLE = 60.0  # seconds after which an idle child, which holds 20 MB, ends by itself; a new one is there in 0.2 s
_PAUSE = 0.01
_DOCUMENTS = 2000  # a child serves so many, then a fresh one takes over: what leaked goes with it


class _TooMuchError(errors.ParseError):
    """A document took more time or memory than its lane gives."""


@dataclass(slots=True)
class _Lane:
    """Room for so many documents at once, each with so many seconds and bytes beyond what a child has at its start."""

    room: asyncio.Semaphore
    seconds: float
    memory: int


class Sandbox:
    """A few parser children. Use one for the process, and `close` it at the end.

    workers: children of the quick lane; the slow lane has one more. deadline: wall-clock time for one document.
    quick: the time in the quick lane. memory: bytes that one document may take.
    idle: seconds after which a child without work ends.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        deadline: timedelta = DEADLINE,
        quick: timedelta = QUICK,
        memory: int = MEMORY,
        idle: float = _IDLE,
    ) -> None:
        seconds = deadline.total_seconds()
        self._quick = _Lane(asyncio.Semaphore(workers), min(quick.total_seconds(), seconds), min(_QUICK_MEMORY, memory))
        self._slow = _Lane(asyncio.Semaphore(1), seconds, memory)
        self._slow_bytes = 0
        self._idle_seconds = idle
        self._idle: list[Child] = []
        self._children: set[Child] = set()
        self._closed = False

    async def parse(
        self,
        body: bytes,
        *,
        content_type: str | None,
        url: str,
        now: datetime,
        outlet: str | None = None,
        suspect: bool = False,
    ) -> model.ParsedFeed:
        """Parse one document in a child; see `parse.parse` for the arguments. Waits while all children are busy.

        suspect: the feed failed last time; its document does not take time from others in the quick lane.
        Raises ParseError when it is no feed, or when its child had to be killed or died of it.
        """
        about = {"content_type": content_type, "url": url, "now": now.isoformat(), "outlet": outlet}
        if not suspect and len(body) <= LARGE:
            try:
                return _feed(await self._through(self._quick, body, about))
            except _TooMuchError:
                if self._quick.seconds >= self._slow.seconds:
                    raise
        async with self._waiting(len(body)):
            return _feed(await self._through(self._slow, body, about))

    async def read_page(self, page: bytes) -> str:
        """Return the text of the article in a web page, read in a child; see `article.read`.

        Always in the slow lane. A child that read a page keeps the library for it: use a sandbox of its own for pages.
        Raises ParseError as `parse` does.
        """
        async with self._waiting(len(page)):
            return (await self._through(self._slow, page, None)).message

    async def close(self) -> None:
        """End all children; those under way are killed."""
        self._closed = True
        idle, self._idle = self._idle, []
        for child in self._children - set(idle):
            child.kill()  # whoever waits for its answer notices, and drops it
        for child in idle:
            child.let_go()
        for _ in range(int(2 / _PAUSE)):
            if not any(child.lives for child in idle) and self._children <= set(idle):
                break
            await asyncio.sleep(_PAUSE)
        for child in idle:
            self._drop(child)

    @property
    def processes(self) -> tuple[int, ...]:
        """The process ids of the children that live."""
        return tuple(sorted(child.pid for child in self._children if child.lives))

    @property
    def busy(self) -> int:
        """How many children have a document under way."""
        return sum(child.lives for child in self._children - set(self._idle))

    @asynccontextmanager
    async def _waiting(self, size: int) -> AsyncIterator[None]:
        """Count a document that waits for the slow lane. Raises ParseError when too much waits there already."""
        if self._slow_bytes and self._slow_bytes + size > _SLOW_BYTES:
            raise errors.ParseError("too many documents that take long to parse came at the same time: try again later")
        self._slow_bytes += size
        try:
            yield
        finally:
            self._slow_bytes -= size

    async def _through(self, lane: _Lane, body: bytes, about: wire.About | None) -> wire.Answer:
        """Parse in the first child that is free in `lane`."""
        async with lane.room:
            while True:
                child = await self._take()
                try:
                    answer = wire.read_answer(await self._asked(child, lane, body, about))
                    _check(answer, lane)
                except EndedError:
                    self._drop(child)
                    if not child.retired:
                        raise _TooMuchError("the parser died of the document (too much memory, most likely)") from None
                    continue  # it ended of idleness while it was asked: another one takes over
                except BaseException:
                    # Whatever came between, a cancellation included: an answer may be under way that nobody awaits.
                    self._drop(child)
                    raise
                self._give_back(child, len(body))
                if answer.kind is wire.Kind.REFUSED:
                    raise errors.ParseError(answer.message)
                return answer

    async def _take(self) -> Child:
        if self._closed:
            raise errors.ParseError("the parser is closed")
        while self._idle:
            child = self._idle.pop()
            if child.lives:
                return child
            self._drop(child)
        child = Child(self._idle_seconds)
        self._children.add(child)
        try:
            await child.ready()
        except BaseException:
            self._drop(child)
            raise
        return child

    def _give_back(self, child: Child, size: int) -> None:
        child.served += 1
        if child.served >= _DOCUMENTS or size > LARGE or self._closed:
            self._drop(child)  # a large document leaves a large process
        else:
            self._idle.append(child)

    async def _asked(self, child: Child, lane: _Lane, body: bytes, about: wire.About | None) -> bytes:
        try:
            async with asyncio.timeout(lane.seconds):
                await child.send(wire.request(about, len(body), seconds=lane.seconds, memory=lane.memory))
                await child.send(body)
                return await child.receive()
        except TimeoutError:
            message = f"parsing took longer than {lane.seconds:g} s, so that the parser was stopped"
            raise _TooMuchError(message) from None

    def _drop(self, child: Child) -> None:
        self._children.discard(child)
        child.end()


def _feed(answer: wire.Answer) -> model.ParsedFeed:
    if answer.feed is None:
        raise errors.ParseError("the parser gave an answer that cannot be read")
    return answer.feed


def _check(answer: wire.Answer, lane: _Lane) -> None:
    """Raise for an answer after which the child is not to be used again."""
    if answer.kind is wire.Kind.MEMORY:
        raise _TooMuchError(f"parsing took more memory than {lane.memory // 2**20} MiB")
    if answer.kind is wire.Kind.BUG:
        raise errors.ParseError(f"the parser failed: {answer.message}")
