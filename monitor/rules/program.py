"""All rules in one automaton: a text is scanned once; only what its terms can fulfil is looked at (`gates`). Pure."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import ahocorasick_rs
import re2

from monitor.rules import gates, terms
from monitor.rules.gates import Piece
from monitor.rules.nodes import Leaf, Node, RuleNode, Term, TermKind, walk
from monitor.rules.text import Text

_LONE = re.compile("[\ud800-\udfff]")  # half a character; RE2 reads UTF-8, which has none


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text holds. spans: for each term that was seen, where.

    printed: for regular expressions, the characters of an occurrence in its field. passed: what may hold.
    """

    text: Text
    spans: Mapping[int, Sequence[Piece]]
    printed: Mapping[Piece, tuple[int, int]]
    passed: gates.Passed


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled rules.

    rules: those that are enabled. ids: the numbers of each leaf's terms. words: the terms that are one whole word, by
    that word; patterns: for each of the others that the automaton seeks, how many words it has, and its terms.
    unsure: terms that such a find alone does not tell.
    """

    rules: tuple[RuleNode, ...]
    by_id: Mapping[str, RuleNode]
    terms: tuple[Term, ...]
    ids: Mapping[Leaf, frozenset[int]]
    words: Mapping[str, Sequence[int]]
    patterns: Sequence[tuple[int, Sequence[int]]]
    automaton: ahocorasick_rs.AhoCorasick | None
    unsure: frozenset[int]
    regexes: "Regexes | None"
    gates: gates.Gates

    def scan(self, text: Text) -> Scan:
        """Return where each term occurs in `text`."""
        spans: dict[int, list[Piece]] = {}
        for first, numbers in enumerate(map(self.words.get, text.words)):
            if numbers is not None:
                self._add(numbers, first, 1, text, spans)
        hits = self.automaton.find_matches_as_indexes(text.joined, overlapping=True) if self.automaton else ()
        for pattern, start, _ in hits:
            length, numbers = self.patterns[pattern]
            self._add(numbers, bisect_left(text.offsets, start), length, text, spans)
        printed: dict[Piece, tuple[int, int]] = {}
        if self.regexes is not None:
            self.regexes.scan(text, spans, printed)
        return Scan(text, spans, printed, self.gates.passed(spans, text))

    def _add(self, numbers: Sequence[int], first: int, length: int, text: Text, spans: dict[int, list[Piece]]) -> None:
        """Add an occurrence of each of some terms that begins with word number `first`, where it truly is one."""
        for number in numbers:
            last = first + length
            if number in self.unsure:
                term = self.terms[number]
                last = first + len(term.words)
                if not _agrees(term, text, first, last):
                    continue
            piece = (first, last, number)
            if number in spans:
                spans[number].append(piece)
            else:
                spans[number] = [piece]

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
    words: dict[str, list[int]] = {}
    patterns: dict[str, list[int]] = {}
    for term, number in table.numbers.items():
        for pattern in terms.patterns(term):
            word = pattern.strip()
            if pattern == f" {word} " and " " not in word:
                words.setdefault(word, []).append(number)
            else:
                patterns.setdefault(pattern, []).append(number)
    regexes = [number for number, term in enumerate(table.terms) if term.kind is TermKind.REGEX]
    return Program(
        rules=enabled,
        by_id=by_id,
        terms=tuple(table.terms),
        ids=table.ids,
        words={word: tuple(numbers) for word, numbers in words.items()},
        patterns=tuple((len(pattern.split()), tuple(numbers)) for pattern, numbers in patterns.items()),
        automaton=ahocorasick_rs.AhoCorasick(list(patterns)) if patterns else None,
        unsure=frozenset(number for number, term in enumerate(table.terms) if terms.needs_check(term)),
        regexes=Regexes(regexes, [table.terms[number].pattern for number in regexes]) if regexes else None,
        gates=gates.build(by_id, enabled, table.ids, table.terms),
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

    def scan(self, text: Text, spans: dict[int, list[Piece]], printed: dict[Piece, tuple[int, int]]) -> None:
        """Add each expression's occurrences to `spans`, and their characters to `printed`."""
        for field_, written in text.fields.items():
            content = written if written.isascii() else _LONE.sub("\ufffd", written)
            for index in (self._set.Match(content) if content else None) or ():
                number = self._numbers[index]
                for found in self._compiled[index].finditer(content):
                    span = text.span(field_, found.start(), found.end()) if found.end() > found.start() else None
                    if span:
                        spans.setdefault(number, []).append((*span, number))
                        printed[*span, number] = (found.start(), found.end())


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
    same: dict[frozenset[int], frozenset[int]] = field(default_factory=dict)

    def add(self, leaf: Leaf) -> None:
        """Give a leaf's terms their numbers; leaves of the same terms share one set, as rules name the same lists."""
        made = self.shared.get(id(leaf.terms))
        if made is None:
            # Made twice: a set that grew to its size has up to four times the room that it needs, a copy has not.
            made = frozenset({self._number(term) for term in leaf.terms})
            made = self.same.setdefault(made, made)
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
