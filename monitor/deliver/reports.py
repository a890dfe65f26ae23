"""The daily report of a channel that wants one, through the outbox like everything else. Shell."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from monitor import alert, model, render
from monitor.store import entries, feeds, outbox, stories

_DAY = timedelta(hours=24)
_GRACE = timedelta(hours=23)  # for a report that is late; a day may have but 23 hours
_MOST = 10_000
_SENT = frozenset({model.Verdict.SEND, model.Verdict.HOLD})


def due_key(channel: model.Channel, now: datetime) -> str:
    """Return the key of the report that `channel` is due at `now`, `report:desk:2026-11-21`; empty when none is."""
    at = _due_at(channel, now)
    return f"report:{channel.name}:{at.astimezone(ZoneInfo(channel.zone)):%Y-%m-%d}" if at else ""


def add(tx: Session, channel: model.Channel, now: datetime) -> bool:
    """Add the report that is due; False when none is, or this day's is there already: it is sent once a day."""
    key, at = due_key(channel, now), _due_at(channel, now)
    if at is None or outbox.find_by_key(tx, key) is not None:
        return False
    message = render.report(_gather(tx, channel, at - _DAY, now), channel, key=key)
    new = outbox.NewNotification(
        key=key,
        kind=model.NotificationKind.REPORT,
        channel=channel.name,
        state=model.NotificationState.PENDING,
        level=message.level,
        ready_at=now,
        message=message,
    )
    return outbox.add(tx, [new], now) == 1


def _due_at(channel: model.Channel, now: datetime) -> datetime | None:
    """Return when the latest report was due, None when that is long ago or there is none."""
    if channel.report is None:
        return None
    at = alert.next_digest_at((channel.report,), channel.zone, now.astimezone(UTC) - _GRACE)
    return at if at <= now else None


def _gather(tx: Session, channel: model.Channel, since: datetime, now: datetime) -> render.Report:
    found = [
        (record, decision)
        for record in stories.list_decisions(tx, since=since, limit=_MOST)
        for decision in record.channels
        if decision.channel == channel.name
    ]
    dropped = [(record, decision) for record, decision in found if decision.verdict not in _SENT]
    by_story = Counter(record.story_id for record, decision in dropped if _is_known(decision))
    reasons = Counter(alert.words(decision.reason) for _, decision in dropped if not _counts_apart(decision))
    counts = outbox.counts(tx)
    return render.Report(
        since_at=since,
        until_at=now,
        entries=sum(entries.count_by_status(tx, since).values()),
        matched=sum(stories.count_by_kind(tx, since).values()),
        told=tuple(_told(record) for record, decision in reversed(found) if decision.verdict in _SENT),
        known=tuple((stories.get_story(tx, story_id).title, count) for story_id, count in by_story.most_common()),
        others=tuple(reasons.most_common()),
        waiting=sum(counts.get((channel.name, state), 0) for state in (_State.HELD, _State.PENDING)),
        unconfirmed=_unconfirmed(tx, channel, dropped),
        down=tuple(
            render.Down(one.feed, one.began_at, one.ended_at, one.error) for one in feeds.list_outages(tx, since, now)
        ),
    )


def _told(record: stories.DecisionRecord) -> render.Told:
    entry = record.entry
    return render.Told(record.level, entry.title, entry.outlet or entry.feed)


def _unconfirmed(
    tx: Session, channel: model.Channel, dropped: Sequence[tuple[stories.DecisionRecord, model.Decision]]
) -> tuple[str, ...]:
    """Return the titles of stories that wait for more outlets still."""
    waiting = {r.story_id: r.entry.title for r, decision in dropped if decision.reason is model.Reason.WAITING}
    return tuple(
        title
        for story_id, title in waiting.items()
        if not stories.told(tx, story_id, [channel.name])[channel.name].told
    )


def _is_known(decision: model.Decision) -> bool:
    return decision.reason is model.Reason.KNOWN_STORY


def _counts_apart(decision: model.Decision) -> bool:
    return decision.reason in {model.Reason.KNOWN_STORY, model.Reason.WAITING}


_State = model.NotificationState
