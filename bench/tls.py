"""What TLS costs a poll: `python bench/tls.py [--polls 1000] [--json]`.

One process polls generated feeds on 100 loopback addresses that answer 304, by http and by https with a certificate of
our own that is checked, with connections that stay open and with a new one for each poll. Printed are milliseconds of
CPU a poll, of the client alone, and kilobytes of memory for each connection that is open in the end (PSS).
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace

from monitor import clock, model, poll
from tests import certificates, newsstand, processes

_AT_ONCE = 32


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polls", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    found = {}
    with certificates.made(*(f"127.0.0.{host}" for host in range(2, newsstand.HOSTS + 1))) as made:
        os.environ["SSL_CERT_FILE"] = str(made.file)
        for scheme, tls in (("http", None), ("https", (made.file, made.key))):
            for closes in (False, True):
                plan = newsstand.Plan(newsstand.HOSTS, 1, tls, closes=closes)
                found[f"{scheme}, {'new' if closes else 'kept'}"] = measure(plan, args.polls)
    for name, (cpu, memory) in found.items():
        print(
            json.dumps({"way": name, "cpu_ms": cpu, "kb": memory})
            if args.json
            else f"{name:>12} {cpu:6.2f} {memory:6.0f}"
        )


def measure(plan: newsstand.Plan, polls: int) -> tuple[float, float]:
    """Return milliseconds of CPU a poll, and kilobytes a connection."""
    with newsstand.serving(plan) as stand:
        return asyncio.run(_poll(stand, polls))


async def _poll(stand: newsstand.Stand, polls: int) -> tuple[float, float]:
    feeds = []
    for number in range(newsstand.HOSTS):
        spec = model.FeedSpec(f"Desk {number}", stand.url(number))
        feeds.append(model.Feed(number, spec, spec.url))
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(client: poll.Client, feed: model.Feed) -> model.Feed:
        async with room:
            answer = await poll.fetch(client, feed, now=clock.now())
            return replace(feed, validators=answer.validators)

    async with poll.open_client(allow_networks=["127.0.0.0/8"]) as client:
        await one(client, feeds[0])  # loads what is loaded once
        before = processes.taken(os.getpid()).own
        known = await asyncio.gather(*(one(client, feed) for feed in feeds))
        opened = (processes.taken(os.getpid()).own - before) * 1024 / len(feeds)
        began = time.process_time()
        await asyncio.gather(*(one(client, known[number % len(known)]) for number in range(polls)))
        return round((time.process_time() - began) * 1000 / polls, 2), round(opened)


if __name__ == "__main__":
    main()
