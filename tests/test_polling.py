"""From due feeds to stored entries, over loopback and real databases: transaction (a) and what surrounds it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from math import inf

import pytest
import sqlalchemy as sa

from monitor import clock, errors, model, pipeline, poll, sandbox
from monitor.daemon.thread import StoreThread
from monitor.pipeline import novelty
from monitor.store import engine, entries, feeds, hosts, tables
from tests import builders, servers


@pytest.fixture
def server() -> Iterator[servers.FeedServer]:
    """Return a feed server with two feeds."""
    with servers.FeedServer() as found:
        found.put("/a.xml", servers.rss("A", servers.item("Envoy arrives", guid="1")), etag='"a1"')
        found.put("/b.xml", servers.rss("B", servers.item("Envoy leaves", guid="1")), etag='"b1"')
        yield found


def test_a_pass_stores_validators_and_entries_together(store: engine.Store, server: servers.FeedServer) -> None:
    """New entries are pending, the validator is the server's, and the next poll is planned with its reason."""
    summary = _run_all(store, server, ["/a.xml", "/b.xml"])
    assert summary == pipeline.PollSummary({model.Polled.NEW: 2}, entries=2)
    with store.read() as tx:
        feed = feeds.get_feed(tx, "/a.xml")
        assert entries.count_pending(tx) == 2
    assert feed.validators.etag == '"a1"'
    assert feed.next_poll_at
    assert feed.next_poll_at > clock.now()
    assert feed.why
    assert feed.lease == ""


def test_a_second_pass_asks_conditionally_and_stores_nothing(store: engine.Store, server: servers.FeedServer) -> None:
    """The validator goes back byte for byte, and a 304 is no entry."""
    _run_all(store, server, ["/a.xml"])
    summary = _run_all(store, server, ["/a.xml"], everything=True)
    assert summary == pipeline.PollSummary({model.Polled.NOT_MODIFIED: 1})
    assert server.asked("/a.xml")[-1].headers["if-none-match"] == '"a1"'


def test_what_a_document_asks_for_holds_after_a_304(store: engine.Store, server: servers.FeedServer) -> None:
    """`ttl` delays every poll until another document asks for something else; a 304 repeats none of it."""
    server.put("/a.xml", servers.rss("A", extra="<ttl>300</ttl>"), etag='"a1"')
    waits = []
    for _ in range(3):
        began = clock.now()
        _run_all(store, server, ["/a.xml"], everything=True)
        with store.read() as tx:
            feed = feeds.get_feed(tx, "/a.xml")
        assert feed.next_poll_at
        waits.append(feed.next_poll_at - began >= timedelta(minutes=300))
        if len(waits) == 2:
            server.put("/a.xml", servers.rss("A"), etag='"a2"')
    assert waits == [True, True, False]
    assert [request.headers.get("if-none-match") for request in server.asked("/a.xml")] == [None, '"a1"', '"a1"']


def test_what_is_not_due_is_not_polled(store: engine.Store, server: servers.FeedServer) -> None:
    """A pass over what is due leaves the others alone; by name or all together they are polled all the same."""
    _run_all(store, server, ["/a.xml", "/b.xml"])
    assert _run_all(store, server, ["/a.xml", "/b.xml"]).polls == {}
    assert _run_all(store, server, ["/a.xml", "/b.xml"], names=["/b.xml"]).polls == {model.Polled.NOT_MODIFIED: 1}
    assert _run_all(store, server, ["/a.xml", "/b.xml"], everything=True).polls == {model.Polled.NOT_MODIFIED: 2}


def test_one_bad_feed_harms_no_other(store: engine.Store, server: servers.FeedServer) -> None:
    """An error, a page that is no feed and a feed that is gone are their own rows; the good one is stored."""
    server.script("/b.xml", servers.Answer(500))
    server.put("/page.xml", b"<!doctype html><html><head><title>Hello</title></head><body>Hello</body></html>")
    server.script("/gone.xml", servers.Answer(410))
    summary = _run_all(store, server, ["/a.xml", "/b.xml", "/page.xml", "/gone.xml"])
    assert summary.polls == {model.Polled.NEW: 1, model.Polled.FAILED: 2, model.Polled.GONE: 1}
    with store.read() as tx:
        found = {feed.name: feed for feed in feeds.list_feeds(tx)}
    assert "500" in (found["/b.xml"].last_error or "")
    assert "web page" in (found["/page.xml"].last_error or "")
    assert found["/gone.xml"].status is model.FeedStatus.GONE
    assert found["/a.xml"].last_error is None


def test_a_cut_off_pass_gives_its_feeds_back(store: engine.Store, server: servers.FeedServer) -> None:
    """Polls that are under way at the end leave no lease behind."""
    server.script("/a.xml", servers.Answer(200, b"", wait=30))

    async def cut_off() -> None:
        async with _polling(store, server, ["/a.xml"]) as polling:
            assert await polling.start_due() == 1
            await asyncio.to_thread(servers.until, lambda: server.count("/a.xml"))

    asyncio.run(cut_off())
    with store.write() as tx:
        assert len(feeds.claim_due(tx, clock.now(), limit=5, lease="x", until=clock.now() + timedelta(minutes=1))) == 1


def test_a_host_that_asks_to_be_left_alone_is(store: engine.Store, server: servers.FeedServer) -> None:
    """`Retry-After` holds back the feed; where the operator says so, every feed of the host, for every worker."""
    server.script("/a.xml", servers.Answer(503, headers={"Retry-After": "86400"}))
    for held_back, polled in ((model.RetryAfter.FEED, 1), (model.RetryAfter.HOST, 0)):
        limits = novelty.Limits(retry_after=held_back)
        _run_all(store, server, ["/a.xml", "/b.xml"], names=["/a.xml"], limits=limits)
        before = server.count("/b.xml")
        with store.write() as tx:
            feeds.make_due(tx, clock.now(), ["/b.xml"])
        _run_all(store, server, ["/a.xml", "/b.xml"])
        assert server.count("/b.xml") - before == polled
    with store.read() as tx:
        (until,) = hosts.list_rests(tx, clock.now()).values()
    assert until > clock.now() + timedelta(hours=23)


def test_polls_that_wait_for_their_turn_do_not_disturb_a_host_at_rest(
    store: engine.Store, server: servers.FeedServer
) -> None:
    """What was claimed before a host asked to be left alone, and waits for its turn, is given back unasked."""
    paths = [f"/{number}.xml" for number in range(8)]
    for path in paths:
        server.script(path, servers.Answer(503, headers={"Retry-After": "86400"}, wait=0.05))
    _run_all(store, server, paths, everything=True, limits=novelty.Limits(retry_after=model.RetryAfter.HOST))
    assert sum(server.count(path) for path in paths) <= 4  # two at once, and what began before the first answer
    with store.read() as tx:
        assert sum(feed.failures for feed in feeds.list_feeds(tx)) <= 4


def test_a_worker_that_may_be_taken_for_gone_asks_nothing(store: engine.Store, server: servers.FeedServer) -> None:
    """It claims nothing, and gives back unasked what it had claimed: others may have it by now; then it goes on."""

    async def go() -> None:
        async with _polling(store, server, ["/a.xml"]) as polling:
            store.alive_until = 0.0
            assert await polling.start_due() == 0
            store.alive_until = inf
            assert await polling.start_due() == 1
            store.alive_until = 0.0
            await asyncio.to_thread(servers.until, lambda: _is_free(store))
            assert server.count("/a.xml") == 0
            store.alive_until = inf
            assert await polling.start_due() == 1
            await asyncio.to_thread(servers.until, lambda: server.count("/a.xml") == 1)

    asyncio.run(go())


def test_a_feed_that_failed_takes_no_time_from_others(store: engine.Store, server: servers.FeedServer) -> None:
    """The document of a feed that failed last time is read in the parser's slow lane; of a feed that is well, not."""
    server.script("/a.xml", servers.Answer(500), servers.Answer(200, servers.rss("A")))
    parser = _Suspicions()
    for _ in range(2):
        _run_all(store, server, ["/a.xml", "/b.xml"], everything=True, parser=parser)
    assert parser.found == {server.url("/b.xml"): False, server.url("/a.xml"): True}


def test_answers_wait_while_the_store_is_away(store: engine.Store, server: servers.FeedServer) -> None:
    """A store that refuses the first write gets the poll with the second; nothing is asked twice."""
    refusals = iter([errors.StoreError("the disk is full")])

    async def go() -> pipeline.PollSummary:
        thread = StoreThread()

        async def call(function: object, /, *args: object, **kwargs: object) -> object:
            if getattr(function, "__name__", "") == "_save" and (refusal := next(refusals, None)):
                raise refusal
            return await thread.call(function, *args, **kwargs)  # type: ignore[arg-type]

        async with _polling(store, server, ["/a.xml"], call) as polling:
            summary = await polling.run_all()
        thread.close()
        return summary

    assert asyncio.run(go()).entries == 1
    assert server.count("/a.xml") == 1


def test_our_own_outage_blames_no_feed() -> None:
    """When no host can be connected to, a poll is offline; one feed alone that cannot be reached has failed."""
    judge = novelty.Judge(novelty.Limits(), lambda: 0.0)
    polled = [judge.record(_unreached(host), {}).polled for host in ("one.example", "two.example", "three.example")]
    assert polled == [model.Polled.FAILED, model.Polled.OFFLINE, model.Polled.OFFLINE]


def test_an_edit_of_an_old_entry_goes_no_further() -> None:
    """Within 48 h of its first sight an edit is looked at again; later it is only stored."""
    known = {"1": feeds.KnownEntry(7, "other", builders.NOON)}
    fetched = model.Fetched(b"", "f", "http://one.example/")
    parsed = model.ParsedFeed("One", (model.ParsedEntry("1", "Another title"),))
    for days, again in ((1, True), (3, False)):
        answer = novelty.Answer(_feed("one.example"), builders.NOON + timedelta(days=days), fetched, parsed)
        [edit] = novelty.Judge(novelty.Limits(), lambda: 0.0).record(answer, known).edits
        assert (edit.entry_id, edit.again) == (7, again)


def test_a_feed_says_for_itself_what_its_first_poll_is_worth() -> None:
    """`first = nothing` stores the past quietly; the next polls are heard."""
    parsed = model.ParsedFeed("One", (model.ParsedEntry("1", "Title"),))
    fetched = model.Fetched(b"", "f", "http://one.example/")
    judge = novelty.Judge(novelty.Limits(first=model.FirstPoll.NOTHING), lambda: 0.0)
    assert judge.record(novelty.Answer(_feed("one.example"), builders.NOON, fetched, parsed), {}).quiet
    later = _feed("one.example", first_polled_at=builders.NOON)
    assert not judge.record(novelty.Answer(later, builders.NOON, fetched, parsed), {}).quiet


def _is_free(store: engine.Store) -> bool:
    with store.read() as tx:
        held = sa.select(sa.func.count()).where(tables.feeds.c.lease.is_not(None))
        return tx.connection().scalar(held) == 0


def _run_all(
    store: engine.Store,
    server: servers.FeedServer,
    paths: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    everything: bool = False,
    parser: sandbox.Sandbox | None = None,
    limits: novelty.Limits | None = None,
) -> pipeline.PollSummary:
    async def go() -> pipeline.PollSummary:
        async with _polling(store, server, paths, parser=parser, limits=limits) as polling:
            return await asyncio.wait_for(polling.run_all(names=names, everything=everything), 20)

    return asyncio.run(go())


@asynccontextmanager
async def _polling(
    store: engine.Store,
    server: servers.FeedServer,
    paths: Sequence[str],
    call: object = None,
    parser: sandbox.Sandbox | None = None,
    limits: novelty.Limits | None = None,
) -> AsyncIterator[pipeline.Polling]:
    specs = [model.FeedSpec(path, server.url(path)) for path in paths]
    with store.write() as tx:
        feeds.sync_specs(tx, specs, clock.now(), first_due=lambda _: clock.now())
    thread, parser = StoreThread(), parser or sandbox.Sandbox()
    async with (
        poll.open_client(allow_networks=["127.0.0.0/8"]) as client,
        pipeline.Polling(
            store,
            call or thread.call,  # type: ignore[arg-type]
            client,
            parser,
            limits or novelty.Limits(),
            concurrency=8,
            clock=clock.now,
            jitter=lambda: 0.0,
        ) as polling,
    ):
        yield polling
    await parser.close()
    thread.close()


class _Suspicions(sandbox.Sandbox):
    """Remembers which URLs it was told to suspect."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, bool] = {}

    async def parse(
        self,
        body: bytes,
        *,
        content_type: str | None,
        url: str,
        now: datetime,
        outlet: str | None = None,
        suspect: bool = False,
    ) -> model.ParsedFeed:
        """Note and parse."""
        self.found[url] = suspect
        return await super().parse(body, content_type=content_type, url=url, now=now, outlet=outlet, suspect=suspect)


def _unreached(host: str) -> novelty.Answer:
    return novelty.Answer(_feed(host), builders.NOON, error=errors.FetchError("no connection", offline=True))


def _feed(host: str, first_polled_at: datetime | None = None) -> model.Feed:
    url = f"http://{host}/"
    return model.Feed(1, model.FeedSpec(host, url), url, first_polled_at=first_polled_at)
