"""From the outbox to the channels: at least once, one key, one text, nobody waits for another."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor import alert, deliver, errors, model
from monitor.store import alerts, engine, outbox, silences
from tests import servers, stored
from tests.builders import NOON, a_channel, a_finding, a_silence, an_assignment

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
State = model.NotificationState


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


class Recorder:
    """A sender that writes down what it sends; `fail` says what to raise for a message."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, model.Message]] = []
        self.sent: list[tuple[str, model.Message]] = []
        self.fail: Callable[[str, model.Message], Exception | None] = lambda _channel, _message: None

    def send(self, channel: model.Channel, message: model.Message) -> None:
        """Record, and raise what `fail` returns."""
        self.tried.append((channel.name, message))
        error = self.fail(channel.name, message)
        if error:
            raise error
        self.sent.append((channel.name, message))

    def keys(self, channel: str = "desk") -> list[str]:
        """Return the keys of what arrived at a channel."""
        return [message.key for name, message in self.sent if name == channel]


async def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Run a store function where we are."""
    await asyncio.sleep(0)
    return function(*args, **kwargs)


class Desk:
    """A store, a clock, a sender and channels, and the deliverer over them."""

    def __init__(self, store: engine.Store, *channels: model.Channel) -> None:
        self.store = store
        self.clock = Clock()
        self.sender = Recorder()
        self.channels = channels or (a_channel(),)
        self.within = 8 * SECOND

    def deliverer(self, calling: Any = call) -> deliver.Deliverer:
        """Return a deliverer as after a start."""
        return deliver.Deliverer(
            self.store, calling, self.channels, self.sender, clock=self.clock, jitter=lambda: 0.0, within=self.within
        )

    def run(self, work: Callable[[deliver.Deliverer], Coroutine[Any, Any, Any]] | None = None) -> int:
        """Deliver what is ready, as `monitor poll` does; returns how many wait."""

        async def begin() -> int:
            worker = self.deliverer()
            if work:
                await work(worker)
            return await worker.run_until_idle(20 * SECOND)

        return asyncio.run(begin())

    def later(self, span: timedelta) -> None:
        """Let time pass."""
        self.clock.now += span
        stored.let_pass(self.store, span)

    def alert(self, channel: str = "desk", **changes: Any) -> int:
        """Add an alert of a new story with its notification; returns the notification's id."""
        story, _, alert_id = stored.new_story(self.store, changes.pop("title", "US warns Pyongyang"))
        return self.notify(channel, story, alert_id, **changes)

    def notify(self, channel: str, story: int, alert_id: int, **changes: Any) -> int:
        """Add a notification of an alert."""
        key = f"alert:{alert_id}:{channel}"
        plain: dict[str, Any] = {"key": key, "story_id": story, "alert_ids": (alert_id,), "now": self.clock.now}
        return stored.notify(self.store, channel, **plain | changes)

    def get(self, notification_id: int) -> model.Notification:
        """Return a notification as it is stored."""
        with self.store.read() as tx:
            return outbox.get(tx, notification_id)

    def all(self, state: State, channel: str | None = None) -> tuple[model.Notification, ...]:
        """Return the notifications in a state, the oldest first."""
        with self.store.read() as tx:
            return outbox.list_notifications(tx, state=state, channel=channel, limit=1000)[::-1]


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
    """A message that fails again and again dies between 36 and 60 hours, after 14 attempts at least."""
    number = lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("down")

    async def begin() -> None:
        worker = lite.deliverer()
        while lite.get(number).state is State.PENDING:
            lite.later(20 * MINUTE)
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())

    asyncio.run(begin())
    assert 36 * HOUR <= lite.clock.now - NOON <= 37 * HOUR
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


# --- held, digests, limits, silences ---


def test_what_was_held_alone_goes_as_it_is(desk: Desk) -> None:
    """One alert of the night arrives in the morning as an alert."""
    number = desk.alert(state=State.HELD, batch="quiet", ready_at=NOON + HOUR)
    assert desk.run() == 1
    desk.later(HOUR)
    desk.run()
    assert desk.get(number).state is State.SENT
    assert desk.sender.sent[0][1].subject.startswith("[HIGH] Sanctions threat")


def test_what_was_held_together_goes_as_one_digest(desk: Desk) -> None:
    """Several alerts of the night arrive as one message that lists each."""
    numbers = [
        desk.alert(title=f"Headline {n}", state=State.HELD, batch="quiet", ready_at=NOON + HOUR) for n in range(3)
    ]
    desk.later(HOUR)
    desk.run()
    ((_, digest),) = desk.sender.sent
    assert digest.key == f"digest:desk:quiet:{numbers[0]}"
    assert digest.subject.startswith("[HIGH] Quiet hours are over: 3 alerts")
    assert all(f"Headline {n}" in digest.text for n in range(3))
    assert {desk.get(number).state for number in numbers} == {State.FOLDED}


def test_gathered_updates_thread_under_their_story(desk: Desk) -> None:
    """A digest of a story's updates names the story and refers to its first message."""
    story, _, first = stored.new_story(desk.store)
    desk.notify("desk", story, first)
    desk.run()
    for _ in range(2):
        _, _, update = stored.decide(desk.store, stored.new_entry(desk.store), story_id=story, kind=model.Kind.UPDATE)
        desk.notify("desk", story, update, state=State.HELD, batch=f"update:{story}")
    desk.run()
    digest = desk.sender.sent[1][1]
    assert digest.thread == f"alert:{first}:desk"
    assert 'Updates of "US warns Pyongyang' in digest.subject


def test_a_first_poll_is_one_digest_though_it_was_decided_bit_by_bit(lite: Desk) -> None:
    """What is due some seconds later goes with the first of its batch."""
    for seconds in range(5):
        lite.alert(state=State.HELD, batch="first", ready_at=NOON + MINUTE + seconds * SECOND)
    lite.later(MINUTE)
    lite.run()
    ((_, digest),) = lite.sender.sent
    assert "Already running when added: 5 alerts" in digest.subject


def test_a_channel_that_was_mended_is_tried_at_once(lite: Desk) -> None:
    """A new URL for a channel ends its rest."""
    lite.alert()
    lite.alert()
    lite.sender.fail = lambda _channel, _message: errors.DeliveryError("401", permanent=True)

    async def begin() -> None:
        worker = lite.deliverer()
        await worker.tick()
        await asyncio.gather(*worker._tasks.values())
        assert len(lite.sender.tried) == 1
        lite.sender.fail = lambda _channel, _message: None
        worker.set_channels([a_channel(url="json://localhost/mended")])
        await worker.run_until_idle(20 * SECOND)

    asyncio.run(begin())
    assert len(lite.sender.sent) == 1


def test_batches_of_channels_do_not_mix(lite: Desk) -> None:
    """Each channel and each batch has its own digest."""
    lite.channels = (a_channel(), a_channel(name="legal"))
    for channel in ("desk", "legal"):
        for batch in ("quiet", "first"):
            for _ in range(2):
                lite.alert(channel, state=State.HELD, batch=batch)
    lite.run()
    assert len(lite.sender.keys("desk")) == len(lite.sender.keys("legal")) == 2


def test_a_burst_becomes_one_digest_that_lists_every_alert(desk: Desk) -> None:
    """Above the channel's limit alerts are folded; none is lost, and critical ones go at once."""
    desk.channels = (a_channel(limit=3),)
    for n in range(8):
        desk.alert(title=f"Headline {n}")
    critical = desk.alert(title="War", level=model.Level.CRITICAL)
    desk.run()
    assert len(desk.sender.sent) == 4
    assert desk.get(critical).state is State.SENT
    desk.later(MINUTE)
    desk.run()
    digest = desk.sender.sent[-1][1]
    assert digest.subject.startswith("[HIGH] More than 3 alerts in an hour: 5 alerts")
    assert all(f"Headline {n}" in digest.text for n in range(3, 8))
    desk.later(HOUR)
    desk.alert(title="Later")
    desk.run()
    assert "Later" in desk.sender.sent[-1][1].subject


def test_new_stories_do_not_share_the_limit_of_updates(lite: Desk) -> None:
    """When updates have used up their limit, a new story still goes at once."""
    lite.channels = (a_channel(limit=2),)
    story, _, first = stored.new_story(lite.store)
    lite.notify("desk", story, first)
    for _ in range(3):
        _, _, update = stored.decide(lite.store, stored.new_entry(lite.store), story_id=story, kind=model.Kind.UPDATE)
        lite.notify("desk", story, update)
    new = lite.alert()
    lite.run()
    assert lite.get(new).state is State.SENT
    assert len(lite.sender.sent) == 4


def test_a_restart_does_not_lift_the_limit(lite: Desk) -> None:
    """What was sent within the hour before the start counts."""
    lite.channels = (a_channel(limit=3),)
    for _ in range(3):
        lite.alert()
    lite.run()
    number = lite.alert()
    lite.run()
    assert lite.get(number).state is State.HELD


def test_without_a_limit_nothing_is_folded(lite: Desk) -> None:
    """`limit = "off"` sends each."""
    lite.channels = (a_channel(limit=None),)
    story, _, number = stored.new_story(lite.store)
    for copy in range(63):
        lite.notify("desk", story, number, key=f"alert:{number}:{copy}")
    lite.run()
    assert len(lite.sender.sent) == 63


def test_a_silence_after_the_decision_still_holds(desk: Desk) -> None:
    """What a silence covers when its turn comes is not sent, and the silence is named."""
    number = desk.alert()
    with desk.store.write() as tx:
        silence = silences.add(tx, a_silence())
    desk.run()
    assert desk.sender.tried == []
    assert desk.get(number).state is State.SILENCED
    assert silence


def test_a_digest_leaves_out_and_counts_what_is_silenced(desk: Desk) -> None:
    """A digest says how many more there would have been."""
    stories = []
    for n in range(3):
        story, _, alert_id = stored.new_story(desk.store, f"Headline {n}")
        stories.append(story)
        desk.notify("desk", story, alert_id, state=State.HELD, batch="quiet")
    with desk.store.write() as tx:
        silences.add(tx, a_silence(kind=model.SilenceKind.STORY, value=str(stories[1])))
    desk.run()
    ((_, digest),) = desk.sender.sent
    assert "2 alerts; 1 more silenced" in digest.subject
    assert "Headline 1" not in digest.text


def test_a_message_that_says_nothing_is_dead(lite: Desk) -> None:
    """A notification without an alert and without a text is given up, and told."""
    number = stored.notify(lite.store)
    lite.run()
    assert (lite.get(number).state, lite.sender.tried) == (State.DEAD, [])


def test_what_another_worker_took_is_not_sent(lite: Desk) -> None:
    """When the claim is lost before the text is stored, nothing is sent."""
    number = lite.alert()

    async def losing(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        result = await call(function, *args, **kwargs)
        if isinstance(result, model.Notification):
            with lite.store.write() as tx:
                outbox.drop(tx, number)
        return result

    async def begin() -> None:
        await lite.deliverer(losing).run_until_idle(20 * SECOND)

    asyncio.run(begin())
    assert lite.sender.tried == []


def test_what_another_worker_took_is_not_settled(lite: Desk) -> None:
    """When the claim is lost during the send, the outcome is the other worker's."""
    number = lite.alert()

    def lose(_channel: str, _message: model.Message) -> None:
        with lite.store.write() as tx:
            outbox.drop(tx, number)

    lite.sender.fail = lose
    lite.run()
    assert lite.get(number).state is State.SILENCED


def test_a_message_that_cannot_be_written_holds_up_no_other(lite: Desk) -> None:
    """An error while rendering puts that message off; the next one goes."""
    lite.channels = (a_channel(zone="Nowhere/Atall"),)
    bad = lite.alert()
    good = stored.notify(lite.store, message=model.Message("k", "subject", "text"))
    lite.run()
    assert lite.get(good).state is State.SENT
    assert lite.get(bad).state is State.PENDING
    assert "cannot be written" in (lite.get(bad).last_error or "")


def test_the_operator_is_told_on_marked_channels_once_a_topic(desk: Desk) -> None:
    """Marked channels get it, all when none is marked; the same topic is told once."""
    channels = (a_channel(), a_channel(name="ops", operator=True))
    told: dict[str, Any] = {"topic": "rules-broken:1", "subject": "rules are broken", "text": "mend them", "now": NOON}
    with desk.store.write() as tx:
        assert deliver.tell_operator(tx, channels, **told) == 1
        assert deliver.tell_operator(tx, channels, **told) == 0
        assert deliver.tell_operator(tx, channels[:1], **told) == 1
    desk.channels = channels
    desk.run()
    assert sorted((name, message.subject) for name, message in desk.sender.sent) == [
        ("desk", "[monitor] rules are broken"),
        ("ops", "[monitor] rules are broken"),
    ]


def test_a_fortnight_of_quiet_nights_over_a_change_of_clocks(lite: Desk) -> None:
    """Three alerts a day in Berlin while the clocks go back: no night is disturbed, and none is held for a day."""
    quiet = model.QuietHours(time(22), time(7), breaks=model.Level.CRITICAL)
    lite.channels = (a_channel(zone="Europe/Berlin", quiet=quiet, limit=None),)
    zone = ZoneInfo("Europe/Berlin")
    lite.clock.now = datetime(2026, 10, 18, tzinfo=UTC)
    disturbed: list[datetime] = []
    lite.sender.fail = lambda _channel, _message: disturbed.append(lite.clock.now)
    came: dict[int, datetime] = {}

    async def begin() -> None:
        worker = lite.deliverer()
        for hour in range(14 * 24):
            if hour % 8 == 3:
                entry = stored.new_entry(lite.store, at=lite.clock.now, published_at=lite.clock.now)
                decision = decided(entry, lite)
                story, _, alert_id = stored.decide(lite.store, entry, now=lite.clock.now)
                state = State.PENDING if decision.verdict is model.Verdict.SEND else State.HELD
                ready_at = decision.until_at or lite.clock.now
                number = lite.notify("desk", story, alert_id, state=state, ready_at=ready_at, batch=decision.batch)
                came[number] = lite.clock.now
            await worker.tick()
            await asyncio.gather(*worker._tasks.values())
            lite.later(HOUR)

    asyncio.run(begin())
    assert len(came) == 42
    assert {lite.get(number).state for number in came} <= {State.SENT, State.FOLDED}
    assert [at.astimezone(zone) for at in disturbed if not 7 <= at.astimezone(zone).hour < 22] == []
    assert len(disturbed) > 28  # a digest each morning at the latest, and what came by day


def decided(entry: model.Entry, desk: Desk) -> model.Decision:
    """Decide a new story of medium level for the desk's channel, now."""
    return alert.decide(
        a_finding(entry=entry, level=model.Level.MEDIUM),
        desk.channels[0],
        model.Told(),
        [],
        now=desk.clock.now,
        update_every=HOUR,
        max_entry_age=48 * HOUR,
        first=model.FirstPoll.ALERT,
    )


def test_told_counts_what_waits(desk: Desk) -> None:
    """A held message counts as told, so that its story is not announced twice."""
    story, _, alert_id = stored.new_story(desk.store)
    desk.notify("desk", story, alert_id, state=State.HELD, batch="quiet")
    assert told_now(desk, story).told


def test_updates_of_a_story_come_at_most_hourly(lite: Desk) -> None:
    """An update every ten minutes for six hours: the first at once, then one message an hour with all since."""
    story, _, first = stored.new_story(lite.store)
    lite.notify("desk", story, first)
    lite.run()
    instants = []
    for _ in range(36):
        lite.later(10 * MINUTE)
        before = len(lite.sender.sent)
        lite.run()
        entry = stored.new_entry(lite.store, at=lite.clock.now)
        told = told_now(lite, story)
        assignment = an_assignment(kind=model.Kind.UPDATE, story_id=story)
        decision = alert.decide(
            a_finding(entry=entry, assignment=assignment),
            lite.channels[0],
            told,
            [],
            now=lite.clock.now,
            update_every=HOUR,
            max_entry_age=48 * HOUR,
            first=model.FirstPoll.DIGEST,
        )
        _, _, number = stored.decide(lite.store, entry, story_id=story, kind=model.Kind.UPDATE, now=lite.clock.now)
        state = State.PENDING if decision.verdict is model.Verdict.SEND else State.HELD
        ready_at = decision.until_at or lite.clock.now
        lite.notify("desk", story, number, state=state, ready_at=ready_at, batch=decision.batch)
        lite.run()
        instants += [lite.clock.now - NOON] * (len(lite.sender.sent) - before)
    assert instants == [timedelta(minutes=minutes) for minutes in (10, 70, 130, 190, 250, 310)]
    listed = set(re.findall(r"\bA-(\d+)\b", " ".join(message.text for _, message in lite.sender.sent)))
    assert len(listed) == 31
    assert len(lite.all(State.HELD)) == 6  # those of the last hour: 37 alerts in all


def told_now(desk: Desk, story: int) -> model.Told:
    """Return what the desk's channel knows of a story."""
    with desk.store.read() as tx:
        return alerts.told(tx, story, ["desk"])["desk"]
