"""The outbox: notifications from the moment they are decided until they are sent. Shell.

Order of a delivery: `claim_next` (attempt counted), `store_message` (rendered once, the same at every repeat), send,
then one of the `settle_` functions. Each writes only what its lease still holds.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from monitor import model
from monitor.store import codec, engine, outbox_rows, poll_rows, story_rows, tables

FURTHEST_RETRY = timedelta(days=2)  # what is pending for later than this was put off under a clock that has jumped
FURTHEST_HELD = timedelta(days=40)  # the same for what is held

_State = model.NotificationState
_LINK = sa.insert(tables.notification_alerts)


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A notification that is not stored yet.

    state: pending, held or silenced. reason: why it is held or silenced. alert_ids: what it brings.
    message: None when it is rendered at its first claim.
    """

    key: str
    kind: model.NotificationKind
    channel: str
    state: model.NotificationState
    level: model.Level
    ready_at: datetime
    story_id: int | None = None
    batch: str = ""
    reason: str = ""
    alert_ids: tuple[int, ...] = ()
    message: model.Message | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """What waits because its channel did not take it. error: what the channel said to the oldest."""

    count: int
    since_at: datetime
    error: str


def add(tx: Session, notifications: Sequence[NewNotification], now: datetime) -> int:
    """Add notifications with their alerts; return how many are new. A key that is there already is left as it is."""
    return len(_insert(tx, notifications, now))


def claim_next(tx: Session, channel: str, now: datetime, *, lease: str, until: datetime) -> model.Notification | None:
    """Claim the oldest notification of `channel` that is ready, and count the attempt; None when there is none.

    One that was tried and waits for its next attempt holds up the later ones of its own story there, and no others.
    """
    engine.channel_lock(tx, channel)
    at = engine.lease_now(tx, now)
    table, older = tables.notifications, tables.notifications.alias("older")
    tried_before = sa.exists().where(
        older.c.channel == table.c.channel,
        older.c.story_id == table.c.story_id,
        older.c.state == _State.PENDING,
        older.c.id < table.c.id,
        older.c.attempts > 0,
    )
    ready = sa.or_(table.c.ready_at <= now, table.c.ready_at > now + FURTHEST_RETRY)
    wanted = (  # the state as literal text, so that the partial index serves
        sa.select(table)
        .where(table.c.channel == channel, sa.text("notifications.state = 'pending'"), ready)
        .where(engine.lease_is_free(table, at), sa.not_(tried_before))
        .order_by(table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = outbox_rows.select_notifications(tx, wanted, lease=lease)
    engine.take(tx, table, [notification.id for notification in found], lease=lease, until=at + (until - now))
    return found[0] if found else None


def store_message(tx: Session, notification_id: int, lease: str, message: model.Message) -> bool:
    """Keep the rendered message before it is sent; False when the lease was lost."""
    held = outbox_rows.held_by(notification_id, lease)
    statement = sa.update(tables.notifications).where(held).values(message=codec.encode(message))
    return tx.connection().execute(statement).rowcount == 1


def settle_sent(tx: Session, notification_id: int, lease: str, now: datetime) -> bool:
    """Note that a notification was sent; False when the lease was lost."""
    return _settle(tx, notification_id, lease, state=_State.SENT.value, sent_at=now, last_error=None)


def settle_retry(tx: Session, notification_id: int, lease: str, ready_at: datetime, error: str) -> bool:
    """Put a notification off until `ready_at`; False when the lease was lost."""
    return _settle(tx, notification_id, lease, ready_at=ready_at, last_error=poll_rows.legible(error))


def settle_dead(tx: Session, notification_id: int, lease: str, error: str, now: datetime) -> bool:
    """Give a notification up at `now`, until a person retries it; False when the lease was lost."""
    return _settle(
        tx, notification_id, lease, state=_State.DEAD.value, ready_at=now, last_error=poll_rows.legible(error)
    )


def settle_silenced(tx: Session, notification_id: int, lease: str, by: str) -> bool:
    """Note that a silence covers a notification; by: which one. False when the lease was lost."""
    return _settle(tx, notification_id, lease, state=_State.SILENCED.value, reason=by)


def settle_held(tx: Session, notification_id: int, lease: str, until: datetime, batch: str, reason: str) -> bool:
    """Hold a claimed notification, which nobody tried, until `until`; False when the lease was lost."""
    untried = tables.notifications.c.attempts - 1
    values = {"state": _State.HELD.value, "ready_at": until, "batch": batch, "reason": reason, "attempts": untried}
    return _settle(tx, notification_id, lease, **values)


def release(tx: Session, notification_id: int, lease: str) -> bool:
    """Give a notification back that nobody tried, and take back the counted attempt; False when the lease was lost."""
    return _settle(tx, notification_id, lease, attempts=tables.notifications.c.attempts - 1)


def thread_key(tx: Session, story_id: int, channel: str) -> str:
    """Return the key of the first message about a story that was sent to `channel`, "" when none was."""
    table = tables.notifications
    about = sa.and_(table.c.story_id == story_rows.resolve(tx, story_id), table.c.channel == channel)
    wanted = sa.select(table.c.key).where(about, table.c.state == _State.SENT).order_by(table.c.sent_at, table.c.id)
    return tx.connection().scalar(wanted.limit(1)) or ""


# --- held messages and digests ----------------------------------------------------------------------------------


def list_due_held(tx: Session, now: datetime) -> tuple[model.Notification, ...]:
    """Return the held notifications whose time has come, by channel and batch, then in order of their ids."""
    table = tables.notifications
    due = sa.or_(table.c.ready_at <= now, table.c.ready_at > now + FURTHEST_HELD)
    wanted = sa.select(table).where(sa.text("notifications.state = 'held'"), due)
    return outbox_rows.select_notifications(tx, wanted.order_by(table.c.channel, table.c.batch, table.c.id))


def release_held(tx: Session, ids: Collection[int], now: datetime | None = None) -> int:
    """Let held notifications go out one by one, at `now` if it is given; return how many were still held."""
    table = tables.notifications
    values: dict[str, object] = {"state": _State.PENDING.value} | ({} if now is None else {"ready_at": now})
    return outbox_rows.update(tx, sa.and_(table.c.id.in_(ids), table.c.state == _State.HELD), **values)


def fold(tx: Session, ids: Collection[int], digest: NewNotification, now: datetime) -> int:
    """Put notifications into one digest that brings all their alerts; return how many were folded.

    Those that were sent, claimed or folded meanwhile stay out. Nothing happens when none is left, or when a
    notification with the digest's key is there already: then choose another key.
    """
    engine.channel_lock(tx, digest.channel)
    table, links, sql = tables.notifications, tables.notification_alerts, tx.connection()
    free = engine.lease_is_free(table, engine.lease_now(tx, now))
    unsent = sa.and_(table.c.id.in_(ids), table.c.state.in_((_State.HELD, _State.PENDING)), free)
    folding = list(sql.scalars(sa.select(table.c.id).where(unsent).order_by(table.c.id).with_for_update()))
    brought = set(sql.scalars(sa.select(links.c.alert_id).where(links.c.notification_id.in_(folding))))
    whole = dataclasses.replace(digest, alert_ids=tuple(sorted(brought.union(digest.alert_ids))))
    inserted = _insert(tx, [whole], now) if folding else []
    if not inserted:
        return 0
    return outbox_rows.update(tx, table.c.id.in_(folding), state=_State.FOLDED.value, folded_into=inserted[0])


# --- what people look up ----------------------------------------------------------------------------------------


def list_notifications(
    tx: Session,
    *,
    state: model.NotificationState | None = None,
    channel: str | None = None,
    alert_id: int | None = None,
    limit: int = 100,
) -> tuple[model.Notification, ...]:
    """Return notifications, the newest first."""
    table, links = tables.notifications, tables.notification_alerts
    wanted = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(table.c.state == state)
    if channel is not None:
        wanted = wanted.where(table.c.channel == channel)
    if alert_id is not None:
        wanted = wanted.where(table.c.id.in_(sa.select(links.c.notification_id).where(links.c.alert_id == alert_id)))
    return outbox_rows.select_notifications(tx, wanted)


def list_unacknowledged(tx: Session, channel: str, since: datetime) -> tuple[model.Notification, ...]:
    """Return the critical alerts sent to `channel` by themselves since then that nobody acknowledged, oldest first."""
    table, links, raised = tables.notifications, tables.notification_alerts, tables.alerts
    unseen = (
        sa.exists()
        .where(links.c.notification_id == table.c.id, links.c.alert_id == raised.c.id)
        .where(raised.c.acked_at.is_(None))
    )
    first = sa.and_(table.c.kind == model.NotificationKind.ALERT, table.c.reason != "repeat", unseen)
    sent = sa.and_(table.c.channel == channel, table.c.sent_at >= since, sa.text("notifications.state = 'sent'"))
    wanted = sa.select(table).where(sent, first, table.c.level == model.Level.CRITICAL)
    return outbox_rows.select_notifications(tx, wanted.order_by(table.c.id))


def count_silenced(tx: Session, channel: str, before: int, since: datetime) -> int:
    """Return how many messages silences kept from `channel` between its digest before the notification `before` and it.

    since: what is older is not counted, whatever the digest before.
    """
    table = tables.notifications
    earlier = sa.and_(table.c.channel == channel, table.c.id < before)
    digest = sa.and_(earlier, table.c.kind == model.NotificationKind.DIGEST)
    last = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)).where(digest).scalar_subquery()
    by_silence = sa.and_(table.c.state == _State.SILENCED, table.c.reason.startswith("silence"))
    counted = sa.select(sa.func.count()).where(earlier, by_silence, table.c.id > last, table.c.created_at >= since)
    return tx.connection().scalar(counted) or 0


def get(tx: Session, notification_id: int) -> model.Notification:
    """Return a notification; raises KeyError."""
    found = outbox_rows.select_notifications(
        tx, sa.select(tables.notifications).where(tables.notifications.c.id == notification_id)
    )
    if not found:
        raise KeyError(notification_id)
    return found[0]


def find_by_key(tx: Session, key: str) -> model.Notification | None:
    """Return the notification with this key, None when there is none."""
    wanted = sa.select(tables.notifications).where(tables.notifications.c.key == key)
    return next(iter(outbox_rows.select_notifications(tx, wanted)), None)


def retry(tx: Session, notification_id: int, now: datetime) -> bool:
    """Let a dead notification be tried afresh, with its key and text; False when it is not dead."""
    table = tables.notifications
    dead = sa.and_(table.c.id == notification_id, table.c.state == _State.DEAD)
    return outbox_rows.update(tx, dead, state=_State.PENDING.value, ready_at=now, attempts=0) == 1


def drop(tx: Session, notification_id: int, by: str = "dropped") -> bool:
    """Give up what was not sent; its row stays, silenced, with `by` as the reason. False when there is none such.

    A worker that is sending it at this moment loses its lease.
    """
    table = tables.notifications
    unsent = sa.and_(table.c.id == notification_id, table.c.state.in_((_State.HELD, _State.PENDING, _State.DEAD)))
    return outbox_rows.update(tx, unsent, state=_State.SILENCED.value, reason=by) == 1


def counts(tx: Session) -> dict[tuple[str, model.NotificationState], int]:
    """Return how many notifications there are by channel and state; pairs without any are missing."""
    table = tables.notifications
    counted = sa.select(table.c.channel, table.c.state, sa.func.count()).group_by(table.c.channel, table.c.state)
    return {(channel, _State(state)): count for channel, state, count in tx.connection().execute(counted)}


def oldest_pending_at(tx: Session, channel: str | None = None) -> datetime | None:
    """Return when the notification was created that is pending longest, None when none is."""
    table = tables.notifications
    wanted = sa.select(sa.func.min(table.c.created_at)).where(sa.text("notifications.state = 'pending'"))
    if channel is not None:
        wanted = wanted.where(table.c.channel == channel)
    at: datetime | None = tx.connection().scalar(wanted)
    return at


def list_refused(tx: Session) -> dict[str, Refused]:
    """Return what waits because its channel did not take it, by channel, in order of names."""
    table = tables.notifications
    refused = sa.and_(sa.text("notifications.state = 'pending'"), table.c.last_error.is_not(None))
    wanted = sa.select(table.c.channel, table.c.created_at, table.c.last_error).where(refused).order_by(table.c.id)
    found: dict[str, Refused] = {}
    for channel, created_at, error in tx.connection().execute(wanted):
        before = found.get(channel, Refused(0, created_at, error))
        found[channel] = Refused(before.count + 1, min(before.since_at, created_at), before.error)
    return dict(sorted(found.items()))


def next_ready_at(tx: Session, channel: str) -> datetime | None:
    """Return when the next pending notification of `channel` may be sent, None when none is pending."""
    table = tables.notifications
    pending = sa.and_(table.c.channel == channel, sa.text("notifications.state = 'pending'"))
    at: datetime | None = tx.connection().scalar(sa.select(sa.func.min(table.c.ready_at)).where(pending))
    return at


# --- rows -------------------------------------------------------------------------------------------------------


def _insert(tx: Session, notifications: Sequence[NewNotification], now: datetime) -> list[int]:
    """Insert what has a new key, with its links; return the ids."""
    if not notifications:
        return []
    by_key = {notification.key: notification for notification in reversed(notifications)}
    stories = {new.story_id for new in by_key.values() if new.story_id is not None}
    resolved: dict[int | None, int] = {story_id: story_rows.resolve(tx, story_id) for story_id in stories}
    table = tables.notifications
    insertion = engine.insert(tx, table).on_conflict_do_nothing(index_elements=["key"])
    rows = [_row(new, resolved, now) for new in reversed(by_key.values())]
    inserted = tx.connection().execute(insertion.returning(table.c.id, table.c.key), rows)
    ids = {key: notification_id for notification_id, key in inserted}
    pairs = [
        {"notification_id": notification_id, "alert_id": alert_id}
        for key, notification_id in ids.items()
        for alert_id in dict.fromkeys(by_key[key].alert_ids)
    ]
    if pairs:
        tx.connection().execute(_LINK, pairs)
    return list(ids.values())


def _row(new: NewNotification, stories: Mapping[int | None, int], now: datetime) -> dict[str, object]:
    return {
        "key": new.key,
        "kind": new.kind.value,
        "channel": new.channel,
        "state": new.state.value,
        "level": new.level.value,
        "story_id": stories.get(new.story_id),
        "batch": new.batch,
        "reason": new.reason,
        "created_at": now,
        "ready_at": new.ready_at,
        "attempts": 0,
        "message": None if new.message is None else codec.encode(new.message),
    }


def _settle(tx: Session, notification_id: int, lease: str, **values: object) -> bool:
    return outbox_rows.update(tx, outbox_rows.held_by(notification_id, lease), **values) == 1
