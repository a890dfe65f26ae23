"""A condition's tree to nodes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor import model
from monitor.rules import reading, schema, source
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
    RuleRef,
    Score,
    Term,
)


@dataclass(slots=True)
class Builder:
    """What is known while one rule's conditions are built. used: the lists that were named."""

    lists: Mapping[str, tuple[Term, ...]]
    complaints: reading.Complaints
    rule: str
    used: set[str] = field(default_factory=set)

    def build(self, tree: source.Tree) -> Node | None:
        """Return the node, or complain and return None."""
        match tree:
            case source.Scalar():
                return self._leaf(tree)
            case source.Sequence():
                return self._any(tree, tree)
            case source.Mapping():
                return self._mapping(tree)

    # --- terms --------------------------------------------------------------------------------------------------

    def _leaf(self, tree: source.Scalar) -> Leaf | None:
        if tree.text.startswith("$") and not tree.style.startswith("="):
            return self._list(tree)
        made = reading.term(tree.place, tree.text, self.complaints, self.rule)
        return Leaf(tree.place, tree.text, (made,)) if made else None

    def _list(self, tree: source.Scalar) -> Leaf | None:
        name = tree.text[1:]
        if name not in self.lists:
            mend = reading.did_you_mean(name, sorted(self.lists)) if self.lists else "define it under `lists:`"
            self._error(tree, "unknown-list", f"there is no list `{name}`", mend)
            return None
        self.used.add(name)
        return Leaf(tree.place, tree.text, self.lists[name])

    def _any(self, at: source.Tree, items: source.Sequence) -> Node | None:
        if not items.items:
            self._error(at, "empty-node", "an empty list matches nothing", "give it a term, or remove it")
        nodes = self._nodes(items)
        if nodes is None:
            return None
        leaves = [node for node in nodes if isinstance(node, Leaf)]
        if len(leaves) == len(nodes):
            terms = tuple(dict.fromkeys(term for leaf in leaves for term in leaf.terms))
            written = leaves[0].written if len(leaves) == 1 else f"any of {', '.join(leaf.written for leaf in leaves)}"
            return Leaf(at.place, written, terms)
        return AnyOf(at.place, nodes)

    # --- mappings -----------------------------------------------------------------------------------------------

    def _mapping(self, tree: source.Mapping) -> Node | None:
        heads = [key for key in tree.keys() if key in schema.NODES]  # noqa: SIM118 - not a dict
        if len(heads) > 1 and set(heads) != {"at_least", "score"}:
            both = f"`{heads[0]}` and `{heads[1]}`"
            lines = ", ".join(f"{{{head}: ...}}" for head in heads)
            self._error(
                tree, "two-nodes", f"{both} stand side by side in one mapping", f"all: [{lines}] if both must hold"
            )
            return None
        if not heads:
            self._unknown(tree)
            return None
        made = reading.checked(schema.NODES[heads[0]], tree, self.complaints, self.rule)
        body = tree.get(heads[0])
        if made is None or body is None:
            return None
        return self._node(heads[0], made, tree, body)

    def _unknown(self, tree: source.Mapping) -> None:
        keys = tree.keys()
        if not keys:
            self._error(tree, "empty-node", "an empty condition", "a term, or one of " + ", ".join(schema.NODES))
            return
        text = keys[0]
        if len(keys) == 1 and " " in text:
            mend = "quote text that holds a colon"
            self._error(tree, "colon-mapping", f"`{text}: ...` was read as a mapping, because of its colon", mend)
            return
        self._error(tree, "unknown-node", f"unknown node `{text}`", reading.did_you_mean(text, list(schema.NODES)))

    def _node(self, head: str, made: schema.Strict, tree: source.Mapping, body: source.Tree) -> Node | None:
        match made:
            case schema.AnyNode() if isinstance(body, source.Sequence):
                return self._any(tree, body)
            case schema.RuleNode():
                return RuleRef(tree.place, made.rule)
            case schema.FormNode():
                return Form(tree.place, tuple(made.form))
            case schema.StemNode():
                return self._stem(made, tree)
            case schema.AtLeastNode():
                return self._at_least(made, tree, body)
            case schema.ScoreNode():
                return self._score(made, tree, body)
            case _:
                return self._with_children(head, made, tree, body)

    def _with_children(self, head: str, made: schema.Strict, tree: source.Mapping, body: source.Tree) -> Node | None:
        if isinstance(made, schema.AllNode | schema.NearNode):
            nodes = self._nodes(body)
            if not nodes:
                return None
            if isinstance(made, schema.AllNode):
                return AllOf(tree.place, nodes)
            return Near(tree.place, nodes, made.within, made.ordered)
        node = self.build(body)
        if node is None:
            return None
        return Not(tree.place, node) if head == "not" else In(tree.place, model.Field(head), node)

    def _nodes(self, tree: source.Tree | None) -> tuple[Node, ...] | None:
        items = tree.items if isinstance(tree, source.Sequence) else ()
        nodes = [self.build(item) for item in items]
        kept = tuple(node for node in nodes if node is not None)
        return kept if kept and len(kept) == len(nodes) else None

    def _at_least(self, made: schema.AtLeastNode, tree: source.Mapping, body: source.Tree) -> Node | None:
        count = made.at_least.count
        nodes = self._nodes(body.get("of")) if isinstance(body, source.Mapping) else None
        if nodes and count > len(nodes):
            mend = f"at most {len(nodes)}"
            self._error(tree, "count-too-high", f"`at_least` asks for {count} of {len(nodes)} conditions", mend)
            return None
        return AtLeast(tree.place, count, nodes) if nodes else None

    def _score(self, made: schema.ScoreNode, tree: source.Mapping, body: source.Tree) -> Node | None:
        weights = body.get("terms") if isinstance(body, source.Mapping) else None
        pairs = []
        for key, _ in weights.items if isinstance(weights, source.Mapping) else ():
            leaf = self._leaf(key)
            if leaf is None:
                return None
            pairs.append((leaf, made.score.terms[key.text]))
        most = sum(weight for _, weight in pairs if weight > 0)
        if most < made.score.at_least:
            said = f"all weights together are {most:g}, and {made.score.at_least:g} are asked for"
            self._error(tree, "score-too-high", said, "lower `at_least`, or raise the weights")
            return None
        return Score(tree.place, made.score.at_least, tuple(pairs))

    def _stem(self, made: schema.StemNode, tree: source.Mapping) -> Node | None:
        terms = [reading.term(tree.place, f"stem:{word}", self.complaints, self.rule) for word in made.stem]
        kept = tuple(term for term in terms if term is not None)
        return Leaf(tree.place, f"stem: {', '.join(made.stem)}", kept) if len(kept) == len(terms) else None

    def _error(self, tree: source.Tree, lint: str, message: str, mend: str) -> None:
        self.complaints.error(tree.place, lint, message, mend, self.rule)
