"""When channels fail or hang, and when the program ends: nobody waits for another, nothing is lost."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from monitor import deliver, errors, model
from monitor.store import engine, outbox, upkeep
from tests import servers, stored
from tests.builders import NOON, a_channel
from tests.desk import HOUR, MINUTE, SECOND, Desk, State, call


@pytest.fixture
def desk(store: engine.Store) -> Desk:
    """Return a desk with one channel, on each kind of database."""
    return Desk(store)


@pytest.fixture
def lite(sqlite_store: engine.Store) -> Desk:
    """Return a desk with one channel on SQLite, for what the database has no part in."""
    return Desk(sqlite_store)


# --- failures ---


def test_a_failure_is_tried_again_after_a_while(desk: Desk) -> None:
    """A channel that fails is left alone for ten seconds, then twenty, and what waited arrives when it is back."""
    numbers = [desk.alert(), desk.alert()]
    desk.sender.fail = lambda _channel, _message: errors.DeliveryError("no answer")

    async def begin() -> None:
        worker = desk.deliverer()
        for span in (0, 5, 6, 11, 10):
            desk.later(span * SECOND)
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
        assert len(desk.sender.tried) == 3  # at 0, 11 and 32 seconds
        assert worker.health["desk"].failures == 3
        desk.sender.fail = lambda _channel, _message: None
        desk.later(10 * MINUTE)
        assert await worker.run_until_idle(20 * SECOND) == 0

    asyncio.run(begin())
    assert {desk.get(number).state for number in numbers} == {State.SENT}
    assert desk.get(numbers[0]).last_error is None


def test_retry_after_rests_the_channel(lite: Desk) -> None:
    """A receiver that asks to be left alone is, for all messages."""
    lite.alert()
    lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("429", retry_after=7 * MINUTE)

    async def begin() -> None:
        worker = lite.deliverer()
        for _ in range(6):
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
            lite.later(MINUTE)
        assert len(lite.sender.tried) == 1
        lite.later(MINUTE)
        await worker.tick()
        await asyncio.gather(*worker._tasks.values())
        assert len(lite.sender.tried) == 2

    asyncio.run(begin())


def test_what_a_channel_asks_of_one_worker_holds_for_all(postgres_store: engine.Store) -> None:
    """Another worker of the database leaves it alone, too, until then; under another URL it is tried at once."""
    desk = Desk(postgres_store)
    for _ in range(3):
        desk.alert()
    desk.sender.fail = lambda _channel, _message: errors.DeliveryError("429", retry_after=7 * MINUTE)
    desk.run()
    desk.sender.fail = lambda _channel, _message: None
    desk.later(6 * MINUTE)
    desk.run()
    assert desk.sender.sent == []
    desk.channels = (a_channel(url="json://127.0.0.1/elsewhere"),)
    desk.run()
    assert len(desk.sender.sent) == 2, "but for the one that was put off itself"
    desk.channels = (a_channel(),)
    desk.later(2 * MINUTE)
    desk.run()
    assert len(desk.sender.sent) == 3


def test_a_rest_moves_with_a_clock_that_is_set(lite: Desk) -> None:
    """A channel that asks to be left alone for seven minutes is tried then, though the clock went back an hour."""
    lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("429", retry_after=7 * MINUTE)

    async def begin() -> None:
        worker = lite.deliverer()
        await worker.tick()
        await asyncio.gather(*worker._tasks.values())
        worker.clock_was_set(-HOUR)
        with lite.store.write() as tx:
            upkeep.move_due_times(tx, -HOUR)
        for minutes, tried in ((-54, 1), (1, 2)):
            lite.later(minutes * MINUTE)
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
            assert len(lite.sender.tried) == tried

    asyncio.run(begin())


def test_one_message_that_is_refused_holds_up_only_its_story(desk: Desk) -> None:
    """Another story's message goes out at once, the refused one's own story waits behind it."""
    story, _, first = stored.new_story(desk.store)
    refused = desk.notify("desk", story, first)
    _, _, second = stored.decide(desk.store, stored.new_entry(desk.store), story_id=story, kind=model.Kind.UPDATE)
    behind = desk.notify("desk", story, second)
    other = desk.alert()
    bad = desk.get(refused).key
    desk.sender.fail = lambda _channel, message: (
        errors.DeliveryError("not now", message_only=True) if message.key == bad else None
    )
    desk.run()
    assert desk.sender.keys() == [desk.get(other).key]
    desk.sender.fail = lambda _channel, _message: None
    desk.later(MINUTE)
    desk.run()
    assert desk.sender.keys()[1:] == [bad, desk.get(behind).key]


def test_a_permanent_failure_is_dead_at_once_and_told_elsewhere(desk: Desk) -> None:
    """The operator hears of it on another channel, with the command that replays it."""
    desk.channels = (a_channel(), a_channel(name="ops"))
    number = desk.alert()
    desk.sender.fail = lambda channel, _message: (
        errors.DeliveryError("410 gone", permanent=True) if channel == "desk" else None
    )
    assert desk.run() == 0
    assert desk.get(number).state is State.DEAD
    assert desk.get(number).last_error == "410 gone"
    ((channel, told),) = desk.sender.sent
    assert channel == "ops"
    assert told.subject == "[monitor] a message for channel desk could not be delivered"
    assert "410 gone" in told.text
    assert f"monitor outbox retry {number}" in told.text


def test_a_channel_that_stays_down_is_told_elsewhere_once_a_day(lite: Desk) -> None:
    """After an hour of failures the operator hears of it, long before anything is given up."""
    lite.channels = (a_channel(), a_channel(name="ops", operator=True))
    lite.alert()
    lite.sender.fail = lambda channel, _message: errors.DeliveryError("refused") if channel == "desk" else None

    async def begin() -> None:
        worker = lite.deliverer()
        for _ in range(12):
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
            lite.later(20 * MINUTE)
        await worker.run_until_idle(20 * SECOND)

    asyncio.run(begin())
    ((channel, told),) = lite.sender.sent
    assert (channel, told.subject) == ("ops", "[monitor] channel desk takes no messages")
    assert "since 2026-11-21 12:00 UTC: refused" in told.text


def test_an_operator_alert_never_raises_another(desk: Desk) -> None:
    """When every channel refuses for good, there is one message about each dead alert, and none about those."""
    desk.channels = (a_channel(), a_channel(name="ops", operator=True))
    desk.alert()
    desk.sender.fail = lambda _channel, _message: errors.DeliveryError("gone", permanent=True)
    desk.run()
    assert [dead.kind for dead in desk.all(State.DEAD)] == [
        model.NotificationKind.ALERT,
        model.NotificationKind.OPERATOR,
    ]


def test_many_dead_letters_are_told_once_an_hour(lite: Desk) -> None:
    """A channel that refuses everything does not flood the operator."""
    lite.channels = (a_channel(), a_channel(name="ops", operator=True))
    for _ in range(5):
        lite.alert()
    lite.sender.fail = lambda channel, _message: (
        errors.DeliveryError("unfit", permanent=True, message_only=True) if channel == "desk" else None
    )
    lite.run()
    assert len(lite.all(State.DEAD, "desk")) == 5
    assert len(lite.sender.keys("ops")) == 1


def test_a_dead_letter_is_replayed_with_its_key_and_text(desk: Desk) -> None:
    """`outbox retry` sends what was rendered then."""
    number = desk.alert()
    desk.sender.fail = lambda _channel, _message: errors.DeliveryError("gone", permanent=True)
    desk.run()
    desk.sender.fail = lambda _channel, _message: None
    with desk.store.write() as tx:
        assert outbox.retry(tx, number, desk.clock.now)
    desk.run()
    assert desk.sender.tried[0][1] == desk.sender.sent[0][1]


def test_after_a_day_and_a_half_it_is_given_up(lite: Desk) -> None:
    """A message that fails again and again dies after 36 hours and 14 attempts."""
    number = lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("down")

    async def begin() -> None:
        worker = lite.deliverer()
        while lite.get(number).state is State.PENDING:
            lite.later(HOUR)
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())

    asyncio.run(begin())
    assert 36 * HOUR <= lite.clock.now - NOON <= 38 * HOUR
    assert lite.get(number).attempts >= 14


def test_a_clock_that_jumps_gives_nothing_up(lite: Desk) -> None:
    """A leap of a week between two attempts is no reason to give up, and a leap back no reason to wait."""
    number = lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("down")
    lite.run()
    lite.later(168 * HOUR)
    lite.run()
    assert lite.get(number).state is State.PENDING
    lite.sender.fail = lambda _channel, _message: None
    lite.clock.now = NOON - 24 * HOUR
    lite.run()
    assert lite.get(number).state is State.SENT


def test_what_a_library_raises_is_a_failure_like_another(lite: Desk) -> None:
    """An exception that nobody foresaw puts the message off and stops nothing."""
    number, other = lite.alert(), lite.alert()
    bad = lite.get(number).key
    lite.sender.fail = lambda _channel, message: KeyError("bug") if message.key == bad else None
    lite.run()
    assert lite.get(other).state is State.SENT
    assert (lite.get(number).state, lite.get(number).last_error) == (State.PENDING, "KeyError")


# --- hanging ---


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return a gate at which sends hang until it is opened; it is open in the end."""
    gate = threading.Event()
    yield gate
    gate.set()


def stuck_until(gate: threading.Event) -> Callable[[str, model.Message], Exception | None]:
    """Return a `fail` that hangs until the gate is opened: what hung until then has failed, what comes later passes."""

    def hang(_channel: str, _message: model.Message) -> Exception | None:
        if gate.is_set():
            return None
        gate.wait(20)
        return errors.DeliveryError("too late")

    return hang


def test_a_channel_that_hangs_holds_up_no_other(lite: Desk, gate: threading.Event) -> None:
    """While one channel's send hangs, the other channels deliver; the hung one is tried again later."""
    lite.channels = (a_channel(), a_channel(name="fast"))
    lite.within = SECOND / 10
    stuck = lite.alert()
    for _ in range(3):
        lite.alert("fast")
    stuck_send = stuck_until(gate)
    lite.sender.fail = lambda channel, message: stuck_send(channel, message) if channel == "desk" else None
    lite.run()
    assert len(lite.sender.keys("fast")) == 3
    assert (lite.get(stuck).state, lite.get(stuck).last_error) == (State.PENDING, "no outcome within 0.1 s")


def test_threads_that_hang_are_bounded(lite: Desk, gate: threading.Event) -> None:
    """After three sends that did not come back, no fourth thread is spent on the channel; when they do, it goes on."""
    lite.within = SECOND / 20
    number = lite.alert()
    before = threading.active_count()
    lite.sender.fail = stuck_until(gate)

    async def begin() -> None:
        worker = lite.deliverer()
        for _ in range(6):
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
            lite.later(HOUR)
        assert len(lite.sender.tried) == 3
        assert threading.active_count() - before <= 4
        assert "3 earlier sends" in (lite.get(number).last_error or "")
        gate.set()
        servers.until(lambda: threading.active_count() <= before)
        await worker.run_until_idle(20 * SECOND)

    asyncio.run(begin())
    assert lite.get(number).state is State.SENT


# --- draining ---


def test_a_drain_waits_for_what_is_under_way(lite: Desk, gate: threading.Event) -> None:
    """SIGTERM during a send: the send ends, is settled, and nothing more is begun."""
    first, second = lite.alert(), lite.alert()
    started = threading.Event()

    def slow(_channel: str, _message: model.Message) -> None:
        started.set()
        gate.wait(20)

    lite.sender.fail = slow

    async def begin() -> None:
        worker = lite.deliverer()
        await worker.tick()
        await asyncio.to_thread(started.wait, 10)
        ending = asyncio.create_task(worker.drain(8 * SECOND))
        asyncio.get_running_loop().call_later(0.05, gate.set)
        await ending
        await worker.tick()

    asyncio.run(begin())
    assert lite.get(first).state is State.SENT
    assert (lite.get(second).state, lite.get(second).attempts) == (State.PENDING, 0)


def test_a_drain_gives_back_what_was_not_begun(lite: Desk) -> None:
    """What was claimed, but not sent when the drain began, loses nothing: not even an attempt."""
    number = lite.alert()

    async def begin() -> None:
        worker: deliver.Deliverer

        async def draining(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            result = await call(function, *args, **kwargs)
            if isinstance(result, model.Notification):
                worker._draining = True
            return result

        worker = lite.deliverer(draining)
        await worker.tick()
        await asyncio.gather(*worker._tasks.values())
        await worker.drain()

    asyncio.run(begin())
    assert lite.sender.tried == []
    assert (lite.get(number).state, lite.get(number).attempts) == (State.PENDING, 0)
    assert lite.run() == 0


def test_a_drain_ends_in_time_though_a_send_hangs(lite: Desk, gate: threading.Event) -> None:
    """A send that has no answer at the deadline is left to the next start."""
    number = lite.alert()
    lite.sender.fail = stuck_until(gate)

    async def begin() -> None:
        worker = lite.deliverer()
        await worker.tick()
        await asyncio.to_thread(servers.until, lambda: lite.sender.tried)
        await worker.drain(SECOND / 10)

    asyncio.run(begin())
    assert lite.get(number).state is State.PENDING
