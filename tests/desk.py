"""A desk to deliver from: store, clock, recording sender and channels, for the tests of delivery."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from monitor import deliver, model
from monitor.store import engine, outbox
from tests import stored
from tests.builders import NOON, a_channel

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
        self.places: dict[str, str] | None = None
        self.fail: Callable[[str, model.Message], Exception | None] = lambda _channel, _message: None

    def send(self, channel: model.Channel, message: model.Message) -> dict[str, str] | None:
        """Record, and raise what `fail` returns; say `places` of where it stands."""
        self.tried.append((channel.name, message))
        error = self.fail(channel.name, message)
        if error:
            raise error
        self.sent.append((channel.name, message))
        return self.places

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
