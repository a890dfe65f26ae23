"""Compare one entry with one story, and say in words what it is to it: new, duplicate or update. Pure."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from monitor import model
from monitor.dedupe import features, lexicon, stories

_JOIN = 0.26  # likeness from which on an entry belongs to a story, at sensitivity 0.5
_SPAN = 0.3  # how far `sensitivity` moves it from 0.0 to 1.0
_CENTROID_SHARE = 0.5
_DAY_COST = 0.03
_FREE_DAYS = 1.0
_SAME_TITLE = 0.9  # of the characters of two titles, for one page under one link
_TITLE_WORDS = 5  # from which on an equal title proves one text
_DEVELOPED = 0.45  # likeness above which another act in the title is but another wording
_STEPS = frozenset(["arrive", "sign", "launch", "deploy", "resign", "withdraw", "ceasefire", "cancel", "sanction", "approve"])


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like an entry is to a story.

    score: 0.0 to 1.0. exact: in words, when the entry repeats a text of the story. veto: in words, when they cannot be one.
    days: between them, None when either is undated.
    """

    score: float
    exact: str = ""
    veto: str = ""
    days: float | None = None
    shared: tuple[str, ...] = ()
    parts: Mapping[str, float] | None = None


def threshold(sensitivity: float) -> float:
    """Return the likeness that joins: 0.0 gathers eagerly, 0.5 is the default, 1.0 alerts eagerly."""
    return _JOIN + (min(max(sensitivity, 0.0), 1.0) - 0.5) * _SPAN


def compare(profile: features.Profile, vec: stories.Vector, story: stories.Story) -> Likeness:
    """Return how like `profile` is to `story`: to its centroid and to its first and newest entry, not to any one member."""
    gap = story.gap(profile.at)
    days = None if gap is None else gap / timedelta(days=1)
    exact = _exact(profile, story)
    centroid = stories.cosine(vec, story.centroid)
    nearest = max(stories.cosine(vec, story.first), stories.cosine(vec, story.newest))
    words = _CENTROID_SHARE * centroid + (1 - _CENTROID_SHARE) * nearest
    late = 0.0 if days is None else _DAY_COST * max(0.0, days - _FREE_DAYS)
    veto = "" if exact else _veto(profile, story)
    score = 1.0 if exact else min(1.0, max(0.0, words - late))
    parts = {
        "words": round(words, 3),
        "centroid": round(centroid, 3),
        "nearest": round(nearest, 3),
        "late": round(late, 3),
    }
    if days is not None:
        parts["days"] = round(days, 2)
    shared = sorted((t for t in vec if t in story.centroid), key=lambda term: -vec[term])
    return Likeness(score, exact, veto, days, tuple(shared[:8]), parts)


def news(profile: features.Profile, story: stories.Story, likeness: Likeness) -> str:
    """Return in words what `profile` brings that `story` had not told; empty when nothing that a reader must know."""
    if likeness.exact and not profile.counts:
        return ""
    for unit, count in sorted(profile.counts.items()):
        before = story.counts.get(unit)
        if before is not None and count >= before + 3 and count >= 1.5 * before:
            return f"now {count} {_UNITS.get(unit, unit)} (was {before})"
    if -1 < story.level < profile.level:
        return f"now {list(model.Level)[profile.level]} (was {list(model.Level)[story.level]})"
    if likeness.exact or likeness.score > _DEVELOPED:
        return ""
    names = lexicon.actor_names()
    actors = sorted(names.get(key, key) for key in profile.title_actors - story.actors)
    if actors and story.title_actors:
        return f"now with {', '.join(actors)}"
    steps = sorted((profile.title_acts & _STEPS) - story.acts)
    return f"next step: {', '.join(steps)}" if steps else ""


def because(profile: features.Profile, story: stories.Story, likeness: Likeness) -> str:
    """Return in words what decided, for a desk officer."""
    if likeness.exact:
        return likeness.exact
    said = []
    names = lexicon.actor_names()
    shared_names = [_shown(term, names) for term in likeness.shared if term in profile.names or term.startswith("@")]
    shared_words = [term for term in likeness.shared if term not in profile.names and not term.startswith("@")]
    acts = sorted(profile.acts & story.acts)
    if shared_names:
        said.append(f"same names: {', '.join(shared_names[:4])}")
    if acts:
        said.append(f"same act: {', '.join(acts[:3])}")
    if shared_words:
        said.append(f"same words: {', '.join(shared_words[:4])}")
    if not said:
        said.append("nothing in common")
    if likeness.days is not None:
        said.append(_apart(likeness.days))
    if likeness.veto:
        said.append(likeness.veto)
    elif not _changed(profile, story):
        said.append("no new number")
    return "; ".join(said)


def _shown(term: str, names: Mapping[str, str]) -> str:
    return names.get(term[1:], term[1:]) if term.startswith("@") else term.title()


def _apart(days: float) -> str:
    whole = round(days)
    return "same day" if whole == 0 else f"{whole} day{'s' if whole > 1 else ''} apart"


def _changed(profile: features.Profile, story: stories.Story) -> bool:
    return any(story.counts.get(unit, count) != count for unit, count in profile.counts.items())


def _exact(profile: features.Profile, story: stories.Story) -> str:
    known_title = story.links.get(profile.link) if profile.link else None
    if known_title is not None and _alike(profile.title_key, known_title):
        return "same link, and nearly the same title"
    if profile.text_key and profile.text_key in story.texts:
        return "same text"
    if profile.title_key in story.titles and len(profile.title_key.split()) >= _TITLE_WORDS:
        return "same title"
    return ""


def _alike(one: str, other: str) -> bool:
    return one == other or difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _SAME_TITLE


def _veto(profile: features.Profile, story: stories.Story) -> str:
    for noun, numbers in profile.ordinals.items():
        told = story.ordinals.get(noun)
        if told and not told & numbers:
            return f"another {noun}: number {min(numbers)}, not {min(told)}"
    if profile.title_actors and story.title_actors and not profile.actors & story.actors:
        return "other actors and places"
    return ""


_UNITS = {
    "kill": "killed",
    "wound": "wounded",
    "arrest": "arrested",
    "miss": "missing",
    "hostag": "hostages",
    "displac": "displaced",
}
