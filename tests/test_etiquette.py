"""One feed over a simulated week: what its server sees of us. The clock is an argument, nothing sleeps."""

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx

from monitor import errors, model, pace, poll
from tests import servers
from tests.builders import NOON, a_feed

OLD, NEW = "https://news.example/old.xml", "https://news.example/new.xml"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAX_AGE = timedelta(minutes=15)
BUSY = (NOON + 2 * DAY, NOON + 2 * DAY + 2 * HOUR)  # 429 with Retry-After
BROKEN = (NOON + 3 * DAY, NOON + 3 * DAY + 6 * HOUR)  # 500
MOVED_AT = NOON + 5 * DAY
RETRY_AFTER = timedelta(minutes=90)


@dataclass
class Server:
    """A publisher with a new entry every three hours, two bad afternoons and a move."""

    now: datetime = NOON
    log: list[tuple[datetime, httpx.Request, int]] = field(default_factory=list)

    def etag(self) -> str:
        """Return the present version's validator, as odd as some are."""
        return f'W/"v{int((self.now - NOON) / (3 * HOUR))}-Ü;=="'

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer and keep a log."""
        response = self._answer(request)
        self.log.append((self.now, request, response.status_code))
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if BUSY[0] <= self.now < BUSY[1]:
            return httpx.Response(429, headers={"Retry-After": str(int(RETRY_AFTER.total_seconds()))})
        if BROKEN[0] <= self.now < BROKEN[1]:
            return httpx.Response(500)
        if self.now >= MOVED_AT and str(request.url) == OLD:
            return httpx.Response(301, headers={"Location": NEW})
        headers = [
            (b"ETag", self.etag().encode()),
            (b"Cache-Control", b"max-age=%d" % MAX_AGE.total_seconds()),
            (b"Set-Cookie", b"visitor=1"),
        ]
        if request.headers.get("If-None-Match") == self.etag():
            return httpx.Response(304, headers=headers)
        body = httpx.ByteStream(servers.rss("News", servers.item(self.etag())))
        return httpx.Response(200, headers=headers, stream=body)


async def week(server: Server) -> list[model.Plan]:
    """Poll for a week as the pipeline does, and return the plans in order."""
    feed, plans = a_feed(url=OLD), []
    transport = httpx.MockTransport(server.answer)
    async with poll.open_client(contact="desk@example.org", transport=transport) as client:
        for number in itertools.count():
            outcome = pace.Outcome(model.Polled.SAME)
            try:
                found = await poll.fetch(client, feed, now=server.now)
            except errors.FetchError as error:
                outcome = pace.Outcome(model.Polled.FAILED, retry_after=error.retry_after, status=error.status)
            else:
                outcome = replace(outcome, freshness=found.freshness)
                feed = replace(feed, validators=found.validators, url=found.moved_to or feed.url)
            jitter = (number * 0.37) % 1.0
            plan = pace.next_poll(feed, outcome, now=server.now, interval=timedelta(minutes=10), jitter=jitter)
            failed = outcome.polled is model.Polled.FAILED
            feed = replace(feed, failures=feed.failures + 1 if failed else 0)
            plans.append(plan)
            server.now = plan.next_poll_at
            if server.now > NOON + 7 * DAY:
                return plans
    raise AssertionError("a week ends")


def test_a_week_of_polls_is_polite() -> None:
    """Over a week the server sees one request a poll, never before it asked, with its validators byte for byte."""
    server = Server()
    plans = asyncio.run(week(server))
    at = [moment for moment, _, _ in server.log]
    status = [code for _, _, code in server.log]

    # One request a poll; only the move took a second one, once, and from then on the new URL is asked.
    assert len(server.log) == len(plans) + 1
    assert [str(request.url) for moment, request, _ in server.log if moment >= MOVED_AT].count(OLD) == 1
    assert status.count(301) == 1

    # A document is sent once for each version; everything else is a 304 or one of the bad afternoons.
    documents = [request for _, request, code in server.log if code == 200]
    assert len(documents) <= 7 * 8 + 1
    assert status.count(304) > 500

    # Never before the floor, but for following the redirect.
    waits = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert all(wait >= MAX_AGE for wait, code in zip(waits, status, strict=False) if code in (200, 304))

    # Retry-After is kept, and failures back off.
    busy = [wait for wait, code in zip(waits, status, strict=False) if code == 429]
    assert busy
    assert all(wait >= RETRY_AFTER for wait in busy)
    broken = [wait for wait, code in zip(waits, status, strict=False) if code == 500]
    assert all(later > earlier for earlier, later in itertools.pairwise(broken))
    assert len(broken) <= 6

    # Validators come back byte for byte, nothing is invented, and nobody is tracked.
    sent = ""
    for _, request, code in server.log:
        raw = dict(request.headers.raw)
        assert raw.get(b"If-None-Match", b"").decode() == sent
        assert {b"If-Modified-Since", b"Cookie", b"Referer"}.isdisjoint(raw)
        assert raw[b"User-Agent"].endswith(b"(+desk@example.org)")
        if code == 200:
            sent = _etag_of(server, request)


def _etag_of(server: Server, request: httpx.Request) -> str:
    """Return the validator that a request was answered with."""
    moment = next(at for at, known, _ in server.log if known is request)
    return Server(now=moment).etag()
