"""The stories of the window and the known stories, in memory, and which of them an entry belongs to.

Pure: holds state, does no I/O, reads no clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from monitor import model
from monitor.dedupe import decide, features, postings, rarity, stories, vectors

_CANDIDATES = 40  # stories that are compared
_RARE_FIGURE = 6.0  # the rarity of a figure that counts once: one in 400 texts
_OTHER_FIGURES = -0.8  # counted when both tell figures, and none is the same
_LATE_WINDOWS = 3  # windows in which a story still takes an entry, at a cost for every day


class Index:
    """Assigns entries to stories. It changes only by `add` and its kin, which are called after the commit.

    window: stories not told for longer take only what is plainly theirs, for two windows more; known stories stay.
    sensitivity: 0.0 gathers eagerly (fewer alerts), 1.0 alerts eagerly (fewer new happenings missed).
    """

    def __init__(self, *, window: timedelta, sensitivity: float = 0.5) -> None:
        self._late = max(window, timedelta(0)) * _LATE_WINDOWS
        self._window = max(window, timedelta(0))
        self._bounds = decide.bounds(sensitivity)
        self._rarity = rarity.Rarity()
        self._stories: dict[int, stories.Story] = {}
        self._by_slot: dict[int, stories.Story] = {}
        self._sequels: dict[int, stories.Story] = {}  # what followed a known story, by its number
        self._postings = postings.Postings()

    def __len__(self) -> int:
        """Return how many stories are held."""
        return len(self._stories)

    def __contains__(self, story_id: object) -> bool:
        """Return whether a story is held."""
        return story_id in self._stories

    @property
    def reach(self) -> timedelta:
        """How far back a story may lie that still takes an entry: what an index is to be built from."""
        return self._late

    def assign(self, profile: features.Profile, now: datetime | None) -> model.Assignment:
        """Return which story `profile` belongs to, and why. Changes nothing.

        now: with it, stories that last reached us longer ago than the window reaches are left aside; None for no clock.
        """
        vector = vectors.of(profile, self._rarity)
        found = [self._by_slot[slot] for slot in self._postings.nearest(vector, 2 * _CANDIDATES)]
        near = [story for story in found if self._takes(story, profile.at, now)][:_CANDIDATES]
        if not near:
            return model.Assignment(model.Kind.NEW, None, 0.0, "nothing like it was told in the window")
        best: tuple[tuple[bool, float], stories.Story, decide.Likeness] | None = None
        for story, words in zip(near, self._words(profile, vector, near), strict=True):
            likeness = decide.compare(profile, story, words)
            rank = (not likeness.veto, likeness.score)
            if best is None or rank > best[0]:
                best = (rank, story, likeness)
        assert best is not None
        return self._assignment(profile, vector, best[1], best[2])

    def add(self, story_id: int, profile: features.Profile, *, seed: bool = False) -> None:
        """Count `profile` as told by the story `story_id`, which it opens when it is not held."""
        vector = vectors.of(profile, self._rarity)
        story = self._stories.get(story_id)
        if story is None:
            story = stories.opened(story_id, self._postings.open(), profile, vector, known=seed)
            self._stories[story_id] = self._by_slot[story.slot] = story
            self._postings.put(story.slot, vector.terms)
        else:
            story.known = story.known or seed
            follows = story.known and not seed and self._follows(story, profile, vector)
            story.take(profile, vector, seed=seed)
            self._lead(story, vector.terms)
            if follows:
                self._continue(story, profile, vector)
        self._rarity.saw(vector.terms.tolist())

    def forget_before(self, at: datetime) -> None:
        """Drop the stories that no entry can join any more, when the window begins at `at`; known stories stay."""
        kept_from = at - (self._late - self._window)
        for story in list(self._by_slot.values()):
            latest = max((when for when in (story.last_at, story.seen_at) if when is not None), default=None)
            if story.known or latest is None or latest >= kept_from:
                continue
            if story.is_sequel:
                self._drop([self._sequels.pop(story.id)])
            else:
                self.remove(story.id)

    def merge(self, story_id: int, into_id: int) -> None:
        """Let what `story_id` told count for `into_id`, as a person decided; what is not held is passed over."""
        gone, kept = self._stories.get(story_id), self._stories.get(into_id)
        if gone is None or kept is None or gone is kept:
            return
        sequel = self._sequels.get(story_id)
        for told in (gone, sequel) if sequel is not None else (gone,):
            kept.absorb(told)
            self._lead(kept, told.found_by)
        self.remove(story_id)

    def split(
        self, story_id: int, remaining: Iterable[features.Profile], new_id: int, moved: Iterable[features.Profile]
    ) -> None:
        """Part a story in two, as a person decided: `remaining` stay in `story_id`, `moved` open `new_id`."""
        held = self._stories.get(story_id)
        known = held is not None and held.known
        self.remove(story_id)
        for profile in remaining:
            self.add(story_id, profile, seed=known)
        for profile in moved:
            self.add(new_id, profile)

    def remove(self, story_id: int) -> None:
        """Drop a story; one that is not held is no error."""
        found = (self._stories.pop(story_id, None), self._sequels.pop(story_id, None))
        self._drop([story for story in found if story is not None])

    def _drop(self, gone: Sequence[stories.Story]) -> None:
        for story in gone:
            del self._by_slot[story.slot]
            self._postings.close(story.slot)
        if gone:
            self._postings.sweep((held.slot, held.found_by) for held in self._by_slot.values())

    def _follows(self, story: stories.Story, profile: features.Profile, vector: vectors.Vector) -> bool:
        """Whether an entry of a known story tells what followed it, rather than the known happening once more."""
        sequel = self._sequels.get(story.id)
        compared = [story] if sequel is None else [story, sequel]
        words = self._words(profile, vector, compared)
        own, *after = [decide.compare(profile, one, told) for one, told in zip(compared, words, strict=True)]
        if after and after[0].score > own.score:
            return True
        return bool(decide.news(profile, story, own)) or own.sure < self._bounds.same

    def _continue(self, story: stories.Story, profile: features.Profile, vector: vectors.Vector) -> None:
        """Count an entry for what followed a known story: that is compared as a story of its own."""
        sequel = self._sequels.get(story.id)
        if sequel is None:
            sequel = stories.opened(story.id, self._postings.open(), profile, vector, known=False)
            sequel.is_sequel = True
            self._sequels[story.id] = self._by_slot[sequel.slot] = sequel
            self._postings.put(sequel.slot, vector.terms)
        else:
            sequel.take(profile, vector)
            self._lead(sequel, vector.terms)

    def _lead(self, story: stories.Story, terms: vectors.Numbers) -> None:
        """Let these terms, too, lead to a story."""
        fresh = vectors.without(terms, story.found_by)
        story.found_by = vectors.union(story.found_by, fresh)
        self._postings.put(story.slot, fresh)

    def _words(
        self, profile: features.Profile, vector: vectors.Vector, near: Sequence[stories.Story]
    ) -> Iterator[decide.Words]:
        """Yield how near the words of `profile` come to each of `near`."""
        centroids = vectors.cosines(vector, [story.centroid for story in near])
        held = (1.0 - vector.unsaid) * vectors.shares(vector, [story.total for story in near])
        members = vectors.cosines(vector, [member for story in near for member in story.members.kept]).tolist()
        numbers = [rarity.number(figure) for figure in profile.figures()]
        worth = {number: self._rarity.of(number) / _RARE_FIGURE for number in numbers}
        start = 0
        for n, story in enumerate(near):
            end = start + len(story.members.kept)
            member = story.members.likeness(members[start:end])
            both = sum(value for number, value in worth.items() if story.holds(number))
            if worth and story.figures and not both:
                both = _OTHER_FIGURES
            yield decide.Words(float(centroids[n]), member, float(held[n]), both)
            start = end

    def _takes(self, story: stories.Story, at: datetime | None, now: datetime | None) -> bool:
        """Whether the window still reaches the story."""
        if story.known:
            return True
        gap = story.gap(at)
        if gap is not None:
            return gap <= self._late
        return now is None or story.seen_at is None or now - story.seen_at <= self._late

    def _assignment(
        self, profile: features.Profile, vector: vectors.Vector, story: stories.Story, likeness: decide.Likeness
    ) -> model.Assignment:
        shared = [term for term, number in _heaviest(profile, vector) if story.holds(number)]
        because = decide.because(profile, story, likeness, shared=shared)
        score, parts = round(likeness.score, 4), dict(likeness.parts or {})
        news = "" if likeness.veto else decide.news(profile, story, likeness)
        if likeness.veto or not self._belongs(story, likeness, news):
            because = f"nearest: {because}" if because else "nothing like it was told in the window"
            return model.Assignment(model.Kind.NEW, None, score, because, features=parts, nearest_id=story.id)
        news = news or decide.other_rules(profile, story, likeness)
        if not news and likeness.sure < self._bounds.same:
            news = decide.otherwise(profile, story)
        kind = model.Kind.UPDATE if news else model.Kind.DUPLICATE
        known = story.known or story.is_sequel
        return model.Assignment(kind, story.id, score, because, news, parts, known=known, nearest_id=story.id)

    def _belongs(self, story: stories.Story, likeness: decide.Likeness, news: str) -> bool:
        """Whether an entry joins: a known story takes what only resembles it when that is plainly its next step."""
        return likeness.score >= (self._bounds.same if story.known and not news else self._bounds.join)


def _heaviest(profile: features.Profile, vector: vectors.Vector) -> list[tuple[str, int]]:
    """Return the terms of `profile` with their numbers, the heaviest first."""
    weights = dict(zip(vector.terms.tolist(), vector.weights.tolist(), strict=True))
    numbered = [(term, rarity.number(term)) for term in profile.terms]
    return sorted(numbered, key=lambda item: (-weights[item[1]], item[0]))
