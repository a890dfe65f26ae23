"""The stories of the window and the known stories, in memory: which one does an entry belong to? Pure: holds state, does no I/O."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor import model
from monitor.dedupe import decide, features, rarity, stories

_PROBES = 25  # rarest terms of an entry that look for candidates
_CANDIDATES = 30  # stories that are compared in full


class Index:
    """Assigns entries to stories. It changes only by `add` and its kin, which are called after the commit.

    window: how long after its newest entry a story still takes entries; known stories take them until removed.
    sensitivity: 0.0 gathers eagerly (fewer alerts), 1.0 alerts eagerly; 0.5 keeps new happenings that raise no alert at or
    under one in twenty (docs/stories.md).
    """

    def __init__(self, *, window: timedelta, sensitivity: float = 0.5) -> None:
        self._window = window
        self._threshold = decide.threshold(sensitivity)
        self._rarity = rarity.Rarity()
        self._stories: dict[int, stories.Story] = {}
        self._postings: dict[str, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        """Return how many stories are held."""
        return len(self._stories)

    def assign(self, profile: features.Profile, now: datetime | None) -> model.Assignment:
        """Return which story `profile` belongs to, and why. Changes nothing.

        now: stories untold for longer than the window before it are left aside; None means the profile's own date.
        """
        vec = stories.vector(profile, self._rarity)
        best: tuple[float, stories.Story, decide.Likeness] | None = None
        for story in self._candidates(profile, vec, now):
            likeness = decide.compare(profile, vec, story)
            rank = likeness.score - (1.0 if likeness.veto else 0.0)
            if best is None or rank > best[0]:
                best = (rank, story, likeness)
        if best is None:
            return model.Assignment(model.Kind.NEW, None, 0.0, "nothing like it was told in the window")
        return self._assignment(profile, best[1], best[2])

    def add(self, story_id: int, profile: features.Profile, *, seed: bool = False) -> None:
        """Count `profile` as told by the story `story_id`, which it opens when it is not held."""
        vec = stories.vector(profile, self._rarity)
        story = self._stories.get(story_id)
        if story is None:
            self._stories[story_id] = stories.opened(story_id, profile, vec, known=seed)
        else:
            story.take(profile, vec)
            story.known = story.known or seed
        for term in vec:
            self._postings[term].add(story_id)
        self._rarity.saw(profile.terms)

    def forget_before(self, at: datetime) -> None:
        """Drop the stories whose newest entry is older than `at`, known stories apart."""
        old = [s.id for s in self._stories.values() if not s.known and s.last_at is not None and s.last_at < at]
        for story_id in old:
            self.remove(story_id)

    def merge(self, story_id: int, into_id: int) -> None:
        """Let what `story_id` told count for `into_id`, as a person decided."""
        gone, kept = self._stories.get(story_id), self._stories.get(into_id)
        if gone is None or kept is None or gone is kept:
            return
        kept.absorb(gone)
        for term in kept.sums:
            self._postings[term].add(into_id)
        self.remove(story_id)

    def split(
        self, story_id: int, remaining: Iterable[features.Profile], new_id: int, moved: Iterable[features.Profile]
    ) -> None:
        """Part a story in two, as a person decided: `remaining` stay in `story_id`, `moved` open `new_id`."""
        held = self._stories.get(story_id)
        known = held.known if held else False
        self.remove(story_id)
        for profile in remaining:
            self.add(story_id, profile, seed=known)
        for profile in moved:
            self.add(new_id, profile)

    def remove(self, story_id: int) -> None:
        """Drop a story; one that is not held is no error."""
        story = self._stories.pop(story_id, None)
        for term in (*story.sums, *story.first) if story else ():
            self._postings[term].discard(story_id)

    def _assignment(
        self, profile: features.Profile, story: stories.Story, likeness: decide.Likeness
    ) -> model.Assignment:
        because = decide.because(profile, story, likeness)
        score = round(likeness.score, 4)
        parts = dict(likeness.parts or {})
        if likeness.veto or likeness.score < self._threshold:
            return model.Assignment(
                model.Kind.NEW, None, score, f"nearest: {because}", features=parts, known=False, nearest_id=story.id
            )
        news = decide.news(profile, story, likeness)
        kind = model.Kind.UPDATE if news else model.Kind.DUPLICATE
        return model.Assignment(kind, story.id, score, because, news, parts, known=story.known, nearest_id=story.id)

    def _candidates(self, profile: features.Profile, vec: stories.Vector, now: datetime | None) -> list[stories.Story]:
        found: dict[int, float] = defaultdict(float)
        for term, weight in sorted(vec.items(), key=lambda item: -item[1])[:_PROBES]:
            for story_id in self._postings.get(term, ()):
                found[story_id] += weight
        at = profile.at or now
        ordered = sorted(found, key=lambda story_id: -found[story_id])[: 3 * _CANDIDATES]
        inside = [self._stories[n] for n in ordered if n in self._stories and self._inside(self._stories[n], at)]
        return inside[:_CANDIDATES]

    def _inside(self, story: stories.Story, at: datetime | None) -> bool:
        gap = story.gap(at)
        return story.known or gap is None or gap <= self._window
