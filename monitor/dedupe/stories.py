"""A story as the index keeps it: its first and newest entry, its centroid, and what it has told so far. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.dedupe import features, rarity

_NAME_WEIGHT = 1.3  # a name says more than a word as rare
_RARITY_POWER = 1.3
_CENTROID_TERMS = 150
_KEYS_AT_MOST = 64

Vector = Mapping[str, float]


def vector(profile: features.Profile, rare: rarity.Rarity) -> Vector:
    """Return the terms of `profile` weighted by rarity, of length 1.0; empty when it has none."""
    weights = {}
    for term, count in profile.terms.items():
        weight = math.sqrt(count) * rare.of(term) ** _RARITY_POWER
        weights[term] = weight * _NAME_WEIGHT if term in profile.names or term.startswith("@") else weight
    return unit(weights)


def unit(weights: Vector) -> Vector:
    """Return `weights` scaled to length 1.0."""
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {term: weight / length for term, weight in weights.items()} if length else {}


def cosine(one: Vector, other: Vector) -> float:
    """Return the likeness of two vectors of length 1.0: 0.0 for nothing in common, 1.0 for the same."""
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[term] for term, weight in one.items() if term in other)


@dataclass(slots=True)
class Story:
    """What entries are compared with. first_at, last_at: None while no entry of it is dated.

    touched_at: the latest date or decision time that is known, for the window.
    """

    id: int
    first: Vector
    newest: Vector
    centroid: Vector
    sums: dict[str, float]
    title: str
    first_at: datetime | None
    last_at: datetime | None
    known: bool = False
    size: int = 0
    level: int = -1
    actors: set[str] = field(default_factory=set)
    title_actors: set[str] = field(default_factory=set)
    acts: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    ordinals: dict[str, set[int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    titles: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def gap(self, at: datetime | None) -> timedelta | None:
        """Return how far `at` lies from the time in which the story was told; None when either is undated."""
        if at is None or self.first_at is None or self.last_at is None:
            return None
        return max(at - self.last_at, self.first_at - at, timedelta(0))

    def take(self, profile: features.Profile, vec: Vector) -> None:
        """Count one more entry of this story."""
        self.size += 1
        self.newest = vec
        for term, weight in vec.items():
            self.sums[term] = self.sums.get(term, 0.0) + weight
        if len(self.sums) > 2 * _CENTROID_TERMS:
            heaviest = sorted(self.sums.items(), key=lambda item: -item[1])[:_CENTROID_TERMS]
            self.sums = dict(heaviest)
        self.centroid = unit(self.sums)
        self._remember(profile)

    def absorb(self, other: "Story") -> None:
        """Let all that `other` told count for this story."""
        for term, weight in other.sums.items():
            self.sums[term] = self.sums.get(term, 0.0) + weight
        self.centroid = unit(self.sums)
        self.size += other.size
        self.known = self.known or other.known
        self.level = max(self.level, other.level)
        dates = [at for at in (self.first_at, self.last_at, other.first_at, other.last_at) if at is not None]
        self.first_at, self.last_at = (min(dates), max(dates)) if dates else (None, None)
        self.actors |= other.actors
        self.title_actors |= other.title_actors
        self.acts |= other.acts
        for unit_, count in other.counts.items():
            self.counts[unit_] = max(count, self.counts.get(unit_, 0))
        for noun, numbers in other.ordinals.items():
            self.ordinals.setdefault(noun, set()).update(numbers)
        self.links |= other.links
        self.titles |= other.titles
        self.texts |= other.texts

    def _remember(self, profile: features.Profile) -> None:
        if profile.at is not None:
            self.first_at = min(self.first_at or profile.at, profile.at)
            self.last_at = max(self.last_at or profile.at, profile.at)
        self.level = max(self.level, profile.level)
        self.actors |= profile.actors
        self.title_actors |= profile.title_actors
        self.acts |= profile.acts
        for unit_, count in profile.counts.items():
            self.counts[unit_] = max(count, self.counts.get(unit_, 0))
        for noun, numbers in profile.ordinals.items():
            self.ordinals.setdefault(noun, set()).update(numbers)
        if profile.link and len(self.links) < _KEYS_AT_MOST:
            self.links[profile.link] = profile.title_key
        if len(self.titles) < _KEYS_AT_MOST:
            self.titles.add(profile.title_key)
        if profile.text_key and len(self.texts) < _KEYS_AT_MOST:
            self.texts.add(profile.text_key)


def opened(story_id: int, profile: features.Profile, vec: Vector, *, known: bool) -> Story:
    """Return a story that `profile` opens."""
    story = Story(story_id, vec, vec, vec, {}, profile.title, None, None, known=known)
    story.take(profile, vec)
    return story
