"""The index: what people correct, what is forgotten, and what the order of entries does."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import dedupe, model
from monitor.dedupe import rarity
from tests import builders

DAY = timedelta(days=1)
START = datetime(2026, 4, 2, tzinfo=UTC)
PLACES = ["Herat", "Kunduz", "Nairobi", "Lima", "Manila", "Osaka", "Oslo", "Tunis", "Quito", "Perth"]
TELLINGS = (
    "Strong earthquake hits {}, collapsing a school",
    "School collapses as earthquake shakes {}",
    "Earthquake in {} brings down school building",
)


def told(title: str, *, summary: str = "", at: datetime | None = START) -> dedupe.Profile:
    """Return the profile of an entry without a link."""
    return dedupe.profile(
        builders.an_entry(title=title, summary=summary, url="", published_at=at, first_seen_at=at or START)
    )


def an_index(*titles: str, at: datetime = START) -> dedupe.Index:
    """Return an index in which every title opened a story of its own, numbered from 1."""
    index = dedupe.Index(window=7 * DAY)
    for number, title in enumerate(titles, start=1):
        index.add(number, told(title, at=at))
    return index


def grouped(profiles: list[dedupe.Profile]) -> list[int]:
    """Return the story of each profile, assigned in this order."""
    index = dedupe.Index(window=7 * DAY)
    found: list[int] = []
    for number, profile in enumerate(profiles, start=1):
        story_id = index.assign(profile, profile.at).story_id or number
        index.add(story_id, profile)
        found.append(story_id)
    return found


def test_assign_changes_nothing() -> None:
    """The same question has the same answer until something is added."""
    index = an_index("Strong earthquake hits Herat, collapsing a school")
    profile = told("Earthquake in Herat brings down school building")
    assert index.assign(profile, START) == index.assign(profile, START)
    assert len(index) == 1


def test_merged_stories_take_entries_as_one() -> None:
    """What a person joined stays joined for the entries that follow."""
    index = an_index("Miners strike in Lima copper pits", "Peru's copper exports halted by walkout")
    index.merge(2, 1)
    assert len(index) == 1
    assert index.assign(told("Copper exports of Peru halted as walkout goes on"), START).story_id == 1


def test_merging_what_is_not_held_changes_nothing() -> None:
    """A story may have left the window before a person corrected it."""
    index = an_index("Miners strike in Lima copper pits")
    index.merge(9, 1)
    index.merge(1, 9)
    index.merge(1, 1)
    assert len(index) == 1


def test_a_split_story_takes_entries_as_two() -> None:
    """What a person parted stays parted for the entries that follow."""
    one, other = told("Miners strike in Lima copper pits"), told("Teachers march through Quito for higher pay")
    index = dedupe.Index(window=7 * DAY)
    index.add(1, one)
    index.add(1, other)
    index.split(1, [one], 2, [other])
    assert len(index) == 2
    assert index.assign(told("Quito: teachers march for higher pay"), START).story_id == 2
    assert index.assign(told("Copper miners on strike in Lima pits"), START).story_id == 1


def test_a_known_story_stays_known_when_it_is_split() -> None:
    """Parting something off does not make the rest news."""
    one, other = told("Miners strike in Lima copper pits"), told("Teachers march through Quito for higher pay")
    index = dedupe.Index(window=7 * DAY)
    index.add(1, one, seed=True)
    index.add(1, other)
    index.split(1, [one], 2, [other])
    assert index.assign(told("Copper miners on strike in Lima pits"), START).known
    assert not index.assign(told("Quito: teachers march for higher pay"), START).known


def test_a_removed_story_takes_nothing() -> None:
    """A known story that was taken out holds nothing back, and taking it out twice is no error."""
    index = an_index("Miners strike in Lima copper pits")
    index.remove(1)
    index.remove(1)
    assert index.assign(told("Miners strike in Lima copper pits"), START).kind is model.Kind.NEW


def test_what_the_window_has_left_is_forgotten() -> None:
    """Stories are dropped two windows after the one in which they were told, and not before."""
    index = an_index("Miners strike in Lima copper pits")
    index.forget_before(START + 14 * DAY)
    assert len(index) == 1
    index.forget_before(START + 15 * DAY)
    assert len(index) == 0


def test_the_index_stays_right_when_thousands_of_stories_come_and_go() -> None:
    """Slots of dropped stories lead nowhere, also after the lists were swept."""
    index = dedupe.Index(window=7 * DAY)
    for number in range(3000):
        index.add(number, told(f"Parcel {number} arrives", at=START + number * DAY))
        index.forget_before(START + (number - 20) * DAY)
    assert len(index) <= 40
    assert index.assign(told("Parcel 2999 arrives", at=START + 2999 * DAY), None).story_id == 2999
    assert index.assign(told("Parcel 7 arrives", at=START + 2999 * DAY), None).story_id != 7


def test_an_undated_story_is_forgotten_by_when_it_reached_us() -> None:
    """Without a date a story would stay for ever."""
    index = dedupe.Index(window=7 * DAY)
    index.add(1, told("Miners strike in Lima copper pits", at=None))
    index.forget_before(START + 15 * DAY)
    assert len(index) == 0


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_entries_hardly_changes_the_stories(chance: random.Random) -> None:
    """Any order of thirty entries about ten happenings gives the same ten stories, but for one entry at most."""
    entries = [(place, told(telling.format(place))) for place in PLACES for telling in TELLINGS]
    chance.shuffle(entries)
    found = grouped([profile for _, profile in entries])
    by_story: dict[int, set[str]] = {}
    for (place, _), story_id in zip(entries, found, strict=True):
        by_story.setdefault(story_id, set()).add(place)
    assert all(len(places) == 1 for places in by_story.values())
    assert len(by_story) <= len(PLACES) + 1


def test_the_right_story_is_found_among_hundreds_that_share_its_words() -> None:
    """Common words find many stories; the rarest decide which are compared."""
    index = dedupe.Index(window=7 * DAY)
    for number in range(400):
        index.add(number, told(f"Ship number {number + 1000} leaves the harbour of town {number + 5000}"))
    found = index.assign(told("The harbour of town 5300 sees ship number 1300 leave"), START)
    assert found.nearest_id == 300
    assert 300 in index


def test_a_story_of_many_texts_stays_bounded() -> None:
    """A story told by hundreds of outlets keeps the newest exact forms and its heaviest terms."""
    index = an_index("Summit of leaders opens in Lima")
    for number in range(200):
        entry = builders.an_entry(
            title=f"Summit of leaders opens in Lima, outlet {number} says",
            summary=" ".join(f"{word}{number}" for word in ("alpha", "beta", "gamma", "delta", "zeta", "eta")),
            url=f"https://outlet{number}.example/summit",
            published_at=START,
            first_seen_at=START,
        )
        index.add(1, dedupe.profile(entry))
    story = index._stories[1]
    assert len(story.links) == len(story.keys) == 50
    assert len(story.total.terms) <= 200
    assert index.assign(told("Leaders' summit opens in Lima"), START).story_id == 1


def test_a_merged_story_spans_the_time_of_both() -> None:
    """Time counts from the newest entry of either."""
    index = an_index("Miners strike in Lima copper pits")
    index.add(2, told("Copper miners of Lima walk out of their pits", at=START + 15 * DAY))
    index.merge(2, 1)
    found = index.assign(told("Miners' strike in Lima copper pits goes on", at=START + 16 * DAY), None)
    assert (found.story_id, found.features["days"]) == (1, 1.0)


def test_rarity_forgets_what_was_seen_once() -> None:
    """The counts of an index that runs for years stay bounded."""
    rare = rarity.Rarity(seen_at_most=100)
    for number in range(1000):
        rare.saw([number, 7])
    assert len(rare._seen) <= 101
    assert rare.of(7) < rare.of(999_999)
