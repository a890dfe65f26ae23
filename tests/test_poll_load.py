"""How much of what feeds send is held at once: polls wait while too much of it waits to be stored."""

import asyncio
from collections.abc import Iterator

import pytest

from monitor import clock, errors, model, pipeline, poll, sandbox
from monitor.daemon.thread import StoreThread
from monitor.pipeline import novelty
from monitor.poll import turns
from monitor.store import engine, feeds
from tests import servers

GOOD = servers.rss("A", servers.item("Envoy arrives", guid="1"))


@pytest.fixture
def server() -> Iterator[servers.FeedServer]:
    """Return a server with two feeds, a page that is none, and an error."""
    with servers.FeedServer() as found:
        found.put("/a.xml", GOOD)
        found.put("/b.xml", GOOD)
        found.put("/page.html", b"<!doctype html><html><body>Hello</body></html>")
        found.script("/down.xml", servers.Answer(500))
        yield found


def test_no_poll_begins_while_too_much_waits() -> None:
    """A turn is given when what came before was stored, not before."""

    async def go() -> list[str]:
        load, said = turns.Load(100), list[str]()
        turn = turns.Turns(4, 4, load)

        async def one() -> None:
            async with turn.take("a.example"):
                said.append("polled")

        load.take(100)
        waits = asyncio.create_task(one())
        for _ in range(10):
            await asyncio.sleep(0)
        said.append("stored")
        load.give_back(100)
        await waits
        return said

    assert asyncio.run(go()) == ["stored", "polled"]


def test_a_document_is_counted_until_it_is_stored(sqlite_store: engine.Store, server: servers.FeedServer) -> None:
    """While the database is away it counts; when all is stored, refused or failed, nothing does."""
    counted: list[int] = []

    async def go() -> int:
        thread = StoreThread()
        parser = sandbox.Sandbox()
        async with poll.open_client(allow_networks=["127.0.0.0/8"]) as client:

            async def call(function: object, /, *args: object, **kwargs: object) -> object:
                if getattr(function, "__name__", "") == "_save" and not any(counted):
                    counted.append(client.load.bytes)
                    raise errors.StoreError("the disk is full")
                return await thread.call(function, *args, **kwargs)  # type: ignore[arg-type]

            polling = pipeline.Polling(
                sqlite_store,
                call,
                client,
                parser,
                novelty.Limits(),
                concurrency=1,
                clock=clock.now,
                jitter=lambda: 0.0,
            )
            async with polling:
                await polling.run_all()
            left: int = client.load.bytes
        await parser.close()
        thread.close()
        return left

    specs = [model.FeedSpec(path, server.url(path)) for path in ("/a.xml", "/b.xml", "/page.html", "/down.xml")]
    with sqlite_store.write() as tx:
        feeds.sync_specs(tx, specs, clock.now(), first_due=lambda _: clock.now())
    assert asyncio.run(go()) == 0
    assert counted[-1] >= len(GOOD)


def test_a_poll_that_is_cut_off_counts_no_longer(sqlite_store: engine.Store, server: servers.FeedServer) -> None:
    """What is being parsed when polling ends is let go of."""

    class Endless(sandbox.Sandbox):
        """Never gives an answer."""

        async def parse(self, *_: object, **__: object) -> model.ParsedFeed:
            """Wait for ever."""
            await asyncio.Event().wait()
            raise AssertionError

    async def go() -> tuple[int, int]:
        thread = StoreThread()
        async with poll.open_client(allow_networks=["127.0.0.0/8"]) as client:
            async with pipeline.Polling(
                sqlite_store,
                thread.call,
                client,
                Endless(),
                novelty.Limits(),
                concurrency=1,
                clock=clock.now,
                jitter=lambda: 0.0,
            ) as polling:
                await polling.start_due()
                await asyncio.to_thread(servers.until, lambda: client.load.bytes)
                during = client.load.bytes
            thread.close()
            return during, client.load.bytes

    with sqlite_store.write() as tx:
        feeds.sync_specs(tx, [model.FeedSpec("A", server.url("/a.xml"))], clock.now(), first_due=lambda _: clock.now())
    assert asyncio.run(go()) == (len(GOOD), 0)
