"""What the store costs for a feed of a pass, in CPU milliseconds: `python bench/store.py [URL]`.

Without a URL a fresh SQLite database in a temporary folder is measured; a URL names an empty database of its own.
Figures are the process's CPU alone (on PostgreSQL the server's own is not in them), the best of some passes.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from monitor import model
from monitor.store import engine, entries, feeds

_Result = TypeVar("_Result")

FEEDS = 200
NEW = 30
PASSES = 5
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEAD = "The foreign ministry said on Saturday that talks would go on next week, officials of both sides confirmed. " * 3


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'monitor.db'}"
        store = engine.open_store(url)
        start = time.process_time()
        store.upgrade()
        print(f"{'upgrade of an empty database, ms':45}{(time.process_time() - start) * 1000:8.1f}")
        _add_feeds(store)
        _pass(store, "first", NEW)  # warms the statements up
        for name, per_feed in _measured(store).items():
            print(f"{name:45}{per_feed:8.3f}")
        store.close()


def _measured(store: engine.Store) -> dict[str, float]:
    best: dict[str, float] = {}
    for number in range(PASSES):
        for kind, new in ((f"{NEW} new entries", NEW), ("nothing new (304)", 0), ("failed", -1)):
            for step, cost in _pass(store, f"{number}", new).items():
                name = f"{kind}: {step}, ms a feed"
                best[name] = min(best.get(name, cost), cost)
        name = "claim and mark what matched nothing, ms an entry"
        best[name] = min(best.get(name, 1e9), _work(store))
    return best


def _add_feeds(store: engine.Store) -> None:
    specs = [model.FeedSpec(f"Feed {number}", f"https://feed{number}.example/rss") for number in range(FEEDS)]
    with store.write() as tx:
        feeds.sync_specs(tx, specs, NOON, first_due=lambda _: NOON)


def _pass(store: engine.Store, tag: str, new: int) -> dict[str, float]:
    """Poll every feed once; return what each step cost a feed. new: -1 for polls that fail."""
    costs: dict[str, float] = {}

    def claim() -> tuple[model.Feed, ...]:
        with store.write() as tx:
            return feeds.claim_due(tx, NOON, limit=FEEDS, lease="bench", until=NOON + timedelta(minutes=2))

    claimed = _timed(costs, "claim", claim)
    records = [_record(feed, f"{tag} {new}", new) for feed in claimed]
    wanted = {record.feed.id: [entry.key for entry in record.entries] for record in records}

    def known() -> object:
        with store.read() as tx:
            return feeds.known_entries_of(tx, wanted)

    def save() -> feeds.Saved:
        with store.write() as tx:
            return feeds.save_polls(tx, records)

    if new > 0:
        _timed(costs, "look up keys", known)
    saved = _timed(costs, "save", save)
    assert (saved.entries, saved.lost) == (max(0, new) * FEEDS, ())
    return costs


def _record(feed: model.Feed, tag: str, new: int) -> model.PollRecord:
    polled = model.Polled.NEW if new > 0 else model.Polled.FAILED if new < 0 else model.Polled.NOT_MODIFIED
    found = tuple(
        model.ParsedEntry(
            key=f"https://feed{feed.id}.example/{tag}/{number}",
            title=f"Ministry says talks number {number} of {tag} will go on",
            summary=LEAD,
            url=f"https://feed{feed.id}.example/{tag}/{number}",
            outlet="Example",
            language="en",
            published_at=NOON,
        )
        for number in range(new)
    )
    error = "timed out" if new < 0 else None
    return model.PollRecord(feed, polled, NOON, model.Plan(NOON, "bench"), entries=found, error=error)


def _work(store: engine.Store) -> float:
    """Claim everything that is pending and mark it as unmatched; return what an entry cost."""
    start, count = time.process_time(), 0
    while True:
        with store.write() as tx:
            claimed = entries.claim_pending(tx, NOON, limit=200, lease="bench", until=NOON + timedelta(minutes=2))
        if not claimed:
            return (time.process_time() - start) * 1000 / count
        with store.write() as tx:
            count += entries.mark_unmatched(tx, [entry.id for entry in claimed], None, "bench")


def _timed(costs: dict[str, float], step: str, work: Callable[[], _Result]) -> _Result:
    start = time.process_time()
    result = work()
    costs[step] = (time.process_time() - start) * 1000 / FEEDS
    return result


if __name__ == "__main__":
    main()
