"""A critical alert is told again until somebody acknowledges it, on channels that ask for it."""

import pytest

from monitor import errors, model, render
from monitor.store import engine, silences, stories
from tests.builders import NOON, a_channel, a_silence, an_alert
from tests.desk import HOUR, MINUTE, Desk
from tests.rendering import ALL, MAIL, SLACK, WEBHOOK, message, visible

REPEATING = a_channel(repeat=30 * MINUTE)


@pytest.fixture
def desk(store: engine.Store) -> Desk:
    """Return a desk whose channel asks for reminders, on each kind of database."""
    return Desk(store, REPEATING)


@pytest.fixture
def lite(sqlite_store: engine.Store) -> Desk:
    """Return the same on SQLite."""
    return Desk(sqlite_store, REPEATING)


def pass_time(desk: Desk, minutes: int) -> None:
    """Run every ten minutes."""
    for _ in range(minutes // 10):
        desk.later(10 * MINUTE)
        desk.run()


def test_a_critical_alert_is_told_again_until_it_is_acknowledged(desk: Desk) -> None:
    """A reminder comes every half hour, with a running number, until `monitor alerts ack`."""
    number = desk.alert(level=model.Level.CRITICAL)
    first = desk.get(number)
    desk.run()
    pass_time(desk, 70)
    assert desk.sender.keys() == [first.key, f"{first.key}:repeat:1", f"{first.key}:repeat:2"]
    second = desk.sender.sent[1][1]
    assert second.subject.endswith(" · reminder 1")
    assert second.text.startswith("Reminder 1: nobody has acknowledged this alert yet. monitor alerts ack A-")
    assert second.thread == first.key
    with desk.store.write() as tx:
        stories.ack_alert(tx, first.alert_ids[0], "ada", desk.clock.now)
    pass_time(desk, 60)
    assert len(desk.sender.sent) == 3


def test_only_critical_alerts_are_told_again_and_only_for_a_day(lite: Desk) -> None:
    """A high alert is told once; a critical one that nobody wants to see ends after a day."""
    lite.alert(level=model.Level.HIGH)
    lite.alert(level=model.Level.CRITICAL)
    lite.run()
    for _ in range(60):
        lite.later(30 * MINUTE)
        lite.run()
    assert len(lite.sender.sent) == 2 + 48


def test_a_channel_that_was_down_gets_one_reminder(lite: Desk) -> None:
    """While a reminder waits, no other is made."""
    lite.alert(level=model.Level.CRITICAL)
    lite.run()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("503")
    for _ in range(6):
        lite.later(30 * MINUTE)
        lite.run()
    lite.sender.fail = lambda _channel, _message: None
    lite.later(29 * MINUTE)
    lite.run()
    assert len(lite.sender.sent) == 2


def test_a_silence_ends_reminders(lite: Desk) -> None:
    """What is silenced is not told again."""
    lite.alert(level=model.Level.CRITICAL)
    lite.run()
    with lite.store.write() as tx:
        silences.add(tx, a_silence(kind=model.SilenceKind.TERM, value="Pyongyang", ends_at=NOON + 9 * HOUR))
    pass_time(lite, 120)
    assert len(lite.sender.sent) == 1


@pytest.mark.parametrize("channel", ALL)
def test_every_form_says_that_it_is_a_reminder(channel: model.Channel) -> None:
    """Text, HTML, blocks and data say which reminder it is and what ends it."""
    told = render.reminder(message(an_alert(), channel), channel, key="k", ref="A-7", number=2)
    assert "monitor alerts ack A-7" in told.text
    if channel == MAIL:
        assert visible(told.html).startswith("Reminder 2: nobody has acknowledged")
    if channel == SLACK:
        assert "Reminder 2" in told.data["blocks"][0]["text"]["text"]  # type: ignore[index]
    if channel == WEBHOOK:
        assert told.data["reminder"] == 2
