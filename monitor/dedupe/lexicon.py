"""The words that mean the same, and those that mean nothing. Pure: reads its own data, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

_SHORTEST_PREFIX = 4
_ABBREVIATION = 3  # letters up to which an actor is named in capitals
_LONGER_ABBREVIATIONS = frozenset({"nato", "opec", "iaea", "isis", "isil", "dprk"})

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
NUMBER_WORDS: Mapping[str, int] = {
    **{word: number for number, word in enumerate(_TO_TWENTY.split())},
    **{word: number for number, word in zip(range(30, 100, 10), _TENS.split(), strict=True)},
    "dozen": 12,
}
ORDINAL_WORDS: Mapping[str, int] = {word: number for number, word in enumerate(_ORDINALS.split(), start=1)}


@dataclass(frozen=True, slots=True)
class Found:
    """A name found in a text: how many words it has, and what it names.

    place: the name of a place inside the actor ("kabul"), which is kept beside the actor's; else empty.
    person: `key` is the last name, else the key of a state, people or body.
    """

    key: str
    length: int
    place: str = ""
    person: bool = False


def find_name(folded: Sequence[str], start: int) -> Found | None:
    """Return what the words from `start` on name, the longest name first; None when it is nobody known."""
    for parts, found in _names().get(folded[start], ()):
        if tuple(folded[start : start + len(parts)]) == parts:
            return found
    return None


def find_act(folded: str) -> str | None:
    """Return the kind of act that a folded word tells ("invited": "invite"); None when it tells none."""
    exact, prefixes = _acts()
    act = exact.get(folded)
    if act or len(folded) < _SHORTEST_PREFIX:
        return act
    lengths = range(len(folded), _SHORTEST_PREFIX - 1, -1)
    return next((prefixes[folded[:length]] for length in lengths if folded[:length] in prefixes), None)


@cache
def actor_titles() -> Mapping[str, str]:
    """Return how to name each actor to people, by its key."""
    titles = {}
    for key, forms in _lines("actors.txt"):
        form = next((form for form in forms.split("|") if not form.startswith("+")), key)
        titles[key] = form.upper() if _is_abbreviation(form) else form.title()
    return titles


def forms(name: str) -> tuple[str, ...]:
    """Return every way to write the actor that `name` names, as it was typed first; `name` alone when it is unknown.

    Short ones are capitalised ("US"), because in small letters they are other words.
    """
    folded = " ".join(name.split()).casefold()
    for file in ("actors.txt", "persons.txt"):
        for _, text in _lines(file):
            known = [spelling for form in text.split("|") for spelling in form.lstrip("+").split("/")]
            if folded in known:
                short = str.upper if file == "actors.txt" else str.title
                others = (short(form) if _is_abbreviation(form) else form for form in known if form != folded)
                return (name, *others)
    return (name,)


@cache
def persons() -> frozenset[str]:
    """Return the last names that by themselves name one person."""
    return frozenset(key for key, forms in _lines("persons.txt") if key in forms.split("|"))


@cache
def words(kind: str) -> frozenset[str]:
    """Return the words of one list of words.txt."""
    return frozenset(word for key, text in _lines("words.txt") if key == kind for word in text.split())


@cache
def _names() -> Mapping[str, list[tuple[tuple[str, ...], Found]]]:
    by_first: dict[str, list[tuple[tuple[str, ...], Found]]] = {}
    for file, person in (("actors.txt", False), ("persons.txt", True)):
        for key, forms in _lines(file):
            for form in forms.split("|"):
                spellings = form.lstrip("+").replace("-", " ").split("/")
                for spelling in spellings:
                    parts = tuple(spelling.split())
                    found = Found(key, len(parts), spellings[0] if form.startswith("+") else "", person)
                    by_first.setdefault(parts[0], []).append((parts, found))
    for names in by_first.values():
        names.sort(key=lambda item: -len(item[0]))
    return by_first


@cache
def _acts() -> tuple[Mapping[str, str], Mapping[str, str]]:
    exact, prefixes = {}, {}
    for key, forms in _lines("acts.txt"):
        for form in forms.split("|"):
            if form.endswith("*"):
                prefixes[form[:-1]] = key
            else:
                exact[form] = key
    return exact, prefixes


def _lines(name: str) -> list[tuple[str, str]]:
    text = resources.files("monitor.dedupe").joinpath("data").joinpath(name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(key, rest.strip()) for key, _, rest in (line.partition(": ") for line in lines)]


def _is_abbreviation(form: str) -> bool:
    return len(form) <= _ABBREVIATION or form in _LONGER_ABBREVIATIONS
