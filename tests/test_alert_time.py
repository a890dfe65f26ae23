"""When a channel hears of a finding: first polls, digests, quiet hours by the clock on the wall."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitor import alert, model
from tests.builders import (
    NOON,
    a_channel,
    a_finding,
    a_match,
    a_rule,
    an_entry,
)
from tests.deciding import (
    DROP,
    HOLD,
    HOUR,
    INSTANTS,
    NIGHT,
    SEND,
    Reason,
    an_update,
    at_night,
    decide,
)

# --- is now the time? ---


def test_the_first_poll_makes_one_digest() -> None:
    """What was already running when its feed was added is held a minute, in one batch."""
    decision = decide(a_finding(entry=an_entry(first_poll=True)))
    assert (decision.verdict, decision.reason, decision.batch) == (HOLD, Reason.FIRST_POLL, "first")
    assert decision.until_at == NOON + timedelta(minutes=1)


def test_the_first_poll_may_alert_or_say_nothing() -> None:
    """`poll.first = alert` sends at once, `nothing` drops."""
    finding = a_finding(entry=an_entry(first_poll=True))
    assert decide(finding, first=model.FirstPoll.ALERT).verdict is SEND
    assert decide(finding, first=model.FirstPoll.NOTHING).verdict is DROP


def test_quiet_hours_hold_and_never_drop() -> None:
    """At night an alert waits until seven in the channel's zone."""
    decision = at_night(model.Level.MEDIUM)
    assert (decision.verdict, decision.reason, decision.batch) == (HOLD, Reason.QUIET_HOURS, "quiet")
    assert decision.until_at == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert decision.by == "new_story"


def test_a_high_level_breaks_quiet_hours() -> None:
    """From the level on that breaks them, quiet hours do not count."""
    assert at_night(model.Level.HIGH).verdict is SEND


def test_an_update_that_would_come_due_at_night_waits_for_the_morning() -> None:
    """What is gathered until an hour that is quiet goes out when that is over."""
    channel = a_channel(quiet=NIGHT)
    now = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)
    told = model.Told(told=True, last_update_at=now - timedelta(minutes=10))
    decision = decide(
        an_update(level=model.Level.LOW, matches=(a_match(a_rule(level=model.Level.LOW)),)), channel, told=told, now=now
    )
    assert decision.reason is Reason.QUIET_HOURS
    assert decision.until_at == datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def test_a_digest_channel_waits_for_its_hour() -> None:
    """A channel with digest hours gets everything at the next of them, in its zone."""
    channel = a_channel(digest=(time(8), time(17)), zone="Asia/Seoul")
    decision = decide(channel=channel)  # 21:00 in Seoul
    assert (decision.reason, decision.batch, decision.by) == (Reason.DIGEST, "digest", "new_story")
    assert decision.until_at == datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def test_outside_quiet_hours_nothing_waits() -> None:
    """At noon a channel with quiet nights is told at once."""
    assert decide(a_finding(level=model.Level.LOW), a_channel(quiet=NIGHT)).verdict is SEND


def test_a_digest_whose_hour_is_quiet_waits_for_the_end() -> None:
    """A digest hour inside quiet hours moves to their end, still as the digest."""
    channel = a_channel(digest=(time(23),), quiet=NIGHT)
    decision = decide(a_finding(level=model.Level.LOW), channel)
    assert (decision.batch, decision.until_at) == ("digest", datetime(2026, 11, 22, 7, 0, tzinfo=UTC))


# --- quiet hours by the clock on the wall ---


def test_a_quiet_night_has_an_hour_less_in_spring_and_one_more_in_autumn() -> None:
    """22:00 to 07:00 in Berlin lasts 8 h on 28 March 2027 and 10 h on 31 October 2027."""
    zone = ZoneInfo("Europe/Berlin")
    for day, hours in ((27, 8), (26, 9)):
        begin = datetime(2027, 3, day, 22, 0, tzinfo=zone).astimezone(UTC)
        assert alert.quiet_until(NIGHT, "Europe/Berlin", begin) == begin + hours * HOUR
    autumn = datetime(2027, 10, 30, 22, 0, tzinfo=zone).astimezone(UTC)
    assert alert.quiet_until(NIGHT, "Europe/Berlin", autumn) == autumn + 10 * HOUR


def test_a_fortnight_over_a_change_of_clocks() -> None:
    """Minute by minute over two weeks with a change of clocks: quiet exactly when the wall clock reads 22 to 7."""
    zone = ZoneInfo("America/New_York")
    at = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    while at < datetime(2026, 11, 8, 0, 0, tzinfo=UTC):
        wall = at.astimezone(zone)
        end = alert.quiet_until(NIGHT, "America/New_York", at)
        assert (end is not None) == (wall.hour >= 22 or wall.hour < 7), wall
        if end is not None:
            assert end.astimezone(zone).time() == time(7)
        at += timedelta(minutes=17)


def test_quiet_days_are_those_on_which_a_span_begins() -> None:
    """Friday's night reaches into Saturday; Saturday's own night is not quiet."""
    quiet = model.QuietHours(time(22), time(7), days=frozenset({4}))
    friday = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    assert alert.quiet_until(quiet, "UTC", friday) == datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    assert alert.quiet_until(quiet, "UTC", friday + 7 * HOUR) is not None
    assert alert.quiet_until(quiet, "UTC", friday + 24 * HOUR) is None


def test_quiet_dates_are_whole_days_but_nothing_is_held_longer_than_a_day() -> None:
    """Two holidays in a row hold an alert for 24 h at most."""
    quiet = model.QuietHours(time(0), time(0), dates=frozenset({date(2026, 12, 25), date(2026, 12, 26)}))
    christmas = datetime(2026, 12, 25, 9, 0, tzinfo=UTC)
    assert alert.quiet_until(quiet, "UTC", christmas) == christmas + 24 * HOUR
    assert alert.quiet_until(quiet, "UTC", christmas + 24 * HOUR) == datetime(2026, 12, 27, tzinfo=UTC)
    assert alert.quiet_until(quiet, "UTC", christmas - 10 * HOUR) is None


@given(
    st.builds(
        model.QuietHours,
        st.times(),
        st.times(),
        st.frozensets(st.integers(0, 6)),
        st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=3),
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"]),
    INSTANTS,
)
def test_whatever_the_quiet_hours_an_alert_is_held_for_a_day_at_most(
    quiet: model.QuietHours, zone: str, at: datetime
) -> None:
    """Any quiet hours end after `at`, at most 24 h later."""
    end = alert.quiet_until(quiet, zone, at)
    assert end is None or at < end <= at + 24 * HOUR


@given(
    st.sets(st.times(), min_size=1, max_size=4),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
    INSTANTS,
)
def test_a_digest_hour_is_never_more_than_a_day_and_an_hour_away(hours: set[time], zone: str, at: datetime) -> None:
    """The next digest comes after `at`, within a day (25 h when the clocks change)."""
    assert at < alert.next_digest_at(hours, zone, at) <= at + 25 * HOUR
