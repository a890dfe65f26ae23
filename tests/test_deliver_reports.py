"""The daily report: what came, what was held back and by what, what waits, which feeds were down."""

from datetime import time

import pytest

from monitor import model
from monitor.store import engine
from tests import stored
from tests.builders import NOON, a_channel
from tests.desk import HOUR, MINUTE, Desk

REPORTING = a_channel(report=time(13), zone="Europe/Berlin")  # at noon, UTC


@pytest.fixture
def desk(store: engine.Store) -> Desk:
    """Return a desk whose channel wants a report at noon, on each kind of database."""
    return Desk(store, REPORTING)


@pytest.fixture
def lite(sqlite_store: engine.Store) -> Desk:
    """Return the same on SQLite."""
    return Desk(sqlite_store, REPORTING)


def reports(desk: Desk) -> list[model.Message]:
    """Return the reports that were sent."""
    return [message for _, message in desk.sender.sent if message.key.startswith("report:")]


def test_a_report_comes_even_when_there_is_nothing_to_tell(desk: Desk) -> None:
    """On an empty day the report says so, part by part."""
    desk.run()
    (report,) = reports(desk)
    assert report.key == "report:desk:2026-11-21"
    assert report.subject == "[monitor] daily report: 0 told, 0 held back, 0 waiting"
    assert "0 entries came in, 0 matched a rule." in report.text
    assert report.text.count("- nothing") == 4


def test_a_report_comes_once_a_day_over_restarts(desk: Desk) -> None:
    """However often it starts, one report goes out a day."""
    for _ in range(8):
        desk.run()
        desk.later(6 * HOUR)
    assert [report.key for report in reports(desk)] == ["report:desk:2026-11-21", "report:desk:2026-11-22"]


def test_a_report_waits_for_its_time_and_may_be_late(lite: Desk) -> None:
    """Nothing goes before the time; after a pause it is caught up on the same day."""
    lite.later(-MINUTE)
    lite.run()
    assert reports(lite) == []
    lite.later(10 * HOUR)
    lite.run()
    assert [report.key for report in reports(lite)] == ["report:desk:2026-11-21"]


def decided(desk: Desk, reason: model.Reason, title: str, verdict: model.Verdict = model.Verdict.DROP) -> None:
    """Store a decision for the channel, with a story of its own."""
    stored.decide(desk.store, stored.new_entry(desk.store, title), channels=[model.Decision("desk", verdict, reason)])


def test_a_report_names_what_was_held_back_and_what_waits(lite: Desk) -> None:
    """Known stories are named, other reasons counted, and what waits is listed."""
    decided(lite, model.Reason.NEW_STORY, "Kim arrives in Moscow", model.Verdict.SEND)
    decided(lite, model.Reason.KNOWN_STORY, "Warning again")
    decided(lite, model.Reason.BELOW_LEVEL, "Minor visit")
    decided(lite, model.Reason.WAITING, "One outlet only")
    lite.run()
    (report,) = reports(lite)
    assert report.subject == "[monitor] daily report: 1 told, 2 held back, 1 waiting"
    assert "- [HIGH] Kim arrives in Moscow" in report.text
    assert '- 1 by known story "Warning again' in report.text
    assert "- 1 below the channel's level" in report.text
    assert "- for more outlets: One outlet only" in report.text


def test_a_report_names_the_feeds_that_were_down(lite: Desk) -> None:
    """An outage that touches the day is told with its error."""
    stored.add_feeds(lite.store, "Wire", now=NOON - HOUR)
    feed = stored.claim_feed(lite.store, now=NOON - HOUR)
    stored.save(lite.store, stored.a_record(feed, model.Polled.FAILED, at=NOON - HOUR, error="503 Service Unavailable"))
    lite.run()
    (report,) = reports(lite)
    assert report.subject.endswith("1 feed down")
    assert "- Wire: since 21 Nov 2026, 11:00 UTC (12:00 Europe/Berlin), still down: 503 Service" in report.text


def test_a_webhook_gets_the_report_as_data(lite: Desk) -> None:
    """A webhook's report has its own part."""
    lite.channels = (a_channel(url="json://localhost/hook", report=time(12)),)
    lite.run()
    (report,) = reports(lite)
    assert report.data["report"]["entries"] == 0  # type: ignore[index]
