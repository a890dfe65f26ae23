"""What the daemon's store knows, looked at again and again, reading only. Shell."""

from dataclasses import dataclass, field

from monitor import model
from monitor.store import engine, entries, outbox, stories

_MANY = 10_000


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, with the title of the story that its entry opened or joined."""

    record: stories.DecisionRecord
    story_title: str


@dataclass(frozen=True, slots=True)
class Look:
    """What is new since the last look, in the order in which it happened, and how everything stands.

    waiting: entries that are not processed and notifications that are not settled.
    """

    decided: tuple[Decided, ...] = ()
    unmatched: tuple[model.Entry, ...] = ()
    waiting: int = 0


@dataclass(slots=True)
class Follower:
    """Follows one store. Everything that it saw is kept, for the summary."""

    store: engine.Store
    decided: list[Decided] = field(default_factory=list)
    unmatched: dict[tuple[int, int], model.Entry] = field(default_factory=dict)
    notifications: tuple[model.Notification, ...] = ()
    alerts: dict[int, model.Alert] = field(default_factory=dict)

    def look(self) -> Look:
        """Look once. Raises StoreError."""
        with self.store.read() as tx:
            last = self.decided[-1].record.id if self.decided else 0
            fresh = [record for record in stories.list_decisions(tx, limit=_MANY) if record.id > last]
            decided = [
                Decided(record, stories.get_story(tx, record.story_id).title)
                for record in sorted(fresh, key=lambda record: record.id)
            ]
            records = entries.search(tx, "", decision="unmatched", limit=_MANY)
            pending = entries.count_pending(tx)
            self.notifications = outbox.list_notifications(tx, limit=_MANY)
            self.alerts = {alert.id: alert for alert in stories.list_alerts(tx, limit=_MANY)}
        unmatched = {
            (record.entry.id, record.entry.revision): record.entry
            for record in sorted(records, key=lambda record: record.entry.id)
        }
        new = [entry for key, entry in unmatched.items() if key not in self.unmatched]
        self.decided += decided
        self.unmatched |= unmatched
        return Look(tuple(decided), tuple(new), pending + len(self.unsettled))

    @property
    def unsettled(self) -> tuple[model.Notification, ...]:
        """Notifications that are still to go out, those that are held for later included."""
        waiting = {model.NotificationState.PENDING, model.NotificationState.HELD}
        return tuple(each for each in self.notifications if each.state in waiting)

    @property
    def entries(self) -> int:
        """How many entries were processed; edits do not count."""
        return len({seen.record.entry.id for seen in self.decided} | {entry_id for entry_id, _ in self.unmatched})

    def told(self, keys: set[str]) -> tuple[model.Alert, ...]:
        """Return the alerts that messages with these keys brought."""
        ids = {alert_id for each in self.notifications if each.key in keys for alert_id in each.alert_ids}
        return tuple(alert for alert_id, alert in sorted(self.alerts.items()) if alert_id in ids)
