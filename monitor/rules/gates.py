"""What a text may meet, told by the terms that were seen in it alone, so that the rest is never evaluated. Pure.

A condition *needs* some sets of terms: it cannot hold in a text in which one of these sets has no member. A rule is
mostly a long `any`; so each alternative of it, and of an `unless`, is a gate of its own. A gate waits for the set whose
terms the fewest other gates ask for; when one of them is seen, its other sets are looked at.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from monitor.rules.nodes import AllOf, AnyOf, AtLeast, In, Leaf, Near, Node, RuleNode, RuleRef, Score

Need = frozenset[int]
Way = tuple[tuple[AnyOf, int], ...]


class Gate(NamedTuple):
    """One alternative. rule: the number of the rule that it may fulfil, None where it does not.

    needs: sets of terms that the text must hold one each of. way: the `any` around it, with its number in each.
    """

    rule: int | None
    needs: tuple[Need, ...]
    way: Way


@dataclass(frozen=True, slots=True)
class Passed:
    """What may hold in one text. rules: their numbers, ascending. opened: alternatives whose gates are open.

    free: alternatives without a gate, for each `any` that has gates.
    """

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
    """All gates. waiting: for each term the numbers of the gates that wait for it. always: rules that need no term.

    free: as in `Passed`.
    """

    gates: tuple[Gate, ...]
    waiting: Mapping[int, tuple[int, ...]]
    always: frozenset[int]
    free: Mapping[AnyOf, AbstractSet[int]]

    def passed(self, seen: AbstractSet[int]) -> Passed:
        """Return what may hold in a text with the terms `seen`."""
        rules = set(self.always)
        opened: dict[AnyOf, set[int]] = {}
        for number in set().union(*[self.waiting[term] for term in seen if term in self.waiting]):
            rule, needs, way = self.gates[number]
            for need in needs:
                if need.isdisjoint(seen):
                    break
            else:
                if rule is not None:
                    rules.add(rule)
                for node, alternative in way:
                    opened.setdefault(node, set()).add(alternative)
        return Passed(sorted(rules), opened, self.free)


def build(rules: Mapping[str, RuleNode], enabled: Sequence[RuleNode], terms: Mapping[Leaf, Need]) -> Gates:
    """Return the gates of all rules by id, those that are not enabled too. terms: the numbers of each leaf's."""
    numbers = {rule.rule.id: number for number, rule in enumerate(enabled)}
    gates: list[Gate] = []
    always: set[int] = set()
    free: dict[AnyOf, set[int]] = {}
    for rule in rules.values():
        for part in (rule.match, rule.unless, rule.unless_anywhere):
            number = numbers.get(rule.rule.id) if part is rule.match else None
            for node, way in _branches(part, ()) if part else ():
                needs = tuple(dict.fromkeys(_needs(node, terms, rules)))
                for around, alternative in way:
                    free.setdefault(around, set()).update(() if needs else {alternative})
                if needs and (way or number is not None):
                    gates.append(Gate(number, needs, way))
                elif number is not None:
                    always.add(number)
    return Gates(tuple(gates), _waiting(gates), frozenset(always), free)


def _branches(node: Node, way: Way) -> Iterator[tuple[Node, Way]]:
    """Yield each alternative of nested `any`, or the node itself."""
    if isinstance(node, AnyOf):
        for number, child in enumerate(node.nodes):
            yield from _branches(child, (*way, (node, number)))
    else:
        yield node, way


def _waiting(gates: Sequence[Gate]) -> dict[int, tuple[int, ...]]:
    """Return which gates wait for each term."""
    asked = Counter(term for gate in gates for need in gate.needs for term in need)
    waiting: dict[int, list[int]] = {}
    for number, gate in enumerate(gates):
        rarest = min(gate.needs, key=lambda need: (sum(asked[term] for term in need), len(need)))
        for term in rarest:
            waiting.setdefault(term, []).append(number)
    return {term: tuple(numbers) for term, numbers in waiting.items()}


# --- needs ------------------------------------------------------------------------------------------------------


def _needs(node: Node, terms: Mapping[Leaf, Need], rules: Mapping[str, RuleNode]) -> list[Need]:
    """Return sets of terms, of each of which a text must hold one for `node` to be true."""
    match node:
        case Leaf():
            return [terms[node]]
        case AllOf() | Near():
            return [need for child in node.nodes for need in _needs(child, terms, rules)]
        case AnyOf():
            return _either([_needs(child, terms, rules) for child in node.nodes])
        case AtLeast():
            return _either([_needs(child, terms, rules) for child in node.nodes[: len(node.nodes) - node.count + 1]])
        case Score():
            return [frozenset().union(*(terms[leaf] for leaf, weight in node.weights if weight > 0))]
        case In(node=child):
            return _needs(child, terms, rules)
        case RuleRef():
            return _needs(rules[node.rule].match, terms, rules)
        case _:
            return []


def _either(choices: Sequence[Sequence[Need]]) -> list[Need]:
    """Return the one set that any of several choices needs: the union of each one's smallest set."""
    if not all(choices):
        return []
    return [frozenset().union(*(min(choice, key=len) for choice in choices))]
