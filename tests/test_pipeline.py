"""From stored entries to decided alerts, on real databases: what is told, held, swallowed, given up, and given back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from monitor import dedupe, errors, match, model, pipeline, rules
from monitor.store import engine, feeds, outbox, stories
from tests import builders

NOW = builders.NOON
RULES = """\
version: 1
rules:
  - id: sanctions-threat
    title: Sanctions threat
    level: high
    match: {near: ["sanction*", "warn*"], within: 12}
    tests: {match: ["Ministry warns of sanctions"], no_match: ["Ministry warns of frost"]}
  - id: visit
    title: Visit
    level: medium
    min_sources: 2
    match: {near: [president, "visit*"], within: 8}
    tests: {match: ["President visits"], no_match: ["Tourists visit"]}
  - id: trial
    title: On trial
    status: experimental
    match: zebra
    tests: {match: ["A zebra"], no_match: ["A horse"]}
"""
WARNING = "Oslo ministry warns of sanctions against three shipping firms"
SAME = "Norwegian ministry in Oslo warns three shipping firms of sanctions"
DESK = builders.a_channel(name="desk", url="json://127.0.0.1:9")


def test_a_match_becomes_one_alert_with_one_message(store: engine.Store) -> None:
    """An entry that meets a rule opens a story, raises an alert and waits in the outbox; one that does not is done."""
    desk = _desk(store, [WARNING, "Weather is fine"])
    assert desk.run_pass(NOW) == pipeline.Pass(claimed=2, matched=1, alerts=1)
    [message] = _messages(store)
    assert (message.channel, message.state, message.level) == ("desk", "pending", "high")
    assert message.key == f"alert:{message.alert_ids[0]}:desk"
    assert desk.run_pass(NOW) == pipeline.Pass()


def test_the_same_story_in_other_words_is_told_once(store: engine.Store) -> None:
    """The second outlet's report joins the story, and its reason is stored."""
    desk = _desk(store, [WARNING, SAME])
    desk.run_pass(NOW)
    assert len(_messages(store)) == 1
    record = _decisions(store)[-1]
    assert record.assignment.kind is model.Kind.DUPLICATE
    assert record.channels[0].reason is model.Reason.ALREADY_TOLD
    assert record.assignment.because


def test_a_restart_remembers_the_stories(store: engine.Store) -> None:
    """An index that was built anew from the store swallows what the old one would have."""
    _desk(store, [WARNING]).run_pass(NOW)
    _add(store, [SAME], first_key=10)
    _deciding(store).run_pass(NOW)
    assert len(_messages(store)) == 1


def test_a_restart_remembers_what_may_still_be_retold_late(store: engine.Store) -> None:
    """A story of two windows ago takes what is plainly its own, after a restart as before it."""
    _desk(store, [WARNING]).run_pass(NOW)
    _add(store, [WARNING], first_key=10, outlet="Daily")
    later = NOW + 2 * pipeline.Policy().window
    pipeline.Deciding(store, _ruleset(), [DESK], pipeline.Policy(), later).run_pass(later)
    assert len(_messages(store)) == 1


def test_two_workers_share_the_stories(store: engine.Store) -> None:
    """What one worker decided, the other knows before it decides."""
    here, there = _desk(store, [WARNING]), _deciding(store)
    here.run_pass(NOW)
    _add(store, [SAME], first_key=10)
    there.run_pass(NOW)
    assert len(_messages(store)) == 1


def test_a_known_story_is_never_alerted(store: engine.Store) -> None:
    """What a seed tells opens no alert, even as the first report."""
    desk = _deciding(store)
    seed = model.Seed("oslo.txt", WARNING, f"{WARNING}\nThe ministry in Oslo warned three firms.", "f")
    assert desk.learn_seeds([seed], NOW).added == ("oslo.txt",)
    _add(store, [SAME])
    desk.run_pass(NOW)
    assert _messages(store) == ()
    assert _decisions(store)[-1].channels[0].reason is model.Reason.KNOWN_STORY


def test_seeds_that_tell_one_happening_are_one_story(store: engine.Store) -> None:
    """Two seeds in other words share a story."""
    desk = _deciding(store)
    one = model.Seed("a.txt", WARNING, f"{WARNING}\nThe ministry warned three shipping firms.", "a")
    two = model.Seed("b.txt", SAME, f"{SAME}\nThree shipping firms were warned by the ministry.", "b")
    desk.learn_seeds([one, two], NOW)
    with store.read() as tx:
        assert len({story_id for _, story_id in stories.list_seeds(tx)}) == 1


def test_a_rule_that_wants_two_outlets_waits_for_the_second(store: engine.Store) -> None:
    """`min_sources: 2` holds the first report and tells the second, as new."""
    first, second = "President Silva visits Lima for border talks", "Silva, the president, visits Lima on border talks"
    desk = _desk(store, [first], outlet="Wire")
    desk.run_pass(NOW)
    assert _messages(store) == ()
    _add(store, [second], first_key=10, outlet="Daily")
    desk.run_pass(NOW)
    assert [record.channels[0].reason for record in _decisions(store)] == ["waiting", "new_story"]
    assert len(_messages(store)) == 1


def test_an_experimental_rule_is_recorded_and_not_sent(store: engine.Store) -> None:
    """Its match has a decision with the reason, and no message."""
    _desk(store, ["A zebra crosses the border"]).run_pass(NOW)
    assert _messages(store) == ()
    assert _decisions(store)[-1].channels[0].reason is model.Reason.EXPERIMENTAL


def test_a_story_that_many_outlets_tell_rises_one_level_once(store: engine.Store) -> None:
    """The fifth outlet within hours makes it an update of the next level; the sixth is a duplicate."""
    desk = _deciding(store)
    for number in range(6):
        _add(store, [WARNING if number % 2 else SAME], first_key=number * 10, outlet=f"Outlet {number}")
        desk.run_pass(NOW)
    levels = [message.level for message in _messages(store)]
    assert sorted(levels) == [model.Level.CRITICAL, model.Level.HIGH]


def test_an_edit_that_says_nothing_new_is_not_alerted_again(store: engine.Store) -> None:
    """Another spelling under the same key goes through match and dedupe, and stays quiet."""
    desk = _desk(store, [WARNING])
    desk.run_pass(NOW)
    _edit(store, f"{WARNING}, it says")
    assert desk.run_pass(NOW).matched == 1
    assert len(_messages(store)) == 1


def test_an_edit_that_turns_an_entry_into_a_match_is_alerted(store: engine.Store) -> None:
    """A page that was about the weather and now is about sanctions is told."""
    desk = _desk(store, ["Oslo: a fine day at the fjord"])
    desk.run_pass(NOW)
    assert _messages(store) == ()
    _edit(store, WARNING)
    desk.run_pass(NOW)
    assert len(_messages(store)) == 1


def test_what_a_store_that_went_away_interrupts_is_given_back(store: engine.Store) -> None:
    """A pass that ends with StoreError uses up no attempt: the disk was full, the entry is innocent."""
    desk = _Failing(store, _ruleset(), [DESK], pipeline.Policy(), NOW)
    _add(store, [WARNING])
    for _ in range(5):
        desk.store_is_away = True
        with pytest.raises(errors.StoreError):
            desk.run_pass(NOW)
    desk.store_is_away = False
    assert desk.run_pass(NOW).alerts == 1


def test_an_entry_that_raises_three_times_is_given_up_and_named(store: engine.Store) -> None:
    """It holds nobody up, and the pass returns it so that the operator is told."""
    desk = _Failing(store, _ruleset(), [DESK], pipeline.Policy(), NOW)
    desk.poison = WARNING
    _add(store, [WARNING, "Stockholm warns of sanctions on timber"])
    passes = [desk.run_pass(NOW) for _ in range(5)]
    assert [entry.title for done in passes for entry in done.failed] == [WARNING]
    assert len(_messages(store)) == 1


def test_a_split_story_is_told_apart_from_then_on(store: engine.Store) -> None:
    """A person's correction holds for entries that follow, in an index that was built before it."""
    desk = _desk(store, [WARNING, SAME])
    desk.run_pass(NOW)
    second = _decisions(store)[-1]
    with store.write() as tx:
        story_id = stories.split(tx, second.story_id, second.entry.id, "desk", NOW)
    _add(store, [SAME], first_key=10)
    desk.run_pass(NOW)
    assert _decisions(store)[-1].story_id == story_id


class _Failing(pipeline.Deciding):
    """Raises where a test says so: the real one cannot be made to."""

    store_is_away = False
    poison = ""

    def _decide(
        self,
        entry: model.Entry,
        matches: tuple[model.Match, ...],
        profile: dedupe.Profile,
        lease: str,
        now: datetime,
    ) -> bool:
        if self.store_is_away:
            raise errors.StoreError("the disk is full")
        if entry.title == self.poison:
            raise ValueError("poison")
        return super()._decide(entry, matches, profile, lease, now)


def _desk(store: engine.Store, titles: Sequence[str], outlet: str = "Wire") -> pipeline.Deciding:
    desk = _deciding(store)
    _add(store, titles, outlet=outlet)
    return desk


def _deciding(store: engine.Store) -> pipeline.Deciding:
    return pipeline.Deciding(store, _ruleset(), [DESK], pipeline.Policy(), NOW)


def _ruleset() -> rules.RuleSet:
    found = rules.from_files({"own.yaml": RULES})
    assert match.failing_tests(found) == ()
    return found


def _add(store: engine.Store, titles: Sequence[str], *, first_key: int = 0, outlet: str = "Wire") -> None:
    """Store entries as a later poll of a feed would."""
    parsed = tuple(
        model.ParsedEntry(key=str(first_key + n), title=title, outlet=outlet, published_at=NOW)
        for n, title in enumerate(titles)
    )
    _save(store, entries=parsed)


def _edit(store: engine.Store, title: str) -> None:
    parsed = model.ParsedEntry(key="0", title=title, outlet="Wire", published_at=NOW)
    with store.read() as tx:
        feed = feeds.get_feed(tx, "Wire")
        known = feeds.known_entries(tx, feed.id, ["0"])["0"]
    _save(store, edits=(model.Edit(known.id, parsed, again=True),))


def _save(store: engine.Store, entries: tuple[model.ParsedEntry, ...] = (), edits: tuple[model.Edit, ...] = ()) -> None:
    with store.write() as tx:
        feeds.sync_specs(tx, [model.FeedSpec("Wire", "http://wire.example/")], NOW, first_due=lambda _: NOW)
        [feed] = feeds.claim_due(tx, NOW, limit=1, lease="lease", until=NOW + timedelta(minutes=1))
        plan = model.Plan(NOW, "at once")
        if feed.first_polled_at is None:
            feeds.save_polls(tx, [model.PollRecord(feed, model.Polled.SAME, NOW, plan)])
            [feed] = feeds.claim_due(tx, NOW, limit=1, lease="lease", until=NOW + timedelta(minutes=1))
        feeds.save_polls(tx, [model.PollRecord(feed, model.Polled.NEW, NOW, plan, entries=entries, edits=edits)])


def _messages(store: engine.Store) -> tuple[model.Notification, ...]:
    with store.read() as tx:
        return outbox.list_notifications(tx, limit=50)


def _decisions(store: engine.Store) -> list[stories.DecisionRecord]:
    """Return what was decided, in order."""
    with store.read() as tx:
        return list(reversed(stories.list_decisions(tx)))
