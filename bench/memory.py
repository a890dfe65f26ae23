"""What the daemon holds: `python bench/memory.py [--feeds 200,1000,5000] [--hostile] [--json]`.

At rest: `monitor run` with the shipped rules over generated feeds, without an encoder, so that no vectors are loaded
(--encoder builtin loads them); every feed is polled once and then left alone. Printed are the most that all processes
took while everything was new, and what they take when parser children have ended. The tables are there before, as at
every start but the first: that one keeps what makes them, 11 MB more (--first).

--hostile: 20 feeds that are well beside 200 on 20 hosts that are not, all polled every second for --seconds: gzip
bombs, pages of megabytes, deep and wide XML, quadratic authors, entities, 2,000 entries, answers that drip. Printed are
the most that all processes took, that the daemon did, and how often both kinds were asked.

MB, a page that several processes share counted once (PSS). Linux only.
"""

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import newsstand, processes, servers
from tests.e2e.daemon import Daemon

_SHIPPED = '[stories]\nseeds = ["builtin"]\nencoder = "{}"\n[log]\nlevel = "warning"'
_IDLE = 80.0  # seconds after which parser children have ended
_LOOK = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="200,1000,5000")
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--encoder", default="off")
    parser.add_argument("--idle", type=float, default=_IDLE, help="seconds to wait after the last poll")
    parser.add_argument("--first", action="store_true", help="let the daemon make the tables")
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    if args.hostile:
        tell(hostile(args.seconds, "builtin"), as_json=args.json)
        return 0
    for count in sorted({int(count) for count in args.feeds.split(",")}):
        plan = newsstand.Plan(count, args.items, matching=0)
        tell(at_rest(plan, args.idle, args.encoder, first=args.first), as_json=args.json)
    return 0


def tell(found: dict[str, float], *, as_json: bool) -> None:
    """Print one line."""
    print(json.dumps(found) if as_json else "  ".join(f"{name} {value:g}" for name, value in found.items()), flush=True)


def at_rest(plan: newsstand.Plan, idle: float, encoder: str, *, first: bool = False) -> dict[str, float]:
    """Poll every feed of `plan` once, then wait. first: in a database without tables."""
    with tempfile.TemporaryDirectory() as folder, newsstand.serving(plan) as stand:
        urls = [stand.url(number) for number in range(plan.feeds)]
        with running(Path(folder), urls, interval="6h", encoder=encoder, first=first) as daemon:
            most = 0.0
            while stand.count().requests < plan.feeds and daemon.is_running:
                most = max(most, processes.taken(daemon.pid).memory)
                time.sleep(_LOOK)
            end = time.monotonic() + idle
            while time.monotonic() < end and daemon.is_running:
                most = max(most, processes.taken(daemon.pid).memory)
                time.sleep(1)
            rest = processes.taken(daemon.pid)
    return {
        "feeds": plan.feeds,
        "most": round(most),
        "rest": round(rest.memory),
        "own": round(rest.own),
        "processes": rest.processes,
    }


def hostile(seconds: float, encoder: str) -> dict[str, float]:
    """Poll good feeds beside hostile ones for so long."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stand = stack.enter_context(newsstand.serving(newsstand.Plan(20, 30, matching=0)))
        answers = {name: make() for name, make in DOCUMENTS.items()}
        bad = [stack.enter_context(servers.FeedServer(f"127.0.1.{host}")) for host in range(1, 21)]
        urls = [stand.url(number) for number in range(20)]
        for server in bad:
            for name, answer in answers.items():
                server.script(f"/{name}", answer)
                urls.append(server.url(f"/{name}"))
        daemon = stack.enter_context(running(folder, urls, interval="1s", encoder=encoder))
        most, own, count = 0.0, 0.0, 0
        end = time.monotonic() + seconds
        while time.monotonic() < end and daemon.is_running:
            now = processes.taken(daemon.pid)
            most, own, count = max(most, now.memory), max(own, now.own), max(count, now.processes)
            time.sleep(_LOOK)
        return {
            "most": round(most),
            "own": round(own),
            "processes": count,
            "lived": daemon.is_running,
            "good polls": stand.count().requests,
            "hostile polls": sum(len(server.requests) for server in bad),
        }


@contextmanager
def running(folder: Path, urls: Sequence[str], *, interval: str, encoder: str, first: bool = False) -> Iterator[Daemon]:
    """Run a daemon over these feeds with the shipped rules. first: it makes the tables itself."""
    daemon = Daemon(folder, urls, ["json://127.0.0.1:9/"], _SHIPPED.format(encoder))
    text = daemon.config.read_text(encoding="utf-8").replace('["rules"]', '["builtin"]')
    text = text.replace('interval = "1s"', f'interval = "{interval}"')
    daemon.config.write_text(text, encoding="utf-8")
    if not first:
        store = daemon.store()
        store.upgrade()
        store.close()
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.close()


# --- hostile documents ------------------------------------------------------------------------------------------


def _bomb() -> servers.Answer:
    return servers.Answer(body=gzip.compress(bytes(2**30), 9), headers={"Content-Encoding": "gzip"})


def _nearly(size: int = 7_900_000) -> servers.Answer:
    """Return a feed just below the limit, which is a few kilobytes on the wire."""
    item = servers.item("Envoy arrives", guid="1", summary="quiet " * 100)
    body = servers.rss("Large", *[item] * (size // len(item)))
    return servers.Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip", "Content-Type": servers.RSS})


def _page() -> servers.Answer:
    body = b"<!doctype html><html><body>" + b"<div><p>news</p>" * 480_000 + b"</body></html>"
    return servers.Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip", "Content-Type": "text/html"})


def _deep() -> servers.Answer:
    return servers.Answer(body=b"<rss><channel>" + b"<a>" * 1_000_000, headers={"Content-Type": servers.RSS})


def _wide() -> servers.Answer:
    attributes = " ".join(f'a{number}="1"' for number in range(100_000))
    return servers.Answer(body=f"<rss><channel><item {attributes}/></channel></rss>".encode())


def _author() -> servers.Answer:
    item = f"<item><title>A</title><guid>1</guid><author>{'a@' * 40_000}</author></item>"
    return servers.Answer(body=servers.rss("Author", item))


def _entities() -> servers.Answer:
    lines = ["<!DOCTYPE rss [", '<!ENTITY a0 "aaaaaaaaaa">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    body = "\n".join([*lines, "]>", "<rss><channel><item><title>&a9;</title><guid>1</guid></item></channel></rss>"])
    return servers.Answer(body=body.encode())


def _many() -> servers.Answer:
    items = [servers.item(f"Envoy {n} arrives", guid=str(n), summary="quiet " * 300) for n in range(2_000)]
    return servers.Answer(body=servers.rss("Many", *items), headers={"Content-Type": servers.RSS})


def _comments() -> servers.Answer:
    return servers.Answer(body=b"<rss><channel>" + b"<!--" * 250_000)


def _endless() -> servers.Answer:
    return servers.Answer(body=b"<rss>" + b"x" * 6_000_000, chunk=60_000, pause=0.02)


DOCUMENTS = {
    "bomb": _bomb,
    "nearly": _nearly,
    "page": _page,
    "deep": _deep,
    "wide": _wide,
    "author": _author,
    "entities": _entities,
    "many": _many,
    "comments": _comments,
    "endless": _endless,
}

if __name__ == "__main__":
    sys.exit(main())
