"""A story as the index keeps it: its first and newest entries, its centroid, and what it has told so far. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import numpy as np

from monitor.dedupe import features, meaning, vectors

_CENTROID_TERMS = 200
_MEMBERS = 8  # entries that one story is compared by
_KEYS_AT_MOST = 50  # exact forms that are kept of one story: the newest


_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Members(Generic[_Told]):
    """The entries that a story is compared by: its first and its newest, eight in all; a known one by its seeds."""

    kept: tuple[_Told, ...]
    known: bool = False

    def plus(self, one: _Told, *, seed: bool = False) -> "Members[_Told]":
        """Return them with one more entry; a seed stays beside other seeds alone."""
        if seed:
            return Members((*self.kept, one) if self.known else (one,), known=True)
        if len(self.kept) < _MEMBERS:
            return Members((*self.kept, one))
        return Members((self.kept[0], *self.kept[2:], one))

    def joined(self, later: "Members[_Told]") -> "Members[_Told]":
        """Return them with those of another story, as one that a person merged."""
        if self.known or later.known:
            return Members(tuple(one for each in (self, later) if each.known for one in each.kept), known=True)
        kept = (*self.kept, *later.kept)
        return Members(kept if len(kept) <= _MEMBERS else (kept[0], *kept[1 - _MEMBERS :]))

    def likeness(self, each: Sequence[float]) -> float:
        """Return one likeness from that to each of them.

        A known story is told by whoever tells one of its seeds; any other, by its typical entry.
        """
        return max(each) if self.known else vectors.typical(each)


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the entries of a story mean: of some of them, and the sum of all."""

    members: Members[meaning.Array]
    total: meaning.Array

    def likeness(self, other: meaning.Array) -> tuple[float, float]:
        """Return how near `other` comes to the centroid, and to the entries: -1.0 to 1.0."""
        centroid = float(other @ self.total) / max(float(np.linalg.norm(self.total)), 1e-9)
        return centroid, self.members.likeness([float(other @ member) for member in self.members.kept])


@dataclass(slots=True)
class Story:
    """What entries are compared with.

    slot: its number in the index. total: the sum of its entries' vectors; centroid: that, of length 1.0.
    found_by: the terms that lead to it. figures: whether it told any number in digits.
    rules: titles of those that its entries met.
    first_at, last_at: when it was told, None while no entry of it is dated. seen_at: when it last reached us.
    links: the title that each link had. title_*: what stands in a title. is_sequel: what followed a known story.
    """

    id: int
    slot: int
    members: Members[vectors.Vector]
    total: vectors.Vector
    centroid: vectors.Vector
    found_by: vectors.Numbers
    title: str
    known: bool = False
    size: int = 0
    level: int = -1
    topics: frozenset[str] = frozenset()
    first_at: datetime | None = None
    last_at: datetime | None = None
    seen_at: datetime | None = None
    named: frozenset[str] = frozenset()
    title_named: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    acts: frozenset[str] = frozenset()
    title_acts: frozenset[str] = frozenset()
    figures: bool = False
    rules: frozenset[str] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)
    ordinals: dict[str, frozenset[int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    meanings: Meanings | None = None
    is_sequel: bool = False

    def gap(self, at: datetime | None) -> timedelta | None:
        """Return how far `at` lies from the time in which the story was told; None when either is undated."""
        if at is None or self.first_at is None or self.last_at is None:
            return None
        return max(at - self.last_at, self.first_at - at, timedelta(0))

    def holds(self, number: int) -> bool:
        """Return whether the story has told the term with this number."""
        place = int(np.searchsorted(self.total.terms, np.uint32(number)))
        return place < len(self.total.terms) and int(self.total.terms[place]) == number

    def take(self, profile: features.Profile, vector: vectors.Vector, *, seed: bool = False) -> None:
        """Count one more entry of this story.

        What a known story is about stays what its seeds tell, or it would take in all that the same people do for ever.
        """
        self.size += 1
        widens = seed or not self.known
        if self.size > 1 and widens:
            self.members = self.members.plus(vector, seed=seed)
            self.total = vectors.heaviest(vectors.plus(self.total, vector), _CENTROID_TERMS)
            self.centroid = vectors.unit(self.total)
        if widens:
            self.topics |= profile.topics
            self.title_acts |= profile.title_acts
        self._date(profile.at, profile.at, profile.seen_at)
        self.level = max(self.level, profile.level)
        self.named |= profile.named
        self.title_named |= profile.title_named
        self.marks |= profile.marks
        self.acts |= profile.acts
        self.rules |= profile.rules
        self.figures = self.figures or bool(profile.figures())
        self._count(profile.counts, profile.ordinals)
        if profile.sense is not None and widens:
            self._mean(profile.sense, seed=seed)
        if profile.link:
            self.links[profile.link] = profile.title_key
        self.keys |= dict.fromkeys(key for key in (profile.title_key, profile.text_key) if key)
        self._trim()

    def absorb(self, other: "Story") -> None:
        """Let all that `other` told count for this story."""
        self.size += other.size
        self.total = vectors.heaviest(vectors.plus(self.total, other.total), _CENTROID_TERMS)
        self.centroid = vectors.unit(self.total)
        self.members = self.members.joined(other.members)
        self._date(other.first_at, other.last_at, other.seen_at)
        self.known = self.known or other.known
        self.level = max(self.level, other.level)
        self.named |= other.named
        self.title_named |= other.title_named
        self.marks |= other.marks
        self.acts |= other.acts
        self.rules |= other.rules
        self.topics |= other.topics
        self.title_acts |= other.title_acts
        self.figures = self.figures or other.figures
        self._count(other.counts, other.ordinals)
        if self.meanings is None or other.meanings is None:
            self.meanings = self.meanings or other.meanings
        else:
            members = self.meanings.members.joined(other.meanings.members)
            self.meanings = Meanings(members, self.meanings.total + other.meanings.total)
        self.links |= other.links
        self.keys |= other.keys
        self._trim()

    def _date(self, first: datetime | None, last: datetime | None, seen: datetime | None) -> None:
        if first is not None and last is not None:
            self.first_at = min(self.first_at or first, first)
            self.last_at = max(self.last_at or last, last)
        if seen is not None:
            self.seen_at = max(self.seen_at or seen, seen)

    def _mean(self, sense: meaning.Array, *, seed: bool) -> None:
        if self.meanings is None:
            self.meanings = Meanings(Members((sense,), known=seed), sense)
        else:
            self.meanings = Meanings(self.meanings.members.plus(sense, seed=seed), self.meanings.total + sense)

    def _count(self, counts: features.Counts, ordinals: features.Ordinals) -> None:
        for act, count in counts.items():
            self.counts[act] = max(count, self.counts.get(act, 0))
        for noun, numbers in ordinals.items():
            self.ordinals[noun] = self.ordinals.get(noun, frozenset()) | numbers

    def _trim(self) -> None:
        for kept in (self.links, self.keys):
            for key in list(kept)[:-_KEYS_AT_MOST]:
                del kept[key]


def opened(story_id: int, slot: int, profile: features.Profile, vector: vectors.Vector, *, known: bool) -> Story:
    """Return a story that `profile` opens."""
    members = Members((vector,), known=known)
    story = Story(story_id, slot, members, vector, vector, vector.terms, profile.title, known=known)
    story.take(profile, vector, seed=known)
    return story
