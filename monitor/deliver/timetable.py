"""What goes out because its time has come, not because something happened. Shell."""

from collections.abc import Iterable
from datetime import datetime

from monitor import model
from monitor.deliver import reminders, reports
from monitor.store import engine, outbox

_REMEMBERED = 1_000


class Timetable:
    """Looks once a tick, and asks the store only when something is due that it has not seen to."""

    def __init__(self, store: engine.Store) -> None:
        self._store = store
        self._seen: set[str] = set()

    def add_due(self, channels: Iterable[model.Channel], now: datetime) -> None:
        """Add every report and reminder that is due at `now`."""
        for channel in channels:
            self._add_reminders(channel, now)
            key = reports.due_key(channel, now)
            if key and key not in self._seen:
                with self._store.write() as tx:
                    reports.add(tx, channel, now)
                self._remember(key)

    def _remember(self, key: str) -> None:
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen.add(key)

    def _add_reminders(self, channel: model.Channel, now: datetime) -> None:
        if channel.repeat is None:
            return
        with self._store.read() as tx:
            found = reminders.due(tx, channel, now)
        if found:
            with self._store.write() as tx:
                outbox.add(tx, found, now)
