"""The outbox: claims, settlements, held messages and digests."""

import dataclasses
from datetime import timedelta

import pytest

from monitor import model
from monitor.store import engine, outbox
from tests import stored
from tests.stored import MINUTE, NOON

SENT, DEAD, HELD = model.NotificationState.SENT, model.NotificationState.DEAD, model.NotificationState.HELD
PENDING, FOLDED, SILENCED = (
    model.NotificationState.PENDING,
    model.NotificationState.FOLDED,
    model.NotificationState.SILENCED,
)


def state_of(store: engine.Store, notification_id: int) -> model.NotificationState:
    """Return where a notification stands."""
    with store.read() as tx:
        return outbox.get(tx, notification_id).state


def test_a_notification_is_claimed_rendered_and_sent(store: engine.Store) -> None:
    """The common way: claim, store the message, send, settle."""
    story, _, alert = stored.new_story(store)
    number = stored.notify(store, key="alert:7:desk", story_id=story, alert_ids=(alert,), batch="b")
    claimed = stored.claim_message(store)
    assert claimed == model.Notification(
        id=number,
        key="alert:7:desk",
        kind=model.NotificationKind.ALERT,
        channel="desk",
        state=PENDING,
        created_at=NOON,
        ready_at=NOON,
        level=model.Level.HIGH,
        story_id=story,
        batch="b",
        attempts=1,
        lease="send",
        alert_ids=(alert,),
    )
    message = model.Message(
        "alert:7:desk", "subject", "текст", "<p>html</p>", "thread", model.Level.HIGH, {"n": [1, None]}
    )
    with store.write() as tx:
        assert outbox.store_message(tx, number, "send", message)
        assert outbox.settle_sent(tx, number, "send", NOON + MINUTE)
    with store.read() as tx:
        sent = outbox.get(tx, number)
    assert (sent.state, sent.sent_at, sent.message, sent.lease) == (SENT, NOON + MINUTE, message, "")
    assert stored.claim_message(store) is None


def test_a_key_is_stored_once(store: engine.Store) -> None:
    """The same key a second time, in one call or in two, adds nothing and changes nothing."""
    new = outbox.NewNotification(
        "operator:1", model.NotificationKind.OPERATOR, "desk", PENDING, model.Level.HIGH, NOON, reason="first"
    )
    with store.write() as tx:
        assert outbox.add(tx, [new, dataclasses.replace(new, reason="second")], NOON) == 1
        assert outbox.add(tx, [dataclasses.replace(new, channel="other")], NOON) == 0
        assert outbox.add(tx, [], NOON) == 0
        assert [one.channel for one in outbox.list_notifications(tx)] == ["desk"]


def test_a_channel_sees_only_its_own(store: engine.Store) -> None:
    """Each channel claims its own notifications, the oldest first, once they are ready."""
    later = stored.notify(store, ready_at=NOON + MINUTE)
    ready = stored.notify(store)
    assert stored.claim_message(store, "other") is None
    first, second = stored.claim_message(store), stored.claim_message(store)
    assert first is not None
    assert first.id == ready
    assert second is None
    claimed = stored.claim_message(store, now=NOON + MINUTE)
    assert claimed is not None
    assert claimed.id == later


def test_what_is_retried_holds_up_its_own_story_alone(store: engine.Store) -> None:
    """Messages of one story keep their order on a channel; other stories and channels do not wait."""
    one, _, _ = stored.new_story(store)
    other, _, _ = stored.new_story(store)
    first = stored.notify(store, story_id=one)
    stored.notify(store, story_id=one)
    elsewhere = stored.notify(store, "mail", story_id=one)
    unrelated = stored.notify(store, story_id=other)
    storyless = stored.notify(store)
    assert stored.claim_message(store) is not None
    with store.write() as tx:
        assert outbox.settle_retry(tx, first, "send", NOON + 10 * MINUTE, "HTTP 503")
    claimed = [stored.claim_message(store, lease=f"send {number}") for number in range(3)]
    assert [one and one.id for one in claimed] == [unrelated, storyless, None]
    mail = stored.claim_message(store, "mail")
    assert mail is not None
    assert mail.id == elsewhere
    again = stored.claim_message(store, now=NOON + 10 * MINUTE)
    assert again is not None
    assert (again.id, again.attempts, again.last_error) == (first, 2, "HTTP 503")


def test_what_was_never_tried_holds_nothing_up(store: engine.Store) -> None:
    """A message that is not ready yet lets a later one of its story pass."""
    story, _, _ = stored.new_story(store)
    stored.notify(store, story_id=story, ready_at=NOON + MINUTE)
    second = stored.notify(store, story_id=story)
    claimed = stored.claim_message(store)
    assert claimed is not None
    assert claimed.id == second


def test_a_claim_that_expired_is_claimed_again(store: engine.Store) -> None:
    """After a crash the same message goes out again with the same text, and the old claim settles nothing."""
    number = stored.notify(store)
    message = model.Message("key", "subject", "text")
    stored.claim_message(store, lease="crashed")
    with store.write() as tx:
        outbox.store_message(tx, number, "crashed", message)
    assert stored.claim_message(store) is None
    stored.let_pass(store, 2 * MINUTE)
    again = stored.claim_message(store, now=NOON + 2 * MINUTE, lease="next")
    assert again is not None
    assert (again.attempts, again.message) == (2, message)
    with store.write() as tx:
        assert not outbox.settle_sent(tx, number, "crashed", NOON)
        assert not outbox.settle_retry(tx, number, "crashed", NOON, "x")
        assert not outbox.settle_dead(tx, number, "crashed", "x", NOON)
        assert not outbox.settle_silenced(tx, number, "crashed", "silence 3")
        assert not outbox.settle_held(tx, number, "crashed", NOON, "", "")
        assert not outbox.release(tx, number, "crashed")
        assert not outbox.store_message(tx, number, "crashed", message)
        assert outbox.settle_sent(tx, number, "next", NOON)


def test_a_clean_stop_costs_no_attempt(store: engine.Store) -> None:
    """A notification that is given back untried was not attempted."""
    number = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        assert outbox.release(tx, number, "send")
    claimed = stored.claim_message(store)
    assert claimed is not None
    assert claimed.attempts == 1


def test_the_dead_are_retried_by_people(store: engine.Store) -> None:
    """A dead letter stays until a person retries it; it then starts afresh."""
    number = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        assert not outbox.retry(tx, number, NOON)
        assert outbox.settle_dead(tx, number, "send", "HTTP 410", NOON)
    assert state_of(store, number) is DEAD
    assert stored.claim_message(store, now=NOON + timedelta(days=1)) is None
    with store.write() as tx:
        assert outbox.retry(tx, number, NOON + timedelta(days=1))
    claimed = stored.claim_message(store, now=NOON + timedelta(days=1))
    assert claimed is not None
    assert (claimed.attempts, claimed.last_error) == (1, "HTTP 410")


def test_what_is_dropped_is_never_sent(store: engine.Store) -> None:
    """A person may drop what was not sent; whoever is sending it loses the lease; what was sent stays sent."""
    number = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        assert outbox.drop(tx, number)
        assert not outbox.settle_retry(tx, number, "send", NOON, "x")
        assert not outbox.drop(tx, number)
    assert state_of(store, number) is SILENCED
    sent = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        outbox.settle_sent(tx, sent, "send", NOON)
        assert not outbox.drop(tx, sent)


def test_a_silence_at_the_claim_settles_it(store: engine.Store) -> None:
    """What a silence covers by now ends as silenced."""
    number = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        assert outbox.settle_silenced(tx, number, "send", "silence 3")
    assert state_of(store, number) is SILENCED


def test_what_is_held_goes_out_when_it_is_due(store: engine.Store) -> None:
    """Held notifications are listed when their time has come, and go out once they are released."""
    early = stored.notify(store, state=HELD, ready_at=NOON + MINUTE)
    late = stored.notify(store, state=HELD, ready_at=NOON + timedelta(hours=2))
    jumped = stored.notify(store, state=HELD, ready_at=NOON + timedelta(days=400))
    assert stored.claim_message(store, now=NOON + timedelta(days=1)) is None
    with store.read() as tx:
        due = outbox.list_due_held(tx, NOON + MINUTE)
    assert [one.id for one in due] == [early, jumped]
    with store.write() as tx:
        assert outbox.release_held(tx, [early, jumped], NOON + MINUTE) == 2
        assert outbox.release_held(tx, [early], NOON + MINUTE) == 0
    assert state_of(store, late) is HELD
    claimed = stored.claim_message(store, now=NOON + MINUTE)
    assert claimed is not None
    assert claimed.id == early


def test_a_claimed_message_may_be_held_again(store: engine.Store) -> None:
    """Quiet hours that began meanwhile hold a message without costing it an attempt."""
    number = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        assert outbox.settle_held(tx, number, "send", NOON + timedelta(hours=8), "quiet", "quiet_hours")
        held = outbox.get(tx, number)
    assert (held.state, held.ready_at, held.batch, held.attempts) == (HELD, NOON + timedelta(hours=8), "quiet", 0)


def a_digest(key: str = "digest:desk:1") -> outbox.NewNotification:
    """Return a digest for the desk."""
    return outbox.NewNotification(key, model.NotificationKind.DIGEST, "desk", PENDING, model.Level.HIGH, NOON + MINUTE)


def test_a_digest_brings_every_alert(store: engine.Store) -> None:
    """Folding adds one digest with all alerts; the notifications are folded and go out no more."""
    (story, _, one), (other, _, two) = stored.new_story(store), stored.new_story(store)
    held = stored.notify(store, state=HELD, story_id=story, alert_ids=(one,))
    pending = stored.notify(store, story_id=other, alert_ids=(two,))
    with store.write() as tx:
        assert outbox.fold(tx, [held, pending], a_digest(), NOON) == 2
    assert (state_of(store, held), state_of(store, pending)) == (FOLDED, FOLDED)
    claimed = stored.claim_message(store, now=NOON + MINUTE)
    assert claimed is not None
    assert (claimed.key, claimed.alert_ids) == ("digest:desk:1", (one, two))
    assert stored.claim_message(store, now=NOON + MINUTE) is None


def test_what_is_under_way_stays_out_of_a_digest(store: engine.Store) -> None:
    """A message that is being sent is not folded; without any other there is no digest."""
    number = stored.notify(store)
    stored.claim_message(store)
    with store.write() as tx:
        assert outbox.fold(tx, [number], a_digest(), NOON) == 0
        assert outbox.find_by_key(tx, "digest:desk:1") is None
    assert state_of(store, number) is PENDING


def test_a_digests_key_is_used_once(store: engine.Store) -> None:
    """Where the digest's key is taken nothing is folded, so that nothing is lost in a digest that went out before."""
    first, second = stored.notify(store, state=HELD), stored.notify(store, state=HELD)
    with store.write() as tx:
        assert outbox.fold(tx, [first], a_digest(), NOON) == 1
        assert outbox.fold(tx, [second], a_digest(), NOON) == 0
    assert state_of(store, second) is HELD


def test_a_thread_begins_with_what_was_sent_first(store: engine.Store) -> None:
    """The thread of a story is the key of the first message that was really sent to the channel."""
    story, _, _ = stored.new_story(store)
    keys = ["alert:a:desk", "alert:b:desk", "alert:c:desk"]
    dead, first, second = (stored.notify(store, key=key, story_id=story) for key in keys)
    with store.write() as tx:
        assert outbox.thread_key(tx, story, "desk") == ""
    for number, minutes in ((dead, 0), (first, 1), (second, 2)):
        stored.claim_message(store)
        with store.write() as tx:
            if number == dead:
                outbox.settle_dead(tx, number, "send", "x", NOON)
            else:
                outbox.settle_sent(tx, number, "send", NOON + minutes * MINUTE)
    with store.read() as tx:
        assert outbox.thread_key(tx, story, "desk") == "alert:b:desk"
        assert outbox.thread_key(tx, story, "mail") == ""


def test_the_outbox_is_counted(store: engine.Store) -> None:
    """Counts by channel and state, what was sent of late, and the age of what waits."""
    with store.read() as tx:
        assert outbox.oldest_pending_at(tx) is None
        assert outbox.next_ready_at(tx, "desk") is None
    sent = stored.notify(store)
    stored.notify(store, now=NOON + MINUTE, ready_at=NOON + 5 * MINUTE)
    stored.notify(store, "mail", state=HELD)
    stored.claim_message(store)
    with store.write() as tx:
        outbox.settle_sent(tx, sent, "send", NOON)
        assert outbox.counts(tx) == {("desk", SENT): 1, ("desk", PENDING): 1, ("mail", HELD): 1}
        assert outbox.oldest_pending_at(tx) == outbox.oldest_pending_at(tx, "desk") == NOON + MINUTE
        assert outbox.oldest_pending_at(tx, "mail") is None
        assert outbox.next_ready_at(tx, "desk") == NOON + 5 * MINUTE


def test_notifications_are_listed(store: engine.Store) -> None:
    """The newest comes first; by state, channel and alert."""
    story, _, alert = stored.new_story(store)
    first = stored.notify(store, story_id=story, alert_ids=(alert,))
    second = stored.notify(store, "mail", state=HELD)
    with store.read() as tx:
        assert [one.id for one in outbox.list_notifications(tx)] == [second, first]
        assert [one.id for one in outbox.list_notifications(tx, state=HELD)] == [second]
        assert [one.id for one in outbox.list_notifications(tx, channel="desk")] == [first]
        assert [one.id for one in outbox.list_notifications(tx, alert_id=alert)] == [first]
        assert len(outbox.list_notifications(tx, limit=1)) == 1
        with pytest.raises(KeyError):
            outbox.get(tx, second + 1)
