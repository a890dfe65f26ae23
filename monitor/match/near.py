"""Which occurrences stand close together. Pure.

A group is what one operand found, or several operands together: its first word, one past its last, and the pieces that
it is made of. `near` asks for one group of every operand, in one stretch of words, no word serving two operands, and at
most `reach` words from the end of the leftmost group to the start of the rightmost.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from monitor.rules.gates import Piece

MOST = 1000  # groups that one node may yield; real texts yield a handful
TRIED = 20_000  # ways to choose that are tried for them
FEW = 64  # pairs of groups that are looked at one by one
NEAREST = 100  # groups of one operand that are looked at behind another; real sentences hold a handful


class Group(NamedTuple):
    """Occurrences that belong together. `start` and `end` enclose them all."""

    start: int
    end: int
    pieces: tuple[Piece, ...]


def gap(first: Group, last: Group) -> int:
    """Return how many words `last` begins after the end of `first`: 1 for neighbours, 0 or less when they overlap."""
    return last.start - first.end + 1


def between(one: Group, other: Group) -> int:
    """Return the gap between two groups, whichever comes first."""
    return max(gap(one, other), gap(other, one))


def tightest(operands: Sequence[Sequence[Group]], reach: int | None, *, ordered: bool) -> list[Group]:
    """Return for each leftmost group the shortest way to have one group of every operand.

    A longer way with the same beginning covers the shorter, so that whatever spares the one spares the other too.
    """
    found: list[Group] = []
    pools = [_Pool(operand) for operand in operands]
    for index, operand in enumerate(operands[:1] if ordered else operands):
        others = [pool for number, pool in enumerate(pools) if number != index]
        for first in operand:
            best = _shortest(first, others, reach, ordered=ordered)
            if best is not None:
                found.append(best)
            if len(found) >= MOST:
                return found
    return found


def pairs(
    one: Sequence[Piece], other: Sequence[Piece], reach: int | None, units: Sequence[int], *, ordered: bool, tight: bool
) -> list[Group]:
    """Return what `tightest` or `every` returns for two operands of single terms with few occurrences, at less cost.

    Both are in reading order. units: for each word the sentence that it stands in.
    """
    found: list[Group] = []
    for firsts, lasts in ((one, other),) if ordered else ((one, other), (other, one)):
        for first in firsts:
            start, end, _ = first
            behind: list[Piece] = []
            for last in lasts:
                at = last[0]
                if at < end:
                    continue
                if (reach is not None and at - end >= reach) or units[at] != units[start]:
                    break
                behind.append(last)
            if tight and len(behind) > 1:
                behind = [min(behind, key=_END)]
            if behind:
                found += [Group(start, last[1], (first, last)) for last in behind]
    return found


class _Pool:
    """One operand's groups by their starts, so that those behind another are found at once."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = sorted(groups, key=lambda group: group.start)
        self.starts = [group.start for group in self.groups]

    def after(self, start: int, limit: int | None) -> list[Group]:
        """Return at most NEAREST groups that start behind `start` and not behind `limit`, the soonest end first."""
        low = bisect_right(self.starts, start)
        high = len(self.starts) if limit is None else bisect_right(self.starts, limit)
        return sorted(self.groups[low : min(high, low + NEAREST)], key=lambda group: group.end)


def every(operands: Sequence[Sequence[Group]], reach: int | None, *, ordered: bool) -> list[Group]:
    """Return every way to have one group of every operand, at most MOST."""
    found: list[Group] = []
    for chosen in islice(_ways(operands, ordered=ordered), TRIED):
        group = _joined(chosen)
        if reach is None or spread(chosen) <= reach:
            found.append(group)
            if len(found) >= MOST:
                break
    return found


def spread(chosen: Sequence[Group]) -> int:
    """Return the words from the end of the leftmost group to the start of the rightmost."""
    leftmost = min(chosen, key=lambda group: group.start)
    return max(group.start for group in chosen) - leftmost.end + 1


def _ways(operands: Sequence[Sequence[Group]], *, ordered: bool) -> Iterator[tuple[Group, ...]]:
    if not operands:
        yield ()
        return
    for head in _ways(operands[:-1], ordered=ordered):
        for group in operands[-1]:
            if ordered and head and group.start < head[-1].end:
                continue
            if not any(_share(group, other) for other in head):
                yield (*head, group)


def _shortest(first: Group, others: Sequence[_Pool], reach: int | None, *, ordered: bool) -> Group | None:
    """Return the way that begins with `first` and ends soonest, or None."""
    limit = None if reach is None else first.end + reach - 1
    pools = []
    for other in others:
        pool = other.after(first.start, limit)
        if not pool:
            return None
        pools.append(pool)
    if not ordered:
        pools.sort(key=len)
    search = _Search(pools, ordered=ordered)
    search.go([first], first.end)
    return _joined(search.best) if search.best else None


class _Search:
    """Depth first over the operands, cutting off what cannot end sooner than the best so far."""

    def __init__(self, pools: Sequence[Sequence[Group]], *, ordered: bool) -> None:
        self.pools = pools
        self.ordered = ordered
        self.best: tuple[Group, ...] = ()
        self.best_end = 1 << 62
        self.steps = 0

    def go(self, chosen: list[Group], end: int) -> None:
        """Choose a group of the next operand."""
        depth = len(chosen) - 1
        if depth == len(self.pools):
            self.best, self.best_end = tuple(chosen), end
            return
        for group in self.pools[depth]:
            self.steps += 1
            if max(end, group.end) >= self.best_end or self.steps > MOST:
                return
            if self.ordered and group.start < chosen[-1].end:
                continue
            if not any(_share(group, other) for other in chosen):
                chosen.append(group)
                self.go(chosen, max(end, group.end))
                chosen.pop()


def _share(one: Group, other: Group) -> bool:
    """Return whether a word serves both groups."""
    if one.end <= other.start or other.end <= one.start:
        return False
    return any(a[0] < b[1] and b[0] < a[1] for a in one.pieces for b in other.pieces)


def _joined(chosen: Sequence[Group]) -> Group:
    pieces = tuple(sorted(piece for group in chosen for piece in group.pieces))
    return Group(min(group.start for group in chosen), max(group.end for group in chosen), pieces)


_END = itemgetter(1)
