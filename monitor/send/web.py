"""One message as an HTTP request: JSON webhooks, Slack's and those that speak like Slack's.

Apprise posts to them, too, but it hides `Retry-After`, cannot set a key per message, and knows neither our blocks nor
whether the answer was final. It still parses the URL.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from monitor import __version__, errors, model
from monitor.send import address

_TIMEOUT = httpx.Timeout(6.0, connect=4.0)
_UNAUTHORISED = {401, 403}
_GONE = {301, 308, 405, 410}
_UNFIT = {400, 413, 415, 422}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a channel's requests go. payload: what the URL adds to each."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    verify: bool = True


class Web:
    """Sends to one webhook over one connection pool."""

    def __init__(self, url: str, *, identity: str = "") -> None:
        """identity: of this installation; part of the Idempotency-Key, should its database ever begin anew."""
        self._is_slack = address.door(url) is address.Door.SLACK
        self._target = slack_target(url) if self._is_slack else json_target(url)
        self._url = url
        self._identity = identity
        self._client = httpx.Client(timeout=_TIMEOUT, verify=self._target.verify, follow_redirects=False)

    def send(self, channel: model.Channel, message: model.Message) -> None:  # noqa: ARG002 # one door for all
        """Post one message. Raises DeliveryError unless the answer is 2xx."""
        payload = slack_payload(message) if self._is_slack else json_payload(message, self._target.payload)
        status, reply, retry_after = self._post(payload, message)
        if status == 400 and "blocks" in payload:  # a service that speaks like Slack, but knows no blocks
            status, reply, retry_after = self._post({"text": payload["text"]}, message)
        if not 200 <= status < 300:
            raise _failure(status, reply, retry_after, self._url, is_slack=self._is_slack)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, payload: Mapping[str, Any], message: model.Message) -> tuple[int, str, timedelta | None]:
        """Return status, the beginning of the answer, and how long it asks to be left alone."""
        target = self._target
        key = f"{message.key}@{self._identity}" if self._identity else message.key
        headers = {
            "User-Agent": f"monitor/{__version__}",
            **target.headers,
            "Content-Type": "application/json",
            "Idempotency-Key": quote(key, safe=":@+-._"),
            "X-Alert-Id": quote(message.key, safe=":@+-._"),
        }
        try:
            with self._client.stream(
                target.method,
                target.url,
                content=json.dumps(payload).encode(),
                headers=headers,
                params=dict(target.params) or None,
                auth=target.auth,
            ) as response:
                beginning = next(response.iter_raw(500), b"")
                asked = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
                return response.status_code, beginning.decode("utf-8", "replace"), asked
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            words = f"no answer from {urlsplit(target.url).hostname}: {str(error) or type(error).__name__}"
            raise errors.DeliveryError(address.hidden(words, self._url)) from error


def slack_target(url: str) -> Target:
    """Return where a Slack webhook's URL leads: slack://A/B/C, https://hooks.slack.com/..., slack+https://host/..."""
    scheme = address.scheme_of(url)
    if scheme.startswith("slack+"):
        return Target(url.strip()[len("slack+") :])
    if scheme == "https":
        return Target(url.strip())
    service: Any = address.load(url)
    if service is None:
        raise errors.DeliveryError("this slack:// address cannot be used", permanent=True)
    root = service.webhook_gov_url if service.mode == "gov-hook" else service.webhook_url
    return Target(f"{root}/{service.token_a}/{service.token_b}/{service.token_c}")


def json_target(url: str) -> Target:
    """Return where a `json://` or `jsons://` URL leads, with its headers, parameters and method."""
    service: Any = address.load(url)
    if service is None:
        raise errors.DeliveryError("this json:// address cannot be used", permanent=True)
    scheme = "https" if service.secure else "http"
    host = f"[{service.host}]" if ":" in service.host and not service.host.startswith("[") else service.host
    port = f":{service.port}" if service.port else ""
    return Target(
        f"{scheme}://{host}{port}{service.fullpath or '/'}",
        method=service.method,
        headers=dict(service.headers),
        params=dict(service.params),
        payload=dict(service.payload_extras),
        auth=(service.user, service.password or "") if service.user else None,
        verify=bool(service.verify_certificate),
    )


def slack_payload(message: model.Message) -> dict[str, Any]:
    """Return what Slack gets: text and blocks, escaped when they were rendered; bare names are not turned to links."""
    return {"text": _escaped(message.text), **message.data, "link_names": False, "unfurl_links": False}


def json_payload(message: model.Message, extras: Mapping[str, str]) -> dict[str, Any]:
    """Return what a JSON webhook gets: apprise's own four keys, our key, and the alert's data."""
    payload: dict[str, Any] = {
        "version": "1.0",
        "title": message.subject,
        "message": message.text,
        "type": notify_type(message.level),
        "key": message.key,
        "thread": message.thread,
        **message.data,
    }
    for name, value in extras.items():  # as apprise has it: `:message=text` renames, `:type=` leaves out, others add
        if name not in payload:
            payload[name] = value
        elif value:
            payload[value] = payload.pop(name)
        else:
            del payload[name]
    return payload


def notify_type(level: model.Level) -> str:
    """Return apprise's word for a level, by which services choose a colour."""
    if level.rank >= model.Level.HIGH.rank:
        return "failure"
    return "warning" if level is model.Level.MEDIUM else "info"


def retry_after(header: str | None, date: str | None = None) -> timedelta | None:
    """Return how long an answer asks to be left alone, at most a day; None when it does not say or cannot be read.

    header: seconds or a date; a date is taken against the server's own `Date`, so that its clock may be wrong.
    Source: RFC 9110 10.2.3.
    """
    if not header:
        return None
    text = header.strip()
    try:
        if text.replace(".", "", 1).isdigit() and text.isascii():
            return timedelta(seconds=min(float(text), 86_400.0))
        until = _aware(parsedate_to_datetime(text))
        now = _aware(parsedate_to_datetime(date or ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(until - now, timedelta()), timedelta(days=1))


def _failure(status: int, reply: str, asked: timedelta | None, url: str, *, is_slack: bool) -> errors.DeliveryError:
    """Return what an answer that is no success means for the message and its channel.

    A webhook that is not found may be back in a minute; Slack says 404 when it is gone.
    Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (errors).
    """
    words = address.hidden(f"{address.host_of(url) or 'the webhook'} answered {status}: {reply}", url)
    if status in _UNAUTHORISED | _GONE or (is_slack and status == 404):
        return errors.DeliveryError(words, permanent=True)
    if status in _UNFIT:
        return errors.DeliveryError(words, permanent=True, message_only=True)
    return errors.DeliveryError(words, retry_after=asked)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
