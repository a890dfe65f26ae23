"""Who hears of a finding, when, and why."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import alert, model
from tests.builders import (
    NOON,
    a_channel,
    a_finding,
    a_match,
    a_rule,
    a_silence,
    a_story,
    an_assignment,
    an_entry,
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


# --- may it be sent at all? ---


def test_a_new_story_is_sent_at_once() -> None:
    """A new story goes out, and the reason says so."""
    assert decide() == model.Decision("desk", SEND, Reason.NEW_STORY)


def test_an_experimental_rule_tells_nobody() -> None:
    """What experimental rules alone found is recorded, never sent."""
    finding = a_finding(matches=(a_match(a_rule(id="trial", status=model.RuleStatus.EXPERIMENTAL)),))
    assert decide(finding) == model.Decision("desk", DROP, Reason.EXPERIMENTAL, by="trial")


def test_one_trusted_rule_is_enough() -> None:
    """An entry that a stable rule matches beside an experimental one is sent."""
    trial = a_match(a_rule(id="trial", status=model.RuleStatus.EXPERIMENTAL))
    assert decide(a_finding(matches=(trial, a_match()))).verdict is SEND


@pytest.mark.parametrize(
    ("channel", "by"),
    [
        (a_channel(tags=("arms",)), "tags"),
        (a_channel(rules=("leader-visit",)), "rules"),
        (a_channel(feeds=("Gazette", "official")), "feeds"),
        (a_channel(languages=("de",)), "languages"),
    ],
)
def test_each_selector_can_refuse_and_is_named(channel: model.Channel, by: str) -> None:
    """A channel whose selector does not take the entry is not told, and the selector is named."""
    assert decide(channel=channel) == model.Decision("desk", DROP, Reason.NOT_SELECTED, by=by)


@pytest.mark.parametrize(
    "channel",
    [
        a_channel(tags=("arms", "sanctions")),
        a_channel(rules=("sanctions-threat",)),
        a_channel(feeds=("Wire",)),
        a_channel(feeds=("official",)),
        a_channel(languages=("EN",)),
        a_channel(languages=("de", "en")),
    ],
)
def test_each_selector_can_take(channel: model.Channel) -> None:
    """Selectors take any of their tags, rules, feed names, feed tags and languages."""
    assert decide(a_finding(entry=an_entry(feed_tags=("official",))), channel).verdict is SEND


@pytest.mark.parametrize(("language", "taken"), [("pt-BR", True), ("pt", True), ("", True), ("ptx", False)])
def test_a_language_takes_its_regions_and_what_is_unknown(language: str, taken: bool) -> None:
    """`pt` takes `pt-BR`, and an entry whose language nobody knows is not lost by it."""
    decision = decide(a_finding(entry=an_entry(language=language)), a_channel(languages=("pt",)))
    assert (decision.verdict is SEND) is taken


def test_a_rule_may_name_its_only_channels() -> None:
    """A rule with `channels` goes there alone."""
    finding = a_finding(matches=(a_match(a_rule(channels=("legal",))),))
    assert decide(finding).by == "the rule's channels"
    assert decide(finding, a_channel(name="legal")).verdict is SEND


def test_tags_and_rules_are_met_by_one_and_the_same_rule() -> None:
    """A channel that wants tag `arms` of rule `sanctions-threat` is not told by two rules that have one each."""
    matches = (a_match(), a_match(a_rule(id="arms-deal", tags=("arms",))))
    channel = a_channel(tags=("arms",), rules=("sanctions-threat",))
    assert decide(a_finding(matches=matches), channel).reason is Reason.NOT_SELECTED


def test_below_its_level_a_channel_is_left_alone() -> None:
    """An alert below `min_level` is not sent; at the level it is."""
    decision = decide(channel=a_channel(min_level=model.Level.CRITICAL))
    assert decision == model.Decision("desk", DROP, Reason.BELOW_LEVEL, by="high is below critical")
    assert decide(channel=a_channel(min_level=model.Level.HIGH)).verdict is SEND


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (model.SilenceKind.RULE, "sanctions-threat"),
        (model.SilenceKind.STORY, "12"),
        (model.SilenceKind.STORY, "S-12"),
        (model.SilenceKind.FEED, "Wire"),
        (model.SilenceKind.TERM, "pyongyang"),
        (model.SilenceKind.TERM, "new  SANCTIONS"),
        (model.SilenceKind.TERM, "arms deal"),
    ],
)
def test_a_silence_wins_and_is_named(kind: model.SilenceKind, value: str) -> None:
    """What a silence covers is not announced, even if it is new."""
    decision = decide(silences=[a_silence(kind=kind, value=value)])
    assert decision == model.Decision("desk", DROP, Reason.SILENCED, by="3")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (model.SilenceKind.RULE, "sanctions"),
        (model.SilenceKind.STORY, "1"),
        (model.SilenceKind.STORY, "twelve"),
        (model.SilenceKind.FEED, "wire"),
        (model.SilenceKind.TERM, "sanction"),
        (model.SilenceKind.TERM, " "),
    ],
)
def test_a_silence_covers_what_it_names_and_no_more(kind: model.SilenceKind, value: str) -> None:
    """Terms are whole words; rules, stories and feeds are exact."""
    assert decide(silences=[a_silence(kind=kind, value=value)]).verdict is SEND


def test_a_term_is_silenced_with_and_without_accents() -> None:
    """Case and accents are folded on both sides."""
    silence = a_silence(kind=model.SilenceKind.TERM, value="Erdogan")
    assert decide(a_finding(entry=an_entry(title="ERDOĞAN in Kyiv")), silences=[silence]).reason is Reason.SILENCED


def test_a_silenced_rule_hides_only_itself() -> None:
    """An entry that another rule matches, too, is still told; with both rules silenced it is not."""
    finding = a_finding(matches=(a_match(), a_match(a_rule(id="arms-deal"))))
    both = [a_silence(), a_silence(id=4, value="arms-deal")]
    assert decide(finding, silences=both[:1]).verdict is SEND
    assert decide(finding, silences=both).by == "3"


@pytest.mark.parametrize(("hour", "verdict"), [(10, SEND), (11, DROP), (12, DROP), (13, SEND)])
def test_a_silence_has_a_beginning_and_an_end(hour: int, verdict: model.Verdict) -> None:
    """From `starts_at` on, and no longer at `ends_at`."""
    assert decide(silences=[a_silence()], now=NOON.replace(hour=hour)).verdict is verdict


def test_what_retells_a_known_story_is_held_back_everywhere() -> None:
    """A duplicate of a seed is dropped even on a channel that was never told."""
    assert decide(a_duplicate(known=True)) == model.Decision("desk", DROP, Reason.KNOWN_STORY)


def test_the_next_step_of_a_known_story_is_an_update() -> None:
    """What is new of a seed's story goes out at once, as an update."""
    assignment = an_assignment(kind=model.Kind.UPDATE, known=True, news="arrives in Pyongyang")
    assert decide(a_finding(assignment=assignment)) == model.Decision("desk", SEND, Reason.UPDATE)


@pytest.mark.parametrize("published_at", [None, NOON - 49 * HOUR])
def test_the_first_poll_brings_no_history(published_at: datetime | None) -> None:
    """Of a first poll, what is old or undated is dropped."""
    finding = a_finding(entry=an_entry(first_poll=True, published_at=published_at))
    assert decide(finding).reason is Reason.TOO_OLD
    assert decide(finding, first=model.FirstPoll.ALERT).reason is Reason.TOO_OLD


def test_later_polls_bring_whatever_is_new_to_us() -> None:
    """An old or undated entry of a later poll is alerted."""
    assert decide(a_finding(entry=an_entry(published_at=NOON - 900 * HOUR))).verdict is SEND
    assert decide(a_finding(entry=an_entry(published_at=None))).verdict is SEND


def test_a_first_poll_does_not_age_while_we_are_down() -> None:
    """An entry that was young when we first saw it is still told three days later."""
    finding = a_finding(entry=an_entry(first_poll=True))
    assert decide(finding, now=NOON + 72 * HOUR).reason is Reason.FIRST_POLL


def test_the_edit_of_an_old_entry_is_no_news() -> None:
    """An edit never alerts when its entry was first seen more than 48 h ago."""
    finding = a_finding(entry=an_entry(revision=2))
    assert decide(finding, now=NOON + 49 * HOUR).reason is Reason.TOO_OLD
    assert decide(finding, now=NOON + 47 * HOUR).verdict is SEND


def test_it_waits_for_sources() -> None:
    """With `min_sources: 3` nobody is told before the third outlet, and then with the entry that brought it."""
    matches = (a_match(a_rule(min_sources=3)),)
    assert decide(a_finding(matches=matches, outlets=2)).by == "2 of 3 sources"
    joined = a_finding(matches=matches, outlets=3, assignment=an_assignment(kind=model.Kind.DUPLICATE))
    assert decide(joined) == model.Decision("desk", SEND, Reason.NEW_STORY)


def test_the_least_demanding_rule_that_the_channel_hears_decides_on_sources() -> None:
    """The smallest `min_sources` counts, of the rules that the channel takes only."""
    matches = (a_match(a_rule(min_sources=3)), a_match(a_rule(id="arms-deal", tags=("arms",))))
    assert decide(a_finding(matches=matches)).verdict is SEND
    assert decide(a_finding(matches=matches), a_channel(tags=("sanctions",))).reason is Reason.WAITING


# --- is it news here? ---


def test_a_duplicate_is_told_once_per_channel() -> None:
    """A channel that was told is left alone; one that was not gets it as new."""
    assert decide(a_duplicate(), told=TOLD) == model.Decision("desk", DROP, Reason.ALREADY_TOLD)
    assert decide(a_duplicate()) == model.Decision("desk", SEND, Reason.NEW_STORY)


def test_the_first_update_goes_at_once() -> None:
    """A story's first update is not gathered."""
    assert decide(an_update(), told=TOLD) == model.Decision("desk", SEND, Reason.UPDATE)


def test_later_updates_are_gathered() -> None:
    """Within an hour of the last update the next one waits for that hour's end; after it, it goes at once."""
    told = model.Told(told=True, last_update_at=NOON - HOUR / 2)
    decision = decide(an_update(), told=told)
    assert decision == model.Decision(
        "desk", HOLD, Reason.GATHERED, by="update", until_at=NOON + HOUR / 2, batch="update:12"
    )
    assert decide(an_update(), told=told, now=NOON + HOUR / 2).verdict is SEND


def test_a_higher_level_breaks_through() -> None:
    """An update above the level that the channel was told goes at once, whatever was sent before."""
    told = model.Told(told=True, last_update_at=NOON, level=model.Level.MEDIUM)
    assert decide(an_update(), told=told) == model.Decision("desk", SEND, Reason.RAISED)


def test_a_story_that_many_tell_breaks_through_once_raised() -> None:
    """A duplicate whose level rose above its own rules', because many outlets tell it, is told again."""
    raised = a_finding(assignment=an_assignment(kind=model.Kind.DUPLICATE), level=model.Level.CRITICAL)
    assert decide(raised, told=TOLD).reason is Reason.RAISED
    told = model.Told(told=True, level=model.Level.CRITICAL)
    assert decide(raised, told=told).reason is Reason.ALREADY_TOLD


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


NIGHT = model.QuietHours(time(22), time(7), breaks=model.Level.HIGH)


def at_night(level: model.Level, **changes: Any) -> model.Decision:
    """Decide a finding of `level` at 23:00 in Berlin, in winter."""
    channel = a_channel(zone="Europe/Berlin", quiet=NIGHT, **changes)
    return decide(a_finding(level=level), channel, now=datetime(2026, 11, 21, 22, 0, tzinfo=UTC))


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


# --- levels ---


def test_the_level_is_the_highest_of_what_may_be_sent() -> None:
    """Experimental rules raise nothing; without any other the level is info."""
    trial = a_match(a_rule(level=model.Level.CRITICAL, status=model.RuleStatus.EXPERIMENTAL))
    low = a_match(a_rule(level=model.Level.LOW))
    assert alert.level_of((trial, low)) is model.Level.LOW
    assert alert.level_of((trial,)) is model.Level.INFO


def test_outlets_are_counted_once() -> None:
    """The entry's own outlet counts, nameless ones do not, and there is always one."""
    assert alert.count_outlets(a_story(outlets=("Reuters", "AP")), an_entry(outlet="AP")) == 2
    assert alert.count_outlets(a_story(outlets=()), an_entry(outlet="")) == 1


def test_a_story_that_many_outlets_tell_within_hours_rises() -> None:
    """Enough outlets, soon enough, and not a known story: one level up, as an update that says why."""
    many = a_finding(outlets=alert.RISE_OUTLETS)
    assert alert.rises(many, a_story())
    assert not alert.rises(a_finding(outlets=alert.RISE_OUTLETS - 1), a_story())
    assert not alert.rises(many, a_story(opened_at=NOON - alert.RISE_WITHIN - HOUR))
    assert not alert.rises(a_finding(outlets=alert.RISE_OUTLETS, assignment=an_assignment(known=True)), a_story())
    risen = alert.risen(many, a_story())
    assert (risen.level, risen.assignment.kind) == (model.Level.CRITICAL, model.Kind.UPDATE)
    assert risen.assignment.news == f"now told by {alert.RISE_OUTLETS} outlets"


# --- in words ---


def test_decisions_can_be_read() -> None:
    """A decision says in a few words what becomes of the alert, when, and why."""
    assert alert.describe(decide()) == "sent: new story"
    assert alert.describe(decide(channel=a_channel(tags=("arms",)))) == "not sent: not selected by (tags)"
    night = alert.describe(at_night(model.Level.MEDIUM), "Europe/Berlin")
    assert night == "held until 07:00 on 22 Nov (Europe/Berlin): quiet hours (new_story)"


def test_every_reason_has_its_words() -> None:
    """No reason is without a wording for people."""
    for reason in model.Reason:
        assert alert.describe(model.Decision("desk", DROP, reason)).startswith("not sent: ")
