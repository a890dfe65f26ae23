"""What the process counts of its own work."""

from datetime import timedelta

import pytest

from monitor import model, pipeline, rules, tally
from monitor.store import engine
from tests import builders, stored

_RULES = """\
version: 1
rules:
  - id: counted-threat
    title: Threat
    level: high
    match: {near: ["sanction*", "warn*"], within: 12}
    tests: {match: ["Ministry warns of sanctions"], no_match: ["Ministry warns of frost"]}
"""


def test_a_pass_is_counted_once_it_is_stored(store: engine.Store) -> None:
    """Of two entries one matches: by rule, kind, level and channel, with how long it had waited."""
    stored.add_entries(store, "Oslo ministry warns of sanctions", "Weather is fine", published_at=builders.NOON)
    names = {
        "monitor_matches_total": {"rule": "counted-threat"},
        "monitor_decisions_total": {"kind": "new"},
        "monitor_entries_processed_total": {"outcome": "unmatched"},
        "monitor_alerts_total": {"level": "high"},
        "monitor_channel_decisions_total": {"channel": "desk", "verdict": "hold", "reason": "first_poll"},
        "monitor_match_duration_seconds_count": {},
        "monitor_entry_decision_delay_seconds_sum": {},
    }
    before = {name: tally.REGISTRY.get_sample_value(name, labels) or 0 for name, labels in names.items()}
    now = builders.NOON + timedelta(seconds=3)
    ruleset = rules.from_files({"own.yaml": _RULES})
    pipeline.Deciding(store, ruleset, [builders.a_channel()], pipeline.Policy(), now).run_pass(now)
    gained = [_value(name, **labels) - before[name] for name, labels in names.items()]
    assert gained == [1, 1, 1, 1, 1, 2, 3]


def test_a_lock_that_was_held_counts_both_its_wait_and_its_hold() -> None:
    """One decision makes one observation of each."""
    before = _count("monitor_story_lock_wait_seconds"), _count("monitor_story_lock_hold_seconds")
    with tally.StoryLock() as lock:
        lock.taken()
    after = _count("monitor_story_lock_wait_seconds"), _count("monitor_story_lock_hold_seconds")
    assert after == (before[0] + 1, before[1] + 1)


def test_a_lock_that_nobody_got_counts_as_a_wait_alone() -> None:
    """Whoever waits in vain held nothing."""
    before = _count("monitor_story_lock_wait_seconds"), _count("monitor_story_lock_hold_seconds")
    with pytest.raises(TimeoutError), tally.StoryLock():
        raise TimeoutError
    after = _count("monitor_story_lock_wait_seconds"), _count("monitor_story_lock_hold_seconds")
    assert after == (before[0] + 1, before[1])


def test_what_is_known_beforehand_is_counted_from_zero() -> None:
    """Every outcome is there before its first time, so that a rate over it has a beginning."""
    for outcome in model.Polled:
        assert _value("monitor_polls_total", outcome=outcome.value) >= 0
    for kind in model.Kind:
        assert _value("monitor_decisions_total", kind=kind.value) >= 0


def test_a_clock_that_is_ahead_makes_no_negative_delay() -> None:
    """An entry that was seen in the future was decided after no time at all."""
    before = tally.REGISTRY.get_sample_value("monitor_entry_decision_delay_seconds_sum") or 0.0
    ahead = builders.a_finding(entry=builders.an_entry(first_seen_at=builders.NOON + timedelta(hours=1)))
    tally.decided(ahead, (), builders.NOON, alerted=False)
    assert tally.REGISTRY.get_sample_value("monitor_entry_decision_delay_seconds_sum") == before


def test_a_channel_that_left_is_forgotten() -> None:
    """Its gauges are gone: a channel that is no more cannot fail."""
    tally.channel_fares("gone", 3, builders.NOON)
    assert _value("monitor_channel_failures", channel="gone") == 3
    assert _value("monitor_channel_resume_timestamp_seconds", channel="gone") == builders.NOON.timestamp()
    tally.channel_left("gone")
    assert tally.REGISTRY.get_sample_value("monitor_channel_failures", {"channel": "gone"}) is None


def test_one_set_of_rules_is_in_force() -> None:
    """A reload replaces the fingerprint of the one before."""
    tally.in_force("old", ["a"], builders.NOON, version="1")
    tally.in_force("new", ["a", "b"], builders.NOON, version="1")
    assert _value("monitor_rules", fingerprint="new") == 2
    assert tally.REGISTRY.get_sample_value("monitor_rules", {"fingerprint": "old"}) is None


def test_entries_that_are_encoded_together_count_one_by_one() -> None:
    """Three entries are three observations of a third each; none is no observation."""
    before = _count("monitor_encode_duration_seconds")
    for entries in (3, 0):
        with tally.encoding(entries):
            pass
    assert _count("monitor_encode_duration_seconds") == before + 3


def _value(name: str, **labels: str) -> float:
    found = tally.REGISTRY.get_sample_value(name, labels)
    assert found is not None, name
    return found


def _count(name: str) -> float:
    return _value(f"{name}_count")
