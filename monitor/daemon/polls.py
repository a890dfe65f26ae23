"""The parts that poll, opened together and closed together: HTTP client, parser processes, Polling. Shell."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog

from monitor import clock, config, pace, pipeline, poll, sandbox
from monitor.parse import article
from monitor.sandbox import heap
from monitor.store import engine

events = structlog.get_logger()

_READER_IDLE = 30.0  # seconds; a reader of pages holds 60 MB


@asynccontextmanager
async def open_polling(
    store: engine.Store,
    call: Callable[..., Awaitable[Any]],
    settings: config.Settings,
    on_stored: Callable[[], None] = lambda: None,
) -> AsyncIterator[pipeline.Polling]:
    """Open what `settings` says of polling. At the end: polls under way are given back, what has come is stored."""
    heap.give_back()
    table = settings.poll
    unchecked = [feed.name for feed in settings.feeds if feed.accept_invalid_certificate]
    if unchecked:
        why = "accept_invalid_certificate: whoever is on the way can read and change what comes"
        events.warning("certificates_not_checked", feeds=unchecked, why=why)
    async with _open_client(settings) as client, _open_reading(store, call, settings, client):
        parser = sandbox.Sandbox()
        try:
            async with pipeline.Polling(
                store,
                call,
                client,
                parser,
                pipeline.Limits(
                    interval=table.interval,
                    first=table.first,
                    max_entry_age=table.max_entry_age,
                    retry_after=table.retry_after,
                    bounds=pace.Bounds(table.min_interval, table.max_interval),
                ),
                concurrency=table.concurrency,
                clock=clock.now,
                jitter=random.random,
                on_stored=on_stored,
            ) as polling:
                yield polling
        finally:
            await parser.close()


async def read_pages(store: engine.Store, call: Callable[..., Awaitable[Any]], settings: config.Settings) -> None:
    """Read the pages that wait for it, once, and end. Raises StoreError."""
    if settings.reads_pages and article.is_installed():
        async with _open_client(settings) as client, _open_reading(store, call, settings, client) as reading:
            await reading.run_once()


def _open_client(settings: config.Settings) -> AbstractAsyncContextManager[poll.Client]:
    table = settings.poll
    return poll.open_client(
        contact=table.contact,
        deadline=table.timeout,
        max_body=table.max_body,
        concurrency=table.concurrency,
        per_host=table.per_host,
        allow_networks=table.allow_networks,
        proxy=table.proxy,
    )


@asynccontextmanager
async def _open_reading(
    store: engine.Store, call: Callable[..., Awaitable[Any]], settings: config.Settings, client: poll.Client
) -> AsyncIterator[pipeline.Reading]:
    """Read pages of matched entries meanwhile. Without the library for it, say so and leave it out."""
    reader = sandbox.Sandbox(workers=1, idle=_READER_IDLE)
    reading = pipeline.Reading(store, call, client, reader, everything=settings.poll.full_text, clock=clock.now)
    try:
        if not article.is_installed():
            if settings.reads_pages:
                events.warning("full_text_unavailable", why=article.MISSING)
            yield reading
            return
        async with reading:
            yield reading
    finally:
        await reader.close()
