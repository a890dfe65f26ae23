"""Set up logging: one event a line on standard error, as text or JSON, with the same fields everywhere. Shell.

Standard output belongs to alerts (a channel like any other) and to listings.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog

# What a terminal or a log reader could take for a command: C0, C1, line ends, bidi controls (Trojan Source, 2021).
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MOST = 1000
_NOISY = ("apscheduler", "aiohttp", "alembic", "asyncio", "watchfiles", "mail.log")
_TELLTALE = ("httpx", "httpcore")  # log whole addresses, which hold secrets; apprise does, too: see `send.known`


def configure(*, as_json: bool, level: str) -> None:
    """Send structlog's events to standard error. level: debug, info, warning or error."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shape: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=24,
            sort_keys=False,
            exception_formatter=structlog.dev.plain_traceback,  # the default one prints local variables: secrets
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if as_json else _keep,
            _clean,
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Libraries()], force=True)
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR if threshold > logging.DEBUG else logging.INFO)
    for name in _TELLTALE:
        logging.getLogger(name).setLevel(logging.ERROR)


class _Libraries(logging.Handler):
    """Takes what libraries log, so that it comes in our form: event `library`, with its logger's name and its words."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        events = structlog.get_logger()
        tell = {logging.ERROR: events.error, logging.WARNING: events.warning}.get(
            min(record.levelno // 10 * 10, logging.ERROR), events.info
        )
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  a library's call with the wrong arguments
            message = str(record.msg)
        tell("library", logger=record.name, message=message.strip(), exc_info=record.exc_info)


class _Lines(structlog.PrintLogger):
    """Prints events; one that cannot be written is lost. A full disk or a closed pipe must not end what was told."""

    def msg(self, message: str) -> None:
        """Print one event."""
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def _keep(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event


def _clean(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make every text harmless and bounded: feeds choose some of them. Tracebacks keep their lines."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)[:_MOST]
    return event
