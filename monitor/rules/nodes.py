"""What a rule's condition is made of, once it is read: terms, nodes, and the whole rule. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from monitor import model


class Place(NamedTuple):
    """Where something stands: a file's name, its line and column, from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How bad a complaint is."""

    ERROR = "error"  # the rules cannot be used
    WARNING = "warning"  # they can, but something in them does nothing, or not what it seems to


class Fix(NamedTuple):
    """A mechanical mend: on `line` (from 1), replace `old` by `new`."""

    line: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something wrong in a rule file. lint: its stable name. rule: the rule's id, empty outside of rules.

    mend: what to write instead, empty when the message says it. fix: None when it takes a person to mend it.
    """

    place: Place
    lint: str
    message: str
    mend: str = ""
    rule: str = ""
    severity: Severity = Severity.ERROR
    fix: Fix | None = None

    def __str__(self) -> str:
        mend = f" ({self.mend})" if self.mend else ""
        return f"{self.place}: {self.message}{mend} [{self.lint}]"


class TermKind(StrEnum):
    """How a term is compared."""

    WORDS = "words"
    EXACT = "exact"
    STEM = "stem"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Term:
    """One term. written: as in the file. words: folded; prefixes: the positions of those that end in `*`.

    capitals: it matches capitals only. pattern: the regular expression, or the exact words as printed.
    """

    kind: TermKind
    written: str
    words: tuple[str, ...] = ()
    prefixes: frozenset[int] = frozenset()
    capitals: bool = False
    pattern: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of a condition."""

    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Leaf(Node):
    """Any of some terms. written: `$list`, the term, or `any of 3 terms`."""

    written: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf(Node):
    """At least one of `nodes`."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AllOf(Node):
    """Every one of `nodes`, anywhere in the fields; a `not` among them forbids its sentence to the others."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Not(Node):
    """`node` does not occur."""

    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class AtLeast(Node):
    """`count` different ones of `nodes`."""

    count: int
    nodes: tuple[Node, ...]


class Within(StrEnum):
    """The wider reaches of `near`."""

    SENTENCE = "sentence"
    TITLE = "title"


@dataclass(frozen=True, slots=True, eq=False)
class Near(Node):
    """All of `nodes` close together. within: words from the end of the first to the start of the last."""

    nodes: tuple[Node, ...]
    within: int | Within = Within.SENTENCE
    ordered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class In(Node):
    """`node` in one field."""

    field: model.Field
    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class RuleRef(Node):
    """Another rule's match."""

    rule: str


@dataclass(frozen=True, slots=True, eq=False)
class Score(Node):
    """The weights of the leaves that occur add up to `at_least` or more."""

    at_least: float
    weights: tuple[tuple[Leaf, float], ...]


class FormName(StrEnum):
    """Kinds of titles that tell no event."""

    QUESTION = "question"
    EXPLAINER = "explainer"
    LIVE = "live"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True, eq=False)
class Form(Node):
    """The title has one of these forms."""

    forms: tuple[FormName, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a rule's `tests`."""

    place: Place
    title: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rule asks of an entry beside its words. Empty and None mean: nothing."""

    feeds: tuple[str, ...] = ()
    feed_tags: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_age: timedelta | None = None

    def __bool__(self) -> bool:
        return bool(self.feeds or self.feed_tags or self.outlets or self.languages or self.max_age)


@dataclass(frozen=True, slots=True)
class RuleNode:
    """A whole rule as it is evaluated. tree: as it was written, overrides laid over; lists: those that it names."""

    rule: model.Rule
    place: Place
    match: Node
    tree: object = None
    unless: Node | None = None
    unless_anywhere: Node | None = None
    fields: frozenset[model.Field] = frozenset({model.Field.TITLE, model.Field.SUMMARY})
    conditions: Conditions = Conditions()
    enabled: bool = True
    should_match: tuple[Example, ...] = ()
    should_not_match: tuple[Example, ...] = ()
    lists: frozenset[str] = field(default_factory=frozenset)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly under `node`."""
    match node:
        case AnyOf(nodes=nodes) | AllOf(nodes=nodes) | AtLeast(nodes=nodes) | Near(nodes=nodes):
            return nodes
        case Not(node=child) | In(node=child):
            return (child,)
        case Score(weights=weights):
            return tuple(leaf for leaf, _ in weights)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all nodes under it."""
    yield node
    for child in children(node):
        yield from walk(child)
