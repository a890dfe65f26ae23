"""What time does to the store: old texts go, and planned times move with a clock that was set. Shell."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from monitor import model
from monitor.store import tables, texts

_CHUNK = 1000
_FINISHED = tuple(
    state.value
    for state in (
        model.NotificationState.SENT,
        model.NotificationState.DEAD,
        model.NotificationState.FOLDED,
        model.NotificationState.SILENCED,
    )
)


def prune(tx: Session, before: datetime) -> int:
    """Let go of what was first seen, decided or ended before `before`. Returns how many entries lost their text.

    An entry keeps its row and its key, so that it does not alert when its feed brings it again. At most a thousand a
    call, so that nobody waits long for the database: call it until it returns 0.
    """
    connection = tx.connection()
    entries, decisions = tables.entries, tables.decisions
    old = sa.select(entries.c.id).where(
        entries.c.first_seen_at < before, entries.c.status != model.EntryStatus.PENDING, entries.c.title != ""
    )
    ids = connection.scalars(old.order_by(entries.c.id).limit(_CHUNK)).all()
    over = sa.select(decisions.c.id).where(decisions.c.decided_at < before, decisions.c.id.not_in(_still_needed()))
    decided = connection.scalars(over.order_by(decisions.c.id).limit(_CHUNK)).all()
    alerts = connection.scalars(sa.select(tables.alerts.c.id).where(tables.alerts.c.decision_id.in_(decided))).all()
    links = tables.notification_alerts
    connection.execute(sa.delete(links).where(links.c.alert_id.in_(alerts)))
    connection.execute(sa.delete(tables.alerts).where(tables.alerts.c.id.in_(alerts)))
    connection.execute(sa.delete(tables.senses).where(tables.senses.c.decision_id.in_(decided)))
    connection.execute(sa.delete(decisions).where(decisions.c.id.in_(decided)))
    _prune_notifications(tx, before)
    _prune_places(tx, before)
    connection.execute(sa.delete(tables.outages).where(tables.outages.c.ended_at < before))
    texts.prune(tx, ids)
    empty = {"title": "", "summary": "", "body": "", "url": "", "last_error": None}
    connection.execute(sa.update(entries).where(entries.c.id.in_(ids)).values(**empty))
    return len(ids)


def count_old(tx: Session, before: datetime) -> dict[str, int]:
    """Return how many rows of what `prune` would let go of: texts of entries, decisions with their alerts, outages."""
    entries, decisions, outages = tables.entries, tables.decisions, tables.outages
    old = {
        "entries": sa.and_(
            entries.c.first_seen_at < before, entries.c.status != model.EntryStatus.PENDING, entries.c.title != ""
        ),
        "decisions": sa.and_(decisions.c.decided_at < before, decisions.c.id.not_in(_still_needed())),
        "outages": outages.c.ended_at < before,
    }
    return {name: tx.connection().scalar(sa.select(sa.func.count()).where(where)) or 0 for name, where in old.items()}


def move_due_times(tx: Session, jump: timedelta, before: datetime | None = None) -> None:
    """Move everything that is planned by `jump`, after the wall clock was set by as much.

    Without it, a clock that is set back an hour would stop polls and retries for an hour.
    before: when the jump came at the earliest, by the clock as it is now. What is due later stays after a jump ahead:
    it may have been planned since, and must not wait for another `jump`.
    """
    feeds, notifications = tables.feeds, tables.notifications
    ahead = before if jump > timedelta() else None
    _move(tx, feeds, feeds.c.next_poll_at, feeds.c.status == model.FeedStatus.ACTIVE, jump, ahead)
    waiting = notifications.c.state == model.NotificationState.PENDING
    _move(tx, notifications, notifications.c.ready_at, waiting, jump, ahead)
    rests = sa.update(tables.hosts).values(rests_until_at=sa.bindparam("moved"))
    for row in tx.connection().execute(sa.select(tables.hosts)).all():
        this = rests.where(tables.hosts.c.name == row.name)
        tx.connection().execute(this, {"moved": row.rests_until_at + jump})


def _still_needed() -> sa.Select[tuple[int]]:
    """Return the decisions whose alerts are in messages that are not out yet."""
    alerts, links, messages = tables.alerts, tables.notification_alerts, tables.notifications
    joined = alerts.join(links, links.c.alert_id == alerts.c.id).join(
        messages, messages.c.id == links.c.notification_id
    )
    return sa.select(alerts.c.decision_id).select_from(joined).where(messages.c.state.not_in(_FINISHED))


def _prune_notifications(tx: Session, before: datetime) -> None:
    table, links = tables.notifications, tables.notification_alerts
    linked = sa.select(links.c.notification_id).where(links.c.notification_id == table.c.id).exists()
    folded = table.alias("folded")
    holds = sa.select(folded.c.id).where(folded.c.folded_into == table.c.id).exists()
    over = sa.and_(table.c.created_at < before, table.c.state.in_(_FINISHED), ~linked)
    tx.connection().execute(sa.update(table).where(over).values(folded_into=None))
    tx.connection().execute(sa.delete(table).where(over, ~holds))


def _prune_places(tx: Session, before: datetime) -> None:
    """Forget where messages stand whose stories ended long ago."""
    old = sa.and_(tables.facts.c.name.startswith("place:"), tables.facts.c.changed_at < before)
    tx.connection().execute(sa.delete(tables.facts).where(old))


def _move(
    tx: Session,
    table: sa.Table,
    column: sa.Column[datetime],
    where: sa.ColumnElement[bool],
    jump: timedelta,
    before: datetime | None,
) -> None:
    wanted = sa.select(table.c.id, column).where(where)
    rows = tx.connection().execute(wanted if before is None else wanted.where(column < before)).all()
    moved = [{"this_id": row[0], "moved": row[1] + jump} for row in rows]
    if moved:
        this = table.c.id == sa.bindparam("this_id")
        tx.connection().execute(sa.update(table).where(this).values({column.name: sa.bindparam("moved")}), moved)
