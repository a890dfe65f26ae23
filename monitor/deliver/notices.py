"""What the program tells whoever runs it, through the outbox like everything else. Shell.

Goes to the channels that are marked `operator`, to all when none is. An operator alert never raises another.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from monitor import model, render
from monitor.store import outbox


def tell_operator(
    tx: Session,
    channels: Sequence[model.Channel],
    *,
    topic: str,
    subject: str,
    text: str,
    now: datetime,
    level: model.Level = model.Level.MEDIUM,
    but: Collection[str] = (),
) -> int:
    """Add one operator's message for each channel that gets them; return how many are new.

    topic: what it is about, once: a second message with the same topic is not added (`rules-broken:2026-11-21`).
    but: names of channels that cannot bring it, because they are what it is about.
    """
    notifications = [
        outbox.NewNotification(
            key=(key := f"operator:{topic}:{channel.name}"),
            kind=model.NotificationKind.OPERATOR,
            channel=channel.name,
            state=model.NotificationState.PENDING,
            level=level,
            ready_at=now,
            message=render.operator(subject, text, channel, key=key, level=level),
        )
        for channel in operators(channels)
        if channel.name not in but
    ]
    return outbox.add(tx, notifications, now)


def operators(channels: Sequence[model.Channel]) -> tuple[model.Channel, ...]:
    """Return the channels that operator's messages go to."""
    marked = tuple(channel for channel in channels if channel.operator)
    return marked or tuple(channels)


def tell_down(
    tx: Session, channels: Sequence[model.Channel], channel: str, since: datetime, error: str, now: datetime
) -> int:
    """Tell the operator on other channels, once a day, that a channel takes nothing since `since`."""
    return tell_operator(
        tx,
        channels,
        topic=f"down:{channel}:{now:%Y-%m-%d}",
        subject=f"channel {channel} takes no messages",
        text=(
            f"Channel {channel} has failed since {since:%Y-%m-%d %H:%M} UTC: {error}\n"
            f"What is meant for it waits and is tried again and again. See: monitor outbox list --channel {channel}\n"
            f"When it is mended: monitor notify test {channel}"
        ),
        level=model.Level.HIGH,
        now=now,
        but={channel},
    )


def tell_dead(
    tx: Session, channels: Sequence[model.Channel], item: model.Notification, error: str, now: datetime
) -> int:
    """Tell the operator on other channels that a message was given up: one message an hour and channel.

    Operator's and test messages raise none, lest one failure breed others.
    """
    if item.kind in {model.NotificationKind.OPERATOR, model.NotificationKind.TEST}:
        return 0
    return tell_operator(
        tx,
        channels,
        topic=f"dead:{item.channel}:{now:%Y-%m-%dT%H}",
        subject=f"a message for channel {item.channel} could not be delivered",
        text=(
            f"Channel {item.channel} refused or did not take message {item.id} ({item.key}) and it was given up "
            f"after {item.attempts} attempts: {error}\n"
            f"See what waits: monitor outbox list --state dead\n"
            f"Mend the channel, then: monitor outbox retry {item.id}"
        ),
        level=model.Level.HIGH,
        now=now,
        but={item.channel},
    )


def tell_template(
    tx: Session, channels: Sequence[model.Channel], channel: model.Channel, key: str, complaint: str, now: datetime
) -> int:
    """Tell the operator, once for each form of a channel's templates, that they cannot be filled."""
    form = hashlib.sha256(repr(channel.templates).encode()).hexdigest()[:12]
    return tell_operator(
        tx,
        channels,
        topic=f"template:{channel.name}:{form}",
        subject=f"the template of channel {channel.name} cannot be filled",
        text=(
            f"Message {key} went out in the built-in form: {complaint}\n"
            f"Mend [channels.templates] of {channel.name}; see what it makes of an alert: "
            f"monitor notify preview ALERT --channel {channel.name}"
        ),
        now=now,
    )
