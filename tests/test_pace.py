"""When a feed is polled again, when a message is tried again, and whether our own network is down."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import model, pace
from tests.builders import NOON, a_feed

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN = 10 * MINUTE
Polled = model.Polled
SPANS = st.timedeltas(timedelta(), timedelta(days=4000))
JITTER = st.floats(0.0, 1.0)


def plan(
    feed: model.Feed | None = None, *, interval: timedelta = TEN, jitter: float = 0.0, **outcome: Any
) -> model.Plan:
    """Return the plan after an outcome at noon, by default of a poll that brought nothing new."""
    asked = {name: outcome.pop(name) for name in ("ttl", "skip_hours", "skip_days") if name in outcome}
    known: dict[str, Any] = {"polled": Polled.SAME, "schedule": model.Schedule(**asked)}
    found = pace.Outcome(**known | outcome)
    return pace.next_poll(feed or a_feed(), found, now=NOON, interval=interval, jitter=jitter)


def wait(*args: Any, **kwargs: Any) -> timedelta:
    """Return how long the plan waits."""
    return plan(*args, **kwargs).next_poll_at - NOON


# --- rhythm -----------------------------------------------------------------------------------------------------------


def test_a_feed_is_polled_as_configured_until_its_rhythm_is_known() -> None:
    """Without a rhythm, the interval of the program counts, and the plan says so."""
    assert plan() == model.Plan(NOON + TEN, "every 10 min as configured")


def test_a_fast_feed_is_polled_faster_and_a_slow_one_slower() -> None:
    """A feed is polled about three times a gap, between half and twelve times the interval."""
    assert plan(gap=5 * MINUTE) == model.Plan(NOON + 5 * MINUTE, "every 5 min: it publishes about every 5 min")
    assert wait(gap=timedelta(seconds=30)) == 5 * MINUTE
    assert wait(gap=HOUR) == 20 * MINUTE
    assert wait(gap=7 * DAY) == 2 * HOUR
    assert plan(gap=30 * MINUTE).why == "every 10 min as configured"
    assert wait(a_feed(gap=HOUR)) == 20 * MINUTE


def test_the_operator_bounds_the_rhythm() -> None:
    """What is set as shortest and longest holds for feeds that publish every minute, and every month."""
    bounds = pace.Bounds(timedelta(minutes=8), timedelta(hours=1))
    for gap, wait in ((timedelta(minutes=1), bounds.least), (timedelta(days=30), bounds.most)):
        outcome = pace.Outcome(model.Polled.SAME, gap=gap)
        plan = pace.next_poll(a_feed(), outcome, now=NOON, interval=timedelta(minutes=10), jitter=0.0, bounds=bounds)
        assert plan.next_poll_at - NOON == wait


def test_an_interval_of_the_feed_is_kept_as_it_is() -> None:
    """What the operator set for one feed is not adapted."""
    feed = a_feed(spec=model.FeedSpec("Wire", "https://wire.example/rss", interval=5 * MINUTE))
    assert plan(feed, gap=7 * DAY) == model.Plan(NOON + 5 * MINUTE, "every 5 min as configured for this feed")


def test_who_wants_speed_gets_it() -> None:
    """An interval of seconds is not slowed down for a feed that publishes rarely."""
    assert wait(interval=timedelta(seconds=5), gap=HOUR) == timedelta(seconds=5)


@given(SPANS, st.timedeltas(timedelta(seconds=1), 2 * DAY), JITTER)
def test_the_rhythm_stays_within_its_bounds(gap: timedelta, interval: timedelta, jitter: float) -> None:
    """Whatever the rhythm, the wait is between half and twelve times the interval, and a tenth for jitter."""
    found = wait(interval=interval, gap=gap, jitter=jitter)
    assert interval * pace.FASTEST <= found <= interval * pace.SLOWEST * 1.1 + timedelta(seconds=1)


def test_the_gap_is_the_mean_between_the_newest_entries() -> None:
    """The first estimate is the mean of the newest twenty; later ones bend what was known."""
    dates = [NOON - number * HOUR for number in range(30)]
    assert pace.gap(None, dates, now=NOON) == HOUR
    assert pace.gap(2 * HOUR, dates, now=NOON) == timedelta(hours=1.7)
    assert pace.gap(HOUR, [], now=NOON) == HOUR
    assert pace.gap(None, [NOON], now=NOON) is None
    assert pace.gap(None, [NOON - HOUR, NOON + HOUR], now=NOON) is None


def test_a_feed_that_falls_asleep_is_polled_less_often() -> None:
    """A long time since the newest entry counts as a gap."""
    dates = [NOON - 30 * DAY - number * HOUR for number in range(20)]
    assert pace.gap(None, dates, now=NOON) == 10 * DAY


# --- what the server says ---------------------------------------------------------------------------------------------


def test_the_servers_floor_is_kept() -> None:
    """max-age, Expires and ttl are floors; the longest wins and is named; a shorter one changes nothing."""
    assert plan(freshness=model.Freshness(max_age=HOUR)).why == "the server asks for 1 h (max-age)"
    assert wait(freshness=model.Freshness(max_age=HOUR)) == HOUR
    assert wait(freshness=model.Freshness(expires_at=NOON + 2 * HOUR), ttl=HOUR) == 2 * HOUR
    assert plan(freshness=model.Freshness(expires_at=NOON + HOUR), ttl=2 * HOUR).why == "the server asks for 2 h (ttl)"
    assert wait(freshness=model.Freshness(max_age=MINUTE, expires_at=NOON - DAY)) == TEN


def test_a_floor_is_believed_up_to_a_day() -> None:
    """A page that says that it never changes is polled daily all the same."""
    assert wait(freshness=model.Freshness(max_age=365 * DAY)) == DAY


def test_hours_and_days_that_the_feed_skips_are_passed_over() -> None:
    """A poll that would fall into skipped hours or days is moved to the first full hour that is none."""
    assert wait(skip_hours=frozenset({12, 13})) == 2 * HOUR
    assert plan(skip_hours=frozenset({12, 13})).why.endswith("then not in hours or days that the feed skips")
    saturday, sunday = 5, 6
    assert plan(skip_days=frozenset({saturday, sunday})).next_poll_at == datetime.fromisoformat("2026-11-23T00:00Z")
    assert wait(skip_hours=frozenset(range(24))) == TEN
    assert wait(skip_days=frozenset(range(7))) == TEN


# --- failures ---------------------------------------------------------------------------------------------------------


def test_failures_back_off_and_never_give_up() -> None:
    """Each failure doubles the wait, up to a day."""
    waits = [wait(a_feed(failures=before), polled=Polled.FAILED) for before in (0, 1, 2, 3, 100, 10**9)]
    assert waits == [TEN, 2 * TEN, 4 * TEN, 8 * TEN, DAY, DAY]
    assert plan(polled=Polled.FAILED).why == "failed once: backing off 10 min"
    assert plan(a_feed(failures=2), polled=Polled.FAILED).why == "failed 3 times: backing off 40 min"


def test_a_short_interval_backs_off_from_half_a_minute() -> None:
    """A feed that is polled every second is not hammered while it fails; a weekly one does not speed up."""
    assert wait(interval=timedelta(seconds=1), polled=Polled.FAILED) == timedelta(seconds=30)
    assert wait(interval=7 * DAY, polled=Polled.FAILED) == 7 * DAY


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_a_refusal_is_not_asked_again_within_the_hour(status: int) -> None:
    """Credentials, bans and missing pages do not mend themselves in minutes."""
    assert plan(polled=Polled.FAILED, status=status) == model.Plan(NOON + HOUR, f"answered {status}: waiting 1 h")
    assert wait(a_feed(failures=5), polled=Polled.FAILED, status=status) == 320 * MINUTE


def test_retry_after_is_a_hard_floor() -> None:
    """What the server asks for is kept, up to a week; a shorter one does not undo the back-off."""
    asked = plan(polled=Polled.FAILED, retry_after=3 * HOUR, status=503)
    assert asked == model.Plan(NOON + 3 * HOUR, "the server asks to be left alone for 3 h (Retry-After)")
    assert wait(polled=Polled.FAILED, retry_after=365 * DAY) == 7 * DAY
    assert wait(a_feed(failures=3), polled=Polled.FAILED, retry_after=MINUTE) == 80 * MINUTE


def test_a_feed_that_is_gone_is_not_polled_again() -> None:
    """After a 410 the next poll is out of sight, and the plan says why."""
    found = plan(polled=Polled.GONE)
    assert found.next_poll_at > NOON + 365 * DAY
    assert "410" in found.why


def test_our_own_outage_is_nobodys_fault() -> None:
    """While our network is down, a feed is tried again soon, however often it failed."""
    found = plan(a_feed(failures=9), polled=Polled.OFFLINE)
    assert found == model.Plan(NOON + pace.OFFLINE_RETRY, "our own network is down: trying again after 30 s")


@given(
    st.sampled_from([Polled.NEW, Polled.SAME, Polled.UNCHANGED, Polled.NOT_MODIFIED, Polled.FAILED]),
    st.one_of(st.none(), SPANS),
    st.one_of(st.none(), SPANS),
    st.one_of(st.none(), SPANS),
    st.integers(0, 10_000),
    JITTER,
)
def test_no_floor_is_ever_broken(
    polled: model.Polled,
    max_age: timedelta | None,
    ttl: timedelta | None,
    retry_after: timedelta | None,
    failures: int,
    jitter: float,
) -> None:
    """A poll is never earlier than what the server asks for, and at most a tenth later than the longest voice."""
    failed = polled is Polled.FAILED
    found = wait(
        a_feed(failures=failures),
        polled=polled,
        freshness=model.Freshness(max_age=max_age),
        ttl=ttl,
        retry_after=retry_after,
        jitter=jitter,
    )
    server = [min(span, pace.SERVER_CAP) for span in (max_age, ttl) if span is not None and not failed]
    asked = [min(retry_after, pace.RETRY_AFTER_CAP)] if retry_after is not None and failed else []
    assert found >= max([*server, *asked, TEN / 2])
    assert found <= pace.RETRY_AFTER_CAP * 1.11


@given(JITTER, st.sets(st.integers(0, 23)), st.sets(st.integers(0, 6)))
def test_jitter_only_delays(jitter: float, hours: set[int], days: set[int]) -> None:
    """With jitter a poll is never earlier than without, and skipped hours stay skipped unless all are."""
    found = plan(jitter=jitter, skip_hours=frozenset(hours), skip_days=frozenset(days))
    assert found.next_poll_at >= plan(skip_hours=frozenset(hours), skip_days=frozenset(days)).next_poll_at
    if len(hours) < 24 and len(days) < 7:
        assert found.next_poll_at.hour not in hours
        assert found.next_poll_at.weekday() not in days


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_is_tried_again_with_doubling_waits() -> None:
    """10 s after the first attempt, then twice as long each time, up to a day."""
    waits = [pace.retry_after(attempt, 0.0, None).total_seconds() for attempt in (1, 2, 3, 4, 50, 10**6)]
    assert waits == [10, 20, 40, 80, 86400, 86400]


def test_a_receivers_word_is_kept() -> None:
    """A receiver that asks for more time gets it, up to a day; jitter adds up to half."""
    assert pace.retry_after(1, 0.0, HOUR) == HOUR
    assert pace.retry_after(1, 0.0, 30 * DAY) == DAY
    assert pace.retry_after(1, 1.0, timedelta(seconds=1)) == timedelta(seconds=15)


@given(st.integers(1, 10**6), JITTER, st.one_of(st.none(), SPANS))
def test_no_message_waits_longer_than_a_day(attempt: int, jitter: float, asked: timedelta | None) -> None:
    """Never sooner than 10 s, than asked, or later than a day."""
    found = pace.retry_after(attempt, jitter, asked)
    assert min(max(timedelta(seconds=10), asked or timedelta()), DAY) <= found <= DAY


# --- our own network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "down"),
    [
        ([("a.example", True), ("b.example", True)], True),
        ([("a.example", True), ("b.example", True), ("c.example", False)], False),
        ([("a.example", True), ("a.example", True)], False),
        ([("a.example", True)], False),
        ([], False),
    ],
)
def test_our_network_is_down_when_no_host_answers(outcomes: list[tuple[str, bool]], down: bool) -> None:
    """Two hosts at least that cannot be connected to, and none that can."""
    assert pace.is_outage(outcomes) is down


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.6, "1 s"), (45, "45 s"), (600, "10 min"), (3660, "1 h 1 min"), (3601, "1 h"), (90061, "1 d 1 h")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    """Two units at most, the largest first."""
    assert pace.words(timedelta(seconds=seconds)) == said


# --- health -----------------------------------------------------------------------------------------------------------


def arrivals(*hours: float) -> list[datetime]:
    """Return the instants so many hours before noon, in order."""
    return sorted(NOON - hour * HOUR for hour in hours)


def test_a_feed_that_publishes_is_well() -> None:
    """Neither the usual gap nor three of them within half a day ail a feed; of an unknown rhythm nothing is said."""
    feed = a_feed(last_ok_at=NOON)
    assert pace.ailment(feed, arrivals(1, 2, 3, 4, 5), now=NOON) is None
    assert pace.ailment(feed, arrivals(11, 12, 13, 14, 15), now=NOON) is None
    assert pace.ailment(feed, arrivals(100, 101), now=NOON) is None


def test_a_silence_is_three_usual_gaps() -> None:
    """A feed that brought something every six hours is silent after eighteen."""
    feed = a_feed(last_ok_at=NOON)
    assert pace.ailment(feed, arrivals(17, 23, 29, 35, 41), now=NOON) is None
    found = pace.ailment(feed, arrivals(19, 25, 31, 37, 43), now=NOON)
    assert found == pace.Ailment("silent", "silent since 19 h; usually it brings something new every 6 h")


def test_a_silence_of_every_week_is_none() -> None:
    """A feed that rests each weekend is not silent on Sunday; one that never rested is."""
    workdays = [hour for hour in range(16, 24 * 21, 4) if (NOON - hour * HOUR).weekday() < 5]
    sunday = NOON + DAY
    feed = a_feed(last_ok_at=sunday)
    assert pace.ailment(feed, arrivals(*workdays), now=sunday) is None
    always = pace.ailment(feed, arrivals(*range(16, 24 * 21, 4)), now=sunday)
    assert always
    assert always.kind == "silent"


def test_our_own_rest_is_nobodys_silence() -> None:
    """What a feed brought while nobody polled is not known: only what the last good poll saw counts."""
    assert pace.ailment(a_feed(last_ok_at=NOON - 95 * HOUR), arrivals(96, 97, 98, 99, 100), now=NOON) is None


def test_a_failure_is_told_after_a_day_and_a_feed_that_is_gone_at_once() -> None:
    """Most failures mend themselves within hours; 410 never does; a feed that left the files is nobody's concern."""
    for hours, kind in ((23, None), (24, "failing")):
        found = pace.ailment(a_feed(failing_since_at=NOON - hours * HOUR, last_error="500"), (), now=NOON)
        assert (found.kind if found else None) == kind
    gone = pace.ailment(a_feed(status=model.FeedStatus.GONE), (), now=NOON)
    assert gone
    assert gone.kind == "gone"
    assert pace.ailment(a_feed(status=model.FeedStatus.DISABLED, failing_since_at=NOON - DAY), (), now=NOON) is None
