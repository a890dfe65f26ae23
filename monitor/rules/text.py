"""Text as rules see it: words with their place in print, folded, in sentences. Pure.

Whoever writes a term and whoever wrote the text rarely agree on case, accents, apostrophes, hyphens and dots. Both go
through `words`, so that what a reader takes for the same word is the same word here:

- case, accents and full-width forms are folded (`Türkiye`, `ＮＡＴＯ`), the letter forms of Arabic and Persian too;
- a hyphen parts words (`Jong-un`), and so does the border between letters and digits (`F-35` is `F35` is `F 35`);
- dots inside an abbreviation vanish (`U.S.` is `US`); a thousands comma as well (`1,000` is `1000`);
- the English possessive falls off (`Iran's`), French and Italian elision is parted (`l'Iran`, `dell'Iran`), any other
  apostrophe is dropped (`Sana'a`);
- in scripts without spaces every character is a word, so that a term matches as a substring.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from monitor import model

LONGEST = 500  # words of a sentence; what is longer is no sentence, and is cut


class Break(IntEnum):
    """Whether a sentence ends after a word."""

    NO = 0
    MAYBE = 1  # a full stop: unless the next word begins small
    YES = 2


class Word(NamedTuple):
    """One word of a chunk. `start` and `end` are offsets into the chunk as printed."""

    folded: str
    start: int
    end: int
    breaks: Break


class Part(NamedTuple):
    """A sentence: its field, and its first and one past its last word in `Text.words`."""

    field: model.Field
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """An entry's words, numbered through all its fields.

    words: folded. starts, ends: offsets of each word in its field as printed. parts: the sentences, in order.
    part_of: for each word the index of its sentence. joined: the words as one string in which terms are sought: one
    space before and after each word, a line break between sentences. offsets: where each word begins in `joined`.
    shouted: fields without a single small letter, where capitals tell nothing.
    """

    fields: dict[model.Field, str]
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    parts: tuple[Part, ...]
    part_of: tuple[int, ...]
    joined: str
    offsets: tuple[int, ...]
    shouted: frozenset[model.Field]

    def field_of(self, word: int) -> model.Field:
        """Return the field in which word number `word` stands."""
        return self.parts[self.part_of[word]].field

    def printed(self, word: int) -> str:
        """Return word number `word` as printed, in composed form."""
        text = self.fields[self.field_of(word)][self.starts[word] : self.ends[word]]
        return text if text.isascii() else unicodedata.normalize("NFKC", text)

    def word_at(self, offset: int) -> int:
        """Return the number of the word that begins at `offset` of `joined`."""
        return bisect_left(self.offsets, offset)

    def span(self, field: model.Field, start: int, end: int) -> tuple[int, int] | None:
        """Return the words that the characters `start` to `end` of `field` touch, or the next one; None without any."""
        of_field = [part for part in self.parts if part.field is field]
        if not of_field:
            return None
        low, high = of_field[0].first, of_field[-1].end
        first = bisect_right(self.ends, start, low, high)
        last = bisect_left(self.starts, end, low, high)
        first = min(first, high - 1)
        return first, max(last, first + 1)


def read(entry: model.Entry) -> Text:
    """Return the words of an entry's title, summary and body."""
    return of({model.Field.TITLE: entry.title, model.Field.SUMMARY: entry.summary, model.Field.BODY: entry.body})


def of(fields: dict[model.Field, str]) -> Text:
    """Return the words of named texts, in the order given."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    parts: list[Part] = []
    for field, text in fields.items():
        begun = len(words)
        for word, start, end, ends_sentence in _in_field(text):
            words.append(word)
            starts.append(start)
            ends.append(end)
            if ends_sentence or len(words) - begun >= LONGEST:
                parts.append(Part(field, begun, len(words)))
                begun = len(words)
        if begun < len(words):
            parts.append(Part(field, begun, len(words)))
    joined = "\n".join(f" {' '.join(words[part.first : part.end])} " for part in parts)
    part_of = tuple(number for number, part in enumerate(parts) for _ in range(part.first, part.end))
    return Text(
        fields,
        tuple(words),
        tuple(starts),
        tuple(ends),
        tuple(parts),
        part_of,
        joined,
        _offsets(words, part_of),
        frozenset(field for field, text in fields.items() if text and text == text.upper() and text != text.lower()),
    )


def words(text: str) -> tuple[str, ...]:
    """Return the folded words of `text`."""
    return tuple(word.folded for raw in text.split() for word in _chunk(raw))


def _offsets(words: Sequence[str], part_of: Sequence[int]) -> tuple[int, ...]:
    """Return where each word's leading space stands in the joined string; each sentence costs two characters more."""
    lengths = accumulate((len(word) + 1 for word in words), initial=0)
    return tuple(length + 2 * part for length, part in zip(lengths, part_of, strict=False))


# --- words of a field -------------------------------------------------------------------------------------------

_SPACED = re.compile(r"\S+")


def _in_field(text: str) -> list[tuple[str, int, int, bool]]:
    """Return (word, start, end, whether it ends its sentence) for each word of `text`."""
    found: list[tuple[str, int, int, bool]] = []
    waiting = Break.NO
    breaks_at_lines = "\n" in text
    done = 0
    for match in _SPACED.finditer(text):
        raw, at = match.group(), match.start()
        if found and (
            waiting is Break.YES
            or (waiting is Break.MAYBE and not raw.lstrip(_OPENERS)[:1].islower())
            or (breaks_at_lines and "\n\n" in text[done:at])
        ):
            found[-1] = (*found[-1][:3], True)
        done = match.end()
        parsed = _chunk(raw)
        found.extend((word.folded, at + word.start, at + word.end, word.breaks is Break.YES) for word in parsed)
        waiting = parsed[-1].breaks if parsed else waiting
    return found


_OPENERS = "\"'([{«“‘„‚"
_CLOSERS = "\"')]}»”’"
_FULL_STOPS = "。！？｡؟۔।!?"
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof gen col maj lt sgt capt cmdr adm sen rep gov pres rev hon st vs etc jr sr inc ltd co corp "  # noqa: SIM905
    "jan feb mar apr jun jul aug sep sept oct nov dec fig vol op cit al approx dept est min".split()
)


def _ending(raw: str, folded: str) -> Break:
    """Return whether a sentence ends after the chunk `raw`, whose last word is `folded`."""
    bare = raw.rstrip(_CLOSERS)
    last = bare[-1:]
    if last in _FULL_STOPS and last:
        return Break.YES
    if last == "…" or bare.endswith(".."):
        return Break.MAYBE
    if last != ".":
        return Break.NO
    dotted = bare.count(".") > 1 and not bare[:-1].replace(".", "").isdigit()
    return Break.NO if dotted or folded in _ABBREVIATIONS or (len(folded) == 1 and folded.isalpha()) else Break.MAYBE


# --- words of a chunk -------------------------------------------------------------------------------------------

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Tibetan, Myanmar, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"  # Han beyond the basic plane
)
_LETTER = rf"(?:[^\W\d_{_UNSPACED}]|[\u0300-\u036f\u0900-\u0963\u0970-\u0dff])"
_WORD = re.compile(
    rf"(?P<dotted>{_LETTER}(?:\.{_LETTER})+(?!{_LETTER})\.?)"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)*)"
    rf"|(?P<plain>{_LETTER}+(?:'{_LETTER}+)*)"
    rf"|(?P<sign>[{_UNSPACED}])"
)
_ELIDED = frozenset(
    "l d j m t s n c qu jusqu lorsqu puisqu quoiqu quelqu dell nell all dall sull quest un bell quell".split()  # noqa: SIM905
)
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\u0640\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
)
_PLAIN = {
    "’‘ʼ′＇`´ʻʾʿ": "'",
    **{"ø": "o", "ł": "l", "đð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ə": "e"},  # noqa: PIE800
    **{"أإآٱ": "ا", "ىیئې": "ي", "ؤ": "و", "ةۀە": "ه", "ک": "ك"},  # noqa: PIE800
}
_LETTERS = str.maketrans({letter: plain for letters, plain in _PLAIN.items() for letter in letters})


@lru_cache(maxsize=1 << 16)
def _chunk(raw: str) -> tuple[Word, ...]:
    """Return the words of a chunk without spaces. Cached: news repeats its words."""
    folded, origin = _fold(raw)
    found: list[tuple[str, int, int]] = []
    for match in _WORD.finditer(folded):
        found.extend(_pieces(match))
    made = [Word(word, origin[start], origin[end - 1] + 1, Break.NO) for word, start, end in found]
    for number, (_, _, end) in enumerate(found[:-1]):
        between = folded[end : found[number + 1][1]]
        if any(stop in between for stop in "。｡؟۔।！？"):
            made[number] = made[number]._replace(breaks=Break.YES)
    if made:
        made[-1] = made[-1]._replace(breaks=_ending(raw, made[-1].folded))
    return tuple(made)


def _pieces(match: re.Match[str]) -> list[tuple[str, int, int]]:
    """Return (word, start, end) for one find, parted or trimmed at its apostrophes."""
    text, start, end = match.group(), match.start(), match.end()
    kind = match.lastgroup
    if kind == "dotted":
        return [(text.replace(".", ""), start, end)]
    if kind == "number":
        return [(_digits(text.replace(",", "")), start, end)]
    if "'" not in text:
        return [(text, start, end)]
    head, _, tail = text.partition("'")
    if head in _ELIDED and tail != "s":
        cut = start + len(head)
        return [(head, start, cut), (tail.replace("'", ""), cut + 1, end)]
    if text.endswith("'s"):
        return [(text[:-2].replace("'", ""), start, end - 2)]
    return [(text.replace("'", ""), start, end)]


def _digits(text: str) -> str:
    return text if text.isascii() else "".join(str(unicodedata.digit(c, c)) for c in text)


def _fold(raw: str) -> tuple[str, Sequence[int]]:
    """Return `raw` folded, and for each character of that the offset in `raw` that it came from."""
    if raw.isascii():
        return raw.lower().replace("`", "'"), range(len(raw))
    letters: list[str] = []
    origin: list[int] = []
    for at, letter in enumerate(raw):
        made = fold(letter)
        letters.append(made)
        origin.extend([at] * len(made))
    return "".join(letters), origin


@lru_cache(maxsize=1 << 14)
def fold(text: str) -> str:
    """Return `text` without case, accents, invisible characters and variant letter forms."""
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS)))
    return _MARKS.sub("", unicodedata.normalize("NFKD", bare.casefold())).translate(_LETTERS)
