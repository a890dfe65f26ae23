"""Findings and how to decide them with plain defaults, for the tests of deciding."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from monitor import alert, model
from tests.builders import (
    NOON,
    a_channel,
    a_finding,
    an_assignment,
)

SEND, HOLD, DROP = model.Verdict
Reason = model.Reason
HOUR = timedelta(hours=1)
TOLD = model.Told(told=True)
INSTANTS = st.timedeltas(timedelta(), timedelta(days=730)).map(lambda past: datetime(2026, 1, 1, tzinfo=UTC) + past)


def decide(
    finding: model.Finding | None = None, channel: model.Channel | None = None, **changes: Any
) -> model.Decision:
    """Decide with plain defaults: noon, untold, no silences."""
    plain: dict[str, Any] = {
        "told": model.Told(),
        "silences": [],
        "now": NOON,
        "update_every": HOUR,
        "max_entry_age": 48 * HOUR,
        "first": model.FirstPoll.DIGEST,
    }
    return alert.decide(finding or a_finding(), channel or a_channel(), **plain | changes)


def an_update(**changes: Any) -> model.Finding:
    """Return a finding that brings something new of story 12."""
    return a_finding(assignment=an_assignment(kind=model.Kind.UPDATE, score=0.7, news="now 50 killed"), **changes)


def a_duplicate(**changes: Any) -> model.Finding:
    """Return a finding that retells story 12."""
    return a_finding(assignment=an_assignment(kind=model.Kind.DUPLICATE, score=0.9, **changes))


NIGHT = model.QuietHours(time(22), time(7), breaks=model.Level.HIGH)


def at_night(level: model.Level, **changes: Any) -> model.Decision:
    """Decide a finding of `level` at 23:00 in Berlin, in winter."""
    channel = a_channel(zone="Europe/Berlin", quiet=NIGHT, **changes)
    return decide(a_finding(level=level), channel, now=datetime(2026, 11, 21, 22, 0, tzinfo=UTC))
