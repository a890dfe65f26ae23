"""Words cut into the pieces that a sentence encoder knows, as BERT's uncased tokenizer cuts them. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence

PIECES_AT_MOST = 96
_WORD_CHARS = 100
_LETTERS_A_PIECE = 2.0  # English has 3 to 6; a script that the pieces do not know falls apart into single letters
_BLANKS = "\t\n\r"


class WordPieces:
    """The pieces of one vocabulary. Raises KeyError when one of its three marks is missing."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self._unknown, self._begin, self._end = (self._numbers[name] for name in ("[UNK]", "[CLS]", "[SEP]"))

    def cut(self, text: str) -> list[int]:
        """Return the numbers of the first 96 pieces of `text`, with the marks of its begin and end.

        Empty when its words fall apart into letters or into nothing known: such pieces carry no meaning.
        """
        found: list[int] = []
        letters = lettered = 0
        for word in words(text):
            pieces = self._cut_word(word)
            if word.isalpha():
                letters += 0 if pieces == [self._unknown] else len(word)
                lettered += len(pieces)
            found += pieces
            if len(found) >= PIECES_AT_MOST - 2:
                break
        if letters < _LETTERS_A_PIECE * lettered or not letters:
            return []
        return [self._begin, *found[: PIECES_AT_MOST - 2], self._end]

    def _cut_word(self, word: str) -> list[int]:
        """Return the pieces of a word, each the longest that is known; one unknown piece when they do not cover it."""
        found: list[int] = []
        start = 0
        while start < len(word) <= _WORD_CHARS:
            mark = "##" if start else ""
            end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in self._numbers), 0)
            if not end:
                return [self._unknown]
            found.append(self._numbers[mark + word[start:end]])
            start = end
        return found or [self._unknown]


def words(text: str) -> Iterator[str]:
    """Yield words and marks as BERT's uncased tokenizer parts them."""
    word = ""
    for mark in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(mark)
        if kind == "Mn" or (kind in {"Cc", "Cf"} and mark not in _BLANKS):
            continue
        if not mark.isspace() and not _stands_alone(mark, kind):
            word += mark
            continue
        if word:
            yield word
        word = ""
        if not mark.isspace():
            yield mark
    if word:
        yield word


def _stands_alone(mark: str, kind: str) -> bool:
    return kind.startswith("P") or (mark.isascii() and not mark.isalnum()) or "\u4e00" <= mark <= "\u9fff"
