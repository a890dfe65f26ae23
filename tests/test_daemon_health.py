"""Feeds that are gone, failing or silent are told to the operator, once a day and once each."""

from datetime import datetime, timedelta

from monitor import model
from monitor.daemon import health
from monitor.store import engine, feeds, network, outbox
from tests.builders import NOON, a_channel

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
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


def test_a_network_that_is_down_for_an_hour_is_told_once_and_told_when_it_is_over(store: engine.Store) -> None:
    """An hour without a host that answers is one message that blames no feed; the first poll after it is another."""
    _add(store, "A", "B")
    _poll(store, "A", NOON - HOUR)
    for minutes in range(0, 200, 5):
        at = NOON + minutes * MINUTE
        _poll(store, "A", at, error="its name was not found", offline=True)
        assert health.tell_of_network(store, [DESK], at) == (minutes == 60)
    assert not health.tell(store, [DESK], at)
    _poll(store, "B", at + MINUTE, error="404")
    assert health.tell_of_network(store, [DESK], at + 2 * MINUTE)
    assert not health.tell_of_network(store, [DESK], at + 3 * MINUTE)
    down, up = _messages(store)
    assert "No feed can be reached" in down
    assert f"Since {NOON:%Y-%m-%d %H:%M} UTC (1 h)" in down
    assert "its name was not found" in down
    assert "Feeds can be reached again" in up
    assert "for 3 h 16 min" in up


def test_a_short_outage_is_not_told(store: engine.Store) -> None:
    """What mends itself within the hour is nobody's business, and the next outage has an hour of its own."""
    _add(store, "A", "B")
    for start in (NOON, NOON + 2 * HOUR):
        _poll(store, "A", start, error="no route", offline=True)
        _poll(store, "A", start + 5 * MINUTE, error="no route", offline=True)
        assert not health.tell_of_network(store, [DESK], start + 5 * MINUTE)
        _poll(store, "B", start + 6 * MINUTE)
        assert not health.tell_of_network(store, [DESK], start + 59 * MINUTE)
    assert _messages(store) == []


def test_a_network_that_nobody_tried_is_not_said_to_be_down(store: engine.Store) -> None:
    """A daemon that was stopped during an outage knows nothing of the time until it polls again."""
    _add(store, "A")
    _poll(store, "A", NOON, error="no route", offline=True)
    assert not health.tell_of_network(store, [DESK], NOON + DAY)
    _poll(store, "A", NOON + DAY, error="no route", offline=True)
    assert not health.tell_of_network(store, [DESK], NOON + DAY)


def _add(store: engine.Store, *names: str) -> None:
    with store.write() as tx:
        specs = [model.FeedSpec(name, f"https://{name}.example/rss") for name in names]
        feeds.sync_specs(tx, specs, NOON, first_due=lambda _: NOON)


def _poll(
    store: engine.Store,
    name: str,
    at: datetime,
    *,
    error: str = "",
    gone: bool = False,
    offline: bool = False,
    entry: str = "",
) -> None:
    polled = model.Polled.GONE if gone else model.Polled.FAILED if error else model.Polled.SAME
    polled = model.Polled.OFFLINE if offline else polled
    entries = (model.ParsedEntry(entry, f"Title {entry}"),) if entry else ()
    with store.write() as tx:
        [feed] = feeds.claim_due(tx, at, limit=1, lease="x", until=at + HOUR, names=[name])
        record = model.PollRecord(feed, polled, at, model.Plan(at, "test"), entries=entries, error=error or None)
        feeds.save_polls(tx, [record])
        network.note(tx, [record])


def _messages(store: engine.Store) -> list[str]:
    with store.read() as tx:
        found = sorted(outbox.list_notifications(tx), key=lambda each: each.id)
    return [f"{each.message.subject}\n{each.message.text}" for each in found if each.message]
