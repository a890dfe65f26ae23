"""From publish to the message at the receiver: `python bench/latency.py [--news 20] [--others 1000] [--json]`.

One feed is polled every --interval seconds. At random moments it publishes a headline that a rule takes, just after
1,000 other feeds became due, all at once, a tenth of them with two new entries. A webhook on loopback takes the
messages. Printed are the seconds from the publication to the arrival; 95 of 100 must be within one interval and two
seconds.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from monitor import clock
from monitor.store import entries, feeds
from tests import newsstand, servers
from tests.e2e import headlines
from tests.e2e.daemon import Daemon

_ALLOWED = 2.0  # seconds beside the interval
_PATIENCE = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when messages were late."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=int, default=20)
    parser.add_argument("--others", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=5, help="seconds")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    found = sorted(measure(args.news, args.others, args.interval))
    p95 = found[min(int(len(found) * 0.95), len(found) - 1)]
    told = {"median": round(found[len(found) // 2], 2), "p95": round(p95, 2), "most": round(found[-1], 2)}
    told |= {"allowed": args.interval + _ALLOWED, "news": len(found)}
    print(json.dumps(told) if args.json else "  ".join(f"{name} {value:g}" for name, value in told.items()))
    return 0 if p95 <= args.interval + _ALLOWED else 1


def measure(news: int, others: int, interval: int) -> list[float]:
    """Return the seconds that each headline took."""
    chance = random.Random(7)
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stand = stack.enter_context(newsstand.serving(newsstand.Plan(others, matching=0)))
        fast = stack.enter_context(servers.FeedServer("127.0.2.1"))
        inbox = stack.enter_context(servers.WebhookReceiver())
        fast.put("/fast.xml", servers.rss("Fast"), etag='"0"')
        daemon = started(folder, stand, fast, inbox, others, interval)
        stack.callback(daemon.close)
        servers.until(lambda: stand.count().requests >= others and fast.requests and is_idle(daemon), 900)
        items: list[str] = []
        for number, headline in enumerate(headlines.make(news, chance)):
            time.sleep(chance.uniform(0, interval))
            items.insert(0, servers.item(headline.title, guid=headline.actor, summary=headline.summary))
            stand.advance()
            make_due(daemon, others)
            fast.put("/fast.xml", servers.rss("Fast", *items[:20]), etag=f'"{number + 1}"')
            found.append(until_told(inbox, headline.actor, daemon))
            print(f"{number + 1}/{news}: {found[-1]:.2f} s", file=sys.stderr)
    return found


def started(
    folder: Path,
    stand: newsstand.Stand,
    fast: servers.FeedServer,
    inbox: servers.WebhookReceiver,
    others: int,
    interval: int,
) -> Daemon:
    """Start a daemon on all feeds; the first of them is the fast one."""
    urls = [fast.url("/fast.xml"), *(stand.url(number) for number in range(others))]
    daemon = Daemon(folder, urls, [inbox.url("/").replace("http:", "json:")], '[log]\nlevel = "warning"')
    text = daemon.config.read_text(encoding="utf-8").replace('interval = "1s"', 'interval = "6h"')
    mark = f'url = "{urls[0]}"\n'
    daemon.config.write_text(text.replace(mark, f'{mark}interval = "{interval}s"\n'), encoding="utf-8")
    daemon.start()
    return daemon


def is_idle(daemon: Daemon) -> bool:
    """Whether nothing waits to be decided."""
    store = daemon.store()
    try:
        with store.read() as tx:
            return entries.count_pending(tx) == 0
    finally:
        store.close()


def make_due(daemon: Daemon, others: int) -> None:
    """Make every feed due at once but the fast one, whose turn comes as it was planned."""
    store = daemon.store()
    try:
        with store.write() as tx:
            feeds.make_due(tx, clock.now(), [f"feed{number + 1}" for number in range(others)])
    finally:
        store.close()


def until_told(inbox: servers.WebhookReceiver, actor: str, daemon: Daemon) -> float:
    """Wait for the message that names `actor`; return the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() < began + _PATIENCE:
        for request in inbox.messages:
            if actor.encode() in request.body:
                return request.at - began
        time.sleep(0.01)
    sys.exit(f"no message about {actor} in {_PATIENCE:g} s:\n{daemon.text[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
