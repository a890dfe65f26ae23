"""The words that mean the same: actors, acts, numbers, and words that mean nothing by themselves. Pure; reads its own data once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

STOP = frozenset(
    ["a", "an", "the", "and", "or", "but", "nor", "if", "then", "else", "than", "that", "this", "these", "those", "there", "here", "of", "in", "on", "at", "by", "for", "from", "to", "into", "onto", "with", "without", "within", "about", "above", "after", "again", "against", "all", "also", "although", "always", "am", "are", "as", "be", "because", "been", "before", "being", "below", "between", "both", "can", "cannot", "could", "did", "do", "does", "doing", "done", "down", "during", "each", "either", "ever", "every", "few", "further", "had", "has", "have", "having", "he", "her", "hers", "herself", "him", "himself", "his", "how", "however", "i", "is", "it", "its", "itself", "just", "let", "like", "may", "me", "might", "more", "most", "much", "must", "my", "myself", "no", "not", "now", "off", "often", "once", "only", "other", "our", "ours", "out", "over", "own", "per", "same", "shall", "she", "should", "since", "so", "some", "still", "such", "their", "theirs", "them", "themselves", "they", "through", "too", "toward", "towards", "under", "until", "up", "upon", "us", "very", "via", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "would", "yet", "you", "your", "yours", "s", "t", "re", "ve", "ll", "d", "m", "said", "say", "says", "saying", "told", "tell", "tells", "according", "report", "reports", "reported", "reportedly", "news", "today", "yesterday", "tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "mon", "tue", "tues", "wed", "thu", "thurs", "fri", "sat", "sun", "am", "pm", "est", "edt", "gmt", "utc", "photo", "video", "image", "file", "read", "full", "story", "updated", "update", "live", "breaking", "reuters", "ap", "afp", "upi", "и", "в", "во", "не", "что", "он", "на", "я", "с", "со", "как", "а", "то", "все", "она", "так", "его", "но", "да", "ты", "к", "у", "же", "вы", "за", "бы", "по", "ее", "мне", "было", "вот", "от", "меня", "еще", "нет", "о", "из", "ему", "теперь", "когда", "даже", "ну", "ли", "если", "уже", "или", "быть", "был", "него", "до", "вас", "для", "мы", "их", "чем", "была", "сам", "без", "чего", "себя", "под", "будет", "это", "der", "das", "und", "oder", "nicht", "mit", "von", "zu", "den", "dem", "des", "ein", "eine", "einer", "ist", "im", "auf", "fur", "als", "auch", "es", "an", "werden", "aus", "le", "la", "les", "un", "une", "des", "du", "de", "et", "ou", "que", "qui", "dans", "pour", "par", "sur", "avec", "est", "au", "aux", "en", "ce", "cette", "il", "elle", "ne", "pas", "plus", "el", "los", "las", "una", "y", "o", "del", "al", "se", "con", "para", "por", "su", "sus", "lo", "como", "mas"]
)  # fmt: skip

NUMBER_WORDS: Mapping[str, int] = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12}

ORDINAL_WORDS: Mapping[str, int] = {
    word: number
    for number, word in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth"],
        start=1,
    )
}


@dataclass(frozen=True, slots=True)
class Found:
    """An actor found in a text: its key, how many words name it, and whether they name a place inside it."""

    key: str
    length: int
    place: bool


def find_actor(folded: Sequence[str], start: int) -> Found | None:
    """Return the actor that the words from `start` on name, the longest name first; None when they name none."""
    for parts, key, place in _actors().get(folded[start], ()):
        if tuple(folded[start : start + len(parts)]) == parts:
            return Found(key, len(parts), place)
    return None


def find_act(folded: str) -> str | None:
    """Return the kind of act that a folded word tells ("invited": "invite"); None when it tells none."""
    exact, prefixes = _acts()
    act = exact.get(folded)
    if act or len(folded) < _SHORTEST_PREFIX:
        return act
    return next(
        (prefixes[folded[:n]] for n in range(len(folded), _SHORTEST_PREFIX - 1, -1) if folded[:n] in prefixes), None
    )


@cache
def actor_names() -> Mapping[str, str]:
    """Return how to name each actor to people, by its key."""
    names = {}
    for key, forms in _lines("actors.txt"):
        first = next((form for form in forms if not form.startswith("+")), key)
        names[key] = first.upper() if len(first) <= 4 else first.title()
    return names


@cache
def _actors() -> Mapping[str, list[tuple[tuple[str, ...], str, bool]]]:
    by_first: dict[str, list[tuple[tuple[str, ...], str, bool]]] = {}
    for key, forms in _lines("actors.txt"):
        for form in forms:
            parts = tuple(form.lstrip("+").split())
            by_first.setdefault(parts[0], []).append((parts, key, form.startswith("+")))
    for found in by_first.values():
        found.sort(key=lambda item: -len(item[0]))
    return by_first


@cache
def _acts() -> tuple[Mapping[str, str], Mapping[str, str]]:
    exact, prefixes = {}, {}
    for key, forms in _lines("acts.txt"):
        for form in forms:
            if form.endswith("*"):
                prefixes[form[:-1]] = key
            else:
                exact[form] = key
    return exact, prefixes


def _lines(name: str) -> list[tuple[str, list[str]]]:
    text = resources.files("monitor.dedupe").joinpath("data").joinpath(name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [
        (key, [form.strip() for form in forms.split("|")]) for key, forms in (line.split(": ", 1) for line in lines)
    ]


_SHORTEST_PREFIX = 4
