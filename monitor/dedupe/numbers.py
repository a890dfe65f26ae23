"""Counts and ordinals in a text: how many of what, and the how-manieth of what. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from monitor.dedupe import lexicon, text

COUNTED = frozenset(
    {"kill", "wound", "arrest", "miss", "hostag", "displac"}
)  # what people count while a happening goes on

_NOT_COUNTED = frozenset(
    ["year", "month", "week", "day", "hour", "minut", "second", "am", "pm", "percent", "old", "th", "time", "km", "kilomet", "mile", "met", "foot", "feet", "street", "degre", "magnitud", "januari", "februari", "march", "april", "may", "june", "juli", "august", "septemb", "octob", "novemb", "decemb", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"]
)
_EDITION_NOUNS = frozenset(
    ["packag", "round", "summit", "session", "edit", "anniversari", "term", "meet", "convent", "congress", "confer", "phase", "tranch", "amend", "test", "launch", "nuclear", "missil", "visit", "trip", "talk", "vote", "elect", "attack", "strike", "quake", "earthquak", "explos", "blast", "victim", "arrest", "trial", "case", "quarter", "season", "grand", "stage", "week", "match"]
)
_LARGE = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINAL = re.compile(r"^(\d{1,4})(?:st|nd|rd|th)$")
_DIGITS = re.compile(r"^\d{1,3}(?:,\d{3})+$|^\d{1,9}$")
_FORWARD, _BACKWARD = 5, 5


def counts(found: Sequence[text.Word]) -> Mapping[str, int]:
    """Return how many people `found` counts, by what became of them ("kill": 50); the largest where it counts twice."""
    largest: dict[str, int] = {}
    for unit, number in _counted(found):
        largest[unit] = max(number, largest.get(unit, 0))
    return largest


def ordinals(found: Sequence[text.Word]) -> Mapping[str, frozenset[int]]:
    """Return the ordinals of things that come in editions ("packag": {12}) in `found`."""
    editions: dict[str, set[int]] = {}
    for n, word in enumerate(found):
        number = _ordinal(word.folded)
        if number is None:
            continue
        for after in found[n + 1 : n + 4]:
            noun = text.stem(after.folded)
            if noun in _EDITION_NOUNS:
                editions.setdefault(noun, set()).add(number)
                break
    return {noun: frozenset(numbers) for noun, numbers in editions.items()}


def figures(found: Sequence[text.Word]) -> frozenset[str]:
    """Return the figures of `found` that may tell one happening from another: no years, no single digits."""
    kept = {word.folded.replace(",", "") for word in found if word.folded[:1].isdigit()}
    return frozenset(figure for figure in kept if len(figure) > 1 and not re.fullmatch(r"(?:19|20)\d\d", figure))


def _counted(found: Sequence[text.Word]) -> Iterator[tuple[str, int]]:
    units = [_unit(word.folded) for word in found]
    for n, word in enumerate(found):
        number = _cardinal(found, n)
        if number is None or (n + 1 < len(found) and text.stem(found[n + 1].folded) in _NOT_COUNTED):
            continue
        if word.printed.isdigit() and 1900 <= number <= 2100:
            continue
        ahead = next((unit for unit in units[n + 1 : n + 1 + _FORWARD] if unit), None)
        behind = next((unit for unit in reversed(units[max(0, n - _BACKWARD) : n]) if unit), None)
        adjacent = n and units[n - 1]
        unit = adjacent or ahead or behind
        if unit:
            yield unit, number


def _unit(folded: str) -> str | None:
    act = lexicon.find_act(folded)
    if act in COUNTED:
        return act
    stemmed = text.stem(folded)
    return stemmed if stemmed in COUNTED else None


def _cardinal(found: Sequence[text.Word], n: int) -> int | None:
    folded = found[n].folded
    number = lexicon.NUMBER_WORDS.get(folded)
    if number is None and _DIGITS.match(folded):
        number = int(folded.replace(",", ""))
    if number is None:
        return None
    scale = _LARGE.get(found[n + 1].folded, 1) if n + 1 < len(found) else 1
    return number * scale


def _ordinal(folded: str) -> int | None:
    found = _ORDINAL.match(folded)
    return int(found.group(1)) if found else lexicon.ORDINAL_WORDS.get(folded)
