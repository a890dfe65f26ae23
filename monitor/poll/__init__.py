"""One conditional GET of one feed: Feed -> Fetched | NotModified, or FetchError. Shell; knows neither parser nor store.

```
turn      so many polls at once, so many per host, so much at once     turns.py
request   validators byte for byte, no cookies, no referer             here
connect   the address that is really connected to must be public       guard.py
route     directly or through a proxy, HTTP or SOCKS               routes.py  socks.py
redirect  by hand, at most five, http and https only                   here
read      gzip only, bounded while decoding                            body.py
headers   validators, freshness, Retry-After                           headers.py
failures  in words that show no secret                                 complaints.py  urls.py
```

A total deadline covers all of it from the look-up of the name to the last byte.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit, urlunsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver

import monitor
from monitor import errors, model
from monitor.poll import body, complaints, guard, headers, routes, turns, urls
from monitor.poll.urls import redact

__all__ = ["DEADLINE", "MAX_BODY", "Client", "fetch", "for_pages", "open_client", "redact", "user_agent"]

DEADLINE = timedelta(seconds=30)
MAX_BODY = 8 * 2**20

_REDIRECTS = 5
_LARGE_BODIES = 3  # read at the same time
_LOAD = 24 * 2**20  # bytes that wait to be parsed and stored, at least
_LONGEST_URL = 4000
_PERMANENT = (301, 308)
_MOVED = (301, 302, 303, 307, 308)
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "application/json;q=0.8, text/xml;q=0.8, */*;q=0.5"
)
_ACCEPT_PAGE = "text/html, application/xhtml+xml, */*;q=0.1"
_LONGEST_PAGE = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Client:
    """What `fetch` polls with; one for the process, from `open_client`.

    deadline: for one poll, all redirects included. room: for bodies that are large. load: whoever takes what
    `fetch` brought says so there until it is stored, and polls wait when that is much.
    """

    routes: routes.Routes
    load: turns.Load
    turns: turns.Turns
    room: asyncio.Semaphore
    deadline: timedelta = DEADLINE
    max_body: int = MAX_BODY
    agent: str = ""
    accept: str = _ACCEPT


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response that is no redirect, where it came from, and whether only permanent redirects led there."""

    response: httpx.Response
    fields: dict[str, str]
    url: str
    moved: bool


def user_agent(contact: str = "") -> str:
    """Return who we say that we are: name, version, and where to complain."""
    return f"monitor/{monitor.__version__}" + (f" (+{contact})" if contact else "")


@asynccontextmanager
async def open_client(
    *,
    contact: str = "",
    deadline: timedelta = DEADLINE,
    max_body: int = MAX_BODY,
    concurrency: int = 32,
    per_host: int = 2,
    allow_networks: Sequence[str] = (),
    proxy: str | None = None,
    names: Callable[[], AbstractResolver] = guard.Names,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Client]:
    """Open the one HTTP client of the process and close it at the end.

    max_body: bytes, decoded. allow_networks: CIDRs that may be polled although they are not public.
    proxy: URL of an HTTP or SOCKS proxy; one that looks names up is trusted with that (`socks.py` says which do not).
    A feed's own goes before it; `off` is none.
    names: makes what looks names up. transport: for tests; the real one connects through aiohttp.
    Raises ConfigError for a wrong network.
    """
    allowed = guard.networks(allow_networks)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it writes every URL, with its secrets, as information
    load = turns.Load(max(_LOAD, 3 * max_body))
    ways = routes.Routes(allowed, deadline=deadline, proxy=proxy, names=names, transport=transport)
    try:
        yield Client(
            ways,
            load,
            turns.Turns(concurrency, per_host, load),
            asyncio.Semaphore(_LARGE_BODIES),
            deadline=deadline,
            max_body=max_body,
            agent=user_agent(contact),
        )
    finally:
        await ways.close()


class NotBegunError(Exception):
    """When the feed's turn came, whoever asked did not want the poll any more."""


def for_pages(client: Client) -> Client:
    """Return a client that asks for web pages: with the same turns and limits, and less room for each."""
    return replace(client, accept=_ACCEPT_PAGE, max_body=min(client.max_body, _LONGEST_PAGE))


async def fetch(
    client: Client, feed: model.Feed, *, now: datetime, may_begin: Callable[[], bool] = lambda: True
) -> model.Fetched | model.NotModified:
    """Poll `feed` once, after waiting for its turn.

    A `moved_to` must be stored only when the document turned out to be a feed: parked domains redirect, too.
    may_begin: asked when the turn has come. Raises NotBegunError when it says no, and FetchError, whose text holds no
    secret of the URL.
    """
    async with client.turns.take(urls.host(feed.url)):
        if not may_begin():
            raise NotBegunError
        try:
            async with asyncio.timeout(client.deadline.total_seconds()):
                return await _poll(client, feed, now)
        except TimeoutError:
            seconds = client.deadline.total_seconds()
            message = f"{urls.place(feed.url)} gave no complete answer within {seconds:g} s (poll.timeout)"
            raise errors.FetchError(message) from None
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
            raise complaints.translated(error, feed.url) from error


async def _poll(client: Client, feed: model.Feed, now: datetime) -> model.Fetched | model.NotModified:
    answer = await _follow(client, feed)
    response = answer.response
    try:
        moved_to = _moved_to(feed.url, answer)
        fresh = headers.freshness(answer.fields, now)
        if response.status_code == HTTPStatus.NOT_MODIFIED and headers.conditions(feed.validators):
            return model.NotModified(headers.validators(answer.fields, feed.validators), fresh, moved_to)
        if response.status_code != HTTPStatus.OK:
            raise complaints.refusal(answer.url, response.status_code, answer.fields, now)
        coding = answer.fields.get("content-encoding", "")
        content = await body.read(response.aiter_raw(), coding, client.max_body, client.room)
    finally:
        await response.aclose()
    return model.Fetched(
        body=content,
        fingerprint=hashlib.sha256(content).hexdigest(),
        url=urls.bare(answer.url),
        content_type=answer.fields.get("content-type"),
        validators=headers.validators(answer.fields),
        freshness=fresh,
        moved_to=moved_to,
    )


async def _follow(client: Client, feed: model.Feed) -> _Answer:
    """Ask, and follow redirects until an answer is none. The caller closes its response."""
    url, moved = feed.url, True
    for _ in range(_REDIRECTS + 1):
        route = client.routes.find(feed.spec, url)
        asked = _request_headers(client, route, feed, url)
        request = route.http.build_request("GET", _checked(route, url), headers=asked)
        response = await route.http.send(request, stream=True, auth=_no_auth)
        fields = _fields(response)
        if response.status_code not in _MOVED or "location" not in fields:
            return _Answer(response, fields, url, moved=moved and url != feed.url)
        await response.aclose()
        moved = moved and response.status_code in _PERMANENT
        url = _next_url(url, fields["location"])
    raise errors.FetchError(f"{urls.place(feed.url)} redirects more than {_REDIRECTS} times")


def _request_headers(client: Client, route: routes.Route, feed: model.Feed, url: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of one request. Whatever may be a credential goes only where the operator pointed it.

    As bytes: from text, httpx would take ASCII only, and validators are what the server made them.
    """
    asked = {
        "Accept": client.accept,
        "Accept-Encoding": "gzip",
        "User-Agent": feed.spec.user_agent or client.agent,
        **headers.conditions(feed.validators),
    }
    if route.credentials and url.startswith("http:"):  # others go through a tunnel, whose request has them
        asked["Proxy-Authorization"] = route.credentials
    if urls.same_origin(feed.spec.url, url):
        asked.update(feed.spec.headers)
        credentials = urls.credentials(url) or urls.credentials(feed.spec.url)
        if credentials and "authorization" not in {name.lower() for name in feed.spec.headers}:
            asked["Authorization"] = credentials
    return [(name.encode(), value.encode()) for name, value in asked.items()]


def _checked(route: routes.Route, url: str) -> str:
    """Return `url` without user and fragment, ready to be asked. Raises FetchError when it may not be."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.FetchError(f"{urls.place(url)} leads to a URL that is not http or https")
    address = guard.literal(parts.hostname)
    if address and "." in address and address != parts.hostname:
        raise errors.FetchError(f"{urls.place(url)} is an unusual spelling of {address}: write that")
    if route.allowed is not None and not guard.is_for_proxy(parts.hostname, route.allowed):
        raise complaints.not_public(parts.hostname)
    return urls.bare(url)


def _next_url(url: str, location: str) -> str:
    """Return where a redirect leads, with the user of `url` when it stays at the same origin."""
    if len(location) > _LONGEST_URL or not location.isprintable():
        raise errors.FetchError(f"{urls.place(url)} redirects to a URL that is too long or malformed")
    target = urlsplit(urljoin(urls.bare(url), location.strip()))
    return urlunsplit((target.scheme, target.netloc, target.path, target.query, ""))


def _moved_to(url: str, answer: _Answer) -> str | None:
    """Return the URL to keep from now on, when only permanent redirects led there; never one that gives up TLS."""
    old, new = urlsplit(url), urlsplit(answer.url)
    if not answer.moved or (old.scheme == "https" and new.scheme != "https"):
        return None
    user, found, _ = old.netloc.rpartition("@")
    netloc = f"{user}@{urls.netloc(new)}" if found and urls.same_origin(url, answer.url) else urls.netloc(new)
    return urlunsplit((new.scheme, netloc, new.path, new.query, ""))


def _fields(response: httpx.Response) -> dict[str, str]:
    """Return the headers by lower-case name; bytes that are not UTF-8 become lone surrogates."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "surrogateescape")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _no_auth(request: httpx.Request) -> httpx.Request:
    """Keep httpx from making credentials of its own; `_request_headers` decides who gets them."""
    return request
