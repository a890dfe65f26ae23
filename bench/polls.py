"""What `monitor poll --all` costs: `python bench/polls.py [--feeds 200,1000] [--items 30] [--json]`.

Serves generated feeds on loopback addresses from a process of its own, runs the command as a child with the shipped
rules (one entry in a hundred matches one), and prints its CPU: user and system, with its parser children, without the
server:

- cold: an empty database, every entry is new;
- 304: nothing new, and the server says so;
- new: every tenth feed has two new entries, the others answer 304;
- same: the server knows no validators and sends the same bytes again.

A feed's marginal cost is (total of the most feeds less total of the fewest) / their difference; the start is what is
left of the smallest 304 pass without its feeds. Peak memory is the command's own process. The texts are made up.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from multiprocessing.connection import Connection
from pathlib import Path

HOSTS = 100
MATCHING = 0.01  # of the entries, those that a shipped rule takes
PASSES = ("cold", "304", "new", "same")
GOALS = {"cold": 5.0, "304": 0.8, "new": 1.4, "same": 1.0, "start": 1.0}
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
    """One generated feed. next: the number that its next entry gets."""

    number: int
    entries: list[str]
    next: int
    version: int = 0
    whole: bytes = b""
    unchanged: bytes = b""
    etag: bytes = b""

    def advance(self, count: int) -> None:
        """Publish `count` new entries; the oldest leave."""
        for _ in range(count):
            self.entries.insert(0, an_entry(self.number, self.next))
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


def an_entry(feed: int, number: int) -> str:
    """Return an entry as RSS or Atom has it; the same for the same numbers."""
    chance = random.Random(feed * 100_003 + number)
    place, other = ("".join(chance.choices(_SYLLABLES, k=3)).title() for _ in range(2))
    title = f"{place} {chance.choice(_WHO)} {chance.choice(_DID)} {chance.choice(_WHAT)} with {other}, {feed}-{number}"
    if chance.random() < MATCHING:
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


class Answering(asyncio.Protocol):
    """Answers GETs on one connection: enough of HTTP/1.1 for this measurement, and hardly any cost of its own."""

    def __init__(self, served: Mapping[bytes, Feed]) -> None:
        self._served, self._asked = served, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._back = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._asked += data
        while (end := self._asked.find(b"\r\n\r\n")) >= 0:
            request, self._asked = self._asked[:end], self._asked[end + 4 :]
            feed = self._served.get(request.split(b" ", 2)[1])
            if feed is None:
                self._back.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            elif feed.unchanged and b"if-none-match: " + feed.etag in request.lower():
                self._back.write(feed.unchanged)
            else:
                self._back.write(feed.whole)


def serve(count: int, items: int, orders: Connection) -> None:
    """Serve feeds until told to end. orders: `advance`, `unconditional`, `end`; the port is told first."""
    feeds = [Feed(i, [an_entry(i, n) for n in range(items - 1, -1, -1)], items) for i in range(count)]
    served = {b"/%d.xml" % feed.number: feed for feed in feeds}
    for feed in feeds:
        feed.publish(conditional=True)

    def obey(done: asyncio.Event) -> None:
        order = received(orders)
        if order == "end":
            asyncio.get_running_loop().remove_reader(orders.fileno())
            done.set()
        for feed in feeds if order != "end" else ():
            if order == "advance" and feed.number % 10 == 0:
                feed.advance(2)
            feed.publish(conditional=order == "advance")
        with suppress(OSError):
            orders.send(order)

    async def listen() -> None:
        loop, done, port = asyncio.get_running_loop(), asyncio.Event(), 0
        for host in range(1, HOSTS + 1):
            server = await loop.create_server(lambda: Answering(served), f"127.0.0.{host}", port, backlog=512)
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


@contextmanager
def serving(count: int, items: int) -> Iterator[Connection]:
    """Run a server beside us; the connection takes its orders and answers each."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(count, items, theirs), daemon=True)
    process.start()
    try:
        yield ours
        ours.send("end")
        ours.recv()
    finally:
        process.join(5)
        process.kill()


# --- the measurement --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pass:
    """What one run of the command took: CPU in milliseconds, and the largest process of it in MB."""

    cpu: float
    memory: float
    entries: int = 0
    matched: int = 0


@dataclass(slots=True)
class Row:
    """The passes over so many feeds, by name."""

    feeds: int
    passes: dict[str, Pass] = field(default_factory=dict)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="200,1000")
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    counts = sorted({int(count) for count in args.feeds.split(",")})
    rows = [measure(count, args.items) for count in counts]
    found = costs(rows)
    if args.json:
        print(json.dumps({"rows": [as_json(row) for row in rows], "marginal_ms": found}))
    else:
        show(rows, found)


def measure(count: int, items: int) -> Row:
    """Run every pass over `count` feeds."""
    row = Row(count)
    with tempfile.TemporaryDirectory() as folder, serving(count, items) as server:
        config = set_up(Path(folder), count, server.recv())
        run(config, "--feed", "no such feed")  # compiles the modules, where nobody has
        for name in PASSES:
            order = {"new": "advance", "same": "unconditional"}.get(name)
            if order:
                server.send(order)
                server.recv()
            if name == "same":
                run(config, "--all")  # learns that there are no validators; the bytes are those of the pass before
            progress(f"{count} feeds: {name}")
            row.passes[name] = run(config, "--all")
    progress("")
    if not row.passes["cold"].matched:
        sys.exit("cold: no entry matched a rule: this measures too little")
    expected = {"cold": count * items, "304": 0, "new": 2 * len(range(0, count, 10)), "same": 0}
    for name, want in expected.items():
        if row.passes[name].entries != want:
            sys.exit(f"{name}: {row.passes[name].entries} new entries, {want} were published: this measures nothing")
    return row


def set_up(folder: Path, count: int, port: int) -> Path:
    """Write a configuration for `count` feeds, without channels that reach anybody."""
    lines = ['[poll]\nallow_networks = ["127.0.0.0/8"]\nconcurrency = 32']
    lines += ['[rules]\npaths = ["builtin"]', '[stories]\nseeds = ["builtin"]', '[log]\nlevel = "warning"']
    lines += [
        f'[[feeds]]\nname = "Desk {i}"\nurl = "http://127.0.0.{1 + i % HOSTS}:{port}/{i}.xml"' for i in range(count)
    ]
    config = folder / "config.toml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def run(config: Path, *arguments: str) -> Pass:
    """Run `monitor poll` and return what it and its children took."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "monitor", "poll", "--json", "--config", str(config), *arguments]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout
        said = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)  # of this child and its own alone
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        complaint = complaints.read().decode(errors="replace")
    if process.returncode not in (0, 2):
        sys.exit(f"monitor poll failed ({process.returncode}):\n{complaint[-2000:]}")
    cpu, memory = (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024
    if process.returncode:
        return Pass(cpu, memory)
    told = json.loads(said.strip().splitlines()[-1])  # after the alerts
    return Pass(cpu, memory, told["entries"], told["matched"])


def costs(rows: Sequence[Row]) -> dict[str, float]:
    """Return the marginal milliseconds of a feed by pass, and the seconds of a start; nothing of a single row."""
    if len(rows) < 2:
        return {}
    few, many = rows[0], rows[-1]
    found = {name: (many.passes[name].cpu - few.passes[name].cpu) / (many.feeds - few.feeds) for name in PASSES}
    return found | {"start": (few.passes["304"].cpu - found["304"] * few.feeds) / 1000}


def show(rows: Sequence[Row], found: Mapping[str, float]) -> None:
    """Print the table."""
    print(f"{'CPU, ms':>22} | " + " | ".join(f"{name:>8}" for name in PASSES) + " | start, s | peak MB")
    for row in rows:
        cells = " | ".join(f"{row.passes[name].cpu:8.0f}" for name in PASSES)
        memory = max(each.memory for each in row.passes.values())
        print(f"{f'{row.feeds} feeds, a pass':>22} | {cells} | {'':>8} | {memory:7.0f}")
    for title, values in (("one feed more", found), ("goal", GOALS)):
        if found:
            cells = " | ".join(f"{values[name]:8.2f}" for name in PASSES)
            print(f"{title:>22} | {cells} | {values['start']:8.2f} |")


def as_json(row: Row) -> dict[str, object]:
    """Return a row as JSON has it."""
    passes = {name: {"cpu_ms": round(each.cpu), "mb": round(each.memory)} for name, each in row.passes.items()}
    return {"feeds": row.feeds, **passes}


def progress(text: str) -> None:
    """Show what is under way, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{text:<40}", end="\r" if not text else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
