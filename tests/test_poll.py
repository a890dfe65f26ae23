"""One conditional GET: what is asked, and what comes of the answer."""

import asyncio
import gzip
import hashlib
import itertools
from datetime import timedelta
from typing import Any

import httpx
import pytest

from monitor import errors, model, poll
from tests import newsstand, servers
from tests.builders import NOON, a_feed

BODY = servers.rss("World", servers.item("Envoy arrives", guid="1"))
LOOPBACK = ("127.0.0.0/8",)


def fetch(feed: model.Feed, **options: Any) -> model.Fetched | model.NotModified:
    """Poll `feed` once with a client of its own that may reach loopback."""

    async def once() -> model.Fetched | model.NotModified:
        async with poll.open_client(**{"allow_networks": LOOPBACK} | options) as client:
            return await poll.fetch(client, feed, now=NOON)

    return asyncio.run(once())


def failure(feed: model.Feed, **options: Any) -> errors.FetchError:
    """Return what polling `feed` once raises."""
    with pytest.raises(errors.FetchError) as caught:
        fetch(feed, **options)
    return caught.value


def test_a_document_comes_with_all_that_is_kept_of_it() -> None:
    """A 200 gives the body, its hash, where it came from, type, validators and freshness."""
    with servers.FeedServer() as feeds:
        feeds.put(
            "/a.xml", BODY, etag='W/"1"', last_modified="yesterday, or so", headers={"Cache-Control": "max-age=60"}
        )
        assert fetch(a_feed(url=feeds.url("/a.xml"))) == model.Fetched(
            body=BODY,
            fingerprint=hashlib.sha256(BODY).hexdigest(),
            url=feeds.url("/a.xml"),
            content_type=servers.RSS,
            validators=model.Validators('W/"1"', "yesterday, or so"),
            freshness=model.Freshness(max_age=timedelta(seconds=60)),
        )


def test_validators_go_back_byte_for_byte() -> None:
    """ETag and Last-Modified are sent exactly as they came, odd ones too; a 304 keeps them."""
    kept = model.Validators('W/"ünï-1"', "Sat, 21 Nov 2026 09:00:00 +0000 (local)")
    with servers.FeedServer() as feeds:
        feeds.script("/a.xml", servers.Answer(304))
        answer = fetch(a_feed(url=feeds.url("/a.xml"), validators=kept))
        sent = feeds.requests[0].headers
        assert answer == model.NotModified(kept)
    assert sent["if-none-match"].encode("latin-1") == kept.etag.encode()  # type: ignore[union-attr]
    assert sent["if-modified-since"] == kept.last_modified


def test_nothing_is_asked_conditionally_without_validators() -> None:
    """No date is invented: without validators the request is a plain one."""
    with servers.FeedServer() as feeds:
        feeds.put("/a.xml", BODY)
        fetch(a_feed(url=feeds.url("/a.xml")))
        assert not {"if-none-match", "if-modified-since"} & set(feeds.requests[0].headers)


def test_a_304_refreshes_what_it_names() -> None:
    """Validators that come with a 304 replace the old ones, the others stay."""
    with servers.FeedServer() as feeds:
        feeds.script("/a.xml", servers.Answer(304, headers={"ETag": '"2"'}))
        answer = fetch(a_feed(url=feeds.url("/a.xml"), validators=model.Validators('"1"', "then")))
        assert answer.validators == model.Validators('"2"', "then")


def test_a_304_that_nobody_asked_for_is_a_failure() -> None:
    """A server that says "not modified" to a plain request has not answered it."""
    with servers.FeedServer() as feeds:
        feeds.script("/a.xml", servers.Answer(304))
        assert failure(a_feed(url=feeds.url("/a.xml"))).status == 304


def test_we_say_who_we_are_and_nothing_else() -> None:
    """A request names program, version and contact, asks for gzip, and brings no cookie and no referer."""
    with servers.FeedServer() as feeds:
        cookie = {"Set-Cookie": "id=1; Path=/"}
        feeds.script("/a.xml", servers.Answer(302, headers={"Location": "/b.xml", **cookie}))
        feeds.script("/b.xml", servers.Answer(body=BODY, headers=cookie))

        async def twice() -> None:
            async with poll.open_client(contact="desk@example.org", allow_networks=LOOPBACK) as client:
                for _ in range(2):
                    await poll.fetch(client, a_feed(url=feeds.url("/a.xml")), now=NOON)

        asyncio.run(twice())
        assert len(feeds.requests) == 4
        for request in feeds.requests:
            assert request.headers["user-agent"] == poll.user_agent("desk@example.org")
            assert request.headers["accept-encoding"] == "gzip"
            assert not {"cookie", "referer", "authorization"} & set(request.headers)
        assert poll.user_agent("desk@example.org").startswith("monitor/")
        assert poll.user_agent("desk@example.org").endswith(" (+desk@example.org)")


def test_a_feed_has_headers_and_a_user_agent_of_its_own() -> None:
    """What the operator set for a feed is sent to it."""
    with servers.FeedServer() as feeds:
        feeds.put("/a.xml", BODY)
        url = feeds.url("/a.xml")
        fetch(a_feed(url=url, spec=model.FeedSpec("A", url, headers={"X-Key": "k"}, user_agent="Desk/1")))
        assert feeds.requests[0].headers["x-key"] == "k"
        assert feeds.requests[0].headers["user-agent"] == "Desk/1"


def test_user_and_password_of_a_url_become_basic_credentials() -> None:
    """`http://user:password@host` sends basic credentials; a configured Authorization wins over it."""
    with servers.FeedServer() as feeds:
        feeds.put("/a.xml", BODY)
        url = feeds.url("/a.xml").replace("//", "//us%40er:pä@")
        assert isinstance(fetch(a_feed(url=url)), model.Fetched)
        assert feeds.requests[0].headers["authorization"] == "Basic dXNAZXI6cMOk"
        fetch(a_feed(url=url, spec=model.FeedSpec("A", url, headers={"authorization": "Bearer t"})))
        assert feeds.requests[1].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("statuses", "moves"), [((301,), True), ((308, 301), True), ((302,), False), ((301, 307), False)]
)
def test_only_permanent_redirects_move_a_feed(statuses: tuple[int, ...], moves: bool) -> None:
    """A feed moved when all redirects on the way were 301 or 308; others are followed for once."""
    with servers.FeedServer() as feeds:
        for number, status in enumerate(statuses):
            feeds.redirect(f"/{number}", f"/{number + 1}", status)
        feeds.put(f"/{len(statuses)}", BODY)
        fetched = fetch(a_feed(url=feeds.url("/0")))
        target = feeds.url(f"/{len(statuses)}")
    assert isinstance(fetched, model.Fetched)
    assert fetched.url == target
    assert fetched.moved_to == (target if moves else None)


def test_a_feed_that_moved_keeps_its_user_at_the_same_place_only() -> None:
    """`moved_to` has the user of the URL when the feed stays at its origin, and never elsewhere."""
    with servers.FeedServer() as here, servers.FeedServer() as there:
        here.redirect("/a", "/b", 301)
        here.put("/b", BODY)
        here.redirect("/c", there.url("/d"), 301)
        there.put("/d", BODY)
        near = fetch(a_feed(url=here.url("/a").replace("//", "//u:p@")))
        far = fetch(a_feed(url=here.url("/c").replace("//", "//u:p@")))
        assert near.moved_to == here.url("/b").replace("//", "//u:p@")
        assert far.moved_to == there.url("/d")


def test_six_redirects_are_too_many() -> None:
    """Five redirects are followed, a circle is not."""
    with servers.FeedServer() as feeds:
        feeds.redirect("/a", "/a")
        assert "redirects more than 5 times" in str(failure(a_feed(url=feeds.url("/a"))))
        assert feeds.count("/a") == 6


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "wants credentials"),
        (403, "refuses us"),
        (404, "no such page"),
        (500, "answered 500 Internal"),
        (600, "600"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(status: int, said: str) -> None:
    """An error status is a FetchError that has the status and says what to do."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(status))
        error = failure(a_feed(url=feeds.url("/a")))
    assert said in str(error)
    assert (error.status, error.permanent, error.offline, error.retry_after) == (status, False, False, None)


def test_gone_is_for_good() -> None:
    """A 410 is permanent."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(410))
        assert failure(a_feed(url=feeds.url("/a"))).permanent


def test_a_bot_check_is_named() -> None:
    """A challenge instead of the feed is told as one."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(403, headers={"cf-mitigated": "challenge"}))
        assert "bot check" in str(failure(a_feed(url=feeds.url("/a"))))


@pytest.mark.parametrize(
    ("status", "header", "asked"),
    [
        (429, "120", timedelta(minutes=2)),
        (503, "Sat, 21 Nov 2026 13:00:00 GMT", timedelta(hours=1)),
        (429, "Sat, 21 Nov 2026 11:00:00 GMT", timedelta(0)),
        (500, "120", None),
        (429, "soon", None),
    ],
)
def test_retry_after_is_read_in_both_forms(status: int, header: str, asked: timedelta | None) -> None:
    """Retry-After counts with 429 and 503, in seconds or as a date."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(status, headers={"Retry-After": header}))
        assert failure(a_feed(url=feeds.url("/a"))).retry_after == asked


def test_gzip_is_decoded() -> None:
    """A compressed answer comes out as the document."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(body=BODY, gzip=True))
        fetched = fetch(a_feed(url=feeds.url("/a")))
    assert isinstance(fetched, model.Fetched)
    assert fetched.body == BODY


def test_a_host_is_polled_by_so_many_at_once() -> None:
    """Polls of one host wait for each other beyond the limit, and the wait is not counted against their deadline."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(body=BODY, wait=0.2))

        async def five() -> list[object]:
            async with poll.open_client(
                allow_networks=LOOPBACK, per_host=1, concurrency=8, deadline=timedelta(seconds=0.6)
            ) as client:
                one = a_feed(url=feeds.url("/a"))
                return await asyncio.gather(*(poll.fetch(client, one, now=NOON) for _ in range(5)))

        answers = asyncio.run(five())
        at = [request.at for request in feeds.requests]
    assert all(isinstance(answer, model.Fetched) for answer in answers)
    assert all(later - earlier >= 0.19 for earlier, later in itertools.pairwise(at))


def test_a_connection_serves_the_next_poll_of_its_host() -> None:
    """Polls of one host that follow each other share a connection."""
    with newsstand.serving(newsstand.Plan(2, 1)) as stand:

        async def three() -> None:
            async with poll.open_client(allow_networks=LOOPBACK) as client:
                for _ in range(3):
                    await poll.fetch(client, a_feed(url=stand.url(0)), now=NOON)

        asyncio.run(three())
        assert stand.count().connections == 1
        assert stand.count().requests == 3


def test_no_connection_may_be_our_own_fault() -> None:
    """A name without an address is `offline`; a host that refuses connections shows that the network is up."""
    assert failure(a_feed(url="http://nowhere.invalid/a")).offline
    with servers.FeedServer() as feeds:
        url = feeds.url("/a")
    error = failure(a_feed(url=url))
    assert not error.offline
    assert "refuses connections" in str(error)


def test_a_transport_of_a_test_may_stand_in() -> None:
    """A client takes another transport, and a connection that fails there is offline."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("unreachable", request=request)

    assert failure(a_feed(url="http://a.example/"), transport=httpx.MockTransport(refuse)).offline


def test_an_answer_that_breaks_off_is_a_failure() -> None:
    """A body shorter than it was said to be, a connection that is dropped, and half a gzip stream are not stored."""
    with servers.FeedServer() as feeds:
        feeds.script("/short", servers.Answer(body=BODY, length=len(BODY) + 10))
        feeds.script("/drop", servers.Answer(drop=True))
        half = gzip.compress(BODY)[:-20]
        feeds.script("/half", servers.Answer(body=half, headers={"Content-Encoding": "gzip"}))
        for path, said in (("/short", "broke off"), ("/drop", "broke off"), ("/half", "ends before its end")):
            error = failure(a_feed(url=feeds.url(path)))
            assert said in str(error)
            assert not error.offline


def test_a_proxy_is_asked_and_trusted_with_addresses() -> None:
    """Through a proxy, names are its affair; an address that stands in the URL is still checked."""
    with servers.FeedServer() as proxy:
        proxy.script("http://public.example/a", servers.Answer(body=BODY))
        fetched = fetch(a_feed(url="http://public.example/a"), proxy=proxy.url(""), allow_networks=())
        assert isinstance(fetched, model.Fetched)
        assert fetched.url == "http://public.example/a"
        error = failure(a_feed(url="http://10.0.0.1/a"), proxy=proxy.url(""), allow_networks=())
        assert "not public" in str(error)
        assert len(proxy.requests) == 1
        fetch(a_feed(url="http://public.example/a"), proxy=proxy.url("").replace("//", "//u:p@"))
        assert proxy.requests[1].headers["proxy-authorization"] == "Basic dTpw"


def test_a_feed_has_a_proxy_of_its_own() -> None:
    """A feed's own proxy goes before the program's, and `off` goes directly."""
    with servers.FeedServer() as proxy, servers.FeedServer() as feeds:
        proxy.script("http://public.example/a", servers.Answer(body=BODY))
        feeds.put("/a", BODY)
        spec = model.FeedSpec("A", "http://public.example/a", proxy=proxy.url(""))
        fetch(a_feed(spec=spec, url=spec.url), proxy="http://127.0.0.1:9")
        direct = model.FeedSpec("B", feeds.url("/a"), proxy="off")
        fetch(a_feed(spec=direct, url=direct.url), proxy=proxy.url(""))
        assert (len(proxy.requests), len(feeds.requests)) == (1, 1)


def test_a_proxy_that_is_down_is_a_failure() -> None:
    """No answer from the proxy costs this poll, and its address is not shown as the feed's."""
    with servers.FeedServer() as proxy:
        address = proxy.url("").replace("//", "//user:s3cret@")
    assert "s3cret" not in str(failure(a_feed(url="http://public.example/a"), proxy=address))
