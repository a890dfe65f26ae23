"""Text from outside made fit to print: one line, no control or direction marks, cut at word ends, matches marked. Pure.

Feeds are cleaned on the way in; what goes out is cleaned again, because one lone surrogate makes a mail fail for ever
and a title with CR LF in it forges headers.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from monitor import model

ELLIPSIS = "…"
_ENOUGH = 20_000  # characters that are looked at, whatever comes: a title of 1 MB costs no more than this


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of cleaned text; `marked` when a rule matched it."""

    text: str
    marked: bool = False


def line(text: str, limit: int = 0) -> str:
    """Return `text` as one clean line, cut at a word's end to `limit` characters (0: not cut)."""
    return cut(_collapsed(_clean(text)).strip(), limit)


def paragraphs(text: str, limit: int = 0) -> str:
    """Return clean text whose line breaks are kept."""
    lines = (_collapsed(_clean(part)).strip() for part in text[:_ENOUGH].splitlines())
    return cut("\n".join(lines).strip(), limit)


def cut(text: str, limit: int) -> str:
    """Shorten `text` to `limit` characters, ellipsis included, at a word's end if one is near."""
    if limit <= 0 or len(text) <= limit:
        return text
    short = text[: max(limit - 1, 0)]
    space = max(short.rfind(" "), short.rfind("\n"))
    if space > limit * 0.6:
        short = short[:space]
    while short and unicodedata.combining(short[-1]):  # never a letter without its accent's base, nor half of it
        short = short[:-1]
    return short.rstrip(" \n,;:") + ELLIPSIS


def link(url: str) -> str:
    """Return an http(s) address with everything quoted that could end it early; empty for any other."""
    if len(url) > 2_000:  # half a link is worse than none
        return ""
    url = _clean(url).strip()
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not has_host:
        return ""
    return quote(url, safe="%/:=&?~#+!$,;@()*[]-._")


def marked(text: str, evidence: Iterable[model.Evidence], limit: int) -> tuple[Piece, ...]:
    """Return `text` as pieces, those marked that `evidence` covers, around the first of them, at most `limit` long.

    Offsets that lie outside the text, or inside the piece before, are passed over.
    """
    spans = sorted((e.start, e.end) for e in evidence if 0 <= e.start < e.end <= len(text))
    begin = _beginning(text, spans[0][0] if spans else 0, limit)
    end = min(len(text), begin + limit)
    if end < len(text) and (space := text.rfind(" ", begin + limit // 2, end)) > 0:
        end = space
    pieces = list(_pieces(text, spans, begin, end))
    if begin > 0:
        pieces.insert(0, Piece(ELLIPSIS))
    if end < len(text):
        pieces.append(Piece(ELLIPSIS))
    return _trimmed(pieces)


def plain(pieces: Sequence[Piece], mark: str = "*") -> str:
    """Join pieces, with `mark` on both sides of what matched."""
    return "".join(f"{mark}{piece.text}{mark}" if piece.marked else piece.text for piece in pieces)


def unmentioned(text: str) -> str:
    """Return text in which chat services find nobody to call and no link to hide: a zero-width space breaks them."""
    text = re.sub(r"@(?=[\w&!])", "@\u200b", text)
    return text.replace("<!", "<\u200b!").replace("](", "]\u200b(")


def plural(number: int, one: str, many: str = "") -> str:
    """Return `1 alert`, `2 alerts`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _clean(text: str) -> str:
    """Replace what has no business in a line: controls, direction marks, surrogates, private use, unassigned."""
    text = text[:_ENOUGH]
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if c in "\t\n\r\v\f\x85\u2028\u2029" else c for c in text if _is_fit(c))


def _is_fit(char: str) -> bool:
    if char in "\t\n\r\v\f\x85\u200c\u200d\u2028\u2029":  # breaks become spaces; joiners shape Persian, Hindi and emoji
        return True
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _collapsed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _beginning(text: str, first: int, limit: int) -> int:
    """Return where the excerpt begins, so that the first match stands in its first third."""
    if len(text) <= limit or first <= limit // 3:
        return 0
    begin = min(first - limit // 3, len(text) - limit)
    space = text.find(" ", begin, first)
    return space + 1 if space >= 0 else begin


def _pieces(text: str, spans: Sequence[tuple[int, int]], begin: int, end: int) -> Iterable[Piece]:
    cursor = begin
    for start, stop in spans:
        if start < cursor or start >= end:
            continue
        yield Piece(_collapsed(_clean(text[cursor:start])))
        yield Piece(_collapsed(_clean(text[start : min(stop, end)])), marked=True)
        cursor = min(stop, end)
    yield Piece(_collapsed(_clean(text[cursor:end])))


def _trimmed(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Drop empty pieces and the white space at both ends."""
    full = [piece for piece in pieces if piece.text]
    if full:
        full[0] = Piece(full[0].text.lstrip(), full[0].marked)
        full[-1] = Piece(full[-1].text.rstrip(), full[-1].marked)
    return tuple(piece for piece in full if piece.text)
