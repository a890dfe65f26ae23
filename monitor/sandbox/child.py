"""The parser child: reads documents from its standard input, a socket, and answers with feeds. Shell.

It ends with its parent (end of input, and on Linux a signal), with its deadline (an alarm that no lock can hold up,
for a parent that is gone), with its memory (a limit on the address space), and when nobody asks for long.
"""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from monitor import errors, model
from monitor.parse import article
from monitor.sandbox import heap, wire

_PR_SET_PDEATHSIG = 1
_OUT_OF_MEMORY = 3
_LATE = 2.0  # seconds after the parent's deadline


def main() -> None:
    """Serve until the input ends. Argument: seconds to wait for a document."""
    idle = float(sys.argv[1])
    _die_with_parent()
    heap.give_back()
    from monitor.parse import parse, xmlfeed  # noqa: F401  while nobody waits for an answer

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = _address_space()
    with socket.socket(fileno=0) as pipe:
        pipe.settimeout(idle)
        try:
            pipe.sendall(wire.frame(wire.READY))
            while (head := _exactly(pipe, wire.LENGTH.size)) is not None:
                _serve(pipe, wire.LENGTH.unpack(head)[0], size, parse)
        except (TimeoutError, ConnectionError):
            return  # idle for long, or nobody reads: the parent is gone
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)  # not even enough to say so: the parent sees that we ended


def _serve(pipe: socket.socket, length: int, size: int | None, parse: Callable[..., model.ParsedFeed]) -> None:
    """Read one request and its document, and answer. size: of our address space at the start, None if unknown."""
    content = _exactly(pipe, length)
    if content is None:
        return
    request = wire.read_request(content)
    if request.arguments is None:
        article.load()
        size = _address_space()
    signal.setitimer(signal.ITIMER_REAL, request.seconds + _LATE)
    _limit(None if size is None else size + request.memory)
    try:
        body = _exactly(pipe, request.size)
        if body is None:
            return
        reply = wire.answer(_answer(body, request, parse))
    except MemoryError:
        reply = wire.answer(wire.Answer(wire.Kind.MEMORY))
    _limit(None)
    pipe.sendall(wire.frame(reply))
    signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(body: bytes, request: wire.Request, parse: Callable[..., model.ParsedFeed]) -> wire.Answer:
    try:
        if request.arguments is None:
            return wire.Answer(wire.Kind.TEXT, message=article.read(body))
        return wire.Answer(wire.Kind.FEED, parse(body, **request.arguments))
    except errors.ParseError as error:
        return wire.Answer(wire.Kind.REFUSED, message=str(error))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  a bug costs one document and is told, not the child
        return wire.Answer(wire.Kind.BUG, message=f"{type(error).__name__}: {error}"[:300])


def _exactly(pipe: socket.socket, size: int) -> bytes | None:
    """Return so many bytes, None at the end of input. Raises TimeoutError when they do not come."""
    content = bytearray(size)
    view, got = memoryview(content), 0
    while got < size:
        count = pipe.recv_into(view[got:])
        if count == 0:
            return None
        got += count
    return bytes(content)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _address_space() -> int | None:
    """Return the size of our address space in bytes, None where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None


def _limit(size: int | None) -> None:
    """Let the address space grow up to `size` bytes, without end for None."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError, ValueError):  # macOS knows the limit but does not keep it
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY if size is None else size, hard))
