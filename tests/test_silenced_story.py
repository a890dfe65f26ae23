"""From a silence to the outbox: a silenced story counts as decided."""

from datetime import datetime, timedelta

from monitor import model, pipeline, rules
from monitor.store import engine, outbox, silences
from tests import stored
from tests.builders import NOON, a_channel, a_silence
from tests.e2e.daemon import RULES

HOUR = timedelta(hours=1)
TITLE = "Ministry threatens sanctions over grain shipments"


def decide(store: engine.Store, now: datetime) -> None:
    """Decide what is pending, for one channel."""
    policy = pipeline.Policy(default_first=model.FirstPoll.ALERT)
    deciding = pipeline.Deciding(store, rules.from_files({"own.yaml": RULES}), [a_channel()], policy, now)
    deciding.run_pass(now)


def outcomes(store: engine.Store) -> list[model.NotificationState]:
    """Return the states of the channel's notifications, the oldest first."""
    with store.read() as tx:
        return [notification.state for notification in outbox.list_notifications(tx)][::-1]


def test_a_story_that_was_silenced_is_not_announced_by_its_next_entry(store: engine.Store) -> None:
    """After the silence's end what only retells the story is no news; another story is."""
    with store.write() as tx:
        silences.add(tx, a_silence(starts_at=NOON, ends_at=NOON + HOUR))
    stored.add_entries(store, TITLE, published_at=NOON)
    decide(store, NOON)
    assert outcomes(store) == [model.NotificationState.SILENCED]
    later = NOON + 2 * HOUR
    stored.add_entries(store, TITLE, feed="Gazette", at=later, published_at=later)
    decide(store, later)
    assert outcomes(store) == [model.NotificationState.SILENCED]
    other = "Council warns miners of uranium sanctions"
    stored.add_entries(store, other, feed="Gazette", at=later + HOUR, published_at=later + HOUR)
    decide(store, later + HOUR)
    assert outcomes(store) == [model.NotificationState.SILENCED, model.NotificationState.PENDING]
