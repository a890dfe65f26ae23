"""How like an entry is to a story, and what it is to it: new, duplicate or update, in words. Pure.

The weights and bounds were found on labelled stories of three kinds: docs/stories.md.

Two thresholds: from `join` on an entry belongs to a story, from `same` on it tells nothing else. Between them it
belongs to the story and is told as an update: what only resembles a story may be its next step.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from monitor import model
from monitor.dedupe import features, lexicon, numbers, rarity, stories

_JOIN, _SAME = 0.24, 0.36  # at sensitivity 0.5
_SPAN = 0.3  # how far sensitivity moves both from 0.0 to 1.0
_CENTROID_SHARE = 0.5
_MEANING_SHARE = 0.5
_UNLIKE = 0.45  # nearness in meaning of what has nothing to do with each other, but for the subject
_HELD = 0.2  # what it adds when the story has told all of an entry's words
_FIGURE = 0.05  # what a figure adds that both tell, as rare as one in 400 texts
_FIGURES_AT_MOST = 2.0
_WORDS_BOUNDS, _MIXED_BOUNDS = (0.29, 0.41), (0.44, 0.55)  # join and same before they are brought to one scale
_SOON = 0.08  # what two dates no more than a day apart add to the likeness
_DAY_COST = 0.02
_FREE_DAYS = 1.0
_VOUCHED = 0.08  # what two dates no more than a day apart add to the certainty that nothing else is told
_OTHER_TOPIC = 0.15  # what rules of another subject take
_ACTS = 0.2  # from half of it less to half of it more, as none or all of what an entry says was done was told before
_KNOWN_COST = 0.05  # at most, for a known story: it is retold whenever it is retold
_ALIKE_TITLES = 0.85  # of their characters, for one page under one link
_TITLE_WORDS = 5  # from which on an equal title proves one text
_COUNT_MORE, _COUNT_TIMES = 3, 1.5  # a changed count that a reader must know: so many more, and so many times as many
_STEPS: Mapping[str, str] = {
    "arrive": "arrival",
    "talk": "talks",
    "cancel": "called off or halted",
    "sign": "signed",
    "resign": "resignation",
    "win": "outcome",
    "ceasefire": "ceasefire",
    "withdraw": "withdrawal",
    "launch": "launch",
    "deploy": "deployment",
    "missile": "missiles",
}  # acts that are a happening's next step when its story never told them
_IN_PASSING = frozenset({"talk"})  # leads announce them long before they are
_WORDS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """The likeness from which on an entry belongs to a story (join), and from which on it tells nothing else (same)."""

    join: float
    same: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like an entry is to a story.

    score: 0.0 to 1.0, of words, meaning, figures and time. sure: the same, and what near dates vouch for.
    exact: in words, when the entry repeats a text of the story.
    veto: in words, when the two cannot be one. days: between them, None when either is undated.
    """

    score: float
    sure: float
    exact: str = ""
    veto: str = ""
    days: float | None = None
    parts: Mapping[str, float] | None = None


def bounds(sensitivity: float) -> Bounds:
    """Return the bounds for a setting: 0.0 gathers eagerly, 0.5 is the default, 1.0 alerts eagerly."""
    moved = (min(max(sensitivity, 0.0), 1.0) - 0.5) * _SPAN
    return Bounds(_JOIN + moved, _SAME + moved)


@dataclass(frozen=True, slots=True)
class Words:
    """How near an entry's words come to a story's, each 0.0 to 1.0.

    centroid: to all that it told; member: to its entries. held: how much of the entry's weight stands in words that the
    story has told, less the shorter the entry. figures: how many figures both tell, each as much as it is rare; below
    0.0 when both tell figures, and none is the same.
    """

    centroid: float
    member: float
    held: float
    figures: float


def compare(profile: features.Profile, story: stories.Story, words: Words) -> Likeness:
    """Return how like `profile` is to `story`."""
    gap = story.gap(profile.at)
    days = None if gap is None else gap / timedelta(days=1)
    lexical = _CENTROID_SHARE * words.centroid + (1 - _CENTROID_SHARE) * words.member
    meaning = _meaning(profile, story)
    time = 0.0 if days is None else _SOON - _DAY_COST * max(0.0, days - _FREE_DAYS)
    if story.known:
        time = max(time, -_KNOWN_COST)
    parts = {
        "words": round(lexical, 3),
        "centroid": round(words.centroid, 3),
        "member": round(words.member, 3),
        "held": round(words.held, 3),
        "figures": round(words.figures, 3),
        "time": round(time, 3),
    }
    if meaning is not None:
        parts["meaning"] = round(meaning, 3)
    if days is not None:
        parts["days"] = round(days, 2)
    subject = _subject(profile, story)
    parts |= subject
    exact = _exact(profile, story)
    if exact:
        return Likeness(1.0, 1.0, exact, "", days, parts)
    figures = _FIGURE * min(words.figures, _FIGURES_AT_MOST)
    rest = _HELD * words.held + figures + time + sum(subject.values())
    score = _scaled(lexical, meaning, rest) if lexical else 0.0
    sure = score + _VOUCHED if _is_vouched_for(profile, story, days) else score
    return Likeness(score, sure, "", _veto(profile, story), days, parts)


def news(profile: features.Profile, story: stories.Story, likeness: Likeness) -> str:
    """Return in words what `profile` brings that `story` had not told; empty when nothing that a reader must know."""
    for act, count in sorted(profile.counts.items()):
        before = story.counts.get(act)
        if before is not None and count >= max(before + _COUNT_MORE, _COUNT_TIMES * before):
            return f"now {count} {numbers.COUNTED[act]} (was {before})"
    if -1 < story.level < profile.level:
        levels = list(model.Level)
        return f"now {levels[profile.level]} (was {levels[story.level]})"
    if likeness.exact:
        return ""
    told = (story.acts - _IN_PASSING) | story.title_acts
    steps = sorted(_STEPS[act] for act in profile.title_acts - told if act in _STEPS)
    return f"next step: {', '.join(steps)}" if steps else ""


def other_rules(profile: features.Profile, story: stories.Story, likeness: Likeness) -> str:
    """Return in words which rules meet its title that nothing in the story met: it tells another kind of act."""
    others = sorted(profile.title_rules - story.rules) if story.rules and not likeness.exact else []
    return f"now also: {', '.join(others)}" if others else ""


def otherwise(profile: features.Profile, story: stories.Story) -> str:
    """Return in words what else `profile` tells, which resembles `story` without telling it again."""
    fresh = sorted(profile.title_named - story.named)
    if fresh:
        return f"now with {', '.join(_shown(profile, term) for term in fresh)}"
    unknown = [term for term in profile.title_terms if not story.holds(rarity.number(term)) and not term.isdigit()]
    if unknown:
        return f"new in it: {', '.join(_shown(profile, term) for term in unknown[:_WORDS_SHOWN])}"
    return "told otherwise"


def because(profile: features.Profile, story: stories.Story, likeness: Likeness, *, shared: list[str]) -> str:
    """Return in words what decided, for a desk officer.

    shared: the terms that both tell, the weightiest first.
    """
    if likeness.exact:
        return likeness.exact
    others = [term for term in shared if term not in profile.named]
    said = [
        _listed("same actors", [_shown(profile, term) for term in shared if term in profile.named]),
        _listed("same act", sorted(profile.acts & story.acts)),
        _listed("same words", [_shown(profile, term) for term in others if not term[0].isdigit()]),
        _listed("same figures", [term for term in others if term[0].isdigit()]),
        "" if likeness.days is None else _apart(likeness.days),
        _said_of_topics(profile, story),
        likeness.veto or _said_of_counts(profile, story),
    ]
    return "; ".join(part for part in said if part)


def _subject(profile: features.Profile, story: stories.Story) -> dict[str, float]:
    """Return what the subject adds or takes, where rules say of both what they are about.

    The same people do several things on one day. Streams without rules are left alone: headlines of other fields use
    these acts too loosely.
    """
    if not profile.topics or not story.topics:
        return {}
    found = {} if profile.topics & story.topics else {"topics": -_OTHER_TOPIC}
    if profile.title_acts and story.title_acts:
        told = len(profile.title_acts & story.title_acts) / len(profile.title_acts)
        found["acts"] = round(_ACTS * (told - 0.5), 3)
    return found


def _meaning(profile: features.Profile, story: stories.Story) -> float | None:
    """Return how near the two come in meaning, 0.0 to 1.0; None without an encoder on either side."""
    if profile.sense is None or story.meanings is None:
        return None
    centroid, member = story.meanings.likeness(profile.sense)
    near = _CENTROID_SHARE * centroid + (1 - _CENTROID_SHARE) * member
    return max(0.0, (near - _UNLIKE) / (1.0 - _UNLIKE))


def _is_vouched_for(profile: features.Profile, story: stories.Story, days: float | None) -> bool:
    """Whether near dates speak for a retelling: not where the title names somebody whom the story never named."""
    return days is not None and days <= _FREE_DAYS and not story.known and profile.title_named <= story.named


def _scaled(words: float, meaning: float | None, rest: float) -> float:
    """Return all evidence as one likeness, on one scale with and without meaning, so that the bounds hold for both."""
    if meaning is None:
        likeness, (join, same) = words, _WORDS_BOUNDS
    else:
        likeness, (join, same) = (1 - _MEANING_SHARE) * words + _MEANING_SHARE * meaning, _MIXED_BOUNDS
    most = 1.0 + _HELD + _FIGURE * _FIGURES_AT_MOST + _SOON
    return float(np.interp(likeness + rest, (0.0, join, same, most), (0.0, _JOIN, _SAME, 1.0)))


def _listed(what: str, items: list[str]) -> str:
    return f"{what}: {', '.join(items[:_WORDS_SHOWN])}" if items else ""


def _shown(profile: features.Profile, term: str) -> str:
    if term.startswith("@"):
        return lexicon.actor_titles().get(term[1:], term[1:])
    return term.title() if term in profile.named else profile.shown.get(term, term)


def _apart(days: float) -> str:
    whole = round(days)
    return "same day" if whole == 0 else f"{whole} day{'s' if whole > 1 else ''} apart"


def _said_of_topics(profile: features.Profile, story: stories.Story) -> str:
    if not profile.topics or not story.topics or profile.topics & story.topics:
        return ""
    return f"another subject: {', '.join(sorted(profile.topics))}, not {', '.join(sorted(story.topics))}"


def _said_of_counts(profile: features.Profile, story: stories.Story) -> str:
    for act, count in sorted(profile.counts.items()):
        before = story.counts.get(act)
        if before is not None and before != count:
            return f"{count} {numbers.COUNTED[act]}, not {before}"
    return "no new number"


def _exact(profile: features.Profile, story: stories.Story) -> str:
    title = story.links.get(profile.link) if profile.link else None
    if title is not None and _alike(profile.title_key, title):
        return "same link, and nearly the same title"
    if profile.text_key and profile.text_key in story.keys:
        return "same text"
    if profile.title_key in story.keys and profile.title_key.count(" ") + 1 >= _TITLE_WORDS:
        return "same title"
    return ""


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    figures = [{word for word in title.split() if word[0].isdigit()} for title in (one, other)]
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return figures[0] == figures[1] and matcher.quick_ratio() >= _ALIKE_TITLES <= matcher.ratio()


def _veto(profile: features.Profile, story: stories.Story) -> str:
    for noun, told in profile.ordinals.items():
        known = story.ordinals.get(noun)
        if known and not known & told:
            return f"another {noun}: number {min(told)}, not {min(known)}"
    if profile.marks and story.marks and not _shares_mark(profile, story):
        return f"another place or name: {', '.join(sorted(_shown(profile, term) for term in profile.marks))}"
    other = profile.title_named - story.named
    if other and story.title_named and not (story.title_named - {"@us"}) <= frozenset(profile.terms) | other:
        return f"other actors: {', '.join(sorted(_shown(profile, term) for term in other))}"
    return ""


def _shares_mark(profile: features.Profile, story: stories.Story) -> bool:
    return any(story.holds(rarity.number(mark)) for mark in profile.marks) or any(
        mark in profile.terms for mark in story.marks
    )
