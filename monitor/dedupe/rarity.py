"""How rare a term is: a shipped table of counts, adapted by what this index has seen. Pure; reads its own data once."""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources


class Rarity:
    """Counts in how many texts each term occurs. Rarity is 0.0 for a term in every text, about 10 for one never seen."""

    def __init__(self) -> None:
        self._texts, self._shipped = shipped()
        self._seen: dict[str, int] = {}

    def of(self, term: str) -> float:
        """Return the rarity of `term`, in natural logarithms."""
        count = self._shipped.get(term, 0) + self._seen.get(term, 0)
        return math.log((self._texts + 1.0) / (count + 0.5))

    def saw(self, terms: Iterable[str]) -> None:
        """Count one more text with these terms."""
        self._texts += 1
        for term in terms:
            self._seen[term] = self._seen.get(term, 0) + 1


@cache
def shipped() -> tuple[int, Mapping[str, int]]:
    """Return how many texts the shipped table was counted from, and in how many of them each term occurs."""
    lines = (
        resources.files("monitor.dedupe")
        .joinpath("data")
        .joinpath("rarity.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    texts, counts = 0, {}
    for line in lines:
        if line.startswith("# texts: "):
            texts = int(line.removeprefix("# texts: "))
        elif not line.startswith("#"):
            term, _, count = line.rpartition("\t")
            counts[term] = int(count)
    return texts, counts
