"""What goes out because its time has come, not because something happened. Shell."""

from collections.abc import Iterable
from datetime import datetime

from monitor import model
from monitor.deliver import reports
from monitor.store import engine

_REMEMBERED = 1_000


class Timetable:
    """Looks once a tick, and asks the store only when something is due that it has not seen to."""

    def __init__(self, store: engine.Store) -> None:
        self._store = store
        self._seen: set[str] = set()

    def add_due(self, channels: Iterable[model.Channel], now: datetime) -> None:
        """Add every report that is due at `now`."""
        for channel in channels:
            key = reports.due_key(channel, now)
            if key and key not in self._seen:
                with self._store.write() as tx:
                    reports.add(tx, channel, now)
                if len(self._seen) >= _REMEMBERED:
                    self._seen.clear()
                self._seen.add(key)
