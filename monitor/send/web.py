"""One message as an HTTP request: JSON webhooks, and what Slack's have in common with them.

Apprise posts to them, too, but it hides `Retry-After`, cannot set a key per message, and does not tell whether the
answer was final. It still parses the URL.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from monitor import __version__, errors, model
from monitor.send import address, known

_TIMEOUT = httpx.Timeout(6.0, connect=4.0)
_FINAL = {301, 308, 401, 403, 405, 410}  # gone, moved, unauthorised
_UNFIT = {400, 413, 415, 422}
_SAFE = ":@+-._"


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. reply: the beginning of its body. retry_after: how long it asks to be left alone."""

    status: int
    reply: str
    retry_after: timedelta | None

    @property
    def is_success(self) -> bool:
        """Whether it took the message."""
        return 200 <= self.status < 300


class Poster:
    """Posts JSON to one target over one connection pool, with the message's key in the headers."""

    def __init__(self, url: str, target: Target, *, identity: str = "") -> None:
        """url: the channel's, of which nothing secret is told. identity: of this installation, part of the key."""
        self.url, self.target, self._identity = url, target, identity
        self._client = httpx.Client(timeout=_TIMEOUT, verify=target.verify, follow_redirects=False)

    def post(self, payload: Mapping[str, Any], key: str, *, most: int = 500) -> Answer:
        """Post once and read at most about `most` bytes of the answer. Raises DeliveryError when there is none."""
        target = self.target
        headers = {
            "User-Agent": f"monitor/{__version__}",
            **target.headers,
            "Content-Type": "application/json",
            "Idempotency-Key": quote(f"{key}@{self._identity}" if self._identity else key, safe=_SAFE),
            "X-Alert-Id": quote(key, safe=_SAFE),
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
                beginning = next(response.iter_bytes(most), b"")
                asked = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
                return Answer(response.status_code, beginning.decode("utf-8", "replace"), asked)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            words = f"no answer from {urlsplit(target.url).hostname}: {str(error) or type(error).__name__}"
            raise errors.DeliveryError(address.hidden(words, self.url)) from error

    def failure(self, answer: Answer, *, gone: Collection[int] = ()) -> errors.DeliveryError:
        """Return what an answer that is no success means for the message and its channel.

        gone: statuses that say of this service that it is gone for good; a plain webhook that is not found may be back
        in a minute.
        """
        words = f"{urlsplit(self.target.url).hostname} answered {answer.status}: {answer.reply}"
        words = address.hidden(words, self.url)
        if answer.status in _FINAL or answer.status in gone:
            return errors.DeliveryError(words, permanent=True)
        if answer.status in _UNFIT:
            return errors.DeliveryError(words, permanent=True, message_only=True)
        return errors.DeliveryError(words, retry_after=answer.retry_after)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Json:
    """Sends to one JSON webhook."""

    def __init__(self, url: str, *, identity: str = "") -> None:
        """identity: of this installation; part of the Idempotency-Key, should its database ever begin anew."""
        self._poster = Poster(url, json_target(url), identity=identity)

    def send(self, channel: model.Channel, message: model.Message) -> None:  # noqa: ARG002 # one door for all
        """Post one message. Raises DeliveryError unless the answer is 2xx."""
        answer = self._poster.post(json_payload(message, self._poster.target.payload), message.key)
        if not answer.is_success:
            raise self._poster.failure(answer)

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()


def json_target(url: str) -> Target:
    """Return where a `json://` or `jsons://` URL leads, with its headers, parameters and method."""
    service: Any = known.load(url)
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


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
