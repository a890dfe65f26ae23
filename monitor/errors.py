"""Every failure that is raised on purpose, arranged by who can act. Pure.

MonitorError             raised on purpose; anything else is a bug and keeps its traceback
├─ ConfigError           the operator: file, key, what is allowed  -> cli prints one line, exit status 2
│   └─ RuleError         ... file, line, column, rule
├─ FeedError             one feed, the others go on                -> pipeline records it, pace decides
│   ├─ FetchError        permanent (410), retry_after, status
│   └─ ParseError        not a feed
├─ TemplateError         a channel's own template                  -> deliver takes the built-in form, tells of it
├─ DeliveryError         permanent, retry_after                    -> deliver settles: retry or dead
└─ StoreError            database away, locked, full or newer      -> the tick ends, the next one tries
"""

from collections.abc import Sequence
from datetime import timedelta


class MonitorError(Exception):
    """A failure whose message a person can act on: what, where, and what to do."""


class ConfigError(MonitorError):
    """The configuration, a rule file, a seed or an argument is wrong; the message names the place and the mend."""


class RuleError(ConfigError):
    """One or more complaints about rule files, each a line `file:line:column: what is wrong (what was meant)`."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = tuple(complaints)


class FeedError(MonitorError):
    """One feed could not be polled or parsed; the others go on."""


class FetchError(FeedError):
    """A poll got no document.

    permanent: the server says that the feed is gone (410); it is not polled again.
    retry_after: how long the server asks to be left alone (RFC 9110 10.2.3); None when it says nothing.
    status: the HTTP status, None when no answer came.
    offline: no connection was made at all, so that our own network may be the one that is down.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        status: int | None = None,
        offline: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.status = status
        self.offline = offline


class ParseError(FeedError):
    """The document is not a feed, or could not be parsed within its time and memory."""


class TemplateError(MonitorError):
    """A channel's own template cannot be filled; the message says why."""


class DeliveryError(MonitorError):
    """A message did not reach its channel.

    permanent: trying again cannot help (recipient gone, token revoked, address unknown).
    retry_after: how long the receiver asks to be left alone, None when it says nothing.
    message_only: the receiver refused this message, so that others to the same channel may well pass.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        message_only: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.message_only = message_only


class StoreError(MonitorError):
    """The database is away, locked, full, read-only, or newer than this program.

    passing: the same may work later, with nothing changed by an operator: locked, full or away.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
