"""Feeds in the store: claims, polls, outages, and the operator's files."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from monitor import model
from monitor.store import engine, entries, feeds, tables
from tests import stored
from tests.stored import MINUTE, NOON


def test_a_new_feed_is_due_when_it_is_said(store: engine.Store) -> None:
    """Each new feed gets the due time that the caller gives to its number."""
    with store.write() as tx:
        changes = feeds.sync_specs(
            tx, stored.feed_specs("A", "B"), NOON, first_due=lambda number: NOON + number * MINUTE
        )
        assert changes == feeds.FeedChanges(added=("A", "B"))
        assert [feed.next_poll_at for feed in feeds.list_feeds(tx)] == [NOON, NOON + MINUTE]
        assert feeds.next_due_at(tx) == NOON


def test_a_spec_comes_back_as_it_was(store: engine.Store) -> None:
    """Every setting of a feed survives the database."""
    spec = model.FeedSpec(
        "Wire",
        "https://wire.example/feed",
        tags=("wire", "asia"),
        interval=timedelta(minutes=7.5),
        outlet="Wire",
        language="fr",
        first=model.FirstPoll.NOTHING,
        headers={"Accept": "application/xml"},
        user_agent="desk",
    )
    with store.write() as tx:
        feeds.sync_specs(tx, [spec], NOON, first_due=lambda _: NOON)
    assert stored.get_feed(store).spec == spec


def test_the_same_files_change_nothing(store: engine.Store) -> None:
    """Reading the same files again is not a change."""
    stored.add_feeds(store, "Wire")
    with store.write() as tx:
        changes = feeds.sync_specs(tx, stored.feed_specs("Wire"), NOON, first_due=lambda _: NOON)
    assert changes == feeds.FeedChanges()


def test_another_url_resets_what_was_learned(store: engine.Store) -> None:
    """Another URL is another document: validators, failures and a 410 are forgotten, its entries are not."""
    stored.add_entries(store, "one")
    feed = stored.claim_feed(store, now=NOON + MINUTE)
    stored.save(store, stored.a_record(feed, model.Polled.GONE, error="410 Gone", at=NOON + MINUTE))
    other = model.FeedSpec("Wire", "https://elsewhere.example/feed")
    with store.write() as tx:
        changes = feeds.sync_specs(tx, [other], NOON + 2 * MINUTE, first_due=lambda _: NOON)
        feed = feeds.get_feed(tx, "Wire")
        outages = feeds.list_outages(tx, NOON, NOON + timedelta(days=1))
        assert feeds.known_entries(tx, feed.id, ["key of one"])
    assert changes == feeds.FeedChanges(changed=("Wire",))
    assert feed == model.Feed(
        id=feed.id,
        spec=other,
        url=other.url,
        next_poll_at=NOON + 2 * MINUTE,
        last_polled_at=NOON + MINUTE,
        why="another URL",
    )
    assert [outage.ended_at for outage in outages] == [NOON + 2 * MINUTE]


def test_other_settings_keep_what_was_learned(store: engine.Store) -> None:
    """Another tag leaves validators and schedule alone."""
    stored.add_feeds(store, "Wire")
    feed = stored.claim_feed(store)
    stored.save(store, stored.a_record(feed, validators=model.Validators('"v1"', None)))
    before = stored.get_feed(store)
    with store.write() as tx:
        changes = feeds.sync_specs(tx, stored.feed_specs("Wire", tags=("asia",)), NOON, first_due=lambda _: NOON)
    after = stored.get_feed(store)
    assert changes.changed == ("Wire",)
    assert (after.validators, after.next_poll_at, after.spec.tags) == (
        before.validators,
        before.next_poll_at,
        ("asia",),
    )


def test_a_feed_that_left_the_files_rests_until_it_is_back(store: engine.Store) -> None:
    """A feed that left the files is not polled, and is again when it comes back."""
    stored.add_feeds(store, "A", "B")
    with store.write() as tx:
        assert feeds.sync_specs(tx, stored.feed_specs("A"), NOON, first_due=lambda _: NOON).disabled == ("B",)
        claimed = feeds.claim_due(tx, NOON, limit=9, lease="x", until=NOON + MINUTE, everything=True)
        assert [feed.name for feed in claimed] == ["A"]
    with store.write() as tx:
        changes = feeds.sync_specs(tx, stored.feed_specs("A", "B"), NOON, first_due=lambda _: NOON)
        assert changes == feeds.FeedChanges(revived=("B",))
        assert feeds.get_feed(tx, "B").status is model.FeedStatus.ACTIVE


def test_the_longest_due_is_claimed_first(store: engine.Store) -> None:
    """Claims go by due time, and only what is due is claimed."""
    specs = stored.feed_specs("A", "B", "C")
    due = [NOON - MINUTE, NOON - 5 * MINUTE, NOON + MINUTE]
    with store.write() as tx:
        feeds.sync_specs(tx, specs, NOON, first_due=lambda number: due[number])
        assert [feed.name for feed in feeds.claim_due(tx, NOON, limit=1, lease="x", until=NOON + MINUTE)] == ["B"]
        assert [feed.name for feed in feeds.claim_due(tx, NOON, limit=9, lease="y", until=NOON + MINUTE)] == ["A"]
        assert feeds.claim_due(tx, NOON, limit=9, lease="z", until=NOON + MINUTE) == ()


def test_an_expired_claim_is_free(store: engine.Store) -> None:
    """A claim counts until its time, and not longer."""
    stored.add_feeds(store, "Wire")
    stored.claim_feed(store)
    stored.let_pass(store, MINUTE / 2)
    with store.write() as tx:
        assert feeds.claim_due(tx, NOON + MINUTE / 2, limit=1, lease="x", until=NOON + MINUTE) == ()
    stored.let_pass(store, MINUTE)
    with store.write() as tx:
        claimed = feeds.claim_due(tx, NOON + 2 * MINUTE, limit=1, lease="later", until=NOON + 3 * MINUTE)
    assert [feed.lease for feed in claimed] == ["later"]


def test_a_claim_beyond_reason_is_free(store: engine.Store) -> None:
    """A claim that ends later than any can was made under a clock that has jumped back since: it is free."""
    stored.add_feeds(store, "Wire")
    with store.write() as tx:
        feeds.claim_due(tx, NOON, limit=1, lease="x", until=NOON + timedelta(hours=1))
    with store.write() as tx:
        assert feeds.claim_due(tx, NOON, limit=1, lease="y", until=NOON + MINUTE)


def test_a_due_time_beyond_reason_is_due(store: engine.Store) -> None:
    """A feed whose next poll was planned under a clock that was a year ahead is polled all the same."""
    with store.write() as tx:
        feeds.sync_specs(tx, stored.feed_specs("Wire"), NOON, first_due=lambda _: NOON + timedelta(days=365))
        assert feeds.claim_due(tx, NOON, limit=1, lease="x", until=NOON + MINUTE)


def test_a_released_feed_can_be_claimed_again(store: engine.Store) -> None:
    """Giving a feed back ends one's own claim, and nobody else's."""
    stored.add_feeds(store, "Wire")
    feed = stored.claim_feed(store, lease="mine")
    with store.write() as tx:
        feeds.release(tx, [feed.id], "theirs")
        assert feeds.claim_due(tx, NOON, limit=1, lease="x", until=NOON + MINUTE) == ()
        feeds.release(tx, [feed.id], "mine")
        assert feeds.claim_due(tx, NOON, limit=1, lease="x", until=NOON + MINUTE)


def test_asked_for_feeds_are_due_at_once(store: engine.Store) -> None:
    """What is made due is due, and nothing else."""
    with store.write() as tx:
        feeds.sync_specs(tx, stored.feed_specs("A", "B"), NOON, first_due=lambda _: NOON + MINUTE)
        assert feeds.make_due(tx, NOON, ["A"]) == 1
        assert [feed.name for feed in feeds.claim_due(tx, NOON, limit=9, lease="x", until=NOON + MINUTE)] == ["A"]


def test_a_poll_leaves_validators_and_entries_together(store: engine.Store) -> None:
    """One poll writes validators, schedule and entries; the entries wait to be processed."""
    stored.add_feeds(store, "Wire")
    feed = stored.claim_feed(store)
    record = stored.a_record(
        feed,
        validators=model.Validators('W/"1"', "Sat, 21 Nov 2026 12:00:00 GMT"),
        fingerprint="f00d",
        moved_to="https://new.example/feed",
        gap=timedelta(hours=2),
        entries=stored.parsed_entries("one", "two", published_at=NOON - MINUTE, outlet="Reuters", language="en"),
    )
    assert stored.save(store, record) == feeds.Saved(entries=2, edits=0)
    after = stored.get_feed(store)
    assert after == model.Feed(
        id=feed.id,
        spec=feed.spec,
        url="https://new.example/feed",
        validators=model.Validators('W/"1"', "Sat, 21 Nov 2026 12:00:00 GMT"),
        fingerprint="f00d",
        next_poll_at=NOON + 10 * MINUTE,
        first_polled_at=NOON,
        last_polled_at=NOON,
        last_ok_at=NOON,
        last_new_at=NOON,
        gap=timedelta(hours=2),
        why="every ten minutes",
    )
    first, second = stored.claim_entries(store)
    assert (first.title, second.title) == ("one", "two")
    assert first == model.Entry(
        id=first.id,
        feed="Wire",
        key="key of one",
        title="one",
        first_seen_at=NOON,
        outlet="Reuters",
        language="en",
        published_at=NOON - MINUTE,
        first_poll=True,
    )


def test_only_the_first_poll_flags_its_entries(store: engine.Store) -> None:
    """Entries of later polls are not marked as already running when the feed was added."""
    stored.add_entries(store, "one")
    stored.add_entries(store, "two", at=NOON + MINUTE)
    assert [entry.first_poll for entry in stored.claim_entries(store)] == [True, False]


def test_a_lost_lease_writes_nothing(store: engine.Store) -> None:
    """A poll whose feed somebody else has claimed meanwhile writes neither entries nor validators."""
    stored.add_feeds(store, "Wire", "Other")
    slow = stored.claim_feed(store, lease="slow")
    with store.write() as tx:
        feeds.release(tx, [slow.id], "slow")
    stored.claim_feed(store, lease="quick")
    other = stored.claim_feed(store, "Other", lease="other")
    saved = stored.save(
        store,
        stored.a_record(slow, fingerprint="slow", entries=stored.parsed_entries("late")),
        stored.a_record(other, entries=stored.parsed_entries("in time")),
    )
    assert saved == feeds.Saved(entries=1, edits=0, lost=("Wire",))
    assert stored.get_feed(store).fingerprint is None
    assert [entry.title for entry in stored.claim_entries(store)] == ["in time"]


def test_a_feed_that_is_disabled_meanwhile_writes_nothing(store: engine.Store) -> None:
    """A feed that leaves the files while it is polled brings no entries any more."""
    stored.add_feeds(store, "Wire")
    feed = stored.claim_feed(store)
    stored.add_feeds(store)
    assert stored.save(store, stored.a_record(feed, entries=stored.parsed_entries("late"))).lost == ("Wire",)


def test_a_key_is_stored_once(store: engine.Store) -> None:
    """An entry whose key is there already is left as it is, and not counted."""
    stored.add_entries(store, "one")
    feed = stored.claim_feed(store, now=NOON + MINUTE)
    again = model.ParsedEntry("key of one", "another title")
    fresh = model.ParsedEntry("key of two", "two")
    assert stored.save(store, stored.a_record(feed, entries=(again, fresh))).entries == 1
    assert [entry.title for entry in stored.claim_entries(store)] == ["one", "two"]


def test_quiet_entries_are_processed_at_once(store: engine.Store) -> None:
    """With first = nothing the entries of a first poll are stored and never matched."""
    stored.add_feeds(store, "Wire")
    feed = stored.claim_feed(store)
    assert stored.save(store, stored.a_record(feed, entries=stored.parsed_entries("one"), quiet=True)).entries == 1
    assert stored.claim_entries(store) == ()
    with store.read() as tx:
        assert [record.status for record in entries.search(tx, "one")] == [model.EntryStatus.PROCESSED]


def test_known_entries_are_found_by_their_keys(store: engine.Store) -> None:
    """Each feed's keys are looked up among its own entries."""
    stored.add_entries(store, "one", "two", summary="lead")
    stored.add_entries(store, "one", feed="Other", at=NOON + MINUTE)
    wire, other = stored.get_feed(store), stored.get_feed(store, "Other")
    with store.read() as tx:
        known = feeds.known_entries_of(tx, {wire.id: ["key of one", "key of three"], other.id: ["key of two"]})
        assert feeds.known_entries_of(tx, {}) == {}
    assert known[other.id] == {}
    assert set(known[wire.id]) == {"key of one"}
    found = known[wire.id]["key of one"]
    assert found.fingerprint == feeds.entry_fingerprint("one", " lead ")
    assert found.first_seen_at == NOON


def test_more_keys_than_a_statement_takes(store: engine.Store) -> None:
    """Keys are looked up in as many statements as it takes."""
    stored.add_entries(store, "one")
    wire = stored.get_feed(store)
    with store.read() as tx:
        known = feeds.known_entries(tx, wire.id, [*(f"unknown {number}" for number in range(12_000)), "key of one"])
    assert set(known) == {"key of one"}


@pytest.mark.parametrize("again", [True, False])
def test_an_edit_keeps_its_entry(store: engine.Store, again: bool) -> None:
    """An edit changes the text and the revision, and is decided once more only where it is said."""
    entry = stored.new_entry(store)
    with store.write() as tx:
        assert entries.mark_processed(tx, entry.id, 1, "work")
    feed = stored.claim_feed(store, now=NOON + MINUTE)
    parsed = model.ParsedEntry(entry.key, "US imposes new sanctions", "lead")
    edit = model.Edit(entry.id, parsed, again)
    assert stored.save(store, stored.a_record(feed, edits=(edit,), at=NOON + MINUTE)) == feeds.Saved(0, 1)
    with store.read() as tx:
        edited = entries.get(tx, entry.id)
        known = feeds.known_entries(tx, feed.id, [entry.key])[entry.key]
    assert (edited.title, edited.revision, edited.first_seen_at) == ("US imposes new sanctions", 2, NOON)
    assert known.fingerprint == feeds.entry_fingerprint("US imposes new sanctions", "lead")
    assert [entry.revision for entry in stored.claim_entries(store)] == ([2] if again else [])


def test_an_edit_is_written_once(store: engine.Store) -> None:
    """The same words a second time are no edit."""
    entry = stored.new_entry(store)
    parsed = model.ParsedEntry(entry.key, "another title")
    for minutes, edits in ((1, 1), (2, 0)):
        feed = stored.claim_feed(store, now=NOON + minutes * MINUTE)
        record = stored.a_record(feed, edits=(model.Edit(entry.id, parsed, again=True),))
        assert stored.save(store, record).edits == edits


def test_an_edit_takes_the_entry_from_whoever_decides_it(store: engine.Store) -> None:
    """An entry that is edited while it is being decided is decided again, with the new words."""
    entry = stored.new_entry(store)
    feed = stored.claim_feed(store, now=NOON + MINUTE)
    edit = model.Edit(entry.id, model.ParsedEntry(entry.key, "another title"), again=True)
    stored.save(store, stored.a_record(feed, edits=(edit,)))
    with store.write() as tx:
        assert not entries.mark_processed(tx, entry.id, entry.revision, "work")
    assert [entry.title for entry in stored.claim_entries(store)] == ["another title"]


def test_failures_are_one_outage_until_they_end(store: engine.Store) -> None:
    """Failures in a row prolong one outage, which the next success ends."""
    stored.add_feeds(store, "Wire")
    for minutes, polled, error in (
        (0, model.Polled.FAILED, "timed out"),
        (1, model.Polled.FAILED, "HTTP 503"),
        (2, model.Polled.NOT_MODIFIED, None),
        (3, model.Polled.FAILED, "timed out"),
    ):
        feed = stored.claim_feed(store, now=NOON + minutes * MINUTE)
        stored.save(store, stored.a_record(feed, polled, at=NOON + minutes * MINUTE, error=error))
    with store.read() as tx:
        outages = feeds.list_outages(tx, NOON, NOON + 10 * MINUTE)
        assert feeds.list_outages(tx, NOON + 2 * MINUTE, NOON + 3 * MINUTE) == ()
        assert feeds.list_outages(tx, NOON, NOON + 10 * MINUTE, "Other") == ()
    assert outages == (
        feeds.Outage("Wire", NOON, NOON + 2 * MINUTE, "HTTP 503", polls=2),
        feeds.Outage("Wire", NOON + 3 * MINUTE, None, "timed out", polls=1),
    )


def test_a_failure_is_counted_and_keeps_validators(store: engine.Store) -> None:
    """A failed poll counts, keeps what was learned, and a success clears it."""
    stored.add_feeds(store, "Wire")
    stored.save(store, stored.a_record(stored.claim_feed(store), validators=model.Validators('"1"', None)))
    for minutes in (1, 2):
        feed = stored.claim_feed(store, now=NOON + minutes * MINUTE)
        record = stored.a_record(feed, model.Polled.FAILED, at=NOON + minutes * MINUTE, error="timed \0 out \ud800")
        stored.save(store, record)
    failed = stored.get_feed(store)
    assert (failed.failures, failed.failing_since_at, failed.last_ok_at) == (2, NOON + MINUTE, NOON)
    assert failed.validators == model.Validators('"1"', None)
    assert failed.last_error == "timed   out ?"
    stored.save(store, stored.a_record(stored.claim_feed(store, now=NOON + 3 * MINUTE), model.Polled.SAME))
    well = stored.get_feed(store)
    assert (well.failures, well.failing_since_at, well.last_error) == (0, None, None)


def test_our_own_network_blames_no_feed(store: engine.Store) -> None:
    """Offline changes the schedule alone: no failure, no outage, and what failed before goes on failing."""
    stored.add_feeds(store, "Wire")
    feed = stored.claim_feed(store)
    stored.save(store, stored.a_record(feed, model.Polled.FAILED, error="timed out"))
    feed = stored.claim_feed(store, now=NOON + MINUTE)
    stored.save(store, stored.a_record(feed, model.Polled.OFFLINE, at=NOON + MINUTE, error="no network"))
    after = stored.get_feed(store)
    assert (after.failures, after.last_error, after.next_poll_at) == (1, "timed out", NOON + 11 * MINUTE)
    with store.read() as tx:
        assert [outage.polls for outage in feeds.list_outages(tx, NOON, NOON + MINUTE)] == [1]


def test_a_feed_that_is_gone_is_not_polled_again(store: engine.Store) -> None:
    """410 ends the polls of a feed."""
    stored.add_feeds(store, "Wire")
    stored.save(store, stored.a_record(stored.claim_feed(store), model.Polled.GONE, error="410 Gone"))
    assert stored.get_feed(store).status is model.FeedStatus.GONE
    with store.write() as tx:
        assert feeds.claim_due(tx, NOON, limit=9, lease="x", until=NOON + MINUTE, everything=True) == ()
        assert feeds.next_due_at(tx) is None
        assert feeds.count_by_status(tx) == {model.FeedStatus.GONE: 1}


def test_nothing_is_stored_of_nothing(store: engine.Store) -> None:
    """No records leave no trace, and no feed is called by a name that nobody gave."""
    assert stored.save(store) == feeds.Saved(0, 0)
    with store.read() as tx:
        assert feeds.find_feed(tx, "Wire") is None
        with pytest.raises(KeyError):
            feeds.get_feed(tx, "Wire")


def test_the_most_urgent_feed_is_claimed_first(store: engine.Store) -> None:
    """A second late is much for a feed of every five seconds; who waits for long comes before it all the same."""
    minute, planned = timedelta(minutes=1), {"hourly": 60.0, "quick": 1 / 12, "forgotten": 30.0}
    late = {"hourly": 10 / 60, "quick": 1 / 60, "forgotten": 24 * 60.0}
    with store.write() as tx:
        specs = [model.FeedSpec(name, f"https://{name}.example/") for name in planned]
        feeds.sync_specs(tx, specs, NOON, first_due=lambda _: NOON - timedelta(days=2))
        for name, wait in planned.items():
            due = NOON - late[name] * minute
            polled = {"last_polled_at": due - wait * minute, "next_poll_at": due}
            table = tables.feeds
            tx.connection().execute(sa.update(table).where(table.c.name == name).values(**polled))
    order = []
    for _ in planned:
        with store.write() as tx:
            until = NOON + timedelta(minutes=5)
            order += [feed.name for feed in feeds.claim_due(tx, NOON, limit=1, lease=store.new_lease(), until=until)]
    assert order == ["forgotten", "quick", "hourly"]
