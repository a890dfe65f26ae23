"""Feeds that are gone, failing or silent are told to the operator, once a day and once each."""

from datetime import datetime, timedelta

from monitor import model
from monitor.daemon import health
from monitor.store import engine, feeds, outbox
from tests.builders import NOON, a_channel

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DESK = a_channel(name="desk")


def test_what_ails_feeds_is_told_once(store: engine.Store) -> None:
    """One message when something came up, none while it lasts, none more on the same day, the next on another day."""
    _add(store, "A", "B", "C")
    assert not health.tell(store, [DESK], NOON)
    _poll(store, "A", NOON, error="no such page")
    assert not health.tell(store, [DESK], NOON + HOUR)
    _poll(store, "A", NOON + DAY, error="no such page")
    assert health.tell(store, [DESK], NOON + DAY)
    _poll(store, "B", NOON + DAY, gone=True)
    assert not health.tell(store, [DESK], NOON + DAY + HOUR)
    assert health.tell(store, [DESK], NOON + 2 * DAY)
    assert not health.tell(store, [DESK], NOON + 3 * DAY)
    first, second = _messages(store)
    assert "A is failing" in first
    assert "fails since 1 d: no such page" in first
    assert "B is gone" in second
    assert "Told before, and still so:\nA: fails since 2 d" in second


def test_who_is_well_again_is_told_anew(store: engine.Store) -> None:
    """A feed that mended itself and fails for another day is news."""
    _add(store, "A")
    for day in (0, 4):
        _poll(store, "A", NOON + day * DAY, error="500")
        assert health.tell(store, [DESK], NOON + (day + 1) * DAY)
        _poll(store, "A", NOON + (day + 2) * DAY)
        assert not health.tell(store, [DESK], NOON + (day + 2) * DAY)
    assert len(_messages(store)) == 2


def test_a_feed_that_fell_silent_is_told(store: engine.Store) -> None:
    """The rhythm is that of the polls that brought something; polls that brought nothing prove the silence."""
    _add(store, "A")
    for hour in range(0, 30, 6):
        _poll(store, "A", NOON + hour * HOUR, entry=str(hour))
    _poll(store, "A", NOON + 41 * HOUR)
    assert not health.tell(store, [DESK], NOON + 41 * HOUR)
    _poll(store, "A", NOON + 43 * HOUR)
    assert health.tell(store, [DESK], NOON + 43 * HOUR)
    assert "A: silent since 19 h; usually it brings something new every 6 h" in _messages(store)[0]


def _add(store: engine.Store, *names: str) -> None:
    with store.write() as tx:
        specs = [model.FeedSpec(name, f"https://{name}.example/rss") for name in names]
        feeds.sync_specs(tx, specs, NOON, first_due=lambda _: NOON)


def _poll(
    store: engine.Store, name: str, at: datetime, *, error: str = "", gone: bool = False, entry: str = ""
) -> None:
    polled = model.Polled.GONE if gone else model.Polled.FAILED if error else model.Polled.SAME
    entries = (model.ParsedEntry(entry, f"Title {entry}"),) if entry else ()
    with store.write() as tx:
        [feed] = feeds.claim_due(tx, at, limit=1, lease="x", until=at + HOUR, names=[name])
        record = model.PollRecord(feed, polled, at, model.Plan(at, "test"), entries=entries, error=error or None)
        feeds.save_polls(tx, [record])


def _messages(store: engine.Store) -> list[str]:
    with store.read() as tx:
        found = sorted(outbox.list_notifications(tx), key=lambda each: each.id)
    return [f"{each.message.subject}\n{each.message.text}" for each in found if each.message]
