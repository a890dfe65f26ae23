"""Whether one condition holds wherever another does, as far as their shapes tell. Pure."""

from collections.abc import Sequence

from monitor.rules.nodes import AllOf, AnyOf, In, Leaf, Near, Node, Within

_REACH = {Within.SENTENCE: 1000, Within.TITLE: 1000}


def implies(small: Node, big: Node) -> bool:
    """Return True when every text that `small` takes is surely taken by `big`; False when that cannot be seen."""
    if isinstance(small, AnyOf):
        return all(implies(node, big) for node in small.nodes)
    if isinstance(big, AnyOf):
        return any(implies(small, node) for node in big.nodes)
    if isinstance(big, AllOf):
        return all(implies(small, node) for node in big.nodes)
    if isinstance(small, Leaf) and isinstance(big, Leaf):
        return set(small.terms) <= set(big.terms)
    if isinstance(small, In):
        return implies(small.node, big.node if isinstance(big, In) and big.field is small.field else big)
    if isinstance(small, Near) and isinstance(big, Near):
        return _near(small, big)
    if isinstance(small, AllOf | Near):
        return any(implies(node, big) for node in small.nodes)
    return False


def _near(small: Near, big: Near) -> bool:
    if (big.within is Within.TITLE) != (small.within is Within.TITLE) or (big.ordered and not small.ordered):
        return False
    reach, wider = (node.within if isinstance(node.within, int) else _REACH[node.within] for node in (small, big))
    return reach <= wider and _paired(list(small.nodes), big.nodes, ordered=big.ordered)


def _paired(small: list[Node], big: Sequence[Node], *, ordered: bool) -> bool:
    """Return whether each of `big` is implied by one of `small` of its own."""
    if ordered:
        return len(small) == len(big) and all(implies(one, other) for one, other in zip(small, big, strict=True))
    for node in big:
        partner = next((one for one in small if implies(one, node)), None)
        if partner is None:
            return False
        small.remove(partner)
    return True
