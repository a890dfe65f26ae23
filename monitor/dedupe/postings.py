"""Which stories hold a term: the inverted index that finds candidates. Pure: holds state, does no I/O."""

from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from monitor.dedupe import vectors

_PROBES = 24  # heaviest terms of an entry that look for candidates
_COMMON = 4000  # stories that share a term, from which on it finds too many to tell them apart
_KEPT_PROBES = 6  # heaviest terms that are looked up however common they are
_SWEEP_FROM = 1024  # dead slots; below, sweeping costs more than it frees


class Postings:
    """Slots by the terms that they hold. A slot is the number of a story here; it is never given out twice.

    A dead slot stays in the lists until half of them are dead; then all are swept at once.
    """

    def __init__(self) -> None:
        self._lists: dict[int, array[int]] = {}
        self._alive = np.zeros(1024, np.bool_)
        self._next = 0
        self._dead = 0

    def open(self) -> int:
        """Return a new slot, which no term leads to yet."""
        if self._next == len(self._alive):
            self._alive = np.concatenate([self._alive, np.zeros_like(self._alive)])
        self._alive[self._next] = True
        self._next += 1
        return self._next - 1

    def put(self, slot: int, terms: vectors.Numbers) -> None:
        """Let `terms` lead to `slot`; each only once."""
        for term in terms.tolist():
            listed = self._lists.get(term)
            if listed is None:
                self._lists[term] = array("I", (slot,))
            else:
                listed.append(slot)

    def close(self, slot: int) -> None:
        """Let no term lead to `slot` any more."""
        self._alive[slot] = False
        self._dead += 1

    def sweep(self, stories: Iterable[tuple[int, vectors.Numbers]]) -> bool:
        """Drop dead slots from the lists if most are dead. Returns whether it did."""
        if self._dead < _SWEEP_FROM or 2 * self._dead < self._next:
            return False
        self._lists.clear()
        for slot, terms in stories:
            self.put(slot, terms)
        self._dead = 0
        return True

    def nearest(self, vector: vectors.Vector, most: int) -> list[int]:
        """Return up to `most` living slots that share the most weight with `vector`, the most first."""
        found: list[NDArray[np.uint32]] = []
        weights: list[float] = []
        order = np.argsort(-vector.weights, kind="stable")[:_PROBES]
        for rank, place in enumerate(order.tolist()):
            listed = self._lists.get(int(vector.terms[place]))
            if listed is not None and (rank < _KEPT_PROBES or len(listed) <= _COMMON):
                found.append(np.frombuffer(listed, np.uint32))
                weights.append(float(vector.weights[place]) ** 2)
        if not found:
            return []
        slots = np.concatenate(found)
        shared = np.bincount(slots, np.repeat(weights, [len(listed) for listed in found]))
        shared[~self._alive[: len(shared)]] = 0.0
        near = np.flatnonzero(shared)
        if len(near) > most:
            near = near[np.argpartition(-shared[near], most)[:most]]
        return [int(slot) for slot in near[np.lexsort((near, -shared[near]))]]
