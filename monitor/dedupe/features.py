"""What is compared: an entry as terms, names, numbers, actors and acts. Pure.

It is worked out once for an entry, outside any transaction.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor import model
from monitor.dedupe import lexicon, links, meaning, numbers, text

TITLE_WEIGHT = 2.0
_AHEAD = timedelta(days=1)  # a clock may be wrong by a zone; a later date is absurd and counts as none
_EARLIEST_YEAR = 1990
_TERMS_AT_MOST = 120
_MATCHED_CHARS = 400
_KEY_CHARS = 300
_ANNOUNCING = frozenset({"for", "before", "ahead", "of"})
_BEFORE_PLACES = frozenset({"in", "near", "at", "outside"})


Counts = Mapping[str, int]
Ordinals = Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Profile:
    """An entry, or a seed, as it is compared.

    at: when it was told; None when undated or absurd, and then time is neutral. seen_at: when it reached us.
    terms: how much each counts before rarity; title_terms: those of the title, with the word as printed there.
    names: terms printed as names. named: actors ("@kp") and well-known persons. marks: names in the title.
    counts: people counted in title or first sentence, by what became of them. ordinals: by the thing that has them.
    link, title_key, text_key: exact forms; empty when there is none. level: rank of the highest rule, -1 without any.
    rules: titles of the rules that it met; title_rules: of those that met its title. Experimental ones do not count.
    topics: what its rules are about, such as "sanctions"; empty when it met none.
    gist: the text whose meaning counts; sense: its meaning, of length 1.0; None without an encoder.
    """

    title: str
    at: datetime | None
    seen_at: datetime | None
    terms: Mapping[str, float]
    title_terms: Mapping[str, str]
    shown: Mapping[str, str]
    names: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    title_named: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    acts: frozenset[str] = frozenset()
    title_acts: frozenset[str] = frozenset()
    counts: Counts = field(default_factory=dict)
    ordinals: Ordinals = field(default_factory=dict)
    link: str = ""
    title_key: str = ""
    text_key: str = ""
    level: int = -1
    rules: frozenset[str] = frozenset()
    title_rules: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    gist: str = ""
    sense: meaning.Array | None = None

    def figures(self) -> list[str]:
        """Return the numbers in digits that it tells: "53", "5.2", "12th"."""
        return [term for term in self.terms if term[0].isdigit()]


def profile(
    entry: model.Entry, matches: Sequence[model.Match] = (), *, encoder: meaning.Encodes | None = None
) -> Profile:
    """Return `entry` as it is compared with stories.

    matches: the rules it met; the words that matched count as much as the title's, and the highest level is kept.
    encoder: None compares words alone. It costs tens of milliseconds where the rest costs half of one; for many
    entries, `with_meaning` takes less.
    """
    at = entry.published_at
    if at is not None and (at.year < _EARLIEST_YEAR or at > entry.first_seen_at + _AHEAD):
        at = None
    matched = " ; ".join(evidence.text for match in matches for evidence in match.evidence)
    made = _Texts(
        text.clean_title(entry.title, entry.outlet),
        text.clean_lead(entry.summary or entry.body),
        matched[:_MATCHED_CHARS],
    )
    level = max((match.rule.level.rank for match in matches), default=-1)
    told = _profile(made, encoder, at=at, seen_at=entry.first_seen_at, url=entry.url)
    return _ruled(replace(told, level=level), matches)


def seed_profile(
    seed: model.Seed, matches: Sequence[model.Match] = (), *, encoder: meaning.Encodes | None = None
) -> Profile:
    """Return `seed` as it is compared: its title and lead, not every topic in its text.

    matches: the rules that its title and lead meet; they say what it is about.
    """
    made = _Texts(text.clean_title(seed.title, seed.source), text.clean_lead(seed.lead))
    told = _profile(made, encoder, at=seed.published_at, seen_at=seed.published_at, url=seed.url)
    return _ruled(told, matches)


def with_meaning(profiles: Sequence[Profile], encoder: meaning.Encodes | None) -> list[Profile]:
    """Return the same profiles with what they mean; an encoder of None changes nothing."""
    told = [number for number, made in enumerate(profiles) if made.gist]
    found = list(profiles)
    if encoder is not None and told:
        senses = encoder.encode_all([profiles[number].gist for number in told])
        for number, sense in zip(told, senses, strict=True):
            found[number] = replace(profiles[number], sense=sense)
    return found


def recalled(profile: Profile, stored: bytes) -> Profile:
    """Return `profile` with the meaning that was stored for it; without one, if there is none."""
    return replace(profile, sense=meaning.unpacked(stored) if stored else None)


@dataclass(frozen=True, slots=True)
class _Texts:
    title: str
    lead: str
    matched: str = ""


def _profile(
    made: _Texts,
    encoder: meaning.Encodes | None,
    *,
    at: datetime | None,
    seen_at: datetime | None,
    url: str,
) -> Profile:
    title_words, lead_words = text.words(made.title), text.words(made.lead)
    title_found, lead_found = list(text.terms(title_words)), list(text.terms(lead_words))
    terms: dict[str, float] = {}
    for term, _ in title_found:
        terms[term] = min(terms.get(term, 0.0) + TITLE_WEIGHT, 2 * TITLE_WEIGHT)
    for term, _ in lead_found:
        if term in terms or len(terms) < _TERMS_AT_MOST:
            terms[term] = terms.get(term, 0.0) + 1.0
    for term, _ in text.terms(text.words(made.matched)):
        if term in terms:
            terms[term] = max(terms[term], TITLE_WEIGHT)
    first = title_words + _first_sentence(lead_words)
    names = _names(title_words, title_found, lead_found)
    title_terms = {term: word.printed for term, word in title_found}
    told = Profile(
        title=made.title,
        at=at,
        seen_at=seen_at,
        terms=terms,
        title_terms=title_terms,
        shown={term: word.printed for term, word in reversed(title_found + lead_found) if term in terms},
        names=names,
        named=_named(terms),
        title_named=_named(title_terms),
        marks=_marks(title_words, title_found, names),
        acts=_acts(title_words + lead_words),
        title_acts=_acts(_done(title_words)),
        counts=numbers.counts(first),
        ordinals=numbers.ordinals(first),
        link=links.canonical(url) if url else "",
        title_key=" ".join(word.folded for word in title_words)[:_KEY_CHARS],
        text_key=_text_key(lead_words),
        gist=f"{made.title}. {made.lead}" if made.title else "",
    )
    return with_meaning([told], encoder)[0]


def _ruled(told: Profile, matches: Sequence[model.Match]) -> Profile:
    """Return `told` with what its rules say of it. A topic is a rule's first tag, or its id without any."""
    heard = [match for match in matches if match.rule.status is not model.RuleStatus.EXPERIMENTAL]
    if not heard:
        return told
    in_title = [match for match in heard if any(found.field is model.Field.TITLE for found in match.evidence)]
    return replace(
        told,
        rules=frozenset(match.rule.title for match in heard),
        title_rules=frozenset(match.rule.title for match in in_title),
        topics=frozenset((*match.rule.tags, match.rule.id)[0] for match in in_title or heard),
    )


def _named(terms: Iterable[str]) -> frozenset[str]:
    persons = lexicon.persons()
    return frozenset(term for term in terms if term.startswith("@") or term in persons)


def _marks(
    title_words: Sequence[text.Word], title_found: Sequence[tuple[str, text.Word]], names: frozenset[str]
) -> frozenset[str]:
    """Return the terms of the title that name what it happened to, or where: names and states.

    After "in", "near" and their like, of Kabul and its state only Kabul: there it is a place, elsewhere perhaps a
    word for the state.
    """
    inside: set[int] = set()
    follows = False
    for word in title_words:
        capital = word.printed[:1].isupper() and word.folded not in lexicon.words("not-counted")
        if follows and capital:
            inside.add(id(word))
        follows = word.folded in _BEFORE_PLACES or (follows and capital)
    places = {term for term, word in title_found if id(word) in inside and not lexicon.find_act(word.folded)}
    finer = {term for term in places if not term.startswith("@")}
    seats = {id(word) for term, word in title_found if term.startswith("@")}
    others = {term for term, word in title_found if id(word) not in inside and (term in names or id(word) in seats)}
    return frozenset((finer or places) | others)


def _acts(found: Sequence[text.Word]) -> frozenset[str]:
    acts = (lexicon.find_act(word.folded) for word in found)
    return frozenset(act for act in acts if act)


def _done(found: Sequence[text.Word]) -> list[text.Word]:
    """Return the words without what is only announced: "arrives for talks" tells an arrival."""
    return [word for n, word in enumerate(found) if not n or found[n - 1].folded not in _ANNOUNCING]


def _names(
    title_words: Sequence[text.Word],
    title_found: Sequence[tuple[str, text.Word]],
    lead_found: Sequence[tuple[str, text.Word]],
) -> frozenset[str]:
    """Return the terms printed with a capital where a word would have none; headlines in title case prove nothing."""
    words = [word for word in title_words if word.printed[:1].isalpha() and word.folded not in lexicon.words("stop")]
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
