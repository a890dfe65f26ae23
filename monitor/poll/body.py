"""Reads the body of an answer and decodes it, within a limit that holds while decoding. Pure but for the stream.

A few kilobytes of gzip can become a gigabyte, so that every step is told how much it may still give.
"""

import zlib
from collections.abc import AsyncIterable

from monitor import errors

_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 64  # parts of one gzip file; real ones have one


async def read(stream: AsyncIterable[bytes], encoding: str, limit: int) -> bytes:
    """Return the decoded body. Raises FetchError when it is larger than `limit` bytes, broken, or coded otherwise.

    encoding: the Content-Encoding header, empty for none. Only gzip was asked for, so only gzip is taken.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return await _plain(stream, limit)
    if name in ("gzip", "x-gzip"):
        return await _gzip(stream, limit)
    raise errors.FetchError(f'the answer is coded as "{name[:40]}", which was not asked for (only gzip is)')


async def _plain(stream: AsyncIterable[bytes], limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        parts.append(chunk)
    return b"".join(parts)


async def _gzip(stream: AsyncIterable[bytes], limit: int) -> bytes:
    decoder = Gunzip(limit)
    async for chunk in stream:
        decoder.feed(chunk)
    return decoder.finish()


class Gunzip:
    """Decodes gzip piece by piece and never holds more than `limit` decoded bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._read = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._members = 1
        self._stream = zlib.decompressobj(_GZIP)

    def feed(self, data: bytes) -> None:
        """Decode `data`, the next piece. Raises FetchError when the whole grows too large or is broken."""
        self._read += len(data)
        if self._read > self._limit:
            raise _too_large(self._limit)
        while data:
            if self._stream.eof and not self._next_member(data):
                return
            data = self._decode(data)

    def finish(self) -> bytes:
        """Return the decoded whole. Raises FetchError when the end is missing."""
        if self._read and not self._stream.eof:
            raise errors.FetchError("the compressed answer ends before its end")
        return b"".join(self._parts)

    def _decode(self, data: bytes) -> bytes:
        try:
            part = self._stream.decompress(data, self._limit - self._size + 1)
        except zlib.error:
            raise errors.FetchError("the answer says that it is gzip, but it cannot be decoded") from None
        self._size += len(part)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._parts.append(part)
        return self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def _next_member(self, data: bytes) -> bool:
        """Begin the next part of the file; padding after the last one is left alone."""
        if not data.startswith(b"\x1f\x8b") or self._members >= _MOST_MEMBERS:
            return False
        self._members += 1
        self._stream = zlib.decompressobj(_GZIP)
        return True


def _too_large(limit: int) -> errors.FetchError:
    size = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit} bytes"
    return errors.FetchError(f"the answer is larger than {size} (poll.max_body)")
