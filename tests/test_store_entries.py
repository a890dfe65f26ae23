"""Entries in the store: claims, attempts, and what people look up."""

from datetime import timedelta

import pytest

from monitor import model
from monitor.store import engine, entries, feeds, rule_versions
from tests import stored
from tests.stored import MINUTE, NOON


def test_entries_are_claimed_in_order(store: engine.Store) -> None:
    """Pending entries are claimed in order of their ids, each by one worker."""
    stored.add_entries(store, "one", "two", "three")
    assert [entry.title for entry in stored.claim_entries(store, limit=2)] == ["one", "two"]
    assert [entry.title for entry in stored.claim_entries(store, limit=2, lease="other")] == ["three"]
    assert stored.claim_entries(store) == ()


def test_an_entry_carries_its_feeds_tags(store: engine.Store) -> None:
    """A claimed entry knows the name and the tags of its feed, as the files say them now."""
    with store.write() as tx:
        feeds.sync_specs(tx, stored.feed_specs("Wire", tags=("wire", "asia")), NOON, first_due=lambda _: NOON)
    entry = stored.new_entry(store)
    assert (entry.feed, entry.feed_tags) == ("Wire", ("wire", "asia"))


def test_a_processed_entry_is_not_claimed_again(store: engine.Store) -> None:
    """Marking needs the lease and the revision, and happens once."""
    entry = stored.new_entry(store)
    with store.write() as tx:
        assert not entries.mark_processed(tx, entry.id, entry.revision, "somebody else's")
        assert not entries.mark_processed(tx, entry.id, entry.revision + 1, "work")
        assert entries.count_pending(tx) == 1
        assert entries.mark_processed(tx, entry.id, entry.revision, "work")
        assert not entries.mark_processed(tx, entry.id, entry.revision, "work")
        assert entries.count_pending(tx) == 0
    stored.let_pass(store, timedelta(hours=1))
    assert stored.claim_entries(store, now=NOON + timedelta(hours=1)) == ()


def test_what_matched_nothing_is_marked_together(store: engine.Store) -> None:
    """Entries without a match are marked with the rules that they did not match, and need no decision."""
    stored.add_entries(store, "one", "two", "three")
    one, two, _ = stored.claim_entries(store)
    with store.write() as tx:
        rules_id = rule_versions.save(tx, "rules", {}, NOON)
        assert entries.mark_unmatched(tx, [one.id, two.id], rules_id, "somebody else's") == 0
        assert entries.mark_unmatched(tx, [one.id, two.id], rules_id, "work") == 2
        assert entries.mark_unmatched(tx, [], rules_id, "work") == 0
        assert entries.count_by_status(tx, NOON) == {
            model.EntryStatus.PROCESSED: 2,
            model.EntryStatus.PENDING: 1,
        }


def test_an_entry_that_was_tried_before_is_tried_alone(store: engine.Store) -> None:
    """After a crash the entries of the batch are claimed one by one, so that the one that killed it dies alone."""
    stored.add_entries(store, "poison", "well", "fresh")
    assert len(stored.claim_entries(store, limit=2)) == 2
    later = NOON + 2 * MINUTE
    stored.let_pass(store, 2 * MINUTE)
    assert [entry.title for entry in stored.claim_entries(store, now=later)] == ["poison"]
    assert [entry.title for entry in stored.claim_entries(store, now=later)] == ["well"]
    assert [entry.title for entry in stored.claim_entries(store, now=later)] == ["fresh"]


def test_a_batch_ends_before_an_entry_that_was_tried(store: engine.Store) -> None:
    """Order is kept: entries behind one that was tried before wait for it."""
    stored.add_entries(store, "one", "two", "three")
    one, two, three = stored.claim_entries(store)
    with store.write() as tx:
        entries.release(tx, [one.id, three.id], "work")
        entries.record_failure(tx, two.id, "work", "boom")
    assert [entry.title for entry in stored.claim_entries(store)] == ["one"]
    assert [entry.title for entry in stored.claim_entries(store)] == ["two"]


def test_three_attempts_are_enough(store: engine.Store) -> None:
    """What raised three times is failed, is told once, and holds nobody up."""
    stored.add_entries(store, "poison", "well")
    for _ in range(3):
        entry = stored.claim_entries(store, limit=1)[0]
        assert entry.title == "poison"
        with store.write() as tx:
            assert entries.fail_exhausted(tx, NOON) == ()
            assert entries.record_failure(tx, entry.id, "work", "boom")
    assert [entry.title for entry in stored.claim_entries(store)] == ["well"]
    with store.write() as tx:
        assert [entry.title for entry in entries.fail_exhausted(tx, NOON)] == ["poison"]
        assert entries.fail_exhausted(tx, NOON) == ()
        assert [record.status for record in entries.search(tx, "poison")] == [model.EntryStatus.FAILED]


def test_an_entry_that_kills_the_process_is_failed_too(store: engine.Store) -> None:
    """Attempts are counted with the claim: three that never came back are enough."""
    stored.add_entries(store, "poison")
    for attempt in range(3):
        stored.let_pass(store, 2 * MINUTE)
        assert stored.claim_entries(store, now=NOON + attempt * 2 * MINUTE)
    with store.write() as tx:
        assert entries.fail_exhausted(tx, NOON + 4 * MINUTE) == ()  # the third may still be at work
    stored.let_pass(store, 2 * MINUTE)
    with store.write() as tx:
        assert len(entries.fail_exhausted(tx, NOON + 6 * MINUTE)) == 1


def test_a_clean_stop_costs_no_attempt(store: engine.Store) -> None:
    """What is given back untried was not attempted; it needs the lease."""
    stored.add_entries(store, "one", "two")
    one, two = stored.claim_entries(store)
    with store.write() as tx:
        assert entries.release(tx, [one.id, two.id], "somebody else's") == 0
        assert entries.release(tx, [one.id, two.id], "work") == 2
    assert len(stored.claim_entries(store)) == 2  # a batch again, so neither counts as tried


def test_an_entry_is_found_by_id_and_link(store: engine.Store) -> None:
    """The newest entry with exactly that link is found."""
    stored.add_entries(store, "one", url="https://wire.example/1")
    stored.add_entries(store, "two", url="https://wire.example/1", at=NOON + MINUTE)
    with store.read() as tx:
        found = entries.find_by_url(tx, "https://wire.example/1")
        assert found is not None
        assert found.title == "two"
        assert entries.get(tx, found.id) == found
        assert entries.find_by_url(tx, "https://wire.example/2") is None
        with pytest.raises(KeyError):
            entries.get(tx, found.id + 1)
        with pytest.raises(KeyError):
            entries.get_record(tx, found.id + 1)


def test_search_folds_case_and_accents(store: engine.Store) -> None:
    """Every word must occur in title or summary; the newest entry comes first."""
    stored.add_entries(store, "Erdoğan visits Kyiv", summary="Talks on grain")
    stored.add_entries(store, "ERDOGAN RETURNS", at=NOON + MINUTE)
    stored.add_entries(store, "Путин прибыл в Пхеньян", at=NOON + 2 * MINUTE)
    with store.read() as tx:
        assert [found.entry.title for found in entries.search(tx, "erdogan")] == [
            "ERDOGAN RETURNS",
            "Erdoğan visits Kyiv",
        ]
        assert [found.entry.title for found in entries.search(tx, "GRAIN erdo")] == ["Erdoğan visits Kyiv"]
        assert [found.entry.title for found in entries.search(tx, "путин")] == ["Путин прибыл в Пхеньян"]
        assert entries.search(tx, "erdogan putin") == ()
        assert len(entries.search(tx, "", limit=2)) == 2
        assert [found.entry.title for found in entries.search(tx, "", since=NOON + 2 * MINUTE)] == [
            "Путин прибыл в Пхеньян"
        ]
        assert [found.entry.title for found in entries.search(tx, "", until=NOON + MINUTE)] == ["Erdoğan visits Kyiv"]
        assert entries.search(tx, "", feed="Other") == ()


def test_a_search_reads_on_until_it_has_enough(store: engine.Store) -> None:
    """What is sought may stand behind more entries than are read at once."""
    stored.add_entries(store, "needle", *(f"hay {number}" for number in range(1100)))
    with store.read() as tx:
        assert len(entries.search(tx, "needle")) == 1


def test_a_search_says_what_became_of_an_entry(store: engine.Store) -> None:
    """Entries are found by what became of them, the latest decision counts, and the reason comes along."""
    stored.add_entries(store, "matched", "unmatched", "waiting")
    matched, unmatched, waiting = stored.claim_entries(store)
    story, _, _ = stored.decide(store, matched, because="nothing like it")
    with store.write() as tx:
        entries.mark_unmatched(tx, [unmatched.id], rule_versions.save(tx, "rules", {}, NOON), "work")
        entries.release(tx, [waiting.id], "work")
    with store.read() as tx:
        for decision, title in (("new", "matched"), ("unmatched", "unmatched"), ("pending", "waiting")):
            assert [found.entry.title for found in entries.search(tx, "", decision=decision)] == [title]
        assert entries.search(tx, "", decision="failed") == ()
        record = entries.get_record(tx, matched.id)
    assert (record.kind, record.story_id, record.because) == (model.Kind.NEW, story, "nothing like it")
    edit = model.Edit(matched.id, model.ParsedEntry(matched.key, "matched again"), again=True)
    stored.save(store, stored.a_record(stored.claim_feed(store, now=NOON + MINUTE), edits=(edit,)))
    again = next(entry for entry in stored.claim_entries(store) if entry.id == matched.id)
    stored.decide(store, again, story_id=story, because="the same, edited")
    with store.read() as tx:
        assert [found.because for found in entries.search(tx, "matched", decision="duplicate")] == ["the same, edited"]
        assert entries.search(tx, "matched", decision="new") == ()


def test_entries_are_counted_by_day(store: engine.Store) -> None:
    """Days are those of UTC; the age of what waits longest is known."""
    with store.read() as tx:
        assert entries.oldest_pending_at(tx) is None
    stored.add_entries(store, "one", "two")
    stored.add_entries(store, "three", at=NOON + timedelta(hours=12))
    with store.read() as tx:
        assert entries.count_by_day(tx, NOON) == {"2026-11-21": 2, "2026-11-22": 1}
        assert entries.count_by_day(tx, NOON + MINUTE) == {"2026-11-22": 1}
        assert entries.oldest_pending_at(tx) == NOON
