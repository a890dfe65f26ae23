"""Alerts: at most one for each revision of an entry, numbered within its story; and who was told. Shell."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import codec, story_rows, tables

_MOST_IDS = 10_000

_TOLD = tuple(
    state.value
    for state in (
        model.NotificationState.HELD,
        model.NotificationState.PENDING,
        model.NotificationState.SENT,
        model.NotificationState.FOLDED,
        model.NotificationState.SILENCED,
    )
)


_LAST = sa.select(sa.func.coalesce(sa.func.max(tables.alerts.c.sequence), 0)).where(
    tables.alerts.c.story_id == sa.bindparam("of_story")
)
_INSERT = sa.insert(tables.alerts).values(sequence=_LAST.scalar_subquery() + 1).returning(tables.alerts.c.id)

_IS_OUT = sa.and_(
    tables.alerts.c.kind == model.Kind.UPDATE.value, tables.notifications.c.state != model.NotificationState.HELD.value
)
_UPDATED_AT = sa.case((_IS_OUT, tables.notifications.c.ready_at))
_TOLD_BY_CHANNEL = (
    sa.select(tables.notifications.c.channel, tables.alerts.c.level, sa.func.max(_UPDATED_AT))
    .select_from(tables.alerts.join(tables.notification_alerts).join(tables.notifications))
    .where(
        tables.alerts.c.story_id == sa.bindparam("story_id"),
        tables.notifications.c.channel.in_(sa.bindparam("channels", expanding=True)),
        tables.notifications.c.state.in_(_TOLD),
    )
    .group_by(tables.notifications.c.channel, tables.alerts.c.level)
)


def add_alert(
    tx: Session, finding: model.Finding, decision_id: int, story_id: int, kind: model.Kind, now: datetime
) -> int:
    """Add the alert of a decision, the next one of its story, and return its id.

    Raises IntegrityError when this revision of the entry has one. On PostgreSQL the caller holds `story_lock`.
    """
    story_id = story_rows.resolve(tx, story_id)
    row = {
        "of_story": story_id,
        "entry_id": finding.entry.id,
        "revision": finding.entry.revision,
        "decision_id": decision_id,
        "story_id": story_id,
        "kind": kind.value,
        "level": finding.level.value,
        "created_at": now,
    }
    return int(tx.connection().execute(_INSERT, row).scalar_one())


def told(tx: Session, story_id: int | None, channels: Collection[str]) -> dict[str, model.Told]:
    """Return what each of `channels` knows of a story.

    A channel was told when a message about an alert of the story was sent to it, waits for it, is held for it or went
    out inside a digest; a silenced one counts, too (the story is decided), one that died does not. An update counts
    from when it may go out; one that is held still, not yet. story_id: None for a story that is not opened yet.
    """
    if story_id is None:
        return {channel: model.Told() for channel in channels}
    about = {"story_id": story_rows.resolve(tx, story_id), "channels": list(channels)}
    found = {channel: model.Told() for channel in channels}
    for channel, level, last_at in tx.connection().execute(_TOLD_BY_CHANNEL, about):
        found[channel] = _with_told(found[channel], model.Level(level), last_at)
    return found


def _with_told(told: model.Told, level: model.Level, last_update_at: datetime | None) -> model.Told:
    """Return `told` with alerts of one level added."""
    instants = [at for at in (told.last_update_at, last_update_at) if at is not None]
    highest = max((level, told.level or level), key=lambda level: level.rank)
    return model.Told(told=True, last_update_at=max(instants, default=None), level=highest)


def alerts(tx: Session, ids: Sequence[int]) -> tuple[model.Alert, ...]:
    """Return alerts with all that a message needs, in the order of `ids`; unknown ones are left out."""
    found = {alert.id: alert for alert in _select(tx, tables.alerts.c.id.in_(ids), len(ids))}
    return tuple(found[alert_id] for alert_id in ids if alert_id in found)


def get_alert(tx: Session, alert_id: int) -> model.Alert:
    """Return an alert; raises KeyError."""
    for alert in alerts(tx, [alert_id]):
        return alert
    raise KeyError(alert_id)


def list_alerts(
    tx: Session, *, since: datetime | None = None, story_id: int | None = None, limit: int = 100
) -> tuple[model.Alert, ...]:
    """Return alerts, the newest first; of one story or of all. since: when they were raised."""
    condition: sa.ColumnElement[bool] = sa.true()
    if since is not None:
        condition = sa.and_(condition, tables.alerts.c.created_at >= since)
    if story_id is not None:
        condition = sa.and_(condition, tables.alerts.c.story_id == story_rows.resolve(tx, story_id))
    return _select(tx, condition, limit)


def heard(tx: Session, ids: Sequence[int]) -> dict[int, dict[str, model.NotificationState]]:
    """Return how each channel stands to alerts: alert, then channel, then the state of what brings it there.

    One that went into a digest has the digest's state; what was sent once stays sent. An alert that no channel gets
    is missing.
    """
    table, links = tables.notifications, tables.notification_alerts
    columns = (links.c.alert_id, table.c.channel, table.c.state)
    wanted = sa.select(*columns).join(links, links.c.notification_id == table.c.id).order_by(table.c.id)
    found: dict[int, dict[str, model.NotificationState]] = {}
    for part in _parts(ids):
        for alert_id, channel, state in tx.connection().execute(wanted.where(links.c.alert_id.in_(part))):
            channels = found.setdefault(alert_id, {})
            if channels.get(channel) is not model.NotificationState.SENT:
                channels[channel] = model.NotificationState(state)
    return found


def judged(tx: Session, ids: Sequence[int]) -> dict[int, tuple[model.Decision, ...]]:
    """Return what was decided for each channel when alerts were raised."""
    table, decided = tables.alerts, tables.decisions
    wanted = sa.select(table.c.id, decided.c.channels).join(decided, decided.c.id == table.c.decision_id)
    return {
        row.id: tuple(codec.decode(model.Decision, one) for one in row.channels)
        for part in _parts(ids)
        for row in tx.connection().execute(wanted.where(table.c.id.in_(part)))
    }


def find_alert_of(tx: Session, entry_id: int) -> model.Alert | None:
    """Return the latest alert that an entry raised, None when it raised none."""
    found = _select(tx, tables.alerts.c.entry_id == entry_id, 1)
    return found[0] if found else None


def count_alerts(tx: Session, since: datetime) -> int:
    """Return how many alerts were raised since then."""
    table = tables.alerts
    return tx.connection().scalar(sa.select(sa.func.count()).where(table.c.created_at >= since)) or 0


def ack_alert(tx: Session, alert_id: int, by: str, now: datetime) -> bool:
    """Note that a person has seen an alert; False when somebody had before, or there is no such alert."""
    table = tables.alerts
    unseen = sa.and_(table.c.id == alert_id, table.c.acked_at.is_(None))
    return tx.connection().execute(sa.update(table).where(unseen).values(acked_at=now, acked_by=by)).rowcount == 1


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield as many ids at a time as a statement takes."""
    for start in range(0, len(ids), _MOST_IDS):
        yield ids[start : start + _MOST_IDS]


def _select(tx: Session, condition: sa.ColumnElement[bool], limit: int) -> tuple[model.Alert, ...]:
    """Return alerts that fulfil `condition`, the newest first."""
    table, decided = tables.alerts, tables.decisions
    columns = [column.label(f"alert_{column.name}") for column in table.c]
    joined = table.join(decided, decided.c.id == table.c.decision_id)
    wanted = sa.select(decided, *columns).select_from(joined).where(condition).order_by(table.c.id.desc())
    rows = tx.connection().execute(wanted.limit(limit)).mappings().all()
    ids = {row["alert_story_id"] for row in rows}
    stories = story_rows.select_stories(tx, sa.select(tables.stories).where(tables.stories.c.id.in_(ids)))
    by_id = {story.id: story for story in stories}
    return tuple(_alert(row, by_id[row["alert_story_id"]]) for row in rows)


def _alert(row: RowMapping, story: model.Story) -> model.Alert:
    entry = story_rows.entry_of(row)
    return model.Alert(
        id=row["alert_id"],
        kind=model.Kind(row["alert_kind"]),
        level=model.Level(row["alert_level"]),
        sequence=row["alert_sequence"],
        created_at=row["alert_created_at"],
        entry=entry,
        matches=story_rows.matches_of(row),
        assignment=story_rows.assignment_of(row),
        story=story,
        reported_by=tuple(outlet for outlet in story.outlets if outlet != entry.outlet),
    )
