"""Several messages in one: what was held comes due and goes out together. Shell."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlmodel import Session

from monitor import model
from monitor.store import outbox

BURST = "burst"
REPLAY = "replay"
_FOLD_AT_ONCE = 500


def release_due(tx: Session, now: datetime) -> int:
    """Let out what was held until now: what is alone in its batch as it is, the others as one digest; return how many.

    One transaction: a crash leaves either the held ones or the digest. What exceeded a channel's limit always goes as
    a digest, so that it does not exceed it again; so does what a person called back from the past. Of a batch without
    fixed hours, what is due a little later goes, too.
    """
    due = outbox.list_due_held(tx, now)
    for (channel, batch), group in groupby(due, key=lambda held: (held.channel, held.batch)):
        together = list(group)
        if batch in {"first", BURST, REPLAY} or batch.startswith("update:"):
            together = _all_held(tx, channel, batch)
        if batch in {BURST, REPLAY} or (batch and len(together) > 1):
            for start in range(0, len(together), _FOLD_AT_ONCE):
                chunk = together[start : start + _FOLD_AT_ONCE]
                outbox.fold(tx, [held.id for held in chunk], _digest(channel, batch, chunk, now), now)
        else:
            outbox.release_held(tx, [held.id for held in together])
    return len(due)


def _all_held(tx: Session, channel: str, batch: str) -> list[model.Notification]:
    """Return all that is held in a batch, due or not, the oldest first."""
    held = outbox.list_notifications(tx, state=model.NotificationState.HELD, channel=channel, limit=10_000)
    return [one for one in reversed(held) if one.batch == batch]


def title_of(batch: str, channel: model.Channel, alerts: Sequence[model.Alert]) -> str:
    """Return why alerts come together, in words."""
    if batch.startswith("update:"):
        return f'Updates of "{alerts[0].story.title[:120]}"' if alerts else "Updates"
    if batch == BURST:
        return f"More than {channel.limit} alerts in an hour"
    return {
        "first": "Already running when added",
        "quiet": "Quiet hours are over",
        "digest": "Digest",
        REPLAY: "From the past, under the rules of today",
    }.get(batch, "Digest")


def _digest(channel: str, batch: str, items: Sequence[model.Notification], now: datetime) -> outbox.NewNotification:
    story = batch.removeprefix("update:")
    return outbox.NewNotification(
        key=f"digest:{channel}:{batch}:{items[0].id}",
        kind=model.NotificationKind.DIGEST,
        channel=channel,
        state=model.NotificationState.PENDING,
        level=max((item.level for item in items), key=lambda level: level.rank),
        ready_at=now,
        story_id=int(story) if story.isdecimal() else None,
        batch=batch,
    )
