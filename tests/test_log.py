"""Events on standard error."""

import json
import subprocess
import sys

_TELLING = """
import structlog
from monitor import log
log.configure(as_json=False, level="info")
structlog.get_logger().warning("disk_full")
try:
    raise ValueError
except ValueError:
    structlog.get_logger().exception("tick_raised")
print("goes on")
"""


def test_an_event_that_cannot_be_written_ends_nothing() -> None:
    """The disk that holds the log is full: what told the event goes on."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 # a device, not a path
        ended = subprocess.run(
            [sys.executable, "-c", _TELLING], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60, check=False
        )
    assert ended.stdout == "goes on\n"


_LIBRARY = """
import logging, warnings
import structlog
from monitor import log
log.configure(as_json=True, level="info")
structlog.get_logger().info("polled", feed="Wire", new=3)
logging.getLogger("asyncio").error("Task exception\\x1b[31m was %s", "lost")
logging.getLogger("some.library").warning("%d", "no number")
logging.getLogger("some.library").info("chatter")
warnings.warn("this will go")
try:
    raise ValueError("no\\nnumber")
except ValueError:
    structlog.get_logger().exception("tick_raised", tick="poll")
"""


def test_every_line_of_a_json_log_is_one_event_with_the_same_fields() -> None:
    """What libraries log and warn of comes in the same form; a traceback is a field, not lines between the events."""
    told = subprocess.run(
        [sys.executable, "-c", _LIBRARY], stderr=subprocess.PIPE, text=True, timeout=60, check=True
    ).stderr
    events = [json.loads(line) for line in told.splitlines()]
    assert [event["event"] for event in events] == ["polled", "library", "library", "library", "tick_raised"]
    for event in events:
        assert {"event", "level", "timestamp"} <= set(event)
    assert events[1]["logger"] == "asyncio"
    assert "\x1b" not in events[1]["message"]
    assert "ValueError: no" in events[4]["exception"]
