"""A message that is told again because nobody acknowledged its alert. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from monitor import model
from monitor.render import slack

_NOTE = Markup(
    '<p style="margin:0;padding:12px 16px;background:#9b1c1c;color:#ffffff;font:bold 14px/1.4 sans-serif">{}</p>'
)


def reminder(message: model.Message, *, key: str, ref: str, number: int) -> model.Message:
    """Return `message` once more, which says first that it is a reminder and what ends it.

    ref: the alert's number, `A-7`. number: 1 for the first reminder.
    """
    note = f"Reminder {number}: nobody has acknowledged this alert yet. monitor alerts ack {ref}"
    return replace(
        message,
        key=key,
        thread=message.thread or message.key,
        subject=f"{message.subject} · reminder {number}",
        text=f"{note}\n\n{message.text}",
        html=message.html.replace("<body>", f"<body>{_NOTE.format(note)}", 1),
        data=_data(message.data, note, number),
    )


def _data(data: Mapping[str, Any], note: str, number: int) -> Mapping[str, Any]:
    if "blocks" in data:
        return {**data, "text": f"{note}\n\n{data['text']}", "blocks": slack.with_note(note, data["blocks"])}
    return {**data, "reminder": number} if data else data
