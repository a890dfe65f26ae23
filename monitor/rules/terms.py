"""The syntax of one term, and the strings under which it is sought in a text. Pure.

sanction             a whole word; case, accents and Unicode forms folded
asset freeze*        a phrase, its last word a prefix; a `*` may end any of its words
=Wagner              exactly so: case and accents count
US                   two to five capitals: capitals only
stem:deliver         any English inflection
/f-?1[56]s?/         a regular expression (RE2) on the printed text; case does not count unless it says (?-i)
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import re2
import snowballstemmer

from monitor.rules import text
from monitor.rules.nodes import Term, TermKind

LONGEST = 400  # characters of a term


class TermError(ValueError):
    """A term that cannot be read; the message says why and what to write."""


def parse(written: str) -> Term:
    """Return the term that `written` stands for; raise TermError."""
    if not written.strip():
        raise TermError("an empty term matches nothing: write a word, or remove it")
    if len(written) > LONGEST:
        raise TermError(f"a term of {len(written)} characters; at most {LONGEST} are allowed")
    if written.startswith("/"):
        return _regex(written)
    if written.startswith("stem:"):
        return stem(written.removeprefix("stem:").strip())
    if written.startswith("="):
        return _exact(written)
    return _words(written)


def stem(written: str) -> Term:
    """Return a term for every English inflection of `written`, a word or a phrase."""
    words = text.words(written)
    if not words or "*" in written:
        raise TermError(f"`stem: {written}` needs a plain English word or phrase")
    return Term(TermKind.STEM, f"stem:{written}", tuple(stem_of(word) for word in words))


@lru_cache(maxsize=1 << 16)
def stem_of(word: str) -> str:
    """Return the English stem of a folded word (Snowball's Porter2)."""
    return str(_STEMMER.stemWord(word))


_STEMMER = snowballstemmer.stemmer("english")


def patterns(term: Term) -> Iterator[str]:
    """Yield the strings under which a term is sought in `Text.joined`; every occurrence contains one of them.

    None for a regular expression. A hit is an occurrence only when `needs_check` is false or the check agrees.
    """
    if term.kind is TermKind.REGEX:
        return
    if term.kind is TermKind.STEM:
        first = term.words[0]
        yield " " + first[: max(1, len(first) - 2)]
        return
    upto = min(term.prefixes, default=len(term.words) - 1)
    head = " ".join(term.words[: upto + 1])
    tail = "" if upto in term.prefixes else " "
    yield f" {head}{tail}"
    for clitic in _clitics(head):
        yield f" {clitic}{tail}"


def needs_check(term: Term) -> bool:
    """Return whether a hit of a pattern is not yet an occurrence."""
    return (
        term.kind in {TermKind.STEM, TermKind.EXACT}
        or term.capitals
        or min(term.prefixes, default=len(term.words)) < len(term.words) - 1
    )


def as_printed(written: str) -> str:
    """Return `written` in the form in which exact terms are compared: composed, with straight apostrophes."""
    return re.sub("[’‘ʼ′＇]", "'", unicodedata.normalize("NFKC", written))


# --- kinds of terms ---------------------------------------------------------------------------------------------


def _words(written: str) -> Term:
    parts = written.split()
    words: list[str] = []
    prefixes: set[int] = set()
    for part in parts:
        bare = part.removesuffix("*")
        if "*" in bare:
            raise TermError(
                f"`{written}`: a `*` stands at the end of a word only; for more, write a /regular expression/"
            )
        words.extend(text.words(bare))
        if bare != part and words:
            prefixes.add(len(words) - 1)
    if not words:
        raise TermError(f"`{written}` has no letter or digit, so that it can never match")
    letters = as_printed(written).replace(".", "")  # as a text is read: ª is a small letter
    capitals = (
        not prefixes and len(words) == 1 and 2 <= len(letters) <= 5 and letters.isalpha() and _is_capitals(letters)
    )
    return Term(TermKind.WORDS, written, tuple(words), frozenset(prefixes), capitals)


def _is_capitals(letters: str) -> bool:
    return letters == letters.upper() and letters != letters.lower()


def _exact(written: str) -> Term:
    wanted = as_printed(written[1:].strip())
    words = text.words(wanted)
    if not words or "*" in wanted:
        raise TermError(f"`{written}` needs the exact word or phrase after the `=`, without `*`")
    return Term(TermKind.EXACT, written, words, pattern=wanted)


def _regex(written: str) -> Term:
    if len(written) < 3 or not written.endswith("/"):
        raise TermError(f"`{written}`: a regular expression stands between two slashes, /like this/")
    pattern = written[1:-1]
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise TermError(f"`{written}` is not a regular expression that RE2 knows: {why}") from error
    if compiled.search("") is not None:
        raise TermError(f"`{written}` matches the empty text, so that it would match everything")
    return Term(TermKind.REGEX, written, pattern=pattern)


def options() -> "re2.Options":
    """Return how regular expressions are compiled: case folded, quiet, bounded memory."""
    made = re2.Options()
    made.case_sensitive = False
    made.log_errors = False
    made.max_mem = 1 << 20
    return made


_OPTIONS = options()

# --- clitics ----------------------------------------------------------------------------------------------------

_ARABIC = ("ال", "و", "ف", "ب", "ك", "ل", "لل", "وال", "فال", "بال", "كال", "ولل", "وب", "ول", "فل", "وبال", "س")
_HEBREW = ("ה", "ו", "ב", "ל", "מ", "ש", "כ", "וה", "וב", "ול", "ומ", "שה", "מה", "בה", "לה")


def _clitics(head: str) -> Iterator[str]:
    """Yield a term's first word with what Arabic and Hebrew write onto it: and, in, for, the (والنيجر is Niger)."""
    if "\u0621" <= head[0] <= "\u06d3":
        bare = head.removeprefix("ال") if len(head) > 4 else head
        yield from (prefix + bare for prefix in _ARABIC if prefix + bare != head)
        if bare != head:
            yield bare
    elif "\u05d0" <= head[0] <= "\u05ea":
        yield from (prefix + head for prefix in _HEBREW)
