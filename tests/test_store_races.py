"""Workers that reach for the same rows at the same moment: each row goes to one of them, and none is forgotten."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy.exc import IntegrityError

from monitor import errors, model
from monitor.store import engine, entries, facts, feeds, outbox, rule_versions, stories
from tests import stored
from tests.stored import MINUTE, NOON

WORKERS = 6
_Result = TypeVar("_Result")


def race(work: Callable[[int], _Result]) -> list[_Result]:
    """Run `work` in some threads that all begin at the same moment; return what each came to."""
    gate = threading.Barrier(WORKERS)

    def start(number: int) -> _Result:
        gate.wait(10)
        return work(number)

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(start, range(WORKERS)))


def until_none_is_left(claim: Callable[[], tuple[str, ...]]) -> list[str]:
    """Claim until nothing is left; return all that was claimed."""
    claimed: list[str] = []
    while batch := claim():
        claimed.extend(batch)
    return claimed


def test_each_feed_is_polled_by_one_worker(store: engine.Store) -> None:
    """Workers that claim due feeds at once share them out."""
    names = [f"Feed {number}" for number in range(60)]
    stored.add_feeds(store, *names)

    def work(number: int) -> list[str]:
        def claim() -> tuple[str, ...]:
            with store.write() as tx:
                claimed = feeds.claim_due(tx, NOON, limit=4, lease=f"worker {number}", until=NOON + MINUTE)
            return tuple(feed.name for feed in claimed)

        return until_none_is_left(claim)

    claimed = [name for names in race(work) for name in names]
    assert sorted(claimed) == sorted(names)


def test_a_host_is_polled_by_one_worker_at_a_time(postgres_store: engine.Store) -> None:
    """Workers that claim at once share hosts, not feeds, so that a host's limit of one worker is the limit of all."""
    specs = [model.FeedSpec(f"{host} {n}", f"https://{host}.example/{n}") for host in "abcde" for n in range(8)]
    with postgres_store.write() as tx:
        feeds.sync_specs(tx, specs, NOON, first_due=lambda _: NOON)

    def work(number: int) -> list[str]:
        def claim() -> tuple[str, ...]:
            with postgres_store.write() as tx:
                claimed = feeds.claim_due(tx, NOON, limit=3, lease=f"{number}:x", until=NOON + MINUTE)
            return tuple(feed.name for feed in claimed)

        return until_none_is_left(claim)

    claimed = race(work)
    assert sorted(name for names in claimed for name in names) == sorted(spec.name for spec in specs)
    hosts = [{name[0] for name in names} for names in claimed]
    assert sum(map(len, hosts)) == 5, "no host has two workers"


def test_each_entry_is_decided_by_one_worker(store: engine.Store) -> None:
    """Workers that claim pending entries at once share them out, and every one is processed."""
    titles = [f"title {number}" for number in range(60)]
    stored.add_entries(store, *titles)

    def work(number: int) -> list[str]:
        lease = f"worker {number}"

        def claim() -> tuple[str, ...]:
            with store.write() as tx:
                claimed = entries.claim_pending(tx, NOON, limit=4, lease=lease, until=NOON + MINUTE)
            with store.write() as tx:
                assert all(entries.mark_processed(tx, entry.id, entry.revision, lease) for entry in claimed)
            return tuple(entry.title for entry in claimed)

        return until_none_is_left(claim)

    claimed = [title for titles in race(work) for title in titles]
    assert sorted(claimed) == sorted(titles)


def test_each_message_is_sent_by_one_worker(store: engine.Store) -> None:
    """Workers of one channel send each message once, and those of one story in order."""
    story, _, _ = stored.new_story(store)
    numbers = [stored.notify(store, story_id=story) for _ in range(30)]
    sent: list[int] = []

    def work(number: int) -> None:
        lease = f"worker {number}"
        for _ in range(200):
            with store.write() as tx:
                claimed = outbox.claim_next(tx, "desk", NOON, lease=lease, until=NOON + MINUTE)
            if claimed:
                sent.append(claimed.id)
                with store.write() as tx:
                    assert outbox.settle_sent(tx, claimed.id, lease, NOON)
            if len(sent) == len(numbers):
                return

    race(work)
    assert sent == numbers


def test_the_same_entry_is_stored_once(store: engine.Store) -> None:
    """Two feeds' polls at once are no matter, and one key of one feed is one entry whoever brings it."""
    names = [f"Feed {number}" for number in range(WORKERS)]
    stored.add_feeds(store, *names)
    claimed = [stored.claim_feed(store, name, lease=name) for name in names]

    def work(number: int) -> int:
        titles = stored.parsed_entries(*(f"entry {title}" for title in range(40)))
        return sum(stored.save(store, stored.a_record(feed, entries=titles)).entries for feed in claimed)

    # every worker brings every feed's poll; the lease of each lets one of them write
    assert sum(race(work)) == 40 * WORKERS
    with store.read() as tx:
        assert entries.count_pending(tx) == 40 * WORKERS


def test_the_same_files_are_taken_up_once(store: engine.Store) -> None:
    """Workers that start together on the same files make each feed and each rule version once."""
    specs = stored.feed_specs("A", "B", "C")

    def work(_: int) -> int:
        with store.write() as tx:
            feeds.sync_specs(tx, specs, NOON, first_due=lambda _: NOON)
            return rule_versions.save(tx, "rules", {"own.yaml": ""}, NOON)

    assert len(set(race(work))) == 1
    with store.read() as tx:
        assert [feed.name for feed in feeds.list_feeds(tx)] == ["A", "B", "C"]


def test_workers_agree_on_what_is_set_once(store: engine.Store) -> None:
    """Of workers that name the installation at once one is first, and all of them go by its name."""

    def work(number: int) -> object:
        with store.write() as tx:
            return facts.put_once(tx, "identity", {"id": number}, NOON)["id"]

    assert len(set(race(work))) == 1


def test_a_storys_alerts_are_numbered_without_gaps(store: engine.Store) -> None:
    """Deciding takes the story lock, so that workers who add to one story at once number its alerts in turn."""
    story, _, _ = stored.new_story(store)
    waiting = [stored.new_entry(store) for _ in range(WORKERS)]

    def work(number: int) -> None:
        entry = waiting[number]
        finding = model.Finding(entry, (), model.Assignment(model.Kind.UPDATE, story, 0.9, "x"), model.Level.HIGH)
        with store.write() as tx:
            engine.story_lock(tx)
            stories.join_story(tx, story, finding, NOON)
            rules_id = rule_versions.save(tx, "rules", {}, NOON)
            decision = stories.save_decision(tx, finding, (), rules_id=rules_id, story_id=story, now=NOON)
            stories.add_alert(tx, finding, decision, story, model.Kind.UPDATE, NOON)

    race(work)
    with store.read() as tx:
        assert [alert.sequence for alert in stories.list_alerts(tx, story_id=story)] == list(range(WORKERS + 1, 0, -1))
        assert stories.get_story(tx, story).entries == WORKERS + 1


def test_the_story_lock_keeps_others_waiting(postgres_store: engine.Store) -> None:
    """On PostgreSQL whoever wants to decide stories waits for the one who does, and no longer than for any lock."""
    url = postgres_store._engine.url.render_as_string(hide_password=False)
    impatient = engine.open_store(url, patience=timedelta(milliseconds=50))
    with postgres_store.write() as tx:
        engine.story_lock(tx)
        with pytest.raises(errors.StoreError, match="is locked"), impatient.write() as other:
            engine.story_lock(other)
    with impatient.write() as other:
        engine.story_lock(other)
    impatient.close()


def test_one_of_two_decisions_remains(store: engine.Store) -> None:
    """Of workers that decide the same entry one wins, and the others leave nothing behind."""
    entry = stored.new_entry(store)

    def work(_: int) -> bool:
        try:
            stored.decide(store, entry)
        except IntegrityError:
            return False
        return True

    assert race(work).count(True) == 1
    with store.read() as tx:
        assert len(stories.list_stories(tx)) == len(stories.list_alerts(tx)) == 1


def test_a_key_goes_into_the_outbox_once(store: engine.Store) -> None:
    """Of workers that report the same trouble one is heard."""
    new = outbox.NewNotification(
        "operator:rules",
        model.NotificationKind.OPERATOR,
        "desk",
        model.NotificationState.PENDING,
        model.Level.HIGH,
        NOON,
    )

    def work(_: int) -> int:
        with store.write() as tx:
            return outbox.add(tx, [new], NOON)

    assert sum(race(work)) == 1


@pytest.mark.slow
def test_processes_share_a_sqlite_database(sqlite_store: engine.Store) -> None:
    """The command line may write while the daemon does: two processes lose nothing of each other."""
    stored.add_feeds(sqlite_store, "Wire")
    context = multiprocessing.get_context("spawn")
    url = f"sqlite:///{sqlite_store.path}"
    workers = [context.Process(target=add_messages, args=(url, channel)) for channel in ("desk", "mail")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with sqlite_store.read() as tx:
        assert outbox.counts(tx) == {
            ("desk", model.NotificationState.PENDING): 100,
            ("mail", model.NotificationState.PENDING): 100,
        }


def add_messages(url: str, channel: str) -> None:
    """Add a hundred notifications, each in a transaction of its own."""
    store = engine.open_store(url)
    for number in range(100):
        stored.notify(store, channel, key=f"{channel}:{number}")
    store.close()
