"""All rules in one automaton: a text is scanned once; only rules whose necessary terms were seen are looked at. Pure.

A rule *needs* some sets of terms: it cannot match a text in which one of these sets has no member. Each rule waits for
the set whose terms the fewest other rules wait for; when one of them is seen, the other sets are looked at, and only
then the rule itself is evaluated.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import ahocorasick_rs
import re2

from monitor.rules import terms
from monitor.rules.nodes import (
    AllOf,
    AnyOf,
    AtLeast,
    In,
    Leaf,
    Near,
    Node,
    RuleNode,
    RuleRef,
    Score,
    Term,
    TermKind,
    walk,
)
from monitor.rules.text import Text

_LONE = re.compile("[\ud800-\udfff]")  # half a character; RE2 reads UTF-8, which has none
Need = frozenset[int]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text holds. spans: for each term that was seen, where: first word and one past the last.

    printed: for regular expressions, the characters of an occurrence in its field.
    """

    text: Text
    spans: Mapping[int, Sequence[Span]]
    printed: Mapping[tuple[int, int, int], Span]


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled rules.

    waiting: for each term the numbers of the rules that wait for it; always: those that need no term. needs: for each
    rule all its sets. patterns: for each that the automaton seeks, how many words it has, and its terms. checked:
    terms whose pattern alone does not tell.
    """

    rules: tuple[RuleNode, ...]
    by_id: Mapping[str, RuleNode]
    terms: tuple[Term, ...]
    ids: Mapping[Leaf, frozenset[int]]
    automaton: ahocorasick_rs.AhoCorasick | None
    patterns: tuple[tuple[int, tuple[int, ...]], ...]
    checked: frozenset[int]
    regexes: "Regexes | None"
    waiting: Mapping[int, tuple[int, ...]]
    always: tuple[int, ...]
    needs: tuple[tuple[Need, ...], ...]

    def scan(self, text: Text) -> Scan:
        """Return where each term occurs in `text`."""
        spans: dict[int, list[Span]] = {}
        if self.automaton is not None:
            words, word_at = text.words, text.word_at
            for pattern, start, _ in self.automaton.find_matches_as_indexes(text.joined, overlapping=True):
                first = word_at(start)
                length, numbers = self.patterns[pattern]
                last = first + length
                for number in numbers:
                    if number in self.checked:
                        term = self.terms[number]
                        last = first + len(term.words)
                        if last > len(words) or not _agrees(term, text, first, last):
                            continue
                    spans.setdefault(number, []).append((first, last))
        printed: dict[tuple[int, int, int], Span] = {}
        if self.regexes is not None:
            self.regexes.scan(text, spans, printed)
        return Scan(text, spans, printed)

    def candidates(self, scan: Scan) -> list[RuleNode]:
        """Return the rules that may match, in the order of the files."""
        seen = scan.spans.keys()
        numbers = set(self.always)
        for term in seen:
            numbers.update(self.waiting.get(term, ()))
        return [
            self.rules[number]
            for number in sorted(numbers)
            if all(not need.isdisjoint(seen) for need in self.needs[number])
        ]


def compile_rules(rules: Sequence[RuleNode]) -> Program:
    """Return the program of all rules; those that are not enabled serve references only."""
    by_id = {rule.rule.id: rule for rule in rules}
    table = _Terms()
    for rule in rules:
        for node in _nodes(rule):
            if isinstance(node, Leaf):
                table.add(node)
    enabled = tuple(rule for rule in rules if rule.enabled)
    needs = tuple(tuple(_needs_of_rule(rule, table.ids, by_id)) for rule in enabled)
    waiting, always = _waiting(needs)
    patterns: dict[str, list[int]] = {}
    for number, term in enumerate(table.terms):
        for pattern in terms.patterns(term):
            patterns.setdefault(pattern, []).append(number)
    regexes = [number for number, term in enumerate(table.terms) if term.kind is TermKind.REGEX]
    return Program(
        rules=enabled,
        by_id=by_id,
        terms=tuple(table.terms),
        ids=table.ids,
        automaton=ahocorasick_rs.AhoCorasick(list(patterns)) if patterns else None,
        patterns=tuple((len(pattern.split()), tuple(numbers)) for pattern, numbers in patterns.items()),
        checked=frozenset(number for number, term in enumerate(table.terms) if terms.needs_check(term)),
        regexes=Regexes(regexes, [table.terms[number].pattern for number in regexes]) if regexes else None,
        waiting=waiting,
        always=always,
        needs=needs,
    )


class Regexes:
    """All regular expressions as one RE2 set, so that a text without any costs one pass."""

    def __init__(self, numbers: Sequence[int], patterns: Sequence[str]) -> None:
        self._numbers = numbers
        self._compiled = [re2.compile(pattern, terms.options()) for pattern in patterns]
        self._set = re2.Set.SearchSet(terms.options())
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def scan(self, text: Text, spans: dict[int, list[Span]], printed: dict[tuple[int, int, int], Span]) -> None:
        """Add each expression's occurrences to `spans`, and their characters to `printed`."""
        for field_, written in text.fields.items():
            content = written if written.isascii() else _LONE.sub("\ufffd", written)
            for index in (self._set.Match(content) if content else None) or ():
                number = self._numbers[index]
                for found in self._compiled[index].finditer(content):
                    span = text.span(field_, found.start(), found.end()) if found.end() > found.start() else None
                    if span:
                        spans.setdefault(number, []).append(span)
                        printed[number, *span] = (found.start(), found.end())


def occurs(term: Term, text: Text) -> bool:
    """Return whether a term other than a regular expression occurs in `text`, whose first word is the term's first."""
    if not text.words or not any(text.joined.startswith(pattern) for pattern in terms.patterns(term)):
        return False
    last = len(term.words)
    return (
        last <= len(text.words)
        and text.part_of[last - 1] == 0
        and (not terms.needs_check(term) or _agrees(term, text, 0, last))
    )


# --- terms ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Terms:
    terms: list[Term] = field(default_factory=list)
    numbers: dict[Term, int] = field(default_factory=dict)
    ids: dict[Leaf, frozenset[int]] = field(default_factory=dict)
    shared: dict[int, frozenset[int]] = field(default_factory=dict)

    def add(self, leaf: Leaf) -> None:
        """Give a leaf's terms their numbers; leaves of one list share one set."""
        made = self.shared.get(id(leaf.terms))
        if made is None:
            made = frozenset(self._number(term) for term in leaf.terms)
            self.shared[id(leaf.terms)] = made
        self.ids[leaf] = made

    def _number(self, term: Term) -> int:
        if term not in self.numbers:
            self.numbers[term] = len(self.terms)
            self.terms.append(term)
        return self.numbers[term]


def _nodes(rule: RuleNode) -> Iterator[Node]:
    for part in (rule.match, rule.unless, rule.unless_anywhere):
        if part is not None:
            yield from walk(part)


def _agrees(term: Term, text: Text, first: int, last: int) -> bool:
    """Return whether the words `first` to `last` really are the term, where its pattern alone does not tell."""
    if text.part_of[first] != text.part_of[last - 1]:
        return False
    if term.kind is TermKind.STEM:
        return all(terms.stem_of(text.words[first + n]) == stem for n, stem in enumerate(term.words))
    if term.capitals:
        printed = text.printed(first)
        return printed == printed.upper()
    if term.kind is TermKind.EXACT:
        field_ = text.field_of(first)
        printed = text.fields[field_][text.starts[first] : text.ends[last - 1]]
        return " ".join(terms.as_printed(printed).split()) == term.pattern
    return all(
        text.words[first + n].startswith(word) if n in term.prefixes else text.words[first + n] == word
        for n, word in enumerate(term.words)
    )


# --- what a rule needs ------------------------------------------------------------------------------------------


def _needs_of_rule(rule: RuleNode, ids: Mapping[Leaf, frozenset[int]], by_id: Mapping[str, RuleNode]) -> list[Need]:
    found = _needs(rule.match, ids, by_id)
    return sorted(set(found), key=lambda need: (len(need), sorted(need)))


def _needs(node: Node, ids: Mapping[Leaf, frozenset[int]], by_id: Mapping[str, RuleNode]) -> list[Need]:
    """Return sets of terms, of each of which a text must hold one for `node` to be true."""
    match node:
        case Leaf():
            return [ids[node]]
        case AllOf() | Near():
            return [need for child in node.nodes for need in _needs(child, ids, by_id)]
        case AnyOf():
            return _either([_needs(child, ids, by_id) for child in node.nodes])
        case AtLeast():
            return _either([_needs(child, ids, by_id) for child in node.nodes[: len(node.nodes) - node.count + 1]])
        case Score():
            positive = [ids[leaf] for leaf, weight in node.weights if weight > 0]
            return [frozenset().union(*positive)]
        case In(node=child):
            return _needs(child, ids, by_id)
        case RuleRef():
            return _needs(by_id[node.rule].match, ids, by_id)
        case _:
            return []


def _either(choices: Sequence[Sequence[Need]]) -> list[Need]:
    """Return the one set that any of several choices needs: the union of each one's smallest set."""
    if not all(choices):
        return []
    return [frozenset().union(*(min(choice, key=len) for choice in choices))]


def _waiting(needs: Sequence[Sequence[Need]]) -> tuple[dict[int, tuple[int, ...]], tuple[int, ...]]:
    """Return which rules wait for each term, and which wait for none."""
    popular = Counter(term for sets in needs for need in sets for term in need)
    waiting: dict[int, list[int]] = {}
    always: list[int] = []
    for number, sets in enumerate(needs):
        if not sets:
            always.append(number)
            continue
        rarest = min(sets, key=lambda need: (sum(popular[term] for term in need), len(need)))
        for term in rarest:
            waiting.setdefault(term, []).append(number)
    return {term: tuple(numbers) for term, numbers in waiting.items()}, tuple(always)
