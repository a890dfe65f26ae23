"""The parts that poll, opened together and closed together: HTTP client, parser processes, Polling. Shell."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from monitor import clock, config, pipeline, poll, sandbox
from monitor.store import engine


@asynccontextmanager
async def open_polling(
    store: engine.Store,
    call: Callable[..., Awaitable[Any]],
    settings: config.Settings,
    on_stored: Callable[[], None] = lambda: None,
) -> AsyncIterator[pipeline.Polling]:
    """Open what `settings` says of polling. At the end: polls under way are given back, what has come is stored."""
    table = settings.poll
    async with poll.open_client(
        contact=table.contact,
        deadline=table.timeout,
        max_body=table.max_body,
        concurrency=table.concurrency,
        per_host=table.per_host,
        allow_networks=table.allow_networks,
    ) as client:
        parser = sandbox.Sandbox()
        try:
            async with pipeline.Polling(
                store,
                call,
                client,
                parser,
                pipeline.Limits(interval=table.interval, first=table.first, max_entry_age=table.max_entry_age),
                concurrency=table.concurrency,
                clock=clock.now,
                jitter=random.random,
                on_stored=on_stored,
            ) as polling:
                yield polling
        finally:
            await parser.close()
