"""How rare a term is: a shipped table of counts, adapted by what this index has seen. Pure; reads its own data once."""

import math
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources


def number(term: str) -> int:
    """Return the number that stands for `term`; of 300,000 terms about ten pairs share one."""
    return zlib.crc32(term.encode("utf-8", "replace"))


class Rarity:
    """Counts in how many texts each term occurs: rarity is near 0.0 for one in every text, about 10 for a new one."""

    def __init__(self, seen_at_most: int = 300_000) -> None:
        self._texts, self._shipped = _shipped()
        self._seen: dict[int, int] = {}
        self._seen_at_most = seen_at_most

    def of(self, term: int) -> float:
        """Return the rarity of a term's number, in natural logarithms."""
        count = self._shipped.get(term, 0) + self._seen.get(term, 0)
        return math.log((self._texts + 1.0) / (count + 0.5))

    def saw(self, terms: Iterable[int]) -> None:
        """Count one more text with these terms; what was seen once is forgotten when the table grows too large."""
        self._texts += 1
        for term in terms:
            self._seen[term] = self._seen.get(term, 0) + 1
        if len(self._seen) > self._seen_at_most:
            self._seen = {term: count // 2 for term, count in self._seen.items() if count > 1}


@cache
def _shipped() -> tuple[int, Mapping[int, int]]:
    """Return how many texts the shipped table was counted from, and in how many of them each term occurs."""
    path = resources.files("monitor.dedupe").joinpath("data").joinpath("rarity.txt")
    texts, counts = 0, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# texts: "):
            texts = int(line.removeprefix("# texts: "))
        elif not line.startswith("#"):
            term, _, count = line.rpartition("\t")
            counts[number(term)] = int(count)
    return texts, counts
