"""Notifications as rows and back, with the alerts that they bring. Shell."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import codec, tables


def select_notifications(tx: Session, wanted: sa.Select[Any], *, lease: str = "") -> tuple[model.Notification, ...]:
    """Return what `wanted`, a select of whole rows of notifications, selects, in its order.

    lease: when they are about to be claimed, the claim's token; the attempt counts already.
    """
    rows = tx.connection().execute(wanted).mappings().all()
    alert_ids = _alert_ids(tx, [row["id"] for row in rows])
    return tuple(_notification(row, tuple(alert_ids[row["id"]]), lease) for row in rows)


def held_by(notification_id: int, lease: str) -> sa.ColumnElement[bool]:
    """Return the condition that a notification is pending and still held by `lease`."""
    table = tables.notifications
    pending = table.c.state == model.NotificationState.PENDING
    return sa.and_(table.c.id == notification_id, table.c.lease == lease, pending)


def update(tx: Session, condition: sa.ColumnElement[bool], **values: object) -> int:
    """Write `values` where `condition` holds, ending the lease; return how many rows that were."""
    released: dict[str, object] = {"lease": None, "leased_until_at": None, **values}
    return tx.connection().execute(sa.update(tables.notifications).where(condition).values(**released)).rowcount


def _alert_ids(tx: Session, ids: Collection[int]) -> dict[int, list[int]]:
    links = tables.notification_alerts
    wanted = sa.select(links).where(links.c.notification_id.in_(ids)).order_by(links.c.alert_id)
    found: dict[int, list[int]] = defaultdict(list)
    if ids:
        for notification_id, alert_id in tx.connection().execute(wanted):
            found[notification_id].append(alert_id)
    return found


def _notification(row: RowMapping, alert_ids: tuple[int, ...], lease: str) -> model.Notification:
    return model.Notification(
        id=row["id"],
        key=row["key"],
        kind=model.NotificationKind(row["kind"]),
        channel=row["channel"],
        state=model.NotificationState(row["state"]),
        created_at=row["created_at"],
        ready_at=row["ready_at"],
        level=model.Level(row["level"]),
        story_id=row["story_id"],
        batch=row["batch"],
        attempts=row["attempts"] + (1 if lease else 0),
        lease=lease,
        sent_at=row["sent_at"],
        last_error=row["last_error"],
        message=None if row["message"] is None else codec.decode(model.Message, row["message"]),
        alert_ids=alert_ids,
    )
