"""Who hears of a finding, and why."""

from datetime import datetime

import pytest

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
from tests.deciding import DROP, HOLD, HOUR, SEND, TOLD, Reason, a_duplicate, an_update, at_night, decide

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
        (model.SilenceKind.ACTOR, "North Korea|dprk|pyongyang"),
        (model.SilenceKind.ACTOR, "United States|US"),
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
        (model.SilenceKind.ACTOR, "us"),
        (model.SilenceKind.ACTOR, "United Kingdom|UK|british"),
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
