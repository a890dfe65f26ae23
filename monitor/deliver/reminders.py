"""A critical alert that nobody acknowledged is told again, on channels that ask for it. Shell.

Only what was sent by itself is repeated, for a day at most, and never while one of its messages still waits.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from monitor import model, render
from monitor.store import outbox

_FOR = timedelta(hours=24)
_MOST = 2_000
_WAITING = frozenset({model.NotificationState.PENDING, model.NotificationState.HELD})


def due(tx: Session, channel: model.Channel, now: datetime) -> tuple[outbox.NewNotification, ...]:
    """Return the reminders that `channel` is due at `now`; their keys carry a running number, so each goes once."""
    if channel.repeat is None:
        return ()
    found = outbox.list_unacknowledged(tx, channel.name, now - _FOR)
    numbered = [(first, _number(tx, first, channel.repeat, now)) for first in found]
    return tuple(_reminder(first, first.message, channel, n, now) for first, n in numbered if n and first.message)


def _number(tx: Session, first: model.Notification, every: timedelta, now: datetime) -> int:
    """Return the running number of the reminder that is due, 0 when none is.

    A channel that is down is not told ten times when it is back: the time counts from the last message.
    """
    brought = outbox.list_notifications(tx, channel=first.channel, alert_id=first.alert_ids[0], limit=_MOST)
    told = [one for one in brought if one.key.startswith(first.key)]
    if any(one.state in _WAITING for one in told):
        return 0
    last = max(one.sent_at or one.created_at for one in told)
    return len(told) if now - last >= every else 0


def _reminder(
    first: model.Notification, message: model.Message, channel: model.Channel, number: int, now: datetime
) -> outbox.NewNotification:
    key = f"{first.key}:repeat:{number}"
    return outbox.NewNotification(
        key=key,
        kind=model.NotificationKind.ALERT,
        channel=channel.name,
        state=model.NotificationState.PENDING,
        level=first.level,
        ready_at=now,
        story_id=first.story_id,
        reason="repeat",
        alert_ids=first.alert_ids,
        message=render.reminder(message, channel, key=key, ref=f"A-{first.alert_ids[0]}", number=number),
    )
