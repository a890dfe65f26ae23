"""Silences, rule versions and facts in the store."""

import dataclasses
from datetime import timedelta

import pytest

from monitor.store import engine, facts, rule_versions, silences
from tests import builders
from tests.stored import MINUTE, NOON


def test_a_silence_is_in_force_between_its_times(store: engine.Store) -> None:
    """A silence counts from its start on, and at its end no more; it stays listed."""
    with store.write() as tx:
        number = silences.add(tx, builders.a_silence(id=0, author="ann", comment="busy"))
        silence = builders.a_silence(id=number, author="ann", comment="busy")
        assert silences.list_active(tx, NOON) == (silence,)
        assert silences.list_active(tx, silence.starts_at) == (silence,)
        assert silences.list_active(tx, silence.ends_at) == ()
        assert silences.list_active(tx, silence.starts_at - MINUTE) == ()
        assert silences.list_all(tx) == (silence,)


def test_a_silence_is_ended_once(store: engine.Store) -> None:
    """Ending a silence moves its end; what has ended cannot end again."""
    with store.write() as tx:
        number = silences.add(tx, builders.a_silence())
        assert silences.end(tx, number, NOON)
        assert not silences.end(tx, number, NOON)
        assert not silences.end(tx, number + 1, NOON)
        assert silences.list_all(tx) == (dataclasses.replace(builders.a_silence(id=number), ends_at=NOON),)


def test_rules_are_kept_under_their_fingerprint(store: engine.Store) -> None:
    """The same rules are one version; their text can be read back."""
    with store.write() as tx:
        assert rule_versions.current(tx) is None
        first = rule_versions.save(tx, "f1", {"own.yaml": "rules: [] # für"}, NOON)
        assert rule_versions.save(tx, "f1", {"own.yaml": "rules: [] # für"}, NOON + MINUTE) == first
        second = rule_versions.save(tx, "f2", {}, NOON + 2 * MINUTE)
        assert rule_versions.current(tx) == second
        assert rule_versions.files(tx, first) == {"own.yaml": "rules: [] # für"}
        assert rule_versions.fingerprint_of(tx, second) == "f2"
        with pytest.raises(KeyError):
            rule_versions.files(tx, second + 1)
        with pytest.raises(KeyError):
            rule_versions.fingerprint_of(tx, second + 1)


def test_rules_that_come_back_are_in_force_again(store: engine.Store) -> None:
    """Undoing a change makes the earlier version the current one."""
    with store.write() as tx:
        first = rule_versions.save(tx, "f1", {}, NOON)
        rule_versions.save(tx, "f2", {}, NOON + MINUTE)
        assert rule_versions.save(tx, "f1", {}, NOON + 2 * MINUTE) == first
        assert rule_versions.current(tx) == first


def test_a_fact_is_what_was_put_last(store: engine.Store) -> None:
    """Facts are found by name, and by the beginning of it."""
    with store.write() as tx:
        assert facts.find(tx, "heartbeat") is None
        facts.put(tx, "heartbeat", {"pid": 1}, NOON)
        facts.put(tx, "heartbeat", {"pid": 2}, NOON + timedelta(seconds=15))
        facts.put(tx, "back-off:desk", {"failures": 3}, NOON)
        facts.put(tx, "back_off", {}, NOON)
        assert facts.find(tx, "heartbeat") == ({"pid": 2}, NOON + timedelta(seconds=15))
        assert facts.list_facts(tx, "back-") == {"back-off:desk": ({"failures": 3}, NOON)}
        assert facts.list_facts(tx, "back_") == {"back_off": ({}, NOON)}
        assert facts.remove(tx, "back_off")
        assert not facts.remove(tx, "back_off")
