"""The parser child: reads documents from its standard input, a socket, and answers with feeds. Shell.

It ends with its parent (end of input, and on Linux a signal), with its deadline (an alarm that no lock can hold up,
for a parent that is gone) and with its memory (a limit on the address space).
"""

import contextlib
import ctypes
import resource
import signal
import socket
import sys

from monitor import errors
from monitor.sandbox import wire

_PR_SET_PDEATHSIG = 1
_READY = b"{}"


def main() -> None:
    """Serve until the input ends. Arguments: bytes of address space, seconds for one document."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    _die_with_parent()
    from monitor.parse import parse  # before the limit, and while nobody waits for an answer

    _limit(memory)
    with socket.socket(fileno=0) as pipe:
        pipe.settimeout(None)
        pipe.sendall(wire.frame(_READY))
        while (content := _receive(pipe)) is not None:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            reply = _reply(parse, content)
            signal.setitimer(signal.ITIMER_REAL, 0)
            del content
            pipe.sendall(wire.frame(reply))


def _reply(parse: object, content: bytes) -> bytes:
    assert callable(parse)
    try:
        body, about = wire.read_request(content)
        return wire.answer(parse(body, **about))
    except errors.ParseError as error:
        return wire.refusal("parse", str(error))
    except MemoryError:
        return wire.refusal("memory", "")
    except Exception as error:  # noqa: BLE001  a bug costs one document and is told, not the child
        return wire.refusal("bug", f"{type(error).__name__}: {error}"[:300])


def _receive(pipe: socket.socket) -> bytes | None:
    """Return the next frame's content, None at the end of input."""
    head = _exactly(pipe, wire.LENGTH.size)
    return _exactly(pipe, wire.LENGTH.unpack(head)[0]) if head is not None else None


def _exactly(pipe: socket.socket, size: int) -> bytes | None:
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


def _limit(memory: int) -> None:
    with contextlib.suppress(OSError, ValueError):  # macOS knows the limit but does not keep it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
