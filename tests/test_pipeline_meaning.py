"""What entries mean, through the pipeline: encoded once, outside transactions, stored, recalled, and done without."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
import structlog

from monitor import dedupe, encoders, explain, model, pipeline, rules
from monitor.store import engine, stories, tables, upkeep
from tests import builders, networks, stored

NOW = builders.NOON
RULES = "rules:\n  - {id: quake, title: Quake, level: high, match: quake*}\n"
ONE, OTHER, PLAIN = "Quake in Peru kills five", "Quake shakes coast near Lima", "Weather is fine"
DESK = builders.a_channel(name="desk", url="json://127.0.0.1:9")


def deciding(store: engine.Store, encoder: dedupe.Encodes | None) -> pipeline.Deciding:
    """Return what decides, on a store."""
    return pipeline.Deciding(
        store, rules.from_files({"own.yaml": RULES}), [DESK], pipeline.Policy(), NOW, encoder=encoder
    )


def senses(store: engine.Store) -> list[Any]:
    """Return the stored meanings, in the order of decisions."""
    with store.read() as tx:
        wanted = sa.select(tables.senses).order_by(tables.senses.c.decision_id)
        return list(tx.connection().execute(wanted).mappings())


def test_only_what_matches_is_encoded_and_stored(store: engine.Store) -> None:
    """One vector for each decision, with the encoder that made it."""
    encoder = networks.Counting()
    desk = deciding(store, encoder)
    stored.add_entries(store, ONE, PLAIN)
    assert desk.run_pass(NOW).matched == 1
    assert encoder.asked == [f"{ONE}. "]
    [sense] = senses(store)
    assert sense["encoder"] == "counting"
    made = networks.Counting().encode_all([f"{ONE}. "])[0]
    assert made is not None
    assert bytes(sense["vector"]) == dedupe.packed(made)


def test_a_restart_encodes_nothing_and_decides_alike(store: engine.Store) -> None:
    """What the stories mean is read from the store; a fresh index compares as the old one would have."""
    first = deciding(store, networks.Counting())
    stored.add_entries(store, ONE)
    first.run_pass(NOW)
    encoder = networks.Counting()
    second = deciding(store, encoder)
    assert encoder.asked == []
    stored.add_entries(store, OTHER)
    second.run_pass(NOW)
    assert "meaning" in _decided(store)[-1].features
    with store.read() as tx:
        [member, _] = stories.list_members(tx, NOW, encoder="counting")
    old = first._index.assign(dedupe.profile(builders.an_entry(title=OTHER), encoder=encoder), NOW)
    new = second._index.assign(dedupe.profile(builders.an_entry(title=OTHER), encoder=encoder), NOW)
    assert member.sense
    assert old.features.keys() == new.features.keys()


def test_vectors_of_another_encoder_are_left_aside(store: engine.Store) -> None:
    """After a change of the encoder, words alone compare with what the old one told; nothing is encoded again."""
    stored.add_entries(store, ONE)
    deciding(store, networks.Counting("old")).run_pass(NOW)
    encoder = networks.Counting("new")
    desk = deciding(store, encoder)
    assert encoder.asked == []
    stored.add_entries(store, OTHER)
    desk.run_pass(NOW)
    assert "meaning" not in _decided(store)[-1].features
    assert [sense["encoder"] for sense in senses(store)] == ["old", "new"]


def test_workers_follow_what_others_decided_with_its_meaning(store: engine.Store) -> None:
    """A second worker compares with vectors that the first one stored."""
    here, there = deciding(store, networks.Counting()), deciding(store, networks.Counting())
    stored.add_entries(store, ONE)
    here.run_pass(NOW)
    stored.add_entries(store, OTHER)
    there.run_pass(NOW)
    assert "meaning" in _decided(store)[-1].features


def test_without_an_encoder_nothing_is_stored(store: engine.Store) -> None:
    """With `encoder = "off"` words decide, and the table stays empty."""
    stored.add_entries(store, ONE)
    assert deciding(store, None).run_pass(NOW).alerts == 1
    assert senses(store) == []


def test_nothing_is_encoded_within_a_transaction(store: engine.Store) -> None:
    """While a text or a known story is encoded, others can write."""
    seed = model.Seed("a.txt", "Quake in Chile", "A quake.", "f")
    encoder = _Writing(store)
    desk = deciding(store, encoder)
    desk.learn_seeds([seed], NOW)
    deciding(store, encoder)
    stored.add_entries(store, ONE)
    desk.run_pass(NOW)
    assert encoder.wrote == 3


def test_a_known_story_is_encoded_once(store: engine.Store) -> None:
    """Its meaning is held for the reload that a person's correction asks for."""
    encoder = networks.Counting()
    desk = deciding(store, encoder)
    desk.learn_seeds([model.Seed("a.txt", "Quake in Chile", "A quake.", "f")], NOW)
    assert encoder.asked == ["Quake in Chile. A quake."]
    with store.read() as tx:
        desk._build(tx, NOW)
    assert encoder.asked == ["Quake in Chile. A quake."]


def test_a_damaged_encoder_costs_no_alert(store: engine.Store, tmp_path: Path) -> None:
    """Words decide, one line is logged, and the next passes are quiet."""
    (tmp_path / "encoder.npz").write_bytes(networks.weights()[:2000])
    with structlog.testing.capture_logs() as events:
        desk = deciding(store, encoders.find(".", tmp_path))
        for title in (ONE, OTHER):
            stored.add_entries(store, title)
            assert desk.run_pass(NOW).alerts == 1
    assert [event["event"] for event in events] == ["encoder_unusable"]
    assert senses(store) == []


def test_a_meaning_goes_with_its_decision(store: engine.Store) -> None:
    """What is pruned leaves no vector behind."""
    stored.add_entries(store, ONE)
    deciding(store, networks.Counting()).run_pass(NOW)
    with store.write() as tx:
        tx.connection().execute(sa.update(tables.notifications).values(state="sent"))
        upkeep.prune(tx, NOW + timedelta(days=1))
    assert senses(store) == []


def test_what_is_given_back_is_tried_again(store: engine.Store) -> None:
    """A daemon that ends between claiming and deciding leaves the entries as they were."""
    stored.add_entries(store, ONE)
    desk = deciding(store, None)
    for _ in range(5):
        claimed = desk.claim(NOW, limit=5)
        assert [entry.title for entry in claimed.entries] == [ONE]
        desk.prepare(claimed, NOW)
        desk.give_back()
    assert desk.run_pass(NOW).alerts == 1


@pytest.mark.parametrize("known", [True, False])
def test_explain_compares_as_the_daemon_does(store: engine.Store, known: bool) -> None:
    """A stored story's meaning is taken from the store, and only the entry in question is encoded."""
    stored.add_entries(store, ONE)
    deciding(store, networks.Counting()).run_pass(NOW)
    encoder = networks.Counting("counting" if known else "another")
    ground = explain.Ground(rules.from_files({"own.yaml": RULES}), (DESK,), encoder=encoder)
    with store.read() as tx:
        found = explain.explain(builders.an_entry(id=0, title=OTHER, summary=""), ground, now=NOW, tx=tx)
    assert found.assignment is not None
    assert ("meaning" in found.assignment.features) is known
    assert encoder.asked == [f"{OTHER}. "]


class _Writing(networks.Counting):
    """An encoder that writes to the store, which waits in vain while a transaction is open."""

    def __init__(self, store: engine.Store) -> None:
        super().__init__()
        self._store = store
        self.wrote = 0

    def encode_all(self, texts: Any) -> list[dedupe.Array | None]:
        with self._store.write() as tx:
            tx.connection().execute(sa.update(tables.feeds).values(why="encoding"))
        self.wrote += 1
        return super().encode_all(texts)


def _decided(store: engine.Store) -> list[model.Assignment]:
    with store.read() as tx:
        return [record.assignment for record in reversed(stories.list_decisions(tx))]


def test_a_vector_that_is_stored_is_small() -> None:
    """388 bytes an entry with the shipped encoder's 384 numbers."""
    assert len(dedupe.packed(np.full(384, 0.05, np.float32))) == 388
