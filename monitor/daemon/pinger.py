"""The heartbeat that goes out: a URL asked while all is well, so that silence itself is noticed. Shell.

Source: https://healthchecks.io/docs/http_api/ (a GET says that all is well; with `/fail` at the end, that it is not).
"""

from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import structlog

from monitor import clock, errors, model, poll
from monitor.config.schema import Settings

events = structlog.get_logger()

_WITHIN = timedelta(seconds=10)
_ENOUGH = 64 * 1024  # bytes of an answer


class Pinger:
    """Asks the configured URL, if there is one; complains once when that fails."""

    def __init__(self) -> None:
        self._failing = False

    async def ping(self, settings: Settings, *, well: bool) -> None:
        """Say whether all is well. Ends within 10 s and raises nothing that has to do with the network."""
        url = settings.heartbeat.url
        if not url:
            return
        try:
            await _ask(url if well else failing(url), settings)
        except errors.FetchError as error:
            if not self._failing:
                events.warning("heartbeat_not_taken", error=str(error))
            self._failing = True
        else:
            if self._failing:
                events.info("heartbeat_taken_again")
            self._failing = False


def failing(url: str) -> str:
    """Return the address that says that something is not well."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail"))


async def _ask(url: str, settings: Settings) -> None:
    """Ask once, with the same checks of addresses as for polls. Raises FetchError."""
    table = settings.poll
    feed = model.Feed(id=0, spec=model.FeedSpec("heartbeat", url), url=url)
    async with poll.open_client(
        contact=table.contact, deadline=_WITHIN, max_body=_ENOUGH, allow_networks=table.allow_networks
    ) as client:
        try:
            await poll.fetch(client, feed, now=clock.now())
        except errors.FetchError as error:
            if error.status is None or not 200 <= error.status < 300:
                raise
