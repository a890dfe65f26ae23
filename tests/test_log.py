"""Events on standard error."""

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
