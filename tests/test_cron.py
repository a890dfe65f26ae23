"""Cron expressions: what is read, what is refused, and when the next digest comes."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from monitor import alert, model
from monitor.config import cron
from tests.builders import NOON, a_channel, a_finding
from tests.deciding import INSTANTS, Reason, decide


def after(text: str, at: datetime = NOON, zone: str = "Europe/Berlin") -> str:
    """Return when the next digest comes after Saturday noon, in UTC."""
    return f"{alert.next_digest_at(cron.parse(text), zone, at):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("hourly", "2026-11-21 13:00"),
        ("daily", "2026-11-22 07:00"),
        ("weekly", "2026-11-23 07:00"),
        ("0 7 * * mon-fri", "2026-11-23 06:00"),
        ("*/20 * * * *", "2026-11-21 12:20"),
        ("5/20 * * * *", "2026-11-21 12:05"),
        ("30 8,18 * * *", "2026-11-21 17:30"),
        ("0 9 1,15 * *", "2026-12-01 08:00"),
        ("0 9 1 * sun", "2026-11-22 08:00"),
        ("0 9 * * 7", "2026-11-22 08:00"),
        ("0 9 * * fri-sun", "2026-11-22 08:00"),
        ("0 13 * * *", "2026-11-22 12:00"),
    ],
)
def test_when_the_next_digest_comes(text: str, at: str) -> None:
    """A schedule is read off the clock on the channel's wall; what is due this instant comes the next time."""
    assert after(text) == at


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("07:00", 'is no cron expression; write five fields, like "0 7 * * mon-fri", or "hourly"'),
        ("60 * * * *", "'60' is no minute; write 0 to 59"),
        ("0 7 * * someday", "'someday' is no day of the week"),
        ("0 9-7 * * *", "'9-7' is no hour: the span ends before it begins"),
        ("*/0 * * * *", "its step is 0"),
        ("0 7 ! * *", "'!' is no day of the month"),
        ("0 7 31 * *", "leaves more than 35 days between two digests"),
        ("0 7 1 jan *", "leaves more than 35 days between two digests"),
    ],
)
def test_what_is_no_schedule_is_told(text: str, said: str) -> None:
    """What cannot be read, or comes too seldom, is refused with what to write instead."""
    with pytest.raises(ValueError, match=re.escape(said)):
        cron.parse(text)


@given(
    minute=st.sampled_from(["0", "*/15", "7,40"]),
    hour=st.sampled_from(["*", "6", "7-19/3"]),
    days=st.sampled_from([("*", "*"), ("1,15", "*"), ("*", "mon-fri"), ("*", "sun")]),
    at=INSTANTS,
)
def test_another_reader_of_crontabs_agrees(minute: str, hour: str, days: tuple[str, str], at: datetime) -> None:
    """Where days of the month and of the week do not meet, apscheduler's trigger comes at the same time."""
    text = f"{minute} {hour} {days[0]} * {days[1]}"
    theirs = CronTrigger.from_crontab(text, UTC).get_next_fire_time(None, at + timedelta(microseconds=1))
    assert alert.next_digest_at(cron.parse(text), "UTC", at) == theirs


def test_an_alert_waits_for_its_schedule() -> None:
    """A channel with a cron expression gets its alerts as a digest then."""
    decision = decide(a_finding(), a_channel(digest=cron.parse("0 7 * * mon-fri")))
    assert (decision.verdict, decision.reason) == (model.Verdict.HOLD, Reason.DIGEST)
    assert decision.until_at == datetime(2026, 11, 23, 7, tzinfo=UTC)
