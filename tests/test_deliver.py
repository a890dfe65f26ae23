"""From the outbox to the channels: at least once, one key, one text."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from monitor import errors, model
from monitor.deliver import writing
from monitor.store import engine
from tests import stored
from tests.builders import NOON, a_channel
from tests.desk import MINUTE, SECOND, Desk, State, call


@pytest.fixture
def desk(store: engine.Store) -> Desk:
    """Return a desk with one channel, on each kind of database."""
    return Desk(store)


@pytest.fixture
def lite(sqlite_store: engine.Store) -> Desk:
    """Return a desk with one channel on SQLite, for what the database has no part in."""
    return Desk(sqlite_store)


# --- the common way ---


def test_an_alert_is_sent_and_settled(desk: Desk) -> None:
    """What is pending is rendered, stored, sent and noted as sent."""
    number = desk.alert()
    assert desk.run() == 0
    ((channel, message),) = desk.sender.sent
    assert channel == "desk"
    assert message.subject.startswith("[HIGH] Sanctions threat: US warns Pyongyang")
    settled = desk.get(number)
    assert (settled.state, settled.sent_at, settled.attempts) == (State.SENT, NOON, 1)
    assert settled.message == message


def test_the_oldest_goes_first_and_each_goes_once(desk: Desk) -> None:
    """Messages leave in the order in which they came, one time each."""
    numbers = [desk.alert() for _ in range(5)]
    desk.run()
    desk.run()
    assert desk.sender.keys() == [desk.get(number).key for number in numbers]


def test_updates_thread_under_their_story(desk: Desk) -> None:
    """The second message of a story on a channel names the key of the first."""
    story, _, first = stored.new_story(desk.store)
    desk.notify("desk", story, first)
    desk.run()
    _, _, second = stored.decide(desk.store, stored.new_entry(desk.store), story_id=story, kind=model.Kind.UPDATE)
    desk.notify("desk", story, second)
    desk.run()
    assert [message.thread for _, message in desk.sender.sent] == ["", f"alert:{first}:desk"]
    assert f"update to A-{first}" in desk.sender.sent[1][1].text


def test_updates_find_their_thread_after_a_restart(desk: Desk) -> None:
    """Where a service put the first message is kept, and handed back with each message of its thread."""
    desk.sender.places = {"#desk": "17.0"}
    story, _, first = stored.new_story(desk.store)
    desk.notify("desk", story, first)
    desk.run()
    for number in range(2):
        desk.sender.places = {"#desk": f"18.{number}"}
        _, _, update = stored.decide(desk.store, stored.new_entry(desk.store), story_id=story, kind=model.Kind.UPDATE)
        desk.notify("desk", story, update)
        desk.run()
    assert [message.places for _, message in desk.sender.sent] == [{}, {"#desk": "17.0"}, {"#desk": "17.0"}]


def test_a_message_that_is_ready_later_waits(lite: Desk) -> None:
    """Nothing is sent before its time."""
    lite.alert(ready_at=NOON + MINUTE)
    assert lite.run() == 1
    lite.later(MINUTE)
    assert lite.run() == 0


def test_a_channel_that_left_the_configuration_keeps_its_messages(lite: Desk) -> None:
    """What waits for a channel that is gone goes out when it is back."""
    lite.alert("legal")
    assert lite.run() == 1
    lite.channels = (a_channel(name="legal"),)
    assert lite.run() == 0


# --- crashes ---


class CrashError(Exception):
    """The process dies here."""


@pytest.mark.parametrize("step", range(10))
def test_a_crash_between_any_two_steps_repeats_and_never_loses(desk: Desk, step: int) -> None:
    """Die before or after each call of the store, start again: it arrived, with the same key and the same text."""
    number = desk.alert()
    calls = iter(range(1000))

    async def dying(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        at = next(calls)
        if at * 2 == step:
            raise asyncio.CancelledError
        result = await call(function, *args, **kwargs)
        if at * 2 + 1 == step:
            raise asyncio.CancelledError
        return result

    async def begin() -> None:
        worker = desk.deliverer(dying)
        try:
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
        except asyncio.CancelledError:
            pass

    asyncio.run(begin())
    desk.later(10 * MINUTE)
    desk.run()
    assert desk.get(number).state is State.SENT
    assert 1 <= len(desk.sender.sent) <= 2
    assert len({(message.key, message.text, message.subject) for _, message in desk.sender.sent}) == 1


def test_a_crash_in_the_send_repeats_the_same_message(desk: Desk) -> None:
    """When the process dies while it sends, what is sent after the start is the stored message."""
    number = desk.alert()

    def die(_channel: str, _message: model.Message) -> Exception:
        raise asyncio.CancelledError

    desk.sender.fail = die

    async def begin() -> None:
        worker = desk.deliverer()
        await worker.tick()
        await asyncio.gather(*worker._tasks.values(), return_exceptions=True)

    asyncio.run(begin())
    assert desk.get(number).state is State.PENDING
    desk.sender.fail = lambda _channel, _message: None
    desk.later(10 * MINUTE)
    desk.run()
    (_, first), (_, second) = desk.sender.tried
    assert first == second
    assert desk.get(number).attempts == 2


def test_the_text_of_a_repeat_does_not_change_with_the_channel(lite: Desk) -> None:
    """A message keeps its text when the channel's form changes between two attempts."""
    lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("down")
    lite.run()
    lite.channels = (a_channel(url="json://localhost/hook", zone="Asia/Seoul"),)
    lite.sender.fail = lambda _channel, _message: None
    lite.later(MINUTE)
    lite.run()
    assert lite.sender.tried[0][1] == lite.sender.sent[0][1]


def test_while_the_outcome_cannot_be_written_nothing_more_is_sent(lite: Desk) -> None:
    """A full disk after a send: the outcome is kept and written later, the message is not sent again."""
    numbers = [lite.alert(), lite.alert()]
    full = True

    async def failing(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if full and lite.sender.sent:
            raise errors.StoreError("the disk is full")
        return await call(function, *args, **kwargs)

    async def begin() -> None:
        nonlocal full
        worker = lite.deliverer(failing)
        await worker.tick()
        await asyncio.gather(*worker._tasks.values())
        assert len(lite.sender.sent) == 1
        with pytest.raises(errors.StoreError):
            await worker.tick()
        full = False
        await worker.run_until_idle(20 * SECOND)

    asyncio.run(begin())
    assert lite.sender.keys() == [lite.get(number).key for number in numbers]


def test_what_could_not_be_stored_goes_out_when_the_store_is_back(lite: Desk) -> None:
    """A disk that fills up between claim and send: the message is given back, untried, at once."""
    number = lite.alert()
    full = True

    async def failing(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if full and getattr(function, "func", function) is writing.write:
            raise errors.StoreError("the disk is full")
        return await call(function, *args, **kwargs)

    async def begin() -> None:
        nonlocal full
        worker = lite.deliverer(failing)
        await worker.tick()
        await asyncio.gather(*worker._tasks.values())
        assert lite.sender.tried == []
        full = False
        await worker.run_until_idle(20 * SECOND)

    asyncio.run(begin())
    assert lite.sender.keys() == [lite.get(number).key]
    assert lite.get(number).attempts == 1
