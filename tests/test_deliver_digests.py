"""What goes out together, later or not at all: held messages, digests, limits, silences, operators."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor import alert, deliver, errors, model
from monitor.store import alerts, engine, outbox, silences
from tests import stored
from tests.builders import NOON, a_channel, a_finding, a_silence, an_assignment
from tests.desk import HOUR, MINUTE, SECOND, Desk, State, call


@pytest.fixture
def desk(store: engine.Store) -> Desk:
    """Return a desk with one channel, on each kind of database."""
    return Desk(store)


@pytest.fixture
def lite(sqlite_store: engine.Store) -> Desk:
    """Return a desk with one channel on SQLite, for what the database has no part in."""
    return Desk(sqlite_store)


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


def test_workers_share_the_limit(desk: Desk) -> None:
    """What another worker sent, and what it is sending at this moment, counts; together they send no more."""
    desk.channels = (a_channel(limit=2),)
    desk.alert()
    desk.run()
    on_its_way, number = desk.alert(), desk.alert()
    with desk.store.write() as tx:
        claimed = outbox.claim_next(tx, "desk", desk.clock(), lease="other:1", until=desk.clock() + MINUTE)
        assert claimed is not None
        assert claimed.id == on_its_way
        outbox.store_message(tx, claimed.id, "other:1", model.Message("key", "subject", "text"))
    desk.run()
    assert desk.get(number).state is State.HELD
    with desk.store.write() as tx:
        assert outbox.settle_sent(tx, on_its_way, "other:1", desk.clock())
    desk.later(MINUTE)
    other = desk.alert()
    desk.run()
    assert desk.get(other).state is State.HELD, "until the next digest is due"
    assert desk.get(number).state is State.FOLDED


def test_without_a_limit_nothing_is_folded(lite: Desk) -> None:
    """`limit = "off"` sends each."""
    lite.channels = (a_channel(limit=None),)
    story, _, number = stored.new_story(lite.store)
    for copy in range(61):
        lite.notify("desk", story, number, key=f"alert:{number}:{copy}")
    lite.run()
    assert len(lite.sender.sent) == 61


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


def test_a_digest_counts_what_was_silenced_since_the_one_before(desk: Desk) -> None:
    """What a silence kept back at its decision counts in the next digest, and in no later one."""
    for expected in ("2 alerts; 1 more silenced", "2 alerts"):
        if "silenced" in expected:
            desk.alert(state=State.SILENCED, reason="silenced")
            desk.alert(state=State.SILENCED, reason="dropped")
        for _ in range(2):
            desk.alert(state=State.HELD, batch="quiet")
        desk.run()
        (_, digest) = desk.sender.sent[-1]
        assert digest.text.startswith(f"Quiet hours are over: {expected}\n")


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


@pytest.mark.slow
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
    """An update every ten minutes for three hours: the first at once, then one message an hour with all since."""
    story, _, first = stored.new_story(lite.store)
    lite.notify("desk", story, first)
    lite.run()
    instants = []
    for _ in range(18):
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
    assert instants == [timedelta(minutes=minutes) for minutes in (10, 70, 130)]
    listed = set(re.findall(r"\bA-(\d+)\b", " ".join(message.text for _, message in lite.sender.sent)))
    assert len(listed) == 13
    assert len(lite.all(State.HELD)) == 6  # those of the last hour: 19 alerts in all


def told_now(desk: Desk, story: int) -> model.Told:
    """Return what the desk's channel knows of a story."""
    with desk.store.read() as tx:
        return alerts.told(tx, story, ["desk"])["desk"]
