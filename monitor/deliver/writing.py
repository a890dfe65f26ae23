"""What a claimed notification says: loaded from the store, checked against silences, rendered, stored. Shell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from monitor import alert, errors, model, render
from monitor.deliver import digests, notices, places
from monitor.store import allowance, engine, outbox, silences, stories


@dataclass(frozen=True, slots=True)
class Silenced:
    """Nothing is sent: silence number `by` covers it."""

    by: int


@dataclass(frozen=True, slots=True)
class Unsayable:
    """Nothing can be sent, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Exceeding:
    """It exceeds the channel's limit, and is held until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """A message, stored."""

    message: model.Message


_WEEK = timedelta(days=7)

Outcome = Silenced | Unsayable | Exceeding | Written


def write(
    store: engine.Store,
    item: model.Notification,
    channel: model.Channel,
    *,
    now: datetime,
    operators: Sequence[model.Channel] = (),
) -> Outcome | None:
    """Render a claimed notification and store its message; the message that is stored already is kept as it is.

    operators: every channel, of which some are told when the channel's own template cannot be filled.
    Returns None when the claim was lost meanwhile: then another worker has it.
    """
    with store.read() as tx:
        brought = stories.alerts(tx, item.alert_ids)
        muted = silences.list_active(tx, now)
        thread = outbox.thread_key(tx, item.story_id, channel.name) if item.story_id is not None else ""
        silenced = _silenced_before(tx, item, now)
        stands = places.find(tx, (item.message.thread if item.message else thread))
    covering = {one.id: by for one in brought if (by := _silence(one, channel, muted, now))}
    audible = tuple(one for one in brought if one.id not in covering)
    if item.alert_ids and not brought:
        return Unsayable("its alerts are no longer stored")
    if brought and not audible:
        return Silenced(covering[brought[0].id].id)
    if item.message is not None:
        return Written(replace(item.message, places=stands))
    until = _exceeds(store, item, audible, channel.limit, now)
    if until is not None:
        return Exceeding(until)
    message, complaint = _rendered(item, channel, audible, thread, silenced + len(covering))
    if message is None:
        return Unsayable("it brings no alert and has no text")
    with store.write() as tx:
        if not outbox.store_message(tx, item.id, item.lease, message):
            return None
        if complaint:
            notices.tell_template(tx, operators, channel, item.key, complaint, now)
    return Written(replace(message, places=stands if message.thread else {}))


def preview(store: engine.Store, alert_id: int, channel: model.Channel) -> model.Message:
    """Return the message that would bring an alert to `channel` now; raises KeyError when there is no such alert."""
    key = f"alert:{alert_id}:{channel.name}"
    with store.read() as tx:
        brought = stories.get_alert(tx, alert_id)
        thread = outbox.thread_key(tx, brought.story.id, channel.name)
    return render.alert(brought, channel, key=key, thread="" if thread == key else thread)


def _rendered(
    item: model.Notification, channel: model.Channel, alerts: tuple[model.Alert, ...], thread: str, silenced: int
) -> tuple[model.Message | None, str]:
    """Return the message, and what is wrong with the channel's own template: then it has the built-in form."""
    thread = "" if thread == item.key else thread
    if item.kind is model.NotificationKind.ALERT and len(alerts) == 1:
        try:
            return render.alert(alerts[0], channel, key=item.key, thread=thread), ""
        except errors.TemplateError as error:
            built_in = replace(channel, templates=None)
            return render.alert(alerts[0], built_in, key=item.key, thread=thread), str(error)
    if not alerts:
        return None, ""
    title = digests.title_of(item.batch, channel, alerts)
    return render.digest(alerts, channel, key=item.key, title=title, silenced=silenced, thread=thread), ""


def _silenced_before(tx: Session, item: model.Notification, now: datetime) -> int:
    """Return how many messages were silenced since the channel's digest before this one; 0 for a story's updates."""
    if item.kind is not model.NotificationKind.DIGEST or item.story_id is not None:
        return 0
    return outbox.count_silenced(tx, item.channel, item.id, now - _WEEK)


def _silence(
    one: model.Alert, channel: model.Channel, muted: tuple[model.Silence, ...], now: datetime
) -> model.Silence | None:
    matches = alert.heard(one.matches, channel) or one.matches
    return alert.find_silence(one.entry, matches, one.story.id, muted, now)


def _exceeds(
    store: engine.Store, item: model.Notification, alerts: tuple[model.Alert, ...], limit: int | None, now: datetime
) -> datetime | None:
    """Return until when a message is held that exceeds the channel's limit, None when it does not.

    New stories and updates have a limit each; critical ones and digests have none.
    """
    if limit is None or item.kind is not model.NotificationKind.ALERT or item.level is model.Level.CRITICAL:
        return None
    with store.read() as tx:
        used = allowance.used(tx, item.channel, now, before=item.id)
        if not alerts or (used.updates if alerts[0].kind is model.Kind.UPDATE else used.new) < limit:
            return None
        return allowance.next_burst_at(tx, item.channel, digests.BURST, now)
