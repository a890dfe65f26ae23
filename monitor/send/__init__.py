"""One message to one channel, or DeliveryError. Shell: blocking, for a thread of its own.

address    what a channel's URL says, and what may be shown of it
mail       e-mail: message of ours over apprise's URL and connection
web        JSON webhooks over httpx: Retry-After, Idempotency-Key
slack      Slack's webhooks and bots, over the same
services   everything else, by apprise
preview    what would leave, for people to read
"""

import sys
import threading
from collections.abc import Mapping
from typing import Protocol

from monitor import errors, model
from monitor.send.address import Door, check, door
from monitor.send.mail import Mail
from monitor.send.preview import preview
from monitor.send.services import Service
from monitor.send.slack import Bot, Webhook
from monitor.send.web import Json

__all__ = ["AppriseSender", "Sender", "check", "open_sender", "preview"]


class Sender(Protocol):
    """Whoever brings a message to a channel."""

    def send(self, channel: model.Channel, message: model.Message) -> Mapping[str, str] | None:
        """Send one message; returns when the receiver has accepted it, with where it stands there if that matters.

        Raises DeliveryError when it has not, or when that is not known: then a repeat carries the same key.
        """
        ...


def open_sender(*, identity: str = "") -> "AppriseSender":
    """Return the real sender. identity: of this installation, part of Message-IDs and Idempotency-Keys."""
    return AppriseSender(identity=identity)


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
                if isinstance(way, Json | Webhook | Bot):
                    way.close()
            self._ways.clear()

    def _open(self, url: str) -> Sender:
        match door(url):
            case Door.STDOUT:
                return Stdout()
            case Door.MAIL:
                return Mail(url, identity=self._identity)
            case Door.SLACK:
                return Webhook(url, identity=self._identity)
            case Door.BOT:
                return Bot(url, identity=self._identity)
            case Door.JSON:
                return Json(url, identity=self._identity)
            case _:
                return Service(url)


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
