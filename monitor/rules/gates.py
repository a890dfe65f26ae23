"""What a text may meet, told by the terms that were seen in it alone, so that the rest is never evaluated. Pure.

A condition *needs* some sets of terms: it cannot hold in a text in which one of these sets has no member. A rule is
mostly a long `any`; so each alternative of it, and of an `unless`, is a gate of its own. A gate waits for the set whose
terms the fewest other gates ask for; when one of them is seen, its other sets are looked at: close by, if the
alternative is a `near`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from monitor.rules.nodes import (
    AllOf,
    AnyOf,
    AtLeast,
    Form,
    In,
    Leaf,
    Near,
    Node,
    Not,
    RuleNode,
    RuleRef,
    Score,
    Term,
    Within,
    children,
)
from monitor.rules.text import LONGEST, Text

Piece = tuple[int, int, int]  # where a term occurs: its first word, one past its last, and the term's number
Way = tuple[tuple[AnyOf, int], ...]
SMALL = 32  # terms that are sooner looked up one by one than found in a set
COMMON = 4  # letters of a word that many texts have: in, the, with


class Gate(NamedTuple):
    """One alternative. rule: the number of the rule that it may fulfil, None where it does not.

    reach: within how many words of one sentence all that it needs must begin; None for anywhere. needs: sets of terms
    beside the one that it waits for. way: the `any` around it, with its number in each.
    """

    rule: int | None
    reach: int | None
    needs: tuple[Collection[int], ...]
    way: Way


@dataclass(frozen=True, slots=True)
class Passed:
    """What may hold in one text. seen: the terms in it. rules: by number, ascending.

    opened: alternatives whose gates are open; free: those without a gate; for each `any` that has gates.
    """

    seen: AbstractSet[int]
    rules: Sequence[int]
    opened: Mapping[AnyOf, AbstractSet[int]]
    free: Mapping[AnyOf, AbstractSet[int]]

    def alternatives(self, node: AnyOf) -> Sequence[Node]:
        """Return the alternatives of an `any` that may hold, in their order."""
        free = self.free.get(node)
        if free is None:
            return node.nodes
        return [node.nodes[number] for number in sorted(free | self.opened.get(node, free))]


@dataclass(frozen=True, slots=True)
class Gates:
    """All gates. waiting: those that wait for each term. always: rules that need no term. free: as in `Passed`."""

    waiting: Mapping[int, Sequence[Gate]]
    always: frozenset[int]
    free: Mapping[AnyOf, AbstractSet[int]]

    def passed(self, spans: Mapping[int, Sequence[Piece]], text: Text) -> Passed:
        """Return what may hold in a text. spans: for each term that was seen, where."""
        rules = set(self.always)
        opened: dict[AnyOf, set[int]] = {}
        seen = set(spans)
        for term in self.waiting.keys() & seen:
            for rule, reach, needs, way in self.waiting[term]:
                for need in needs:
                    met = seen.intersection(need)
                    if not met or (reach is not None and not _close(spans[term], reach, met, spans, text.part_of)):
                        break
                else:
                    if rule is not None:
                        rules.add(rule)
                    for node, alternative in way:
                        opened.setdefault(node, set()).add(alternative)
        return Passed(seen, sorted(rules), opened, self.free)


def _close(
    pieces: Sequence[Piece],
    reach: int,
    terms: Collection[int],
    spans: Mapping[int, Sequence[Piece]],
    part_of: Sequence[int],
) -> bool:
    """Return whether one of `terms` stands beside one of `pieces`, in its sentence and not too far."""
    for term in terms:
        for at, _, _ in spans[term]:
            for start, _, _ in pieces:
                if -reach < at - start < reach and part_of[at] == part_of[start]:
                    return True
    return False


# --- building ---------------------------------------------------------------------------------------------------


def build(
    rules: Mapping[str, RuleNode],
    enabled: Sequence[RuleNode],
    numbers: Mapping[Leaf, frozenset[int]],
    terms: Sequence[Term],
) -> Gates:
    """Return the gates of all rules by id, those that are not enabled too. numbers: of each leaf's terms in `terms`."""
    places = {rule.rule.id: place for place, rule in enumerate(enabled)}
    gates: list[Gate] = []
    always: set[int] = set()
    free: dict[AnyOf, set[int]] = {}
    for rule in rules.values():
        for part in (rule.match, rule.unless, rule.unless_anywhere):
            place = places.get(rule.rule.id) if part is rule.match else None
            for node, way in _branches(part, ()) if part else ():
                needs = tuple(dict.fromkeys(_needs(node, numbers, rules)))
                for around, alternative in way:
                    free.setdefault(around, set()).update(() if needs else {alternative})
                if needs and (way or place is not None):
                    gates.append(Gate(place, _reach(node), needs, way))
                elif place is not None:
                    always.add(place)
    return Gates(_waiting(gates, terms), frozenset(always), free)


def _branches(node: Node, way: Way) -> Iterator[tuple[Node, Way]]:
    """Yield each alternative of nested `any`, or the node itself."""
    if isinstance(node, AnyOf):
        for number, child in enumerate(node.nodes):
            yield from _branches(child, (*way, (node, number)))
    else:
        yield node, way


def _waiting(gates: Sequence[Gate], terms: Sequence[Term]) -> dict[int, tuple[Gate, ...]]:
    """Return the gates that wait for each term."""
    asked = Counter(term for gate in gates for need in gate.needs for term in need)
    for term in asked:
        words = terms[term].words
        asked[term] *= 10 if len(words) == 1 and len(words[0]) <= COMMON else 1
    waiting: dict[int, list[Gate]] = {}
    for gate in gates:
        rarest = min(gate.needs, key=lambda need: (sum(asked[term] for term in need), len(need)))
        others = (need for need in gate.needs if need is not rarest)
        left = gate._replace(needs=tuple(need if len(need) > SMALL else tuple(need) for need in others))
        for term in rarest:
            waiting.setdefault(term, []).append(left)
    return {term: tuple(some) for term, some in waiting.items()}


# --- what a condition needs -------------------------------------------------------------------------------------


def _needs(node: Node, numbers: Mapping[Leaf, frozenset[int]], rules: Mapping[str, RuleNode]) -> list[frozenset[int]]:
    """Return sets of terms, of each of which a text must hold one for `node` to be true."""
    match node:
        case Leaf():
            return [numbers[node]]
        case AllOf() | Near():
            return [need for child in node.nodes for need in _needs(child, numbers, rules)]
        case AnyOf():
            return _either([_needs(child, numbers, rules) for child in node.nodes])
        case AtLeast():
            return _either([_needs(child, numbers, rules) for child in node.nodes[: len(node.nodes) - node.count + 1]])
        case Score():
            return [frozenset().union(*(numbers[leaf] for leaf, weight in node.weights if weight > 0))]
        case In(node=child):
            return _needs(child, numbers, rules)
        case RuleRef():
            return _needs(rules[node.rule].match, numbers, rules)
        case _:
            return []


def _either(choices: Sequence[Sequence[frozenset[int]]]) -> list[frozenset[int]]:
    """Return the one set that any of several choices needs: the union of each one's smallest set."""
    if not all(choices):
        return []
    return [frozenset().union(*(min(choice, key=len) for choice in choices))]


def _reach(node: Node) -> int | None:
    """Return within how many words of one sentence all begins that makes `node` hold, None for anywhere."""
    if isinstance(node, In):
        return _reach(node.node)
    return _extent(node) if isinstance(node, Near) else None


def _extent(node: Node) -> int | None:
    """Return how many words a group that `node` offers to a `near` may span, None if it may cross sentences."""
    match node:
        case Leaf(terms=terms):
            return max(len(term.words) or LONGEST for term in terms)
        case Form():
            return LONGEST
        case Score() | In() | AnyOf():
            return _widest(children(node))
        case AllOf() | AtLeast():
            return _widest(children(node)) and LONGEST
        case Near(within=within) if within is not Within.TITLE:
            widest = _widest(children(node))
            return widest and (2 * widest + within if isinstance(within, int) else LONGEST)
        case _:
            return None


def _widest(nodes: Sequence[Node]) -> int | None:
    extents = [_extent(node) for node in nodes if not isinstance(node, Not)]
    known = [extent for extent in extents if extent is not None]
    return max(known, default=1) if len(known) == len(extents) else None
