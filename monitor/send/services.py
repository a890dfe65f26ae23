"""One message to any of the services that apprise knows, by apprise itself."""

import re
from collections.abc import Iterator

import apprise

from monitor import errors, model
from monitor.send import address, known, web

_PERMANENT = {401, 403, 404, 410}
_UNFIT = {400, 413, 415, 422}


class Service:
    """Sends to one apprise URL, with one Apprise object and no tags."""

    def __init__(self, url: str) -> None:
        """Load the URL. Raises DeliveryError (permanent) when apprise cannot use it."""
        service = known.load(url)
        if service is None:
            words = address.check(url) or f"this {address.scheme_of(url)}:// address cannot be used"
            raise errors.DeliveryError(words, permanent=True)
        self._url = url
        self._name = str(service.service_name)
        self._apprise = apprise.Apprise()
        self._apprise.add(service)

    def send(self, channel: model.Channel, message: model.Message) -> None:  # noqa: ARG002 # one door for all
        """Send through apprise; the text is plain, so that apprise escapes it as the service needs.

        Apprise says what went wrong in its log lines only: the HTTP status is read from there.
        """
        result = self._apprise.notify(
            body=message.text,
            title=message.subject,
            notify_type=apprise.NotifyType(web.notify_type(message.level)),
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not result:
            raise self._failure(result)

    def _failure(self, result: apprise.AppriseResult) -> errors.DeliveryError:
        lines = list(_log_lines(result))
        found = re.search(r"error=(\d{3})\b", " ".join(lines))
        status = int(found[1]) if found else 0
        said = lines[-1] if lines else result.status.name.lower()
        words = address.hidden(f"{self._name}: {said}", self._url)
        if status in _UNFIT:
            return errors.DeliveryError(words, permanent=True, message_only=True)
        return errors.DeliveryError(words, permanent=status in _PERMANENT)


def _log_lines(result: apprise.AppriseResult) -> Iterator[str]:
    for service in result.results:
        for attempt in service.attempts:
            yield from (entry.message for entry in attempt.logs)
