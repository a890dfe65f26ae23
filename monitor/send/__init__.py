"""One message to one channel, or DeliveryError. Shell: blocking, for a thread of its own.

address    which way a channel's URL takes, and what may be shown of it
known      what apprise makes of it
mail       e-mail: message of ours over apprise's URL and connection
web        JSON webhooks over httpx: Retry-After, Idempotency-Key
slack      Slack's webhooks and bots, over the same
services   everything else, by apprise
previewing what would leave, for people to read

The ways are imported when a channel takes them: apprise and its mail cost a tenth of a second.
"""

import sys
import threading
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from monitor import errors, model
from monitor.send.address import Door, check, door

__all__ = ["AppriseSender", "Sender", "check", "open_sender", "preview"]


class Sender(Protocol):
    """Whoever brings a message to a channel."""

    def send(self, channel: model.Channel, message: model.Message) -> Mapping[str, str] | None:
        """Send one message; returns when the receiver has accepted it, with where it stands there if that matters.

        Raises DeliveryError when it has not, or when that is not known: then a repeat carries the same key.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """A way that keeps connections open."""

    def close(self) -> None:
        """Close them."""
        ...


def open_sender(*, identity: str = "") -> "AppriseSender":
    """Return the real sender. identity: of this installation, part of Message-IDs and Idempotency-Keys."""
    return AppriseSender(identity=identity)


def preview(channel: model.Channel, message: model.Message, *, identity: str = "") -> str:
    """Return what leaves for `channel`, for people to read; nothing is sent.

    identity: of this installation, part of Message-IDs. Raises DeliveryError when the channel's URL cannot be used.
    """
    from monitor.send import previewing

    return previewing.preview(channel, message, identity=identity)


class AppriseSender:
    """The real sender: keeps one connection object for each URL.

    identity: of this installation, part of Message-IDs and Idempotency-Keys; empty for none.
    """

    def __init__(self, *, identity: str = "") -> None:
        self._identity = identity
        self._ways: dict[str, Sender] = {}
        self._lock = threading.Lock()

    def send(self, channel: model.Channel, message: model.Message) -> Mapping[str, str] | None:
        """Send by the way that the channel's URL takes. Raises DeliveryError."""
        with self._lock:
            way = self._ways.get(channel.url)
            if way is None:
                way = self._ways[channel.url] = self._open(channel.url)
        return way.send(channel, message)

    def close(self) -> None:
        """Close what is open; a send that is under way fails."""
        with self._lock:
            for way in self._ways.values():
                if isinstance(way, Closing):
                    way.close()
            self._ways.clear()

    def _open(self, url: str) -> Sender:
        match door(url):
            case Door.STDOUT:
                return Stdout()
            case Door.MAIL:
                from monitor.send import mail

                return mail.Mail(url, identity=self._identity)
            case Door.SLACK:
                from monitor.send import slack

                return slack.Webhook(url, identity=self._identity)
            case Door.BOT:
                from monitor.send import slack

                return slack.Bot(url, identity=self._identity)
            case Door.JSON:
                from monitor.send import web

                return web.Json(url, identity=self._identity)
            case _:
                from monitor.send import services

                return services.Service(url)


class Stdout:
    """Prints to standard output, and flushes."""

    def send(self, channel: model.Channel, message: model.Message) -> None:  # noqa: ARG002 # one door for all
        """Print one message. Raises DeliveryError when standard output is closed or full."""
        text = f"{message.text.rstrip()}\n\n"
        try:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding, "replace"))
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            raise errors.DeliveryError(f"standard output cannot be written: {error}") from error
