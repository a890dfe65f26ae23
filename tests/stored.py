"""Things put into a store in few words: what the tests of the store begin with."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from monitor import model
from monitor.store import engine, entries, feeds, outbox, rule_versions, stories, tables
from tests import builders

NOON = builders.NOON
MINUTE = timedelta(minutes=1)

_numbers = itertools.count(1)


def let_pass(store: engine.Store, span: timedelta) -> None:
    """Let time pass for claims where the database's own clock rules them; on SQLite the test's `now` does."""
    if store.dialect == "postgresql":
        with store.write() as tx:
            for table in (tables.feeds, tables.entries, tables.notifications):
                tx.connection().execute(
                    sa.update(table).values(leased_until_at=table.c.leased_until_at - sa.literal(span, sa.Interval))
                )


def feed_specs(*names: str, **changes: Any) -> tuple[model.FeedSpec, ...]:
    """Return specs of feeds with these names."""
    return tuple(model.FeedSpec(name, f"https://{name.lower()}.example/feed", **changes) for name in names)


def add_feeds(store: engine.Store, *names: str, now: datetime = NOON) -> None:
    """Make feeds of these names, and no others, those of the store, due at once."""
    with store.write() as tx:
        feeds.sync_specs(tx, feed_specs(*names), now, first_due=lambda _: now)


def claim_feed(store: engine.Store, name: str = "Wire", *, now: datetime = NOON, lease: str = "poll") -> model.Feed:
    """Claim one feed, due or not."""
    with store.write() as tx:
        (feed,) = feeds.claim_due(tx, now, limit=1, lease=lease, until=now + MINUTE, names=[name])
    return feed


def a_record(feed: model.Feed, polled: model.Polled = model.Polled.NEW, **changes: Any) -> model.PollRecord:
    """Return the record of a poll at noon; the next one is ten minutes later."""
    at = changes.pop("at", NOON)
    plan = model.Plan(at + 10 * MINUTE, "every ten minutes")
    return model.PollRecord(feed, polled, at, **{"plan": plan} | changes)


def save(store: engine.Store, *records: model.PollRecord) -> feeds.Saved:
    """Store what polls came to."""
    with store.write() as tx:
        return feeds.save_polls(tx, records)


def get_feed(store: engine.Store, name: str = "Wire") -> model.Feed:
    """Return a feed as it is stored."""
    with store.read() as tx:
        return feeds.get_feed(tx, name)


def parsed_entries(*titles: str, **changes: Any) -> tuple[model.ParsedEntry, ...]:
    """Return entries with these titles; their keys are made of the titles."""
    return tuple(model.ParsedEntry(f"key of {title}", title, **changes) for title in titles)


def add_entries(store: engine.Store, *titles: str, feed: str = "Wire", at: datetime = NOON, **changes: Any) -> None:
    """Store entries with these titles, pending; the feed is made where it is missing."""
    with store.read() as tx:
        known = {known.name for known in feeds.list_feeds(tx)}
    if feed not in known:
        add_feeds(store, *known, feed)
    claimed = claim_feed(store, feed, now=at)
    save(store, a_record(claimed, at=at, entries=parsed_entries(*titles, **changes)))


def claim_entries(
    store: engine.Store, *, limit: int = 50, lease: str = "work", now: datetime = NOON
) -> tuple[model.Entry, ...]:
    """Claim pending entries for a minute."""
    with store.write() as tx:
        return entries.claim_pending(tx, now, limit=limit, lease=lease, until=now + MINUTE)


def new_entry(store: engine.Store, title: str = "US warns Pyongyang", **changes: Any) -> model.Entry:
    """Store one entry and return it, as if claimed."""
    add_entries(store, f"{title} #{next(_numbers)}", **changes)
    return claim_entries(store, limit=1)[0]


def decide(
    store: engine.Store,
    entry: model.Entry,
    *,
    story_id: int | None = None,
    now: datetime = NOON,
    channels: Sequence[model.Decision] = (),
    **changes: Any,
) -> tuple[int, int, int]:
    """Decide an entry as the pipeline does, into a story or a new one; return story, decision and alert."""
    kind = changes.pop("kind", model.Kind.NEW if story_id is None else model.Kind.DUPLICATE)
    level = changes.pop("level", model.Level.HIGH)
    assignment = builders.an_assignment(kind=kind, story_id=story_id, **changes)
    finding = builders.a_finding(entry=entry, assignment=assignment, level=level)
    with store.write() as tx:
        rules_id = rule_versions.save(tx, "rules", {"rules.yaml": "rules: []"}, now)
        placed = (
            stories.open_story(tx, finding, now) if story_id is None else stories.join_story(tx, story_id, finding, now)
        )
        decision = stories.save_decision(tx, finding, channels, rules_id=rules_id, story_id=placed, now=now)
        alert = stories.add_alert(tx, finding, decision, placed, kind, now)
        assert entries.mark_processed(tx, entry.id, entry.revision, "work", rules_id)
    return placed, decision, alert


def new_story(store: engine.Store, title: str = "US warns Pyongyang", **changes: Any) -> tuple[int, int, int]:
    """Store an entry that opens a story; return story, decision and alert."""
    return decide(store, new_entry(store, title), **changes)


def notify(store: engine.Store, channel: str = "desk", *, now: datetime = NOON, **changes: Any) -> int:
    """Add a notification to the outbox, pending unless said otherwise, and return its id."""
    plain: dict[str, Any] = {
        "key": f"alert:{next(_numbers)}:{channel}",
        "kind": model.NotificationKind.ALERT,
        "channel": channel,
        "state": model.NotificationState.PENDING,
        "level": model.Level.HIGH,
        "ready_at": now,
    }
    new = outbox.NewNotification(**plain | changes)
    with store.write() as tx:
        outbox.add(tx, [new], now)
        found = outbox.find_by_key(tx, new.key)
    assert found is not None
    return found.id


def claim_message(
    store: engine.Store, channel: str = "desk", *, now: datetime = NOON, lease: str = "send"
) -> model.Notification | None:
    """Claim the next notification of a channel for a minute."""
    with store.write() as tx:
        return outbox.claim_next(tx, channel, now, lease=lease, until=now + MINUTE)
