"""Runs `parse` in child processes of our own, each document with a deadline and a memory limit. Shell.

Children and not threads, because the parser holds the interpreter's lock while it takes quadratic time; children of
our own and not a ProcessPoolExecutor, because there one killed child breaks every job. A child is started when there
is work for it, replaced when it dies or has served long enough, and ends with its parent.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from monitor import errors, model
from monitor.sandbox import wire

DEADLINE = timedelta(seconds=10)
MEMORY = 400 * 2**20

_START = 30.0  # seconds for a child to be ready: the machine may be busy
_GRACE = 2.0  # seconds for a child to end after its input
_PAUSE = 0.01
_DOCUMENTS = 2000  # a child serves so many, then a fresh one takes over: what leaked goes with it
_CHUNK = 2**18
_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "import sys; sys.path.append(sys.argv.pop()); from monitor.sandbox import child; child.main()"
_PASSED_ON = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
_PASSED_ON_PREFIXES = ("PYTHON", "COV", "LC_")


class _EndedError(Exception):
    """A child ended without an answer."""


class Sandbox:
    """A few parser children. Use one for the process, and `close` it at the end.

    workers: children at most. deadline: wall-clock time for one document. memory: bytes of address space for a child.
    """

    def __init__(self, *, workers: int = 2, deadline: timedelta = DEADLINE, memory: int = MEMORY) -> None:
        self._deadline = deadline.total_seconds()
        self._memory = memory
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._closed = False

    async def parse(
        self, body: bytes, *, content_type: str | None, url: str, now: datetime, outlet: str | None = None
    ) -> model.ParsedFeed:
        """Parse one document in a child; see `parse.parse` for the arguments. Waits while all children are busy.

        Raises ParseError when it is no feed, or when its child had to be killed or died of it.
        """
        asked = wire.request(body, content_type=content_type, url=url, now=now, outlet=outlet)
        async with self._free:
            child = await self._take()
            try:
                content = await self._asked(child, asked)
                child.served += 1
                feed = self._feed(content)
            except BaseException:
                # Whatever came between, a cancellation included: an answer may be under way that nobody awaits.
                self._drop(child)
                raise
            if child.served >= _DOCUMENTS:
                self._drop(child)
            else:
                self._idle.append(child)
            if isinstance(feed, errors.ParseError):
                raise feed
            return feed

    async def close(self) -> None:
        """End all children; those under way are killed."""
        self._closed = True
        idle, self._idle = self._idle, []
        for child in list(self._children):
            if child not in idle:
                self._drop(child)
        for child in idle:
            child.pipe.close()
        for _ in range(int(_GRACE / _PAUSE)):
            if all(child.process.poll() is not None for child in idle):
                break
            await asyncio.sleep(_PAUSE)
        for child in idle:
            self._drop(child)

    @property
    def processes(self) -> tuple[int, ...]:
        """The process ids of the children that live."""
        return tuple(sorted(child.process.pid for child in self._children if child.process.poll() is None))

    async def _take(self) -> "_Child":
        if self._closed:
            raise errors.ParseError("the parser is closed")
        while self._idle:
            child = self._idle.pop()
            if child.process.poll() is None:
                return child
            self._drop(child)
        return await self._start()

    async def _start(self) -> "_Child":
        child = _Child(self._memory, self._deadline + 2)
        self._children.add(child)
        try:
            async with asyncio.timeout(_START):
                await child.receive()
        except (TimeoutError, _EndedError, OSError) as error:
            code = child.process.poll()
            self._drop(child)
            why = f"exit status {code}" if code is not None else f"not ready within {_START:g} s"
            raise errors.ParseError(f"no parser process could be started ({why})") from error
        except BaseException:
            self._drop(child)
            raise
        return child

    async def _asked(self, child: "_Child", asked: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._deadline):
                await child.send(asked)
                return await child.receive()
        except TimeoutError:
            message = f"parsing took longer than {self._deadline:g} s, so that the parser was stopped"
            raise errors.ParseError(message) from None
        except (_EndedError, OSError) as error:
            raise errors.ParseError("the parser died of the document (too much memory, most likely)") from error

    def _feed(self, content: bytes) -> model.ParsedFeed | errors.ParseError:
        """Return the feed, or the refusal of a document that did the child no harm. Raises ParseError for others."""
        try:
            feed, kind, message = wire.read_answer(content)
        except ValueError as error:
            raise errors.ParseError("the parser gave an answer that cannot be read") from error
        if feed is not None:
            return feed
        if kind == "parse":
            return errors.ParseError(message)
        if kind == "memory":
            raise errors.ParseError(f"parsing took more memory than {self._memory // 2**20} MiB")
        raise errors.ParseError(f"the parser failed: {message}")

    def _drop(self, child: "_Child") -> None:
        self._children.discard(child)
        child.end()


class _Child:
    """One child process and the socket to it. Everything that it opens is closed by `end`."""

    def __init__(self, memory: int, seconds: float) -> None:
        self.served = 0
        self.pipe, theirs = socket.socketpair()
        self.pipe.settimeout(0)
        command = [sys.executable, "-P", "-W", "ignore", "-c", _PROGRAM, str(memory), str(seconds), str(_ROOT)]
        try:
            # A session of its own, so that Ctrl-C in a terminal reaches the daemon alone, which then ends its children.
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), env=_environment(), start_new_session=True)  # noqa: S603
        except BaseException:
            self.pipe.close()
            raise
        finally:
            theirs.close()

    async def send(self, content: bytes) -> None:
        """Send all of `content`."""
        await asyncio.get_running_loop().sock_sendall(self.pipe, content)

    async def receive(self) -> bytes:
        """Return the content of the next frame. Raises _EndedError when the child ended instead."""
        size = wire.LENGTH.unpack(await self._exactly(wire.LENGTH.size))[0]
        if size > wire.LARGEST:
            raise _EndedError
        return await self._exactly(size)

    async def _exactly(self, size: int) -> bytes:
        loop = asyncio.get_running_loop()
        parts: list[bytes] = []
        while size > 0:
            part = await loop.sock_recv(self.pipe, min(size, _CHUNK))
            if not part:
                raise _EndedError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Kill the process if it lives, and reap it. A killed process is gone in a moment."""
        self.pipe.close()
        if self.process.poll() is None:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_GRACE)


def _environment() -> dict[str, str]:
    """Return what a child needs of our environment: the secrets of channels and databases in it are none of that."""
    return {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
