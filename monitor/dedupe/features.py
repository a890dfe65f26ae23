"""What is compared: an entry as terms, names, numbers, actors and acts, worked out once and outside any transaction. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor import model
from monitor.dedupe import lexicon, links, numbers, text

TITLE_WEIGHT = 2.0
_AHEAD = timedelta(days=1)  # a clock may be wrong by a zone; a later date is absurd and counts as none
_EARLIEST_YEAR = 1990
_TERMS_AT_MOST = 120


@dataclass(frozen=True, slots=True)
class Profile:
    """An entry, or a seed, as it is compared.

    at: when it was told; None when undated or absurd, and then time is neutral.
    terms, title_terms: how much each term counts before rarity. names: terms that are printed as names.
    counts: people counted in title or first sentence, by what became of them. ordinals: by the thing that has them.
    link, title_key, text_key: exact forms; empty when there is none. level: rank of the highest rule, -1 without any.
    """

    title: str
    at: datetime | None
    terms: Mapping[str, float]
    title_terms: Mapping[str, float]
    names: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    title_actors: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    acts: frozenset[str] = frozenset()
    title_acts: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    ordinals: Mapping[str, frozenset[int]] = field(default_factory=dict)
    figures: frozenset[str] = frozenset()
    link: str = ""
    title_key: str = ""
    text_key: str = ""
    level: int = -1
    rules: frozenset[str] = frozenset()


def profile(entry: model.Entry, matches: Sequence[model.Match] = ()) -> Profile:
    """Return `entry` as it is compared with stories.

    matches: the rules it met; their words count as what the entry is about.
    """
    at = entry.published_at
    if at is not None and (at.year < _EARLIEST_YEAR or at > entry.first_seen_at + _AHEAD):
        at = None
    return _profile(
        text.clean_title(entry.title, entry.outlet),
        text.clean_lead(entry.summary or entry.body),
        at=at,
        url=entry.url,
        matches=matches,
    )


def seed_profile(seed: model.Seed) -> Profile:
    """Return `seed` as it is compared: its title and lead, not every topic in its text."""
    paragraphs = [line for line in seed.text.splitlines() if line.strip()]
    lead = paragraphs[0] if paragraphs else ""
    return _profile(
        text.clean_title(seed.title, seed.source), text.clean_lead(lead), at=seed.published_at, url=seed.url
    )


def _profile(title: str, lead: str, *, at: datetime | None, url: str, matches: Sequence[model.Match] = ()) -> Profile:
    title_words, lead_words = text.words(title), text.words(lead)
    title_found, lead_found = list(text.terms(title_words)), list(text.terms(lead_words))
    title_terms: dict[str, float] = {}
    for term, _ in title_found:
        title_terms[term] = min(title_terms.get(term, 0.0) + 1.0, 2.0)
    terms = {term: TITLE_WEIGHT * count for term, count in title_terms.items()}
    for term, _ in lead_found:
        if len(terms) < _TERMS_AT_MOST or term in terms:
            terms[term] = terms.get(term, 0.0) + 1.0
    first = title_words + _first_sentence(lead_words)
    title_actors = _actors(title_terms)
    return Profile(
        title=title,
        at=at,
        terms=terms,
        title_terms=title_terms,
        names=_names(title_words, title_found, lead_found),
        actors=_actors(terms),
        title_actors=title_actors,
        acts=_acts(title_words + lead_words),
        title_acts=_acts(title_words),
        counts=numbers.counts(first),
        ordinals=numbers.ordinals(first),
        figures=numbers.figures(first),
        link=links.canonical(url) if url else "",
        title_key=" ".join(word.folded for word in title_words),
        text_key=_text_key(lead_words),
        level=max((match.rule.level.rank for match in matches), default=-1),
        rules=frozenset(match.rule.id for match in matches),
    )


def _actors(terms: Mapping[str, float]) -> frozenset[str]:
    return frozenset(term[1:] for term in terms if term.startswith("@"))


def _acts(found: Sequence[text.Word]) -> frozenset[str]:
    acts = (lexicon.find_act(word.folded) for word in found)
    return frozenset(act for act in acts if act)


def _names(
    title_words: Sequence[text.Word],
    title_found: Sequence[tuple[str, text.Word]],
    lead_found: Sequence[tuple[str, text.Word]],
) -> frozenset[str]:
    """Return the terms printed with a capital where a word would have none; headlines in title case prove nothing."""
    words = [word for word in title_words if word.printed[:1].isalpha() and word.folded not in lexicon.STOP]
    capitals = sum(word.printed[:1].isupper() for word in words)
    title_case = capitals > 0.7 * len(words)
    counted = list(lead_found) if title_case else [*title_found, *lead_found]
    return frozenset(
        term for term, word in counted if not word.opens and word.printed[:1].isupper() and not term.startswith("@")
    )


def _first_sentence(found: Sequence[text.Word]) -> list[text.Word]:
    for n, word in enumerate(found):
        if n and word.opens:
            return list(found[:n])
    return list(found)


def _text_key(found: Sequence[text.Word]) -> str:
    """Return one key for the same lead, whatever its marks and spaces; empty when it is too short to prove anything."""
    if len(found) < 12:
        return ""
    return hashlib.blake2b(" ".join(word.folded for word in found).encode(), digest_size=12).hexdigest()
