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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from itertools import accumulate, chain, count, repeat
from operator import add, itemgetter
from string import punctuation
from typing import NamedTuple

from monitor import model

LONGEST = 500  # words of a sentence; what is longer is no sentence, and is cut
REMEMBERED = 1 << 16  # chunks whose words are remembered; news repeats them


class Break(IntEnum):
    """Whether a sentence ends after a word."""

    NO = 0
    MAYBE = 1  # a full stop: unless the next word begins small
    YES = 2


class Word(NamedTuple):
    """One word of a chunk. `start` and `end` are offsets into the chunk as printed; capital: no letter is small."""

    folded: str
    start: int
    end: int
    capital: bool
    breaks: Break = Break.NO


class Part(NamedTuple):
    """A sentence: its field, and its first and one past its last word in `Text.words`."""

    field: model.Field
    first: int
    end: int


@dataclass(frozen=True, eq=False)
class Text:
    """An entry's words, numbered through all its fields.

    words: folded; read: the same with what is known of each. parts: the sentences, in order. joined: the words as one
    string in which terms are sought: one space before and after each word, a line break between sentences. What only
    a text with a match is asked for is found out when it is asked for.
    """

    fields: dict[model.Field, str]
    words: tuple[str, ...]
    read: Sequence[Word]
    parts: tuple[Part, ...]
    joined: str

    @cached_property
    def has(self) -> frozenset[model.Field]:
        """The fields that hold a word."""
        return frozenset(part.field for part in self.parts)

    @cached_property
    def part_of(self) -> tuple[int, ...]:
        """For each word the index of its sentence."""
        return tuple(chain.from_iterable(repeat(at, part.end - part.first) for at, part in enumerate(self.parts)))

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each word's leading space stands in `joined`; each sentence costs two characters beside its words."""
        lengths = map(add, accumulate(map(len, self.words), initial=0), count())
        if len(self.parts) < 2:
            return tuple(lengths)[: len(self.words)]
        return tuple(length + 2 * part for length, part in zip(lengths, self.part_of, strict=False))

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each word begins in its field as printed."""
        return self._places[0]

    @property
    def ends(self) -> tuple[int, ...]:
        """Where each word ends in its field as printed."""
        return self._places[1]

    @cached_property
    def _places(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        starts: list[int] = []
        ends: list[int] = []
        for text in self.fields.values():
            after = 0
            for raw in text.split():
                at = text.index(raw, after)
                after = at + len(raw)
                for _, start, end, _, _ in _CHUNKS[raw]:
                    starts.append(at + start)
                    ends.append(at + end)
        return tuple(starts), tuple(ends)

    def field_of(self, word: int) -> model.Field:
        """Return the field in which word number `word` stands."""
        return self.parts[self.part_of[word]].field

    def printed(self, word: int) -> str:
        """Return word number `word` as printed, in composed form."""
        return _composed(self.fields[self.field_of(word)][self.starts[word] : self.ends[word]])

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
    found: list[Word] = []
    parts: list[Part] = []
    for field, text in fields.items():
        if text:
            first = len(found)
            for end in _sentences(text, found):
                parts.append(Part(field, first, end))
                first = end
    words = tuple(map(_FOLDED, found))
    joined = "\n".join([f" {' '.join(words[first:end])} " for _, first, end in parts])
    return Text(fields, words, found, tuple(parts), joined)


def words(text: str) -> tuple[str, ...]:
    """Return the folded words of `text`."""
    return tuple(word.folded for raw in text.split() for word in _CHUNKS[raw])


# --- sentences of a field ---------------------------------------------------------------------------------------

_OPENERS = "\"'([{«“‘„‚"
_CLOSERS = "\"')]}»”’"
_FULL_STOPS = "。！？｡؟۔।!?"
_STOP = re.compile(f"[.…{_FULL_STOPS}]")
_FOLDED = itemgetter(0)


def _sentences(text: str, found: list[Word]) -> list[int]:
    """Add the words of `text` to `found`; return for each sentence how long `found` was at its end."""
    begun = len(found)
    ends: list[int] = []
    for paragraph in text.split("\n\n"):
        raws = paragraph.split()
        if _STOP.search(paragraph):
            ends.extend(_ends(raws, found))
        else:
            found.extend(chain.from_iterable(map(_CHUNKS.__getitem__, raws)))
        ends.append(len(found))
    cut: list[int] = []
    for end in ends:
        cut.extend(range(begun + LONGEST, end, LONGEST))
        if end > begun:
            cut.append(end)
            begun = end
    return cut


def _ends(raws: Sequence[str], found: list[Word]) -> Iterator[int]:
    """Add the words of some chunks to `found`; yield how long `found` was at each end of a sentence."""
    waiting = Break.NO
    for raw in raws:
        if waiting is Break.MAYBE and not raw.lstrip(_OPENERS)[:1].islower():
            yield len(found)
        chunk = _CHUNKS[raw]
        if not chunk:
            continue
        if len(chunk) > 1:
            yield from (at for at, word in enumerate(chunk, len(found) + 1) if word.breaks is Break.YES)
        found.extend(chunk)
        waiting = chunk[-1].breaks
        if waiting is Break.YES:
            yield len(found)


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
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof gen col maj lt sgt capt cmdr adm sen rep gov pres rev hon st vs etc jr sr inc ltd co corp "  # noqa: SIM905
    "jan feb mar apr jun jul aug sep sept oct nov dec fig vol op cit al approx dept est min".split()
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


class _Chunks(dict[str, tuple[Word, ...]]):
    """The words of each chunk that was read lately."""

    def __missing__(self, raw: str) -> tuple[Word, ...]:
        made = _chunk(raw)
        if len(raw) <= _WORTH:
            if len(self) >= REMEMBERED:
                self.clear()
            self[raw] = made
        return made


_CHUNKS = _Chunks()
_WORTH = 60  # characters of a chunk that is worth remembering


def _chunk(raw: str) -> tuple[Word, ...]:
    """Return the words of a chunk without spaces."""
    if raw.isascii():
        bare = raw.strip(punctuation)
        if bare.isalpha():  # as most are
            folded, start = bare.lower(), raw.index(bare)
            return (Word(folded, start, start + len(bare), bare.isupper(), _ending(raw, folded)),)
    folded, origin = _fold(raw)
    found: list[tuple[str, int, int]] = []
    for match in _WORD.finditer(folded):
        found.extend(_pieces(match))
    made = []
    for number, (word, start, end) in enumerate(found, 1):
        between = folded[end : found[number][1]] if number < len(found) else ""
        breaks = Break.YES if any(stop in between for stop in _INNER_STOPS) else Break.NO
        first, last = origin[start], origin[end - 1] + 1
        printed = _composed(raw[first:last])
        made.append(Word(word, first, last, printed == printed.upper(), breaks))
    if made:
        made[-1] = made[-1]._replace(breaks=_ending(raw, made[-1].folded))
    return tuple(made)


_INNER_STOPS = "。｡؟۔।！？"


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


def _composed(printed: str) -> str:
    return printed if printed.isascii() else unicodedata.normalize("NFKC", printed)


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
