"""A server of generated feeds in a process of its own, for measurements: `bench/polls.py`, `soak.py`, `latency.py`.

```python
with newsstand.serving(newsstand.Plan(1000)) as stand:
    ...                     # poll stand.url(0) ... stand.url(999), from 100 loopback addresses
    stand.advance()         # every tenth feed has two new entries
```

Odd feeds are RSS, even ones Atom. One entry in a hundred matches a shipped rule. The texts are made up.
"""

import asyncio
import multiprocessing
import random
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from multiprocessing.connection import Connection
from pathlib import Path

HOSTS = 100
MATCHING = 0.01  # of the entries, those that a shipped rule takes
BEGAN = 1_700_000_000  # when the oldest entry was published, in Unix seconds; one every ten minutes after it

_SYLLABLES = (
    "ar",
    "bel",
    "cas",
    "dor",
    "est",
    "far",
    "gal",
    "hol",
    "ist",
    "jor",
    "kel",
    "lum",
    "mar",
    "nev",
    "ost",
    "pra",
)
_WHO = ("foreign ministry", "finance minister", "parliament", "navy", "central bank", "opposition", "port authority")
_DID = ("discusses", "postpones", "welcomes", "questions", "presents", "reviews", "announces", "rejects", "prepares")
_WHAT = (
    "a fishing treaty",
    "new ferry lines",
    "the harvest report",
    "school meals",
    "a border crossing",
    "a rail link",
)
_LEAD = (
    "the",
    "plan",
    "was",
    "laid",
    "before",
    "both",
    "chambers",
    "and",
    "will",
    "be",
    "heard",
    "after",
    "the",
    "recess",
)


@dataclass(slots=True)
class Feed:
    """One generated feed. next: the number that its next entry gets. matching: the share that a shipped rule takes."""

    number: int
    entries: list[str]
    next: int
    matching: float = MATCHING
    version: int = 0
    whole: bytes = b""
    unchanged: bytes = b""
    etag: bytes = b""

    def advance(self, count: int) -> None:
        """Publish `count` new entries; the oldest leave."""
        for _ in range(count):
            self.entries.insert(0, an_entry(self.number, self.next, self.matching))
            self.entries.pop()
            self.next += 1
        self.version += 1

    def publish(self, *, conditional: bool) -> None:
        """Put the answers together. conditional: with validators."""
        self.etag = b'"%d-%d"' % (self.number, self.version)
        modified = formatdate(BEGAN + self.version, usegmt=True).encode()
        known = b"ETag: %s\r\nLast-Modified: %s\r\n" % (self.etag, modified) if conditional else b""
        body = a_document(self.number, self.entries).encode()
        kind = b"application/rss+xml" if self.number % 2 else b"application/atom+xml"
        head = b"HTTP/1.1 200 OK\r\n%sContent-Type: %s; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
        self.whole = head % (known, kind, len(body)) + body
        self.unchanged = b"HTTP/1.1 304 Not Modified\r\n%s\r\n" % known if conditional else b""


def an_entry(feed: int, number: int, matching: float = MATCHING) -> str:
    """Return an entry as RSS or Atom has it; the same for the same numbers."""
    chance = random.Random(feed * 100_003 + number)
    place, other = ("".join(chance.choices(_SYLLABLES, k=3)).title() for _ in range(2))
    title = f"{place} {chance.choice(_WHO)} {chance.choice(_DID)} {chance.choice(_WHAT)} with {other}, {feed}-{number}"
    if chance.random() < matching:
        title = f"{place} threatens {other} with new sanctions over {chance.choice(_WHAT)}"
    link = f"http://desk{feed}.example/{number}/{chance.getrandbits(32):08x}.html?id={number}&amp;from=feed"
    words = [*_LEAD, *chance.choices(_LEAD, k=60)]
    lead = "".join(f"<p>{place}: {' '.join(words[at : at + 40])} <a href='/{other}'>{other}</a>.</p>" for at in (0, 35))
    at = BEGAN + number * 600
    if feed % 2:
        return (
            f"<item><title>{title}</title><link>{link}</link><guid isPermaLink='false'>desk{feed}:{number}</guid>"
            f"<pubDate>{formatdate(at, usegmt=True)}</pubDate><category>{place}</category>"
            f"<description><![CDATA[{lead}]]></description></item>\n"
        )
    escaped = lead.replace("<", "&lt;").replace(">", "&gt;")
    day = datetime.fromtimestamp(at, UTC).isoformat()
    return (
        f"<entry><title>{title}</title><link rel='alternate' type='text/html' href='{link}'/>"
        f"<id>desk{feed}:{number}</id><published>{day}</published><updated>{day}</updated>"
        f"<author><name>{place} desk</name></author><summary type='html'>{escaped}</summary></entry>\n"
    )


def a_document(feed: int, entries: Sequence[str]) -> str:
    """Return a whole document, RSS for odd feeds and Atom for even ones."""
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    if feed % 2:
        about = f"<title>Desk {feed}</title><link>http://desk{feed}.example/</link><language>en</language>"
        return f'{head}<rss version="2.0"><channel>{about}\n{"".join(entries)}</channel></rss>\n'
    about = f"<title>Desk {feed}</title><id>desk{feed}</id><link href='http://desk{feed}.example/'/>"
    return f'{head}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">{about}\n{"".join(entries)}</feed>\n'


# --- the server -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """So many feeds of so many entries, of which a share matches a shipped rule.

    tls: files of a certificate and its key. closes: a connection for each answer.
    """

    feeds: int
    items: int = 30
    tls: tuple[Path, Path] | None = None
    closes: bool = False
    matching: float = MATCHING


@dataclass(slots=True)
class Counts:
    """What was asked of a stand."""

    requests: int = 0
    unchanged: int = 0
    connections: int = 0


class Answering(asyncio.Protocol):
    """Answers GETs on one connection: enough of HTTP/1.1 for these measurements, and hardly any cost of its own."""

    def __init__(self, served: Mapping[bytes, Feed], counts: Counts, *, closes: bool) -> None:
        """Answer from `served`. closes: end the connection with each answer."""
        self._served, self._counts, self._closes, self._asked = served, counts, closes, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._back = transport
        self._counts.connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._asked += data
        while (end := self._asked.find(b"\r\n\r\n")) >= 0:
            request, self._asked = self._asked[:end], self._asked[end + 4 :]
            feed = self._served.get(request.split(b" ", 2)[1])
            self._counts.requests += 1
            if feed is None:
                self._back.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            elif feed.unchanged and b"if-none-match: " + feed.etag in request.lower():
                self._counts.unchanged += 1
                self._back.write(feed.unchanged)
            else:
                self._back.write(feed.whole)
            if self._closes:
                self._back.close()


class Shelf:
    """The feeds of a stand, in its own process."""

    def __init__(self, plan: Plan) -> None:
        self.counts = Counts()
        self._feeds = [
            Feed(i, [an_entry(i, n, plan.matching) for n in reversed(range(plan.items))], plan.items, plan.matching)
            for i in range(plan.feeds)
        ]
        self.served = {b"/%d.xml" % feed.number: feed for feed in self._feeds}
        for feed in self._feeds:
            feed.publish(conditional=True)

    def advance(self) -> None:
        """Let every tenth feed have two new entries."""
        for feed in self._feeds[::10]:
            feed.advance(2)
            feed.publish(conditional=True)

    def unconditional(self) -> None:
        """Forget all validators: from now on the same bytes come again."""
        for feed in self._feeds:
            feed.publish(conditional=False)

    def count(self) -> Counts:
        """Return what was asked so far."""
        return self.counts


def serve(plan: Plan, orders: Connection) -> None:
    """Serve feeds until told to end. orders: names of the shelf's methods, or `end`; the port is told first."""
    shelf = Shelf(plan)
    context = None
    if plan.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*plan.tls)

    def obey(done: asyncio.Event) -> None:
        order = received(orders)
        if order == "end":
            asyncio.get_running_loop().remove_reader(orders.fileno())
            done.set()
        with suppress(OSError):
            orders.send(None if order == "end" else getattr(shelf, order)())

    async def listen() -> None:
        loop, done, port = asyncio.get_running_loop(), asyncio.Event(), 0
        for host in range(1, HOSTS + 1):
            server = await loop.create_server(
                lambda: Answering(shelf.served, shelf.counts, closes=plan.closes),
                f"127.0.0.{host}",
                port,
                backlog=512,
                ssl=context,
            )
            port = server.sockets[0].getsockname()[1]
        loop.add_reader(orders.fileno(), obey, done)
        orders.send(port)
        await done.wait()

    asyncio.run(listen())


def received(orders: Connection) -> str:
    """Return the next order; `end` when whoever gives them is gone."""
    try:
        return str(orders.recv())
    except EOFError:
        return "end"


@dataclass(frozen=True, slots=True)
class Stand:
    """A server that runs, as seen from outside."""

    port: int
    scheme: str
    orders: Connection

    def url(self, number: int) -> str:
        """Return where a feed is."""
        return f"{self.scheme}://127.0.0.{1 + number % HOSTS}:{self.port}/{number}.xml"

    def advance(self) -> None:
        """Let every tenth feed have two new entries."""
        self._order("advance")

    def unconditional(self) -> None:
        """Let the server forget all validators: from now on the same bytes come again."""
        self._order("unconditional")

    def count(self) -> Counts:
        """Return what was asked so far."""
        found = self._order("count")
        assert isinstance(found, Counts)
        return found

    def _order(self, name: str) -> object:
        self.orders.send(name)
        return self.orders.recv()


@contextmanager
def serving(plan: Plan) -> Iterator[Stand]:
    """Run a server beside us."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(plan, theirs), daemon=True)
    process.start()
    try:
        yield Stand(ours.recv(), "https" if plan.tls else "http", ours)
        ours.send("end")
        ours.recv()
    finally:
        process.join(5)
        process.kill()
