"""In which language an entry is written, where neither operator nor feed says so. Pure but for the model's load.

The model takes 75 MB and is loaded at the first question only; nobody asks unless a rule or a channel names languages.
A headline is short: what is unsure stays unknown, and an unknown language lets news through rather than lose it.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from monitor import model

_FEWEST_LETTERS = 15
_SURE = 0.9
# What news feeds are written in; a choice among all of the model's languages finds Javanese in English headlines.
_CANDIDATES = frozenset(
    (
        "am",
        "ar",
        "bg",
        "bn",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "hy",
        "id",
        "it",
        "ja",
        "ka",
        "kk",
        "ko",
        "lt",
        "lv",
        "ms",
        "nl",
        "no",
        "pl",
        "ps",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "so",
        "sq",
        "sr",
        "sv",
        "sw",
        "ta",
        "th",
        "tr",
        "uk",
        "ur",
        "uz",
        "vi",
        "zh",
    )
)


def told(entry: model.Entry) -> model.Entry:
    """Return `entry` with its language, if it had none and its words tell one surely."""
    return entry if entry.language else replace(entry, language=detect(f"{entry.title}. {entry.summary}"))


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`; empty when there are too few words to be sure."""
    if sum(map(str.isalpha, text)) < _FEWEST_LETTERS:
        return ""
    code, probability = _identifier().classify(text)
    return str(code) if probability >= _SURE else ""


@lru_cache(maxsize=1)
def _identifier() -> Any:  # noqa: ANN401  the library has no types
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted(_CANDIDATES))
    return identifier
