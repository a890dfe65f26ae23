"""What a receiver would get, in a form that people can read; nothing is sent."""

import json

from monitor import model
from monitor.send import address, mail, slack, web


def preview(channel: model.Channel, message: model.Message, *, identity: str = "") -> str:
    """Return what leaves for `channel`: headers and text of a mail, the JSON of a webhook, title and text otherwise.

    identity: of this installation, part of Message-IDs. Raises DeliveryError when the channel's URL cannot be used.
    """
    match address.door(channel.url):
        case address.Door.STDOUT:
            return message.text
        case address.Door.MAIL:
            return _mail(channel, message, identity)
        case address.Door.SLACK | address.Door.BOT:
            return _json(slack.payload(message))
        case address.Door.JSON:
            return _json(web.json_payload(message, web.json_target(channel.url).payload))
        case _:
            return f"{message.subject}\n\n{message.text}"


def _mail(channel: model.Channel, message: model.Message, identity: str) -> str:
    """Return the mail without what is encoded for transport; recipients are the URL's and stay out."""
    composed = mail.Mail(channel.url, identity=identity).compose(channel, message)
    kept = [f"{name}: {value}" for name, value in composed.items() if not name.startswith(("MIME", "Content-"))]
    return "\n".join([*kept, "", message.text])


def _json(payload: dict[str, object]) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=2) + "\n"
