"""Known stories in the store: the seeds folder, and the stories that its files tell."""

import dataclasses
from datetime import timedelta

from monitor import model
from monitor.store import engine, stories
from tests import stored
from tests.stored import MINUTE, NOON


def a_seed(name: str = "kim.txt", **changes: object) -> model.Seed:
    """Return a known story without a date."""
    plain = model.Seed(name, f"title of {name}", "text", "f00d", tags=("visits",))
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def test_a_seed_opens_a_story_that_is_known(store: engine.Store) -> None:
    """A seed is dated when it is first loaded, and its story has no entry yet."""
    with store.write() as tx:
        assert stories.sync_seeds(tx, [a_seed()], lambda _: None, NOON) == stories.SeedChanges(added=("kim.txt",))
        ((seed, story_id),) = stories.list_seeds(tx)
    assert seed == a_seed(published_at=NOON)
    story = _story(store, story_id)
    assert story == model.Story(story_id, "title of kim.txt", model.Level.INFO, NOON, NOON, 0, (), ("kim.txt",))
    assert story.known


def test_two_new_seeds_may_be_one_story(store: engine.Store) -> None:
    """The caller hears of each new seed before the next is assigned."""
    found: list[int] = []
    with store.write() as tx:
        stories.sync_seeds(
            tx,
            [a_seed("one.txt"), a_seed("two.txt")],
            lambda _: found[0] if found else None,
            NOON,
            remember=lambda _, story_id: found.append(story_id),
        )
        assert [story_id for _, story_id in stories.list_seeds(tx)] == found == [found[0], found[0]]
    assert _story(store, found[0]).seeds == ("one.txt", "two.txt")


def test_a_seed_keeps_its_date_and_story_when_its_text_changes(store: engine.Store) -> None:
    """Another text is a change; a date in the file rules; the same files again change nothing."""
    with store.write() as tx:
        stories.sync_seeds(tx, [a_seed()], lambda _: None, NOON)
        edited = a_seed(text="more", fingerprint="beef")
        assert stories.sync_seeds(tx, [edited], lambda _: None, NOON + MINUTE).changed == ("kim.txt",)
        assert stories.sync_seeds(tx, [edited], lambda _: None, NOON + MINUTE) == stories.SeedChanges()
        ((seed, _),) = stories.list_seeds(tx)
        assert seed == a_seed(text="more", fingerprint="beef", published_at=NOON)
        dated = dataclasses.replace(edited, published_at=NOON - timedelta(days=3))
        assert stories.sync_seeds(tx, [dated], lambda _: None, NOON + MINUTE).changed == ("kim.txt",)
        ((seed, _),) = stories.list_seeds(tx)
        assert seed == dated


def test_a_seed_whose_file_is_gone_is_known_no_more(store: engine.Store) -> None:
    """A removed seed leaves its story, and takes it up again when its file comes back."""
    with store.write() as tx:
        stories.sync_seeds(tx, [a_seed()], lambda _: None, NOON)
        ((_, story_id),) = stories.list_seeds(tx)
        assert stories.sync_seeds(tx, [], lambda _: None, NOON).removed == ("kim.txt",)
        assert stories.sync_seeds(tx, [], lambda _: None, NOON) == stories.SeedChanges()
        assert stories.list_seeds(tx) == ()
        assert not stories.get_story(tx, story_id).known
        changes = stories.sync_seeds(tx, [a_seed()], lambda _: None, NOON + MINUTE)
        assert changes == stories.SeedChanges(added=("kim.txt",))
        assert stories.list_seeds(tx) == ((a_seed(published_at=NOON), story_id),)


def test_an_entry_may_leave_a_known_story(store: engine.Store) -> None:
    """The only entry of a known story can be split off: the seed stays behind."""
    with store.write() as tx:
        stories.sync_seeds(tx, [a_seed()], lambda _: None, NOON)
        ((_, story_id),) = stories.list_seeds(tx)
    entry = stored.new_entry(store)
    stored.decide(store, entry, story_id=story_id)
    with store.write() as tx:
        assert stories.split(tx, story_id, entry.id, "ann", NOON) != story_id
    assert _story(store, story_id).entries == 0
    assert _story(store, story_id).known


def _story(store: engine.Store, story_id: int) -> model.Story:
    with store.read() as tx:
        return stories.get_story(tx, story_id)
