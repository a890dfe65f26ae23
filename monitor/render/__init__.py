"""What a message says: alerts, digests and operator's words in the form that fits a channel. Pure.

custom    an operator's own templates
view      an alert in words, cleaned, before any markup
outline   the order of a digest
report    a day of a channel
again     a reminder of what was told
plain, markup, slack, facts   the same in text, HTML mail, Slack blocks and JSON
words     cleaning, cutting, marking
sample    a lifelike alert, to try all that on

Feed text is always data: never a template, never markup, never a header's end.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from monitor import errors, model
from monitor.render import again, custom, facts, markup, outline, plain, sample, slack, words
from monitor.render.report import Down, Report, Told
from monitor.render.report import subject as subject_of
from monitor.render.report import text as text_of
from monitor.render.view import View, view

__all__ = [
    "Down",
    "Form",
    "Report",
    "Told",
    "alert",
    "complaint",
    "digest",
    "form_of",
    "operator",
    "reminder",
    "report",
    "sample",
]


class Form(StrEnum):
    """The shapes that a message comes in."""

    MAIL = "mail"  # text and HTML
    SLACK = "slack"  # blocks and text
    WEBHOOK = "webhook"  # data and text
    TERMINAL = "terminal"  # text
    SHORT = "short"  # text of a limited length, nobody mentioned


def alert(alert: model.Alert, channel: model.Channel, *, key: str, thread: str = "") -> model.Message:
    """Return the message that brings `alert` to `channel`.

    key: the notification's. thread: key of the story's first message on this channel, empty when this is the first.
    Raises TemplateError when the channel's own templates cannot be filled with it.
    """
    seen = view(alert, channel, thread)
    form = form_of(channel.url)
    html, data = "", dict[str, Any]()
    text = plain.short(seen, limit_of(channel.url)) if form is Form.SHORT else plain.full(seen)
    if form is Form.MAIL:
        html = markup.alert(seen)
    elif form is Form.SLACK:
        data = slack.alert(seen, text)
    elif form is Form.WEBHOOK:
        data = {"alert": facts.alert(alert)}
    subject = words.unmentioned(seen.subject) if form is Form.SHORT else seen.subject
    built_in = model.Message(key, subject, text, html=html, thread=thread, level=alert.level, data=data)
    return _in_own_form(built_in, seen, alert, channel) if channel.templates else built_in


def digest(
    alerts: Sequence[model.Alert],
    channel: model.Channel,
    *,
    key: str,
    title: str,
    silenced: int = 0,
    thread: str = "",
) -> model.Message:
    """Return one message that brings several alerts to `channel`; every one of them is listed.

    title: why they come together, `Quiet hours are over`. silenced: how many more were held back by silences since.
    thread: key of the first message about their story, when they have but one.
    """
    plan = outline.outline([view(one, channel, thread) for one in alerts], title, silenced)
    subject = outline.subject(plan)
    form = form_of(channel.url)
    html, data = "", dict[str, Any]()
    text = plain.short_digest(plan, limit_of(channel.url)) if form is Form.SHORT else plain.digest(plan)
    if form is Form.MAIL:
        html = markup.digest(plan, subject)
    elif form is Form.SLACK:
        data = slack.digest(plan, text)
    elif form is Form.WEBHOOK:
        data = {"digest": facts.digest(alerts, title, silenced)}
    return model.Message(key, subject, text, html=html, thread=thread, level=plan.level, data=data)


def operator(
    subject: str,
    text: str,
    channel: model.Channel,
    *,
    key: str,
    level: model.Level = model.Level.MEDIUM,
) -> model.Message:
    """Return a message of the program to whoever runs it: `[monitor] a message could not be delivered`.

    text: what happened, where, and what to do; its line breaks are kept.
    """
    subject = f"[monitor] {words.line(subject, 180)}"
    text = words.paragraphs(text, 4_000)
    form = form_of(channel.url)
    html, data = "", dict[str, Any]()
    if form is Form.TERMINAL:
        text = f"{subject}\n{text}"
    elif form is Form.SHORT:
        text = words.cut(words.unmentioned(text), limit_of(channel.url))
    elif form is Form.MAIL:
        html = markup.note(subject, text)
    elif form is Form.SLACK:
        data = slack.note(subject, text)
    elif form is Form.WEBHOOK:
        data = {"operator": {"subject": subject, "text": text, "level": level.value}}
    return model.Message(key, subject, text, html=html, level=level, data=data)


def reminder(message: model.Message, channel: model.Channel, *, key: str, ref: str, number: int) -> model.Message:
    """Return a message that was sent before, as the reminder that nobody has acknowledged its alert.

    ref: the alert's, `A-7`. number: 1 for the first reminder.
    """
    told = again.reminder(message, key=key, ref=ref, number=number)
    if form_of(channel.url) is Form.SHORT:
        return replace(told, text=words.cut(told.text, limit_of(channel.url)))
    return told


def report(found: Report, channel: model.Channel, *, key: str) -> model.Message:
    """Return a channel's daily report."""
    message = operator(subject_of(found), text_of(found, channel.zone), channel, key=key, level=model.Level.INFO)
    if form_of(channel.url) is Form.WEBHOOK:
        return replace(message, data={"report": facts.report(found)})
    return message


def complaint(part: str, source: str) -> str | None:
    """Return what is wrong with a template for `part` (subject, text, html), tried on lifelike alerts; None when well.

    Tried on a new story and on an update that others report and that has no address or date.
    """
    new = sample.alert(datetime(2026, 11, 21, 12, tzinfo=UTC))
    bare = replace(new.entry, url="", published_at=None, summary="", language="")
    update = replace(new, kind=model.Kind.UPDATE, entry=bare, reported_by=("Another Wire",))
    channel = model.Channel("desk", "mailto://desk@example.org")
    try:
        for one in (new, update):
            filled = custom.fill(part, source, view(one, channel), one, channel.name)
            if not filled.strip():
                return "it comes out empty"
    except errors.TemplateError as error:
        return str(error)
    return None


def form_of(url: str) -> Form:
    """Return the form that a channel's URL takes."""
    scheme = url.partition(":")[0].lower()
    if scheme in {"mailto", "mailtos"}:
        return Form.MAIL
    if scheme.startswith("slack") or (scheme == "https" and urlsplit(url).hostname == "hooks.slack.com"):
        return Form.SLACK
    if scheme in {"json", "jsons"}:
        return Form.WEBHOOK
    return Form.TERMINAL if scheme == "stdout" else Form.SHORT


def limit_of(url: str) -> int:
    """Return how many characters a service takes in one message; the title goes on top."""
    return _LIMITS.get(url.partition(":")[0].lower(), _LIMIT)


def _in_own_form(built_in: model.Message, seen: View, alert: model.Alert, channel: model.Channel) -> model.Message:
    """Return a message with those parts replaced for which the channel has templates."""
    form, own = form_of(channel.url), channel.templates or model.Templates()
    message = built_in
    if own.subject:
        escape = words.unmentioned if form is Form.SHORT else str
        subject = custom.fill("subject", own.subject, seen, alert, channel.name, escape)
        message = replace(message, subject=words.line(subject, 200) or built_in.subject)
    if own.html and form is Form.MAIL:
        message = replace(message, html=custom.fill("html", own.html, seen, alert, channel.name))
    if not own.text:
        return message
    escape = {Form.SHORT: words.unmentioned, Form.SLACK: slack.quoted}.get(form, str)
    text = custom.fill("text", own.text, seen, alert, channel.name, escape)
    if form is Form.SLACK:
        return replace(message, data=slack.custom(text))
    return replace(message, text=words.cut(text, limit_of(channel.url)) if form is Form.SHORT else text)


_LIMIT = 2_000
# Below each service's own limit, so that title and markup fit, too.
_LIMITS = {
    "discord": 1_600,
    "tgram": 3_600,
    "ntfy": 3_600,
    "ntfys": 3_600,
    "pover": 900,
    "pbul": 1_500,
    "gotify": 3_600,
    "gotifys": 3_600,
    "matrix": 8_000,
    "matrixs": 8_000,
    "mmost": 3_800,
    "mmosts": 3_800,
    "rocket": 3_800,
    "rockets": 3_800,
    "msteams": 8_000,
    "workflows": 8_000,
    "pagerduty": 900,
    "opsgenie": 3_600,
    "twilio": 400,
    "vonage": 400,
    "nexmo": 400,
    "clicksend": 400,
    "messagebird": 400,
    "sns": 400,
    "signal": 1_500,
    "signals": 1_500,
    "whatsapp": 1_000,
}
