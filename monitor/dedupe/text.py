"""Turn what an outlet printed into terms that can be compared. Pure: knows nothing of entries or stories."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from monitor.dedupe import lexicon

LEAD_CHARS = 480  # of a summary that are read: the lead, not the background that every report repeats

_WORD = re.compile(r"\d+(?:[.,:/]\d+)*(?:st|nd|rd|th)?\b|[^\W\d_][\w]*(?:['’][^\W\d_]+)*")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_LABEL = re.compile(
    r"^\s*(?:(?:breaking(?: news)?|update(?: \d+)?|updated|exclusive|live(?: updates?| blog)?|watch|video|photos?"
    r"|(?:in )?pictures?|just in|correct(?:ed|ion)|refile|analysis|opinion|factbox|wrapup(?: \d+)?|urgent"
    r"|explainer|developing|alert|flash|rpt|photo gallery|gallery|report|reports)\s*(?:[-–—:|]|\d+\s*-)\s*)+",
    re.IGNORECASE,
)
_UPDATE_NUMBER = re.compile(r"^\s*(?:UPDATE|WRAPUP|RPT|CORRECTED|REFILE)\s*\d*\s*-\s*", re.IGNORECASE)
_SUFFIX = re.compile(r"\s+(?:[|»]|[-–—])\s+([^|»–—]{2,40})$")
_DATELINE = re.compile(r"^\s*(?:[A-Z][\w.'’ ]+(?:,\s*[\w.'’ ]+){0,2})?\s*\((?:[A-Z][\w./ ]{1,30})\)\s*(?:[-–—:]+\s*)?")
_ABBREVIATION = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_CLOSING = {",", ";", ".", ")"}
_POSSESSIVE = re.compile(r"['’](?:s|S)?$")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: folded, as printed, whether a sentence opens with it, whether a comma or stop follows."""

    folded: str
    printed: str
    opens: bool
    closes: bool = False


def clean_title(title: str, outlet: str = "") -> str:
    """Return `title` without what outlets put around it: "LIVE:", "UPDATE 2-", " - Reuters", " | BBC"."""
    text = " ".join(html.unescape(title).split())[:600]
    bare = _LABEL.sub("", _UPDATE_NUMBER.sub("", text))
    found = _SUFFIX.search(bare)
    if found and _is_outlet(found.group(1), bare[: found.start()], outlet):
        bare = bare[: found.start()]
    return bare if bare.strip() else text


def clean_lead(summary: str) -> str:
    """Return the lead of `summary`: no dateline, at most `LEAD_CHARS` characters, cut between words."""
    text = " ".join(html.unescape(summary[: 8 * LEAD_CHARS]).split())
    text = _DATELINE.sub("", text, count=1)
    if len(text) <= LEAD_CHARS:
        return text
    return text[: text.rfind(" ", 0, LEAD_CHARS) if " " in text[:LEAD_CHARS] else LEAD_CHARS]


def words(text: str) -> list[Word]:
    """Return the words of `text` in order; scripts without spaces give their pairs of characters."""
    text = unicodedata.normalize("NFKC", text)
    text = _ABBREVIATION.sub(lambda found: found.group(0).replace(".", ""), text)
    found = []
    opens_next = 0
    for match in _WORD.finditer(text):
        gap = text[opens_next : match.start()]
        opens = opens_next == 0 or any(mark in gap for mark in ".!?:;\n")
        opens_next = match.end()
        printed = _POSSESSIVE.sub("", match.group(0))
        if _SPACELESS.search(printed) and len(printed) > 2:
            found += [Word(printed[n : n + 2], printed[n : n + 2], opens=False) for n in range(len(printed) - 1)]
        elif printed:
            found.append(Word(fold(printed), printed, opens, text[match.end() : match.end() + 1] in _CLOSING))
    return found


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Return `word` in lower case and without accents."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part)).replace("’", "'")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of a folded word, by the script it is written in."""
    if len(word) < 4 or not word.isalpha():
        return word
    if word.isascii():
        return str(_ENGLISH.stemWord(word))
    if "\u0400" <= word[0] <= "\u04ff":
        return str(_RUSSIAN.stemWord(word))
    return word


def terms(found: Sequence[Word]) -> Iterator[tuple[str, Word]]:
    """Yield each word that means something as a term, with the word it came from.

    An actor gives `@kp`, whatever it is called; a person the last name; any other word its stem.
    """
    skip = 0
    folded = [word.folded for word in found]
    stop = lexicon.words("stop")
    for n, word in enumerate(found):
        if skip:
            skip -= 1
            continue
        name = lexicon.find_name(folded, n)
        if name and _is_name(name, word):
            skip = name.length - 1
            yield (stem(name.key) if name.person else f"@{name.key}"), word
            if name.place:
                yield name.place, word
        elif word.folded not in stop and (len(word.folded) > 1 or word.folded.isdigit()):
            yield stem(word.folded), word


def _is_name(name: lexicon.Found, word: Word) -> bool:
    """Short abbreviations are words as well ("us", "un", "who"): they count in capitals only."""
    return name.length > 1 or name.person or len(word.folded) > 3 or word.printed.isupper()


def _is_outlet(suffix: str, rest: str, outlet: str) -> bool:
    if outlet and fold(suffix.replace(" ", "")) in fold(outlet.replace(" ", "")):
        return True
    parts = suffix.split()
    named = all(part[:1].isupper() or part.lower() in {"the", "of", "and", "&", "news", "-"} for part in parts)
    return named and len(parts) <= 4 and len(rest.split()) >= 5


_ENGLISH = snowballstemmer.stemmer("english")
_RUSSIAN = snowballstemmer.stemmer("russian")
