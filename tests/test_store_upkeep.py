"""What time does to the store."""

from datetime import timedelta

from monitor import model, pipeline
from monitor.store import engine, entries, facts, feeds, outbox, stories, upkeep
from tests import builders, test_pipeline

NOW = builders.NOON


def test_old_texts_go_and_keys_stay(store: engine.Store) -> None:
    """An entry beyond its time loses its text, its decision and its alert; its key still keeps it from coming back."""
    desk = test_pipeline._desk(store, [test_pipeline.WARNING, "Weather is fine"])
    assert desk.run_pass(NOW) == pipeline.Pass(2, 1, 1)
    _send_all(store)
    with store.write() as tx:
        assert upkeep.prune(tx, NOW - timedelta(days=1)) == 0
        assert upkeep.prune(tx, NOW + timedelta(days=1)) == 2
        assert upkeep.prune(tx, NOW + timedelta(days=1)) == 0
    with store.read() as tx:
        feed = feeds.get_feed(tx, "Wire")
        assert set(feeds.known_entries(tx, feed.id, ["0", "1"])) == {"0", "1"}
        assert entries.search(tx, "weather") == ()
        assert stories.list_decisions(tx) == ()
        assert stories.list_alerts(tx) == ()
        assert outbox.list_notifications(tx, limit=5) == ()


def test_where_messages_stand_is_forgotten_with_them(store: engine.Store) -> None:
    """The places of old threads go; other facts stay."""
    with store.write() as tx:
        for name in ("place:alert:7:desk", "identity"):
            facts.put(tx, name, {"id": "1"}, NOW)
        upkeep.prune(tx, NOW)
        assert facts.find(tx, "place:alert:7:desk") is not None
        upkeep.prune(tx, NOW + timedelta(days=1))
        assert facts.find(tx, "place:alert:7:desk") is None
        assert facts.find(tx, "identity") is not None


def test_what_waits_is_never_pruned(store: engine.Store) -> None:
    """A message that is not out yet stays, however old, and so does an entry that is not decided."""
    test_pipeline._desk(store, [test_pipeline.WARNING])
    with store.write() as tx:
        assert upkeep.prune(tx, NOW + timedelta(days=1)) == 0
    test_pipeline._deciding(store).run_pass(NOW)
    with store.write() as tx:
        upkeep.prune(tx, NOW + timedelta(days=1))
    with store.read() as tx:
        [message] = outbox.list_notifications(tx, limit=5)
        assert stories.alerts(tx, message.alert_ids)[0].entry.title == test_pipeline.WARNING


def test_due_times_move_with_the_clock(store: engine.Store) -> None:
    """After a clock was set back an hour, what was due in a minute is due in a minute."""
    test_pipeline._desk(store, [test_pipeline.WARNING]).run_pass(NOW)
    with store.write() as tx:
        upkeep.move_due_times(tx, timedelta(hours=-1))
    with store.read() as tx:
        assert feeds.next_due_at(tx) == NOW - timedelta(hours=1)
        [message] = outbox.list_notifications(tx, limit=5)
        assert message.ready_at == NOW - timedelta(hours=1)


def test_what_was_planned_since_a_jump_ahead_stays(store: engine.Store) -> None:
    """Ten minutes after noon the clock jumps to four: what was due before is due then, what is planned since stays."""
    test_pipeline._desk(store, [test_pipeline.WARNING]).run_pass(NOW + timedelta(hours=4))
    with store.write() as tx:
        upkeep.move_due_times(tx, timedelta(hours=3, minutes=50), NOW + timedelta(hours=4))
    with store.read() as tx:
        assert feeds.next_due_at(tx) == NOW + timedelta(hours=3, minutes=50)
        [message] = outbox.list_notifications(tx, limit=5)
        assert message.ready_at == NOW + timedelta(hours=4)


def _send_all(store: engine.Store) -> None:
    with store.write() as tx:
        while found := outbox.claim_next(tx, "desk", NOW, lease="x", until=NOW + timedelta(minutes=1)):
            assert found.state is model.NotificationState.PENDING
            outbox.settle_sent(tx, found.id, "x", NOW)
