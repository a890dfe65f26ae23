"""All rules in one automaton: a text is scanned once; only what its terms can fulfil is looked at (`gates`). Pure."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import ahocorasick_rs
import re2

from monitor.rules import gates, terms
from monitor.rules.nodes import Leaf, Node, RuleNode, Term, TermKind, walk
from monitor.rules.text import Text

_LONE = re.compile("[\ud800-\udfff]")  # half a character; RE2 reads UTF-8, which has none
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text holds. spans: for each term that was seen, where: first word and one past the last.

    printed: for regular expressions, the characters of an occurrence in its field. passed: what may hold.
    """

    text: Text
    spans: Mapping[int, Sequence[Span]]
    printed: Mapping[tuple[int, int, int], Span]
    passed: gates.Passed


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled rules.

    rules: those that are enabled. ids: the numbers of each leaf's terms. patterns: for each that the automaton seeks,
    how many words it has, its terms, and those of its terms that the pattern alone does not tell.
    """

    rules: tuple[RuleNode, ...]
    by_id: Mapping[str, RuleNode]
    terms: tuple[Term, ...]
    ids: Mapping[Leaf, frozenset[int]]
    automaton: ahocorasick_rs.AhoCorasick | None
    patterns: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]
    regexes: "Regexes | None"
    gates: gates.Gates

    def scan(self, text: Text) -> Scan:
        """Return where each term occurs in `text`."""
        spans: dict[int, list[Span]] = {}
        if self.automaton is not None:
            hits = self.automaton.find_matches_as_indexes(text.joined, overlapping=True)
            offsets = text.offsets if hits else ()
            for pattern, start, _ in hits:
                length, sure, unsure = self.patterns[pattern]
                first = bisect_left(offsets, start)
                for number in sure:
                    spans.setdefault(number, []).append((first, first + length))
                for number in unsure:
                    term = self.terms[number]
                    last = first + len(term.words)
                    if _agrees(term, text, first, last):
                        spans.setdefault(number, []).append((first, last))
        printed: dict[tuple[int, int, int], Span] = {}
        if self.regexes is not None:
            self.regexes.scan(text, spans, printed)
        return Scan(text, spans, printed, self.gates.passed(set(spans)))

    def candidates(self, scan: Scan) -> list[RuleNode]:
        """Return the rules that may match, in the order of the files."""
        return [self.rules[number] for number in scan.passed.rules]


def compile_rules(rules: Sequence[RuleNode]) -> Program:
    """Return the program of all rules; those that are not enabled serve references only."""
    by_id = {rule.rule.id: rule for rule in rules}
    table = _Terms()
    for rule in rules:
        for node in _nodes(rule):
            if isinstance(node, Leaf):
                table.add(node)
    enabled = tuple(rule for rule in rules if rule.enabled)
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
        patterns=tuple((len(pattern.split()), *_told(numbers, table.terms)) for pattern, numbers in patterns.items()),
        regexes=Regexes(regexes, [table.terms[number].pattern for number in regexes]) if regexes else None,
        gates=gates.build(by_id, enabled, table.ids),
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
    return last <= text.parts[0].end and (not terms.needs_check(term) or _agrees(term, text, 0, last))


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


def _told(numbers: Sequence[int], of: Sequence[Term]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the terms that a pattern alone tells, and those that it does not."""
    unsure = tuple(number for number in numbers if terms.needs_check(of[number]))
    return tuple(number for number in numbers if number not in unsure), unsure


def _agrees(term: Term, text: Text, first: int, last: int) -> bool:
    """Return whether the words `first` to `last` really are the term, where its pattern alone does not tell."""
    if term.capitals:
        return text.read[first].capital
    if last > len(text.words) or text.part_of[first] != text.part_of[last - 1]:
        return False
    if term.kind is TermKind.STEM:
        return all(terms.stem_of(text.words[first + n]) == stem for n, stem in enumerate(term.words))
    if term.kind is TermKind.EXACT:
        field_ = text.field_of(first)
        printed = text.fields[field_][text.starts[first] : text.ends[last - 1]]
        return " ".join(terms.as_printed(printed).split()) == term.pattern
    return all(
        text.words[first + n].startswith(word) if n in term.prefixes else text.words[first + n] == word
        for n, word in enumerate(term.words)
    )
