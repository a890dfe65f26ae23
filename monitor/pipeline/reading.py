"""From matched entries to the text of their pages: asked for once, beside everything else. Shell.

The alert is decided and sent meanwhile, and what fails here costs a note: nobody waits for a page. Rules do not see
the text; it is for people who look the entry up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import structlog

from monitor import errors, model, poll, sandbox
from monitor.store import engine, texts

log = structlog.get_logger()

_AT_ONCE = 4
_BATCH = 20
_BACK = timedelta(hours=1)  # matches from before the start are read when they are not older
_PAUSE = 5.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class _Claimed:
    """Pages that are ours to ask for, and how far we looked."""

    pages: tuple[texts.Page, ...]
    seen: int
    more: bool


class Reading:
    """Reads the pages of entries that matched. Use as an async context manager."""

    def __init__(
        self,
        store: engine.Store,
        call: Callable[..., Awaitable[Any]],
        client: poll.Client,
        reader: sandbox.Sandbox,
        *,
        everything: bool,
        clock: Callable[[], datetime],
    ) -> None:
        """call: runs a function on the store's thread. everything: of feeds that do not say whether they want it."""
        self._store, self._call, self._reader, self._clock = store, call, reader, clock
        self._client = poll.for_pages(client)
        self._everything = everything
        self._seen = 0
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        """Begin to look for pages."""
        self._task = asyncio.create_task(self._run(), name="read pages")
        return self

    async def __aexit__(self, *_: object) -> None:
        """End; a page that is under way is not asked for again."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def run_once(self) -> int:
        """Read the pages that wait. Returns how many there were. Raises StoreError."""
        count = 0
        while True:
            claimed: _Claimed = await self._call(self._claim, self._clock())
            self._seen = claimed.seen
            count += len(claimed.pages)
            await asyncio.gather(*(self._read(page) for page in claimed.pages))
            if not claimed.more:
                return count

    async def _run(self) -> None:
        while True:
            with suppress(errors.StoreError):  # away: the next look finds the same
                await self.run_once()
            await asyncio.sleep(_PAUSE)

    def _claim(self, now: datetime) -> _Claimed:
        with self._store.read() as tx:
            found = texts.list_pages(tx, now - _BACK, after=self._seen, limit=_BATCH)
        wanted = {page.entry_id: page for page in found if self._wants(page.spec)}
        seen = found[-1].decision_id if found else self._seen
        if wanted:
            with self._store.write() as tx:
                ours = texts.claim(tx, wanted, now)
            wanted = {entry_id: page for entry_id, page in wanted.items() if entry_id in ours}
        return _Claimed(tuple(wanted.values()), seen, len(found) == _BATCH)

    def _wants(self, spec: model.FeedSpec) -> bool:
        return self._everything if spec.full_text is None else spec.full_text

    async def _read(self, page: texts.Page) -> None:
        """Ask for one page and store its text, or why there is none."""
        text, error = "", None
        try:
            async with self._room:
                text = await self._text(page)
        except errors.FeedError as caught:
            error = str(caught)
            log.info("page_not_read", feed=page.spec.name, entry=page.entry_id, error=error)
        except Exception as caught:
            log.exception("page_raised", feed=page.spec.name, entry=page.entry_id)
            error = f"unexpected {type(caught).__name__}"
        await self._call(self._save, page.entry_id, text, error)

    async def _text(self, page: texts.Page) -> str:
        """Return the text. Raises FeedError."""
        asked = model.Feed(0, page.spec, page.url)
        fetched = await poll.fetch(self._client, asked, now=self._clock())
        if isinstance(fetched, model.NotModified):
            raise errors.FetchError("the server says that the page has not changed, but it was never read")
        return await self._reader.read_page(fetched.body)

    def _save(self, entry_id: int, text: str, error: str | None) -> None:
        with self._store.write() as tx:
            texts.save(tx, entry_id, text, error)
