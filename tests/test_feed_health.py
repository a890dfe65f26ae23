"""One message a day about feeds that are not well."""

from datetime import datetime, timedelta

import pytest

from monitor import model
from monitor.deliver import feed_health
from monitor.store import engine
from tests import stored
from tests.builders import NOON, a_channel
from tests.desk import HOUR, Desk

DAY = timedelta(days=1)


@pytest.fixture
def desk(store: engine.Store) -> Desk:
    """Return a desk with a channel for the operator, on each kind of database."""
    return Desk(store, a_channel(), a_channel(name="ops", operator=True))


def workdays(until: datetime, weeks: int = 4) -> list[datetime]:
    """Return when a feed came that speaks each hour from 8 to 18, Monday to Friday."""
    hours = [until - weeks * 7 * DAY + n * HOUR for n in range(weeks * 7 * 24)]
    return [at for at in hours if at.weekday() < 5 and 8 <= at.hour < 18]


def test_a_weekend_is_no_silence() -> None:
    """A feed of working days that rests over Saturday and Sunday is well; on Tuesday it is silent."""
    friday = datetime(2026, 11, 20, 18, tzinfo=NOON.tzinfo)
    seen = workdays(friday)
    assert not feed_health.is_silent(seen, friday + timedelta(days=2, hours=12))
    assert feed_health.is_silent(seen, friday + timedelta(days=4))


def test_a_feed_that_speaks_all_day_is_silent_after_one() -> None:
    """Nothing for a day is silence for a feed that speaks each hour, and none for one that nobody knows."""
    hourly = [NOON - n * HOUR for n in range(24 * 14)][::-1]
    assert not feed_health.is_silent(hourly, NOON + 23 * HOUR)
    assert feed_health.is_silent(hourly, NOON + 25 * HOUR)
    assert not feed_health.is_silent(hourly[-3:], NOON + 30 * DAY)


def failing(desk: Desk, since: datetime) -> None:
    """Let one feed fail."""
    stored.add_feeds(desk.store, "Wire", now=since)
    feed = stored.claim_feed(desk.store, now=since)
    stored.save(desk.store, stored.a_record(feed, model.Polled.FAILED, at=since, error="503 Service Unavailable"))


def test_the_operator_hears_of_failing_feeds_once_a_day(desk: Desk) -> None:
    """A feed that has failed for a day is told, once a day over restarts, where the operator listens."""
    failing(desk, NOON - DAY)
    for _ in range(3):
        desk.run()
        desk.later(HOUR)
    ((channel, told),) = desk.sender.sent
    assert (channel, told.subject) == ("ops", "[monitor] 1 feed is not well")
    assert "Wire: fails since 2026-11-20 12:00 UTC: 503 Service Unavailable" in told.text
    desk.later(DAY)
    desk.run()
    assert len(desk.sender.sent) == 2


def test_a_silent_feed_is_told(desk: Desk) -> None:
    """A feed that brings nothing for longer than ever is told, by its name."""
    for day in range(9, 1, -1):
        stored.add_entries(desk.store, f"Headline {day}", at=NOON - day * DAY)
    desk.later(4 * DAY)
    desk.run()
    assert [name for name, _ in desk.sender.sent] == ["ops"]
    assert "Wire: brings nothing new since 2026-11-19 12:00 UTC" in desk.sender.sent[0][1].text


def test_when_all_is_well_there_is_no_message(desk: Desk) -> None:
    """A feed that failed an hour ago is no news, and neither is anything before seven."""
    failing(desk, NOON - HOUR)
    desk.run()
    desk.clock.now = NOON.replace(day=23, hour=6)
    desk.run()
    assert desk.sender.sent == []
