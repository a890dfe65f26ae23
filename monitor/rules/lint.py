"""What in a set of rules silently does nothing, or not what it seems to. Pure.

Errors are found while reading; these are warnings. Each has a stable name, which docs/rules.md explains.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor import model
from monitor.rules import implied, program, reading, source, text
from monitor.rules.nodes import (
    Complaint,
    Fix,
    In,
    Leaf,
    Near,
    Node,
    Place,
    RuleNode,
    Severity,
    Term,
    TermKind,
    Within,
    children,
)
from monitor.rules.ruleset import BUILTIN, RuleSet, attempt

SHORTEST_PREFIX = 3
WIDEST_NEAR = 40
ROUNDS = 10  # of mending
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][a-z0-9]+)*")
_BOOLEAN = re.compile(r"\S+ (?P<word>AND|OR|NOT) \S+")
MOST_COMPARED = 400  # rules that are compared with each other for one swallowing the other


def lint(ruleset: RuleSet) -> tuple[Complaint, ...]:
    """Return the warnings on a set of rules, in the order of files and lines."""
    files = [reading.read(name, body, reading.Complaints()) for name, body in ruleset.files.items()]
    found = [
        *ruleset.complaints,
        *(complaint for rule in ruleset.nodes for complaint in _of_rule(rule)),
        *_of_lists(files, ruleset),
        *_swallowed(ruleset.nodes),
        *(complaint for name, body in ruleset.files.items() for complaint in _cut(name, body)),
    ]
    order = {name: number for number, name in enumerate(ruleset.files)}
    found.sort(key=lambda one: (order.get(one.place.file, -1), one.place.line, one.place.column))
    return tuple(dict.fromkeys(found))


def mend(files: Mapping[str, str]) -> dict[str, str]:
    """Return the new texts of the files that have slips which need no person to mend them, and nothing else.

    One mend may bring the next to light, so this looks again until nothing changes.
    """
    texts = dict(files)
    for _ in range(ROUNDS):
        ruleset, complaints = attempt(texts)
        if ruleset is not None:
            complaints = (*complaints, *lint(ruleset))
        if not (changed := _mended(texts, complaints)):
            break
        texts |= changed
    return {name: text for name, text in texts.items() if text != files[name]}


def _mended(files: Mapping[str, str], complaints: Iterable[Complaint]) -> dict[str, str]:
    lines = {name: body.splitlines(keepends=True) for name, body in files.items()}
    changed = set()
    for complaint in complaints:
        fix, name = complaint.fix, complaint.place.file
        if fix is None or name not in lines or fix.line > len(lines[name]):
            continue
        before = lines[name][fix.line - 1]
        head, tail = before[: complaint.place.column - 1], before[complaint.place.column - 1 :]
        if fix.old in tail:
            lines[name][fix.line - 1] = head + tail.replace(fix.old, fix.new, 1)
            changed.add(name)
    return {name: "".join(lines[name]) for name in changed}


def _warning(place: Place, lint_name: str, message: str, mend: str, rule: str = "") -> Complaint:
    return Complaint(place, lint_name, message, mend, rule, Severity.WARNING)


# --- rules ------------------------------------------------------------------------------------------------------


def _of_rule(rule: RuleNode) -> Iterator[Complaint]:
    name = rule.rule.id
    if not (rule.should_match and rule.should_not_match):
        missing = "`tests:`" if not (rule.should_match or rule.should_not_match) else "one side of `tests:`"
        mend = "give it a headline under `match` and one under `no_match`"
        yield _warning(rule.place, "no-tests", f"`{name}` has no {missing}".replace("no one", "only one"), mend, name)
    for language in rule.conditions.languages:
        if not _LANGUAGE.fullmatch(language):
            said = f"no entry is in the language `{language}`, so that `{name}` never matches"
            yield _warning(rule.place, "dead-language", said, "write its code: en, fr, ar, zh", name)
    for part in (rule.match, rule.unless, rule.unless_anywhere):
        if part is not None:
            yield from _of_node(part, rule.fields, name)


def _of_node(node: Node, fields: frozenset[model.Field], rule: str) -> Iterator[Complaint]:
    if isinstance(node, In):
        if node.field not in fields:
            said = f"`{node.field.value}:` looks at a field that this rule does not read, so that it never holds"
            yield _warning(node.place, "dead-field", said, f"add {node.field.value} to the rule's `fields`", rule)
        fields = fields & {node.field}
    if isinstance(node, Near):
        yield from _of_near(node, fields, rule)
    if isinstance(node, Leaf):
        names = set(node.written.removeprefix("any of ").split(", "))  # the terms of lists are judged there
        own = (
            term
            for term in node.terms
            if term.written in names or ("," in term.written and term.written in node.written)
        )
        yield from (complaint for term in own for complaint in _of_term(term, node.place, rule))
    for child in children(node):
        yield from _of_node(child, fields, rule)


def _of_near(node: Near, fields: frozenset[model.Field], rule: str) -> Iterator[Complaint]:
    if isinstance(node.within, int) and node.within > WIDEST_NEAR:
        said = f"`within: {node.within}` is wider than a sentence, and `near` never leaves one"
        yield _warning(node.place, "wide-near", said, "within: sentence", rule)
    if len(node.nodes) == 1:
        yield _warning(node.place, "lone-near", "`near` with one part says no more than that part", "add a part", rule)
    if node.within is Within.TITLE and model.Field.TITLE not in fields:
        said = "`within: title` in a rule or node that does not read the title never holds"
        yield _warning(node.place, "dead-field", said, "add title to the rule's `fields`", rule)


def _of_term(term: Term, place: Place, rule: str = "") -> Iterator[Complaint]:
    short = [term.words[at] for at in term.prefixes if len(term.words[at]) < SHORTEST_PREFIX and len(term.words) == 1]
    if short and short[0].isascii() and not short[0].isdigit():
        said = f"the prefix `{term.written}` is so short that it matches very many words"
        yield _warning(place, "short-prefix", said, "write a longer one, or the words themselves", rule)
    if term.kind is TermKind.WORDS and (boolean := _BOOLEAN.search(term.written)):
        node = {"AND": "all: [...]", "OR": "any: [...]", "NOT": "unless: ..."}[boolean["word"]]
        said = f"`{term.written}` is sought as a phrase, word for word"
        yield _warning(place, "boolean-word", said, f"for {boolean['word']} write {node}", rule)
    if term.kind in {TermKind.WORDS, TermKind.EXACT}:
        sample = term.written.replace("*", "").removeprefix("=")
        if not program.occurs(term, text.of({model.Field.TITLE: sample})):
            said = f"the term `{term.written}` can never match: a text that has just these words is read differently"
            yield _warning(place, "dead-term", said, "leave out the signs between the words", rule)


# --- lists ------------------------------------------------------------------------------------------------------


def _of_lists(files: Sequence[reading.FilePart], ruleset: RuleSet) -> Iterator[Complaint]:
    used = {name for rule in ruleset.nodes for name in rule.lists}
    parts = [part for file in files for part in file.lists]
    used |= {item.list_name for part in parts for item in part.items if item.list_name}
    for part in parts:
        if part.name not in used and not part.extend and not part.place.file.startswith(f"{BUILTIN}/"):
            yield _warning(
                part.place,
                "unused-list",
                f"no rule uses the list `{part.name}`",
                f"name it as ${part.name}, or remove it",
            )
        terms = [(item.place, item.term) for item in part.items if item.term is not None]
        for place, term in terms:
            yield from _of_term(term, place)
        yield from _covered(terms)


def _covered(terms: Sequence[tuple[Place, Term]]) -> Iterator[Complaint]:
    """Complain of a word in a list beside a prefix that takes it anyway."""
    stems = {
        term.words[0] for _, term in terms if term.kind is TermKind.WORDS and term.prefixes and len(term.words) == 1
    }
    for place, term in terms:
        if term.kind is not TermKind.WORDS or len(term.words) != 1:
            continue
        word = term.words[0]
        lengths = range(1, len(word) if term.prefixes else len(word) + 1)
        covering = next((word[:length] for length in lengths if word[:length] in stems), None)
        if covering is not None:
            said = f"`{term.written}` adds nothing beside `{covering}*`"
            yield _warning(place, "covered-term", said, "remove it")


# --- rules beside each other ------------------------------------------------------------------------------------


def _swallowed(rules: Sequence[RuleNode]) -> Iterator[Complaint]:
    """Complain of a rule all of whose matches another rule of at least its level matches too."""
    enabled = [rule for rule in rules if rule.enabled][:MOST_COMPARED]
    for number, small in enumerate(enabled):
        for other, big in enumerate(enabled):
            if small is big or not _covers(big, small) or (other > number and _covers(small, big)):
                continue
            said = f"all that `{small.rule.id}` matches, `{big.rule.id}` matches too ({big.place})"
            yield _warning(small.place, "swallowed-rule", said, "remove it, or give it a higher level", small.rule.id)
            break


def _covers(big: RuleNode, small: RuleNode) -> bool:
    return (
        big.rule.level.rank >= small.rule.level.rank
        and not (big.unless or big.unless_anywhere or big.conditions)
        and big.fields >= small.fields
        and implied.implies(small.match, big.match)
    )


# --- traps of YAML ----------------------------------------------------------------------------------------------


def _cut(name: str, body: str) -> Iterator[Complaint]:
    """Complain of `price cap #1`, which YAML cuts before the #."""
    try:
        tree = source.read(name, body)
    except source.SourceError:
        return
    lines = body.splitlines()
    for scalar in _plain_scalars(tree):
        if scalar.place.line > len(lines):
            continue
        line = lines[scalar.place.line - 1]
        rest = re.match(r"\s+#[^\s#][^,\]}]*", line[scalar.place.column - 1 + len(scalar.text) :])
        if rest and line[scalar.place.column - 1 :].startswith(scalar.text):
            written = (scalar.text + rest.group()).rstrip()
            said = f"`{scalar.text}` is cut off at the #: the rest of the line is a comment"
            fix = Fix(scalar.place.line, written, json.dumps(written, ensure_ascii=False))
            yield Complaint(scalar.place, "cut-by-hash", said, f"quote it: {fix.new}", "", Severity.WARNING, fix)


def _plain_scalars(tree: source.Tree | None) -> Iterator[source.Scalar]:
    match tree:
        case source.Scalar(style="") if tree.text:
            yield tree
        case source.Sequence():
            for item in tree.items:
                yield from _plain_scalars(item)
        case source.Mapping():
            for _, value in tree.items:
                yield from _plain_scalars(value)
        case _:
            return
