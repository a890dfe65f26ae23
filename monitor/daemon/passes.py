"""Passes over pending entries: claimed and decided on the store's thread, matched and encoded on their own. Shell.

Matching and encoding take most of a pass and touch no store; meanwhile polls and messages are written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitor import encoders, pipeline

_AT_ONCE = 8  # entries: a fifth of a second when all are encoded, for which a daemon that ends has to wait


class Passes:
    """Runs one pass at a time; `close` it in the end."""

    def __init__(self, call: Callable[..., Awaitable[Any]], *, clock: Callable[[], datetime]) -> None:
        """Take what runs a function on the store's thread."""
        self._call = call
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")

    async def run(self, deciding: pipeline.Deciding, *, limit: int) -> pipeline.Pass:
        """Decide up to `limit` pending entries. Raises StoreError."""
        now = self._clock()
        claimed: pipeline.Claimed = await self._call(deciding.claim, now, limit=limit)
        prepared: list[pipeline.Prepared] = []
        for first in range(0, len(claimed.entries), _AT_ONCE):
            part = replace(claimed, entries=claimed.entries[first : first + _AT_ONCE])
            prepared += await asyncio.get_running_loop().run_in_executor(self._pool, deciding.prepare, part, now)
        done: pipeline.Pass = await self._call(deciding.decide, claimed, prepared, self._clock())
        return done

    async def complaint(self, encoder: encoders.Encoder | None) -> str:
        """Read the encoder, and return why it cannot be used; empty when it can, or none is wanted."""
        if encoder is None:
            return ""
        return await asyncio.get_running_loop().run_in_executor(self._pool, encoder.complaint)

    def close(self) -> None:
        """Wait for what is under way, and end the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)
