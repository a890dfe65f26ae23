"""Who may poll now: so many polls at once, so many per host, and none while too much waits. Shell; first come first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Load:
    """Counts the bytes of documents that came and are not stored yet: in memory, parsed or not.

    A poll begins only while there are fewer than `most`; those under way may go beyond it by what they bring.
    """

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self._most = most
        self._has_room = asyncio.Event()
        self._has_room.set()

    def take(self, size: int) -> None:
        """Count a document that came."""
        self.bytes += size
        if self.bytes >= self._most:
            self._has_room.clear()

    def give_back(self, size: int) -> None:
        """Count it no longer."""
        self.bytes -= size
        if self.bytes < self._most:
            self._has_room.set()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._has_room.wait()


class Turns:
    """Hands out turns. Waiting for a host takes no turn away from the feeds of others."""

    def __init__(self, concurrency: int, per_host: int, load: Load) -> None:
        self._load = load
        self._all = asyncio.Semaphore(concurrency)
        self._per_host = per_host
        self._hosts: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def take(self, host: str) -> AsyncIterator[None]:
        """Wait until `host` and the whole have room, and hold it."""
        semaphore, users = self._hosts.get(host) or (asyncio.Semaphore(self._per_host), 0)
        self._hosts[host] = (semaphore, users + 1)
        try:
            async with semaphore, self._all:
                await self._load.room()
                yield
        finally:
            semaphore, users = self._hosts[host]
            if users == 1:
                del self._hosts[host]
            else:
                self._hosts[host] = (semaphore, users - 1)
