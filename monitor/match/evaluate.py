"""Whether a condition holds for a text, and which words make it hold. Pure.

A node yields None when it does not hold, else the groups of words that make it hold; a `not` holds with none. What
`unless` and a local `not` cancel are stretches of words: an occurrence that overlaps one does not count. The smallest
things that can be cancelled are a term outside of `near`, and a `near` as a whole.

A `near` often holds in several ways. For a match the shortest from each beginning are enough: what spares a longer one
spares them too. What cancels does so in every way in which it holds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from monitor import model
from monitor.match import forms, near
from monitor.match.near import Group
from monitor.rules.gates import Piece
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
    Within,
)
from monitor.rules.program import Program, Scan

Found = list[Group] | None
Stretch = tuple[int, int]
EVERY_FIELD = frozenset(model.Field)


@dataclass(frozen=True, slots=True)
class View:
    """What a node may look at: a scanned text, some of its fields, and not the cancelled stretches.

    meets: whether the entry meets a rule's conditions. every: whether every way to fulfil a `near` is asked for, not
    the shortest alone. rules, views, pieces: what came of each rule, choice of fields and set of terms, so that nothing
    is done twice.
    """

    program: Program
    scan: Scan
    meets: Callable[[RuleNode], bool]
    fields: frozenset[model.Field] = EVERY_FIELD
    cancelled: tuple[Stretch, ...] = ()
    every: bool = False
    rules: dict[tuple[str, frozenset[model.Field], bool], Found] = field(default_factory=dict)
    views: dict[tuple[frozenset[model.Field], bool], "View"] = field(default_factory=dict)
    pieces: dict[int, Sequence[Piece]] = field(default_factory=dict)

    def sees(self, group: Group) -> bool:
        """Return whether a group touches nothing that is cancelled."""
        return not any(group.start < end and start < group.end for start, end in self.cancelled)

    def inside(self, fields: frozenset[model.Field]) -> "View":
        """Return this view on fewer fields with nothing cancelled; made once for each choice of fields."""
        if self.fields is not EVERY_FIELD:
            fields &= self.fields
        made = self.views.get((fields, self.every))
        if made is None:
            made = View(self.program, self.scan, self.meets, fields, (), self.every, self.rules, self.views)
            self.views[fields, self.every] = made
        return made

    def without(self, stretches: Sequence[Stretch]) -> "View":
        """Return this view with more stretches cancelled."""
        return self._as((*self.cancelled, *stretches), every=self.every) if stretches else self

    def in_every_way(self) -> "View":
        """Return this view with every way to fulfil a `near`."""
        if self.every:
            return self
        if self.cancelled:
            return self._as(self.cancelled, every=True)
        made = self.views.get((self.fields, True))
        if made is None:
            made = self.views[self.fields, True] = self._as((), every=True)
        return made

    def anew(self) -> "View":
        """Return this view with nothing cancelled, and every way to fulfil a `near`."""
        return self._as((), every=True)

    def only(self, field_: model.Field) -> "View":
        """Return this view on one of its fields, with the same cancelled."""
        return self.inside(frozenset((field_,))).without(self.cancelled)

    def _as(self, cancelled: tuple[Stretch, ...], *, every: bool) -> "View":
        return View(
            self.program, self.scan, self.meets, self.fields, cancelled, every, self.rules, self.views, self.pieces
        )


def rule(node: RuleNode, view: View) -> Found:
    """Return what makes a rule match, None when it does not. Its conditions on feeds and so on count."""
    if node.conditions and not view.meets(node):
        return None
    inside = view.inside(node.fields)
    if node.unless_anywhere is not None and find(node.unless_anywhere, inside) is not None:
        return None
    if node.unless is None:
        return find(node.match, inside)
    if (found := find(node.match, inside)) is None:
        return None
    cancelled = cancels(node.unless, inside)
    return find(node.match, inside.without(cancelled)) if cancelled else found


def cancels(unless: Node, view: View) -> list[Stretch]:
    """Return the stretches that an `unless` cancels: each way in which it holds, each alternative of an `any`."""
    ends: dict[int, int] = {}
    for group in find(unless, view.in_every_way()) or ():
        ends[group.start] = max(group.end, ends.get(group.start, 0))
    return list(ends.items())


def find(node: Node, view: View) -> Found:
    """Return the groups that make `node` hold, None when it does not."""
    return _FINDERS[type(node)](node, view)


# --- nodes over the whole text ----------------------------------------------------------------------------------


def _leaf(node: Leaf, view: View) -> Found:
    groups = _groups(pieces_of(node, view))
    if view.cancelled:
        groups = [group for group in groups if view.sees(group)]
    return groups or None


def _any(node: AnyOf, view: View) -> Found:
    alternatives = view.scan.passed.alternatives(node)
    found = [groups for child in alternatives if (groups := find(child, view)) is not None]
    return [group for groups in found for group in groups] if found else None


def _all(node: AllOf, view: View) -> Found:
    forbidden = [
        stretch for child in node.nodes if isinstance(child, Not) for stretch in sentences_of(child.node, view)
    ]
    positive = [child for child in node.nodes if not isinstance(child, Not)]
    if not positive:
        return None if forbidden else []
    inside = view.without(forbidden)
    groups: list[Group] = []
    for child in positive:
        found = find(child, inside)
        if found is None:
            return None
        groups.extend(found)
    return groups


def sentences_of(node: Node, view: View) -> list[Stretch]:
    """Return the sentences in which `node` occurs."""
    text = view.scan.text
    found = find(node, view.in_every_way()) or ()
    numbers = {text.part_of[piece[0]] for group in found for piece in group.pieces or (group,)}
    return [(text.parts[number].first, text.parts[number].end) for number in sorted(numbers)]


def _not(node: Not, view: View) -> Found:
    return [] if find(node.node, view) is None else None


def _at_least(node: AtLeast, view: View) -> Found:
    found = [groups for child in node.nodes if (groups := find(child, view)) is not None]
    return [group for groups in found for group in groups] if len(found) >= node.count else None


def _near(node: Near, view: View) -> Found:
    groups = _pairs(node, view)
    if groups is None:
        groups = near_groups(node, view, tight=not view.every)
    if view.cancelled:
        groups = [group for group in groups if view.sees(group)]
    return groups or None


def _in(node: In, view: View) -> Found:
    return find(node.node, view.only(node.field))


def _rule_ref(node: RuleRef, view: View) -> Found:
    key = (node.rule, view.fields, view.every)
    if key not in view.rules:
        view.rules[key] = rule(view.program.by_id[node.rule], view)
    found = view.rules[key]
    if found is None:
        return None
    return [group for group in found if view.sees(group)] or (None if found else [])


def _score(node: Score, view: View) -> Found:
    found = [(groups, weight) for leaf, weight in node.weights if (groups := find(leaf, view)) is not None]
    if sum(weight for _, weight in found) < node.at_least:
        return None
    return [group for groups, weight in found if weight > 0 for group in groups]


def _form(node: Form, view: View) -> Found:
    text = view.scan.text
    if model.Field.TITLE not in view.fields or not forms.of(text.fields[model.Field.TITLE]).intersection(node.forms):
        return None
    parts = [part for part in text.parts if part.field is model.Field.TITLE]
    return [Group(parts[0].first, parts[-1].end, ())] if parts else []


# --- nodes inside `near` ----------------------------------------------------------------------------------------


def near_groups(node: Near, view: View, *, tight: bool) -> list[Group]:
    """Return the groups of a `near`: with tight, for each beginning only the one that ends soonest."""
    if node.within is Within.TITLE:
        view = view.only(model.Field.TITLE)
    reach = node.within if isinstance(node.within, int) else None
    operands: list[list[Group]] = []
    for child in node.nodes:
        if not isinstance(child, Not):
            operands.append(spots(child, view))
            if not operands[-1]:
                return []
    forbidden = [group for child in node.nodes if isinstance(child, Not) for group in spots(child.node, view)]
    choose = near.tightest if tight else near.every
    found: list[Group] = []
    for unit, pools in by_unit(node, operands, view):
        barred = [group for group in forbidden if unit_of(node, group, view) == unit]
        found.extend(
            group
            for group in choose(pools, reach, ordered=node.ordered)
            if not any(reach is None or near.between(group, other) <= reach for other in barred)
        )
        if len(found) >= near.MOST:
            break
    return found


def _pairs(node: Near, view: View) -> list[Group] | None:
    """Return the groups of a `near` of two sets of terms, as most are; None for any other, and for very many words."""
    if len(node.nodes) != 2 or node.within is Within.TITLE:
        return None
    first, last = node.nodes
    if not isinstance(first, Leaf) or not isinstance(last, Leaf):
        return None
    one = pieces_of(first, view)
    other = pieces_of(last, view) if one else one
    if not other:
        return []
    if len(one) * len(other) > near.FEW:
        return None
    reach = node.within if isinstance(node.within, int) else None
    return near.pairs(one, other, reach, view.scan.text.part_of, ordered=node.ordered, tight=not view.every)


def by_unit(node: Near, operands: Sequence[list[Group]], view: View) -> Iterator[tuple[int, list[list[Group]]]]:
    """Yield each sentence (or the title) in which every operand occurs, with the operands' groups there."""
    pools: list[dict[int, list[Group]]] = []
    for groups in operands:
        pool: dict[int, list[Group]] = {}
        for group in groups:
            pool.setdefault(unit_of(node, group, view), []).append(group)
        pools.append(pool)
    for unit in sorted(set.intersection(*(set(pool) for pool in pools))):
        yield unit, [pool[unit] for pool in pools]


def unit_of(node: Near, group: Group, view: View) -> int:
    """Return the number of the stretch that a group stands in, for `near`: its sentence, or -1 for the title."""
    return -1 if node.within is Within.TITLE else view.scan.text.part_of[group.start]


def spots(node: Node, view: View) -> list[Group]:
    """Return the groups that a node offers to the `near` around it, each within one sentence."""
    match node:
        case Leaf():
            return _groups(pieces_of(node, view))
        case AnyOf():
            return [group for child in view.scan.passed.alternatives(node) for group in spots(child, view)]
        case AllOf():
            return near_groups(Near(node.place, node.nodes), view, tight=False)
        case AtLeast():
            chosen = combinations(node.nodes, node.count)
            return [group for some in chosen for group in near_groups(Near(node.place, some), view, tight=False)]
        case Near():
            return near_groups(node, view, tight=False)
        case In():
            return spots(node.node, view.only(node.field))
        case _:
            return find(node, view.anew()) or []


def pieces_of(node: Leaf, view: View) -> Sequence[Piece]:
    """Return a leaf's occurrences in the view's fields, in reading order, the longer first."""
    ids = view.program.ids[node]
    found = view.pieces.get(id(ids))
    if found is None:
        spans, text = view.scan.spans, view.scan.text
        found = [piece for term in view.scan.passed.seen & ids for piece in spans[term]]
        if len(found) > 1:
            found.sort(key=_reading_order)
        if found and not text.has <= view.fields:
            found = [piece for piece in found if text.field_of(piece[0]) in view.fields]
        view.pieces[id(ids)] = found
    return found


def _groups(pieces: Sequence[Piece]) -> list[Group]:
    return [Group(piece[0], piece[1], (piece,)) for piece in pieces]


def _reading_order(piece: Piece) -> tuple[int, int, int]:
    start, end, term = piece
    return start, -end, term


_FINDERS: Mapping[type[Node], Callable[..., Found]] = {
    Leaf: _leaf,
    AnyOf: _any,
    AllOf: _all,
    Not: _not,
    AtLeast: _at_least,
    Near: _near,
    In: _in,
    RuleRef: _rule_ref,
    Score: _score,
    Form: _form,
}
