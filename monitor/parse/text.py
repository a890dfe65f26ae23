"""Text from outside, made harmless: no markup, no control, bidi, zero-width or lone surrogate characters. Pure."""

import html
import re
import unicodedata

from selectolax.lexbor import LexborHTMLParser

_LONGEST_MARKUP = 200_000
_MOST_MARKS = 8

# Controls but for white space, soft hyphen, bidi and zero-width characters, tags, noncharacters, lone surrogates.
_JUNK = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff9-\ufffc\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_STACK = re.compile(r"[^\w\s\x00-\u02ff]{9,}")  # among others: accents stacked so high that they hide text around
_TAG = re.compile(r"</?[a-zA-Z]|<!")
_BREAKING = re.compile(
    r"<(?=/?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|th|table|blockquote|section|article|figure|figcaption|header|footer|hr|dd|dt|pre|option)\b)",
    re.IGNORECASE,
)
_UNSEEN = ["script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head", "title"]


def clean(words: str) -> str:
    """Return plain text in NFC, its white space folded to single spaces, without characters that deceive or break."""
    words = _JUNK.sub("", words)
    words = " ".join(words.split())
    if words.isascii():
        return words
    return unicodedata.normalize("NFC", _STACK.sub(_lowered, words))


def from_html(markup: str) -> str:
    """Return the text that a reader of `markup` sees, clean. Blocks are set apart by a space, inline tags are not."""
    if _TAG.search(markup) is None:
        return clean(_unescaped(markup) if "&" in markup else markup)
    markup = _BREAKING.sub(" <", _JUNK.sub("", markup[:_LONGEST_MARKUP]))
    tree = LexborHTMLParser(f"<body>{markup}")
    tree.strip_tags(_UNSEEN)
    body = tree.body
    return clean(body.text(deep=True, separator="")) if body is not None else ""


def cut(words: str, longest: int) -> str:
    """Return `words`, or as many whole ones as fit into `longest` characters with an ellipsis."""
    if len(words) <= longest:
        return words
    kept = words[: longest - 1]
    at = kept.rfind(" ")
    return (kept[:at] if at > longest // 2 else kept).rstrip() + "…"


def _lowered(found: re.Match[str]) -> str:
    """Return a run of characters with eight accents on each other at most: normalising long stacks is quadratic."""
    kept: list[str] = []
    height = 0
    for char in found.group():
        height = height + 1 if unicodedata.combining(char) else 0
        if height <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def _unescaped(words: str) -> str:
    try:
        return html.unescape(words)
    except ValueError:  # a reference of thousands of digits
        return words
