"""Channels on loopback and messages for them, for the tests of sending."""

from typing import Any

import pytest

from monitor import errors, model, send
from tests import servers
from tests.builders import a_channel

KEY = "alert:7:desk"


def a_message(**changes: Any) -> model.Message:
    """Return a message with text alone."""
    plain: dict[str, Any] = {"key": KEY, "subject": "[HIGH] Sanctions threat: US warns", "text": "US warns\n"}
    return model.Message(**plain | changes)


def mail_url(mails: servers.MailReceiver, more: str = "") -> str:
    """Return a channel's URL for the mail receiver."""
    return f"mailto://127.0.0.1:{mails.port}/?from=monitor@desk.example&to=analyst@desk.example{more}"


def json_url(hooks: servers.WebhookReceiver, path: str = "/hook") -> str:
    """Return a channel's URL for the webhook receiver."""
    return f"json://127.0.0.1:{hooks.port}{path}"


def slack_url(hooks: servers.WebhookReceiver) -> str:
    """Return a Slack channel's URL for the webhook receiver."""
    return f"slack+http://127.0.0.1:{hooks.port}/services/T1/B2/secret3"


def deliver(url: str, message: model.Message | None = None) -> None:
    """Send a message to a URL."""
    sender = send.open_sender()
    try:
        sender.send(a_channel(url=url), message or a_message())
    finally:
        sender.close()


def failure(url: str, message: model.Message | None = None) -> errors.DeliveryError:
    """Send a message that will not arrive and return why not."""
    with pytest.raises(errors.DeliveryError) as caught:
        deliver(url, message)
    return caught.value
