"""Why a rule did or did not match: the tree of its condition, with a tick or a cross at each node. Pure.

A cross comes with what came nearest: "the closest are 11 words apart", "the text has “sanctions”; write `sanction*`".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor import model
from monitor.match import conditions, evaluate, forms, found, near
from monitor.match.evaluate import View
from monitor.match.near import Group
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
    TermKind,
    Within,
    children,
)

SHOWN = 60  # characters of a node's own words in a label
SHORTEST = 3  # letters of a word that is worth a hint about longer ones


@dataclass(frozen=True, slots=True)
class Trace:
    """One node of a condition, judged.

    label: the node in the rule's own words. note: for a cross what came nearest, for a tick nothing or a remark.
    rule: set at the top of each tree.
    """

    label: str
    holds: bool
    note: str = ""
    evidence: tuple[model.Evidence, ...] = ()
    children: tuple["Trace", ...] = ()
    rule: model.Rule | None = None

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Yield the tree as text, two spaces a level."""
        words = f": {found.quoted(self.evidence)}" if self.evidence and not self.children else ""
        note = f" ({self.note})" if self.note else ""
        yield f"{'  ' * depth}{'✓' if self.holds else '✗'} {self.label}{words}{note}"
        for child in self.children:
            yield from child.lines(depth + 1)


def of_rule(node: RuleNode, entry: model.Entry, view: View, now: datetime) -> Trace:
    """Return the tree of one rule."""
    groups = evaluate.rule(node, view)
    inside = view.inside(node.fields)
    refused = tuple(
        Trace("conditions", holds=False, note=reason) for reason in conditions.refusals(node.conditions, entry, now)
    )
    parts = [*refused, Trace("match", (match := _of(node.match, inside)).holds, match.note, children=(match,))]
    if node.unless is not None and match.holds:
        parts.append(_unless(node, inside))
    if node.unless_anywhere is not None and match.holds:
        parts.append(_anywhere(node.unless_anywhere, inside))
    miss = next((part.note for part in parts if not part.holds), "")
    words = found.evidence(groups or (), view.program, view.scan)
    return Trace(node.rule.id, groups is not None, "" if groups is not None else miss, words, tuple(parts), node.rule)


def _unless(rule: RuleNode, view: View) -> Trace:
    assert rule.unless is not None
    stretches = evaluate.cancels(rule.unless, view)
    spared = evaluate.find(rule.match, view.without(stretches)) is not None
    if not stretches:
        return Trace("unless", holds=True, note="cancels nothing")
    groups = evaluate.find(rule.unless, view.in_every_way()) or ()
    words = found.quoted(found.evidence(groups, view.program, view.scan)) or "the title's form"
    said = f"cancels what {words} overlaps" + (", and something is left" if spared else ", and nothing is left")
    return Trace("unless", spared, said, children=(_of(rule.unless, view.in_every_way()),))


def _anywhere(node: Node, view: View) -> Trace:
    tree = _of(node, view)
    if not tree.holds:
        return Trace("unless_anywhere", holds=True, note="cancels nothing")
    words = found.quoted(_words(tree)) or "the title's form"
    return Trace("unless_anywhere", holds=False, note=f"{words} cancels the whole entry", children=(tree,))


def _words(tree: Trace) -> Iterator[model.Evidence]:
    yield from tree.evidence
    for child in tree.children:
        yield from _words(child)


# --- nodes ------------------------------------------------------------------------------------------------------


def _of(node: Node, view: View) -> Trace:
    groups = evaluate.find(node, view)
    below = view
    if isinstance(node, In):
        below = view.only(node.field)
    elif isinstance(node, Near) and node.within is Within.TITLE:
        below = view.only(model.Field.TITLE)
    inner = tuple(_of(child, below) for child in children(node))
    words = found.evidence(groups or (), view.program, view.scan)
    if groups is not None:
        return Trace(_label(node), holds=True, evidence=words, children=inner)
    return Trace(_label(node), holds=False, note=_miss(node, view, inner), children=inner)


def _label(node: Node) -> str:
    return _LABELS[type(node)](node)


def _near_label(node: Near) -> str:
    reach = f"within {node.within}" if isinstance(node.within, int) else f"within the {node.within.value}"
    return f"near, {reach}" + (", in this order" if node.ordered else "")


_LABELS: Mapping[type[Node], Callable[..., str]] = {
    Leaf: lambda node: node.written if len(node.written) <= SHOWN else node.written[: SHOWN - 3] + "...",
    AnyOf: lambda _: "any of",
    AllOf: lambda _: "all of",
    Not: lambda _: "not",
    AtLeast: lambda node: f"at least {node.count} of",
    Near: _near_label,
    In: lambda node: f"in the {node.field.value}",
    RuleRef: lambda node: f"rule {node.rule}",
    Score: lambda node: f"score, at least {node.at_least:g}",
    Form: lambda node: "title form " + ", ".join(name.value for name in node.forms),
}


def _miss(node: Node, view: View, inner: tuple[Trace, ...]) -> str:
    match node:
        case Leaf():
            return _leaf_miss(node, view)
        case Near():
            return _near_miss(node, view)
        case Not():
            return f"but {found.quoted(_words(inner[0])) or 'it'} occurs"
        case AtLeast(count=count):
            return f"{sum(child.holds for child in inner)} of the {count} that it takes"
        case Score():
            reached = sum(weight for (_, weight), child in zip(node.weights, inner, strict=True) if child.holds)
            return f"the words add up to {reached:g}"
        case Form():
            had = ", ".join(sorted(forms.of(view.scan.text.fields[model.Field.TITLE])))
            return f"the title's form is {had}" if had else "the title is a plain statement"
        case _:
            return next((child.note for child in inner if not child.holds and child.note), "")


def _near_miss(node: Near, view: View) -> str:
    """Return what came nearest to a `near`: a part that is absent, or the closest that its parts came."""
    if node.within is Within.TITLE:
        view = view.only(model.Field.TITLE)
    operands = [(child, evaluate.spots(child, view)) for child in node.nodes if not isinstance(child, Not)]
    absent = [_label(child) for child, groups in operands if not groups]
    if absent:
        return f"nothing of {' and of '.join(absent)}"
    wide = replace(node, nodes=tuple(child for child, _ in operands), within=_wider(node.within))
    closest = _closest(wide, view)
    if closest is None and node.ordered:
        closest = _closest(replace(wide, ordered=False), view)
        return (
            f"{_shown(closest, view)} stand in another order" if closest else "the parts stand in different sentences"
        )
    if closest is None:
        return "the parts stand in different sentences"
    _, apart = closest
    if isinstance(node.within, int) and apart > node.within:
        return f"the closest are {apart} words apart: {_shown(closest, view)}"
    if evaluate.near_groups(node, view, tight=True):
        return f"{_shown(closest, view)} is cancelled"
    return f"{_shown(closest, view)} stands beside what a `not` forbids"


def _wider(within: int | Within) -> Within:
    return Within.SENTENCE if isinstance(within, int) else within


def _closest(node: Near, view: View) -> tuple[Group, int] | None:
    """Return the ways in which a `near` without a limit holds: the one with its parts closest, and how far that is."""
    operands = [evaluate.spots(child, view) for child in node.nodes]
    best: tuple[Group, int] | None = None
    for _, pools in evaluate.by_unit(node, operands, view):
        for group in near.tightest(pools, None, ordered=node.ordered):
            apart = max(start for start, _, _ in group.pieces) - min(group.pieces)[1] + 1
            if best is None or apart < best[1]:
                best = group, apart
    return best


def _shown(closest: tuple[Group, int] | None, view: View) -> str:
    return found.quoted(found.evidence([closest[0]], view.program, view.scan)) if closest else ""


def _leaf_miss(node: Leaf, view: View) -> str:
    for term in node.terms:
        said = _term_miss(term, view)
        if said:
            return said
    return ""


def _term_miss(term: Term, view: View) -> str:
    """Return why a term that nearly occurs does not, empty when nothing like it is there."""
    text = view.scan.text
    if len(term.words) != 1 or term.kind in {TermKind.REGEX, TermKind.STEM}:
        return ""
    word = term.words[0]
    for number, other in enumerate(text.words):
        if other == word and (term.capitals or term.kind is TermKind.EXACT):
            how = "matches capitals only" if term.capitals else "asks for exactly that"
            return f"the text has “{text.printed(number)}”, and `{term.written}` {how}"
        if other.startswith(word) and other != word and len(word) >= SHORTEST and not term.prefixes:
            mend = f"`{word}*` would take it"
            return f"the text has “{text.printed(number)}”, and a term is a whole word; {mend}"
    return ""
