"""One parser child as its parent sees it: started, asked, and ended. Shell."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from monitor import errors
from monitor.sandbox import wire

_START = 30.0  # seconds for a child to be ready: the machine may be busy
_REAP = 2.0  # seconds for a killed process to be gone
_CHUNK = 2**18
_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "import sys; sys.path.append(sys.argv.pop()); from monitor.sandbox import child; child.main()"
_PASSED_ON = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
_PASSED_ON_PREFIXES = ("PYTHON", "COV", "LC_")


class EndedError(Exception):
    """The child ended without an answer."""


class Child:
    """A process and the socket to it. Everything that it opens is closed by `end`.

    idle: seconds without work after which the child ends. served: documents so far; its owner counts.
    """

    def __init__(self, idle: float) -> None:
        self.served = 0
        self._pipe, theirs = socket.socketpair()
        self._pipe.settimeout(0)
        command = [sys.executable, "-P", "-W", "ignore", "-c", _PROGRAM, str(idle), str(_ROOT)]
        try:
            # A session of its own: Ctrl-C in a terminal reaches the daemon alone, which then ends its children.
            self._process = subprocess.Popen(  # noqa: S603  our own program
                command, stdin=theirs.fileno(), env=_environment(), start_new_session=True
            )
        except OSError as error:
            self._pipe.close()
            raise errors.ParseError(f"no parser process could be started: {error.strerror}") from error
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def retired(self) -> bool:
        """Whether it ended of its own will, because it was idle."""
        return self._process.poll() == 0

    async def ready(self) -> None:
        """Wait until it can be asked. Raises ParseError when it cannot be."""
        try:
            async with asyncio.timeout(_START):
                await self.receive()
        except TimeoutError:
            raise errors.ParseError(f"the parser process was not ready within {_START:g} s") from None
        except EndedError:
            code = self._process.poll()
            raise errors.ParseError(f"the parser process could not start (exit status {code})") from None

    async def send(self, content: bytes) -> None:
        """Send all of `content`. Raises EndedError when nobody reads it."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._pipe, content)
        except OSError as error:
            raise EndedError from error

    async def receive(self) -> bytes:
        """Return the content of the next frame. Raises EndedError when the child ended instead."""
        size = wire.LENGTH.unpack(await self._exactly(wire.LENGTH.size))[0]
        if size > wire.LARGEST:
            raise EndedError
        return await self._exactly(size)

    def let_go(self) -> None:
        """Close its input, after which it ends by itself."""
        self._pipe.close()

    def kill(self) -> None:
        """End the process at once; who waits for its answer gets EndedError."""
        if self.lives:
            self._process.kill()

    def end(self, patience: float = _REAP) -> None:
        """Kill the process if it lives, and reap it: a killed process is gone in a moment. Nobody may wait for it.

        patience: seconds to wait for that here; on a machine that is short of time the rest is left to a thread.
        """
        self._pipe.close()
        self.kill()
        try:
            self._process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            threading.Thread(target=self._process.wait, name="reap", daemon=True).start()

    async def _exactly(self, size: int) -> bytes:
        loop = asyncio.get_running_loop()
        parts: list[bytes] = []
        while size > 0:
            try:
                part = await loop.sock_recv(self._pipe, min(size, _CHUNK))
            except OSError as error:
                raise EndedError from error
            if not part:
                await self._settled()
                raise EndedError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    async def _settled(self) -> None:
        """Wait a moment for the exit status, which comes just after the end of the pipe."""
        for _ in range(50):
            if not self.lives:
                return
            await asyncio.sleep(0.01)


def _environment() -> dict[str, str]:
    """Return what a child needs of our environment: the secrets of channels and databases in it are none of that."""
    return {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
