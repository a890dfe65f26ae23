"""Reads the body of an answer and decodes it, within a limit that holds while decoding. Pure but for the stream.

A few kilobytes of gzip can become a gigabyte, so that every step is told how much it may still give. Large bodies are
read a few at a time, so that many hostile servers at once do not fill the memory with what each may send.
"""

import asyncio
import zlib
from collections.abc import AsyncIterable, Iterator
from contextlib import AsyncExitStack

from monitor import errors

LARGE = 2**19

_STEP = 2**16  # a piece of a bomb is decoded bit by bit: it is large before it is whole
_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 64  # parts of one gzip file; real ones have one


async def read(stream: AsyncIterable[bytes], encoding: str, limit: int, room: asyncio.Semaphore) -> bytes:
    """Return the decoded body. Raises FetchError when it is larger than `limit` bytes, broken, or coded otherwise.

    encoding: the Content-Encoding header, empty for none. Only gzip was asked for, so only gzip is taken.
    room: held while more than LARGE bytes of the body are.
    """
    decoder = _decoder(encoding.strip().lower(), limit)
    try:
        async with AsyncExitStack() as held:
            has_room = False
            async for chunk in stream:
                for _ in decoder.steps(chunk):
                    if decoder.size > LARGE and not has_room:
                        await held.enter_async_context(room)
                        has_room = True
            return decoder.finish()
    finally:
        decoder.drop()  # an error keeps the frames that it came through, and they the decoder


class Plain:
    """Joins the pieces of a body and never holds more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._parts: list[bytes] = []

    def steps(self, data: bytes) -> Iterator[None]:
        """Take the next piece, a little at each step. Raises FetchError when the whole grows too large."""
        self._take(data)
        yield

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise _too_large(self._limit)
        self._parts.append(data)

    def finish(self) -> bytes:
        """Return the whole."""
        return b"".join(self._parts)

    def drop(self) -> None:
        """Hold nothing any more."""
        self._parts.clear()


class Gunzip(Plain):
    """Decodes gzip piece by piece and never holds more than `limit` decoded bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._read = 0
        self._members = 1
        self._stream = zlib.decompressobj(_GZIP)

    def steps(self, data: bytes) -> Iterator[None]:
        """Decode the next piece, a little at each step. Raises FetchError when the whole is too large or broken."""
        self._read += len(data)
        if self._read > self._limit:
            raise _too_large(self._limit)
        while data:
            if self._stream.eof and not self._next_member(data):
                return
            data = self._decode(data)
            yield

    def finish(self) -> bytes:
        """Return the decoded whole. Raises FetchError when the end is missing."""
        if self._read and not self._stream.eof:
            raise errors.FetchError("the compressed answer ends before its end")
        return super().finish()

    def _decode(self, data: bytes) -> bytes:
        try:
            part = self._stream.decompress(data, min(self._limit - self.size + 1, _STEP))
        except zlib.error:
            raise errors.FetchError("the answer says that it is gzip, but it cannot be decoded") from None
        self._take(part)
        return self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def _next_member(self, data: bytes) -> bool:
        """Begin the next part of the file; padding after the last one is left alone."""
        if not data.startswith(b"\x1f\x8b") or self._members >= _MOST_MEMBERS:
            return False
        self._members += 1
        self._stream = zlib.decompressobj(_GZIP)
        return True


def _decoder(name: str, limit: int) -> Plain:
    if name in ("", "identity"):
        return Plain(limit)
    if name in ("gzip", "x-gzip"):
        return Gunzip(limit)
    raise errors.FetchError(f'the answer is coded as "{name[:40]}", which was not asked for (only gzip is)')


def _too_large(limit: int) -> errors.FetchError:
    size = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit} bytes"
    return errors.FetchError(f"the answer is larger than {size} (poll.max_body)")
