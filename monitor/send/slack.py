"""One message to Slack: through a webhook, or as a bot, which can answer in a story's thread.

Blocks and text come rendered and escaped in the message's `data`. Apprise parses the URL; it would hide `Retry-After`
and knows no blocks of ours.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitor import errors, model
from monitor.send import address, known, web

API = "https://slack.com/api/chat.postMessage"
_REMEMBERED = 5_000  # messages whose place in Slack is known, for threads and so that no retry repeats a part
_LONGEST_REPLY = 200_000  # bytes; Slack repeats the message in its answer

# Source: https://docs.slack.dev/reference/methods/chat.postMessage (errors). What is in neither set is tried again.
_FINAL = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "ekm_access_denied",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "no_permission",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "restricted_action",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
_UNFIT = frozenset(
    {
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
    }
)


class Webhook:
    """Sends to one of Slack's incoming webhooks, or to a service that speaks like one."""

    def __init__(self, url: str, *, identity: str = "") -> None:
        """identity: of this installation; part of the Idempotency-Key, should its database ever begin anew."""
        self._poster = web.Poster(url, target(url), identity=identity)

    def send(self, channel: model.Channel, message: model.Message) -> None:  # noqa: ARG002 # one door for all
        """Post one message. Raises DeliveryError unless the answer is 2xx.

        A service that knows no blocks gets the text alone. Slack answers 404 when a webhook is gone.
        Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (errors).
        """
        wanted = payload(message)
        answer = self._poster.post(wanted, message.key)
        if answer.status == 400 and "blocks" in wanted:
            answer = self._poster.post({"text": wanted["text"]}, message.key)
        if not answer.is_success:
            raise self._poster.failure(answer, gone={404})

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()


class Bot:
    """Sends with a bot's token, `slack://xoxb-.../#channel`, to each of its Slack channels."""

    def __init__(self, url: str, *, identity: str = "", api: str = API) -> None:
        """Load the URL. api: where Slack's method is. identity: of this installation, part of the Idempotency-Key."""
        service: Any = known.load(url)
        if service is None:
            raise errors.DeliveryError("this slack:// address cannot be used", permanent=True)
        self._channels = [_channel(one) for one in service.channels]
        headers = {"Authorization": f"Bearer {service.access_token}"}
        self._poster = web.Poster(url, web.Target(api, headers=headers), identity=identity)
        self._url = url
        self._places: OrderedDict[tuple[str, str], str] = OrderedDict()

    def send(self, channel: model.Channel, message: model.Message) -> Mapping[str, str]:  # noqa: ARG002 # one door
        """Post to each Slack channel that has not got it; an update in the thread of its story's first message.

        Returns the timestamp that it has in each Slack channel; whoever keeps them gives them back as `places`.
        """
        for one in self._channels:
            if (message.key, one) in self._places:
                continue
            wanted = payload(message) | {"channel": one, "metadata": _metadata(message)}
            first = self._places.get((message.thread, one)) or message.places.get(one)
            if first:
                wanted["thread_ts"] = first
            answer = self._poster.post(wanted, message.key, most=_LONGEST_REPLY)
            if not answer.is_success:
                raise self._poster.failure(answer)
            self._places[message.key, one] = self._place(answer, one)
            while len(self._places) > _REMEMBERED:
                self._places.popitem(last=False)
        return {one: self._places[message.key, one] for one in self._channels if (message.key, one) in self._places}

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _place(self, answer: web.Answer, channel: str) -> str:
        """Return the timestamp by which Slack knows the message. Raises DeliveryError when it took none."""
        try:
            said = json.loads(answer.reply)
            is_taken, code = bool(said["ok"]), str(said.get("error", ""))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._poster.failure(replace(answer, reply="no JSON of Slack's")) from None
        if is_taken:
            return str(said.get("ts", ""))
        words = address.hidden(f"Slack said {code} of {channel}", self._url)
        if code in _UNFIT:
            raise errors.DeliveryError(words, permanent=True, message_only=True)
        raise errors.DeliveryError(words, permanent=code in _FINAL, retry_after=answer.retry_after)


def target(url: str) -> web.Target:
    """Return where a Slack webhook's URL leads: slack://A/B/C, https://hooks.slack.com/..., slack+https://host/..."""
    scheme = address.scheme_of(url)
    if scheme.startswith("slack+"):
        return web.Target(url.strip()[len("slack+") :])
    if scheme == "https":
        return web.Target(url.strip())
    service: Any = known.load(url)
    if service is None:
        raise errors.DeliveryError("this slack:// address cannot be used", permanent=True)
    root = service.webhook_gov_url if service.mode == "gov-hook" else service.webhook_url
    return web.Target(f"{root}/{service.token_a}/{service.token_b}/{service.token_c}")


def payload(message: model.Message) -> dict[str, Any]:
    """Return what Slack gets: text and blocks as they were rendered; bare names do not become mentions."""
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, **message.data, "link_names": False, "unfurl_links": False}


def _metadata(message: model.Message) -> dict[str, Any]:
    """Return the key in the form in which Slack hands it to other programs."""
    return {"event_type": "monitor_message", "event_payload": {"key": message.key}}


def _channel(name: str) -> str:
    """Return a channel as Slack's API takes it, of apprise's spellings: `#name`, `+C024BE7LH`, `@user`."""
    if name.startswith("+"):
        return name[1:]
    return name if name[0] in "#@" else f"#{name}"
