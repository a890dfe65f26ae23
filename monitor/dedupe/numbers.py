"""Counts and ordinals in a text: how many people what became of, and the how-manieth of what. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from monitor.dedupe import lexicon, text

COUNTED: Mapping[str, str] = {
    "kill": "killed",
    "wound": "wounded",
    "arrest": "arrested",
    "missing": "missing",
    "hostage": "taken hostage",
    "displace": "displaced",
}  # acts that people are counted by while a happening goes on, and how to say it

_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINAL = re.compile(r"^(\d{1,4})(?:st|nd|rd|th)$")
_DIGITS = re.compile(r"^\d{1,3}(?:,\d{3})+$|^\d{1,9}$")
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_REACH = 4  # words between a number and what it counts
_TOLL_REACH = 8
_NOUN_REACH = 3  # words between an ordinal and its noun
_AGES = frozenset({"aged", "age", "at"})  # "dead at 87"


def counts(found: Sequence[text.Word]) -> Mapping[str, int]:
    """Return how many people `found` counts, by what became of them ("kill": 50); the largest where it counts twice."""
    largest: dict[str, int] = {}
    for act, number in _counted(found):
        largest[act] = max(number, largest.get(act, 0))
    return largest


def ordinals(found: Sequence[text.Word]) -> Mapping[str, frozenset[int]]:
    """Return the ordinals of things that come in editions ("packag": {12}) in `found`."""
    editions: dict[str, set[int]] = {}
    nouns = lexicon.words("edition")
    for n, word in enumerate(found):
        number = _ordinal(word.folded)
        after = [text.stem(next_word.folded) for next_word in found[n + 1 : n + 1 + _NOUN_REACH]] if number else []
        noun = next((noun for noun in after if noun in nouns), None)
        if number and noun:
            editions.setdefault(noun, set()).add(number)
    return {noun: frozenset(numbers) for noun, numbers in editions.items()}


def _counted(found: Sequence[text.Word]) -> Iterator[tuple[str, int]]:
    """Yield each act with its number: "kills at least 50", "toll rises to 50", "50 people killed"; not a boy's age."""
    acts = [act if (act := lexicon.find_act(word.folded)) in COUNTED else None for word in found]
    for n in range(len(found)):
        number = _cardinal(found, n)
        act = (_act_before(found, acts, n) or _act_after(found, acts, n)) if number is not None else None
        if act and number:
            yield act, number


def _act_before(found: Sequence[text.Word], acts: Sequence[str | None], n: int) -> str | None:
    for back in range(n - 1, max(-1, n - 1 - _REACH), -1):
        if found[back].closes:
            return None
        if acts[back] is not None:
            return acts[back]
        if found[back].folded not in lexicon.words("toll"):
            return _toll_before(found, back) if back < n - 1 else None
    return None


def _toll_before(found: Sequence[text.Word], n: int) -> str | None:
    """Return "kill" where a toll is told of far ahead of its number: "Death toll in Herat quake rises to 50"."""
    for back in range(n, max(-1, n - _TOLL_REACH), -1):
        if found[back].closes:
            return None
        if found[back].folded == "toll":
            return "kill"
    return None


def _act_after(found: Sequence[text.Word], acts: Sequence[str | None], n: int) -> str | None:
    for ahead in range(n + 1, min(len(found), n + 1 + _REACH)):
        if found[ahead - 1].closes:
            return None
        if acts[ahead] is not None:
            return acts[ahead]
    return None


def _cardinal(found: Sequence[text.Word], n: int) -> int | None:
    """Return the number that the word `n` counts people with; None for years, ages, measures, and what is no number."""
    folded = found[n].folded
    number = lexicon.NUMBER_WORDS.get(folded)
    if number is None and _DIGITS.match(folded) and not _YEAR.match(folded):
        number = int(folded.replace(",", ""))
    if number is None or (n and found[n - 1].folded in _AGES):
        return None
    if n + 1 == len(found):
        return number
    after = found[n + 1].folded
    if text.stem(after) in lexicon.words("not-counted"):
        return None
    return number * _LARGE.get(after, 1)


def _ordinal(folded: str) -> int | None:
    found = _ORDINAL.match(folded)
    return int(found.group(1)) if found else lexicon.ORDINAL_WORDS.get(folded)
