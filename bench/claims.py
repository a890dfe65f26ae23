"""What feeds and entries cost a PostgreSQL that many workers share: `python bench/claims.py [--feeds 20000,100000]`.

For each number of feeds: how long a claim of 128 feeds takes when few and when all are due, and how much memory reading
and storing the feeds takes; and what an entry of 450 letters takes on the disk, its indexes included. The best of some
claims, because other programs run too.
"""

import argparse
import random
import resource
import time
from datetime import datetime, timedelta

import sqlalchemy as sa

from monitor import clock, model
from monitor.store import engine, feeds
from tests import postgres, stored

HOSTS = 2000
SPREAD = timedelta(minutes=10)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="20000,100000")
    counts = [int(count) for count in parser.parse_args().feeds.split(",")]
    with postgres.serve() as url:
        for count in counts:
            with postgres.database(url, "claims") as database:
                claims(database, count)
        with postgres.database(url, "sizes") as database:
            print(f"an entry of 450 letters: {entry_size(database)} bytes")


def claims(url: str, count: int) -> None:
    """Measure claims among `count` feeds."""
    store, now = engine.open_store(url), clock.now()
    store.upgrade()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    specs = [model.FeedSpec(f"Feed {n}", f"https://h{n % HOSTS}.example/{n}.xml") for n in range(count)]
    with store.write() as tx:
        feeds.sync_specs(tx, specs, now, first_due=lambda n: now + SPREAD * n / count)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with store.write() as tx:
        tx.connection().execute(sa.text("ANALYZE feeds"))
    for share in (0.05, 1.0):
        took = min(_claim(store, now + SPREAD * share, number) for number in range(8))
        print(f"{count} feeds, {share:.0%} of them due: {took * 1000:.0f} ms for a claim of 128")
    print(f"{count} feeds: {grown:.0f} MB more while they are stored")
    store.close()


def entry_size(url: str) -> int:
    """Return how many bytes of the disk an entry takes."""
    chance, store, now = random.Random(1), engine.open_store(url), clock.now()
    store.upgrade()
    stored.add_feeds(store, "Wire", now=now)
    words = ["".join(chance.choices("abcdefghijklmnoprstu", k=chance.randint(2, 9))) for _ in range(5000)]
    found = tuple(
        model.ParsedEntry(
            key=f"https://news.example/{number}/words-of-a-title.html",
            title=" ".join(chance.choices(words, k=12)),
            summary=" ".join(chance.choices(words, k=70)),
            url=f"https://news.example/{number}/words-of-a-title.html",
            outlet="News",
            language="en",
            published_at=now,
        )
        for number in range(5000)
    )
    stored.save(store, stored.a_record(stored.claim_feed(store, now=now), entries=found, at=now))
    with store.read() as tx:
        size = tx.connection().scalar(sa.text("SELECT pg_total_relation_size('entries') / count(*) FROM entries"))
    store.close()
    return int(size)


def _claim(store: engine.Store, at: datetime, number: int) -> float:
    """Return how many seconds a claim takes, of two workers in turn."""
    begun = time.perf_counter()
    with store.write() as tx:
        feeds.claim_due(tx, at, limit=128, lease=f"worker{number % 2}:{number}", until=at + timedelta(minutes=10))
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
