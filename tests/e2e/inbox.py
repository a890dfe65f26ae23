"""Three receivers that a daemon tells everything: Slack's form, a JSON webhook, mail; and what each of them got."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tests import servers

NAMES = ("slack", "json", "mail")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came. key: what a receiver can tell repeats by. text: all that a person sees of it."""

    key: str
    text: str


class Inbox:
    """Receivers on loopback, which can be stopped and started, and told to fail."""

    def __init__(self, channels: int = 3) -> None:
        """channels: how many of the three are configured."""
        self.slack, self.json, self.mail = servers.WebhookReceiver(), servers.WebhookReceiver(), servers.MailReceiver()
        self.names = NAMES[:channels]

    def __enter__(self) -> Self:
        for name in NAMES:
            self.receiver(name).start()
        return self

    def __exit__(self, *_: object) -> None:
        for name in NAMES:
            self.receiver(name).stop()

    def receiver(self, name: str) -> servers.WebhookReceiver | servers.MailReceiver:
        """Return the receiver of a channel."""
        if name == "mail":
            return self.mail
        return self.slack if name == "slack" else self.json

    def toml(self) -> str:
        """Return the channels' part of a configuration."""
        urls = {
            "slack": f"slack+http://127.0.0.1:{self.slack.port}/services/T1/B1/x",
            "json": f"json://127.0.0.1:{self.json.port}/hook",
            "mail": f"mailto://127.0.0.1:{self.mail.port}?from=monitor@example.org&to=desk@example.org&mode=insecure",
        }
        return "".join(f'[[channels]]\nname = "{n}"\nurl = "{urls[n]}"\nlimit = "off"\n' for n in self.names)

    def got(self, name: str) -> Sequence[Arrival]:
        """Return what a channel got, in order; the operator's messages are left out."""
        arrivals = [_mailed(one) for one in self.mail.messages] if name == "mail" else self._posted(name)
        return [one for one in arrivals if "operator:" not in one.key]

    def count(self) -> int:
        """Return how many messages came in all, repeats and operator's messages too."""
        return sum(len(self.receiver(name).messages) for name in self.names)

    def fail(self, name: str, how: str, times: int = 1) -> None:
        """Let the next messages of a channel fail: `500`, `429` (Retry-After of two seconds) or `hang` (over 8 s)."""
        receiver = self.receiver(name)
        if isinstance(receiver, servers.MailReceiver):
            if how == "hang":
                receiver.hang(9)
            else:
                receiver.refuse(times, "451 later" if how == "500" else "421 too many connections")
        elif how == "hang":
            receiver.script(*[servers.Answer(wait=9, drop=True)] * times)
        else:
            receiver.refuse(times, int(how), "2" if how == "429" else None)

    def _posted(self, name: str) -> list[Arrival]:
        posts = (self.slack if name == "slack" else self.json).messages
        return [Arrival(one.headers["idempotency-key"], one.body.decode()) for one in posts]


def actors(arrival: Arrival) -> set[str]:
    """Return the capitalised words of a message, among them its actor."""
    return set(re.findall(r"[A-Z][a-z]+", arrival.text))


def _mailed(mail: servers.Mail) -> Arrival:
    [key] = mail.message.get_all("Message-ID", [])
    return Arrival(f"{key} {mail.message['X-Alert-Id']}", json.dumps([mail.subject, mail.text(), mail.text("html")]))
