"""How much of its hourly limit a channel has used up, by what the outbox says, so that all workers share it. Shell."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from monitor import model
from monitor.store import engine, tables

WINDOW = timedelta(hours=1)
BURST_FIRST, BURST_EVERY = timedelta(minutes=1), timedelta(minutes=10)

_SENT = sa.text("notifications.state = 'sent'")
_PENDING = sa.text("notifications.state = 'pending'")
_HELD = sa.text("notifications.state = 'held'")


@dataclass(frozen=True, slots=True)
class Used:
    """Messages of one alert each, critical ones aside, that a channel got: of new stories, and updates."""

    new: int = 0
    updates: int = 0


def used(tx: Session, channel: str, now: datetime, *, before: int) -> Used:
    """Return what `channel` got in the hour before `now`, and what is on its way there.

    before: the notification that asks; of what other workers are sending at this moment, the older ones go first.
    """
    table, at = tables.notifications, engine.lease_now(tx, now)
    sent = sa.and_(_SENT, table.c.sent_at > now - WINDOW, table.c.sent_at <= now)
    on_its_way = sa.and_(_PENDING, table.c.id < before, table.c.lease.is_not(None), table.c.message.is_not(None))
    on_its_way = sa.and_(on_its_way, sa.not_(engine.lease_is_free(table, at)))
    counts = {True: 0, False: 0}
    for condition in (sent, on_its_way):
        for row in tx.connection().execute(_by_kind(channel, condition)):
            counts[row.kind == model.Kind.UPDATE] += row.messages
    return Used(counts[False], counts[True])


def next_burst_at(tx: Session, channel: str, batch: str, now: datetime) -> datetime:
    """Return when what exceeds the limit goes out as one digest: soon the first time, then every ten minutes."""
    table = tables.notifications
    mine = sa.and_(table.c.channel == channel, table.c.batch == batch)
    first = sa.select(table.c.ready_at).where(mine, _HELD).order_by(table.c.ready_at).limit(1)
    held: datetime | None = tx.connection().scalar(first)
    if held is not None and now <= held <= now + BURST_EVERY:
        return held
    lately = sa.and_(mine, table.c.kind == model.NotificationKind.DIGEST, table.c.created_at > now - WINDOW)
    last: datetime | None = tx.connection().scalar(
        sa.select(sa.func.max(table.c.created_at)).where(lately, table.c.created_at <= now)
    )
    return now + BURST_FIRST if last is None else max(last + BURST_EVERY, now + BURST_FIRST)


def _by_kind(channel: str, condition: sa.ColumnElement[bool]) -> sa.Select[tuple[str, int]]:
    table, links, alerts = tables.notifications, tables.notification_alerts, tables.alerts
    joined = table.join(links, links.c.notification_id == table.c.id).join(alerts, alerts.c.id == links.c.alert_id)
    counted = sa.and_(
        table.c.channel == channel,
        table.c.kind == model.NotificationKind.ALERT,
        table.c.level != model.Level.CRITICAL,
    )
    wanted = sa.select(alerts.c.kind, sa.func.count().label("messages")).select_from(joined).where(counted, condition)
    return wanted.group_by(alerts.c.kind)
