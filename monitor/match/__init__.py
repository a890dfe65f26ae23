"""An entry and the rules to matches, with the words that matched. Pure.

`evaluate` says what each node means, `near` how closeness is found, `trace` why a rule did or did not match.
"""

from datetime import datetime

from monitor import model, rules
from monitor.match import evaluate
from monitor.match.near import Group
from monitor.rules import text
from monitor.model import Field
from monitor.rules.nodes import Complaint, Conditions, RuleNode
from monitor.rules.program import Scan

MOST_EVIDENCE = 50


def match(entry: model.Entry, ruleset: rules.RuleSet, *, now: datetime) -> tuple[model.Match, ...]:
    """Return the rules that an entry meets, highest level first, then by id.

    now: for `max_age`. An experimental rule matches like any other; whoever decides looks at its status.
    """
    program = ruleset.program
    scan = program.scan(text.read(entry))
    view = evaluate.View(program, scan, lambda node: meets(node, entry, now))
    found = []
    for node in program.candidates(scan):
        groups = evaluate.rule(node, view)
        if groups is not None:
            found.append(model.Match(node.rule, evidence(groups, ruleset, scan)))
    return tuple(sorted(found, key=lambda one: (-one.rule.level.rank, one.rule.id)))


def meets(node: RuleNode, entry: model.Entry, now: datetime) -> bool:
    """Return whether an entry meets a rule's conditions on feed, outlet, language and age; an unknown one passes."""
    asked = node.conditions
    if not asked:
        return True
    if (asked.feeds or asked.feed_tags) and entry.feed and not _carried(entry, asked):
        return False
    if asked.outlets and entry.outlet and entry.outlet.casefold() not in asked.outlets:
        return False
    if asked.languages and entry.language and not _speaks(entry.language, asked.languages):
        return False
    return asked.max_age is None or now - entry.told_at <= asked.max_age


def _carried(entry: model.Entry, asked: Conditions) -> bool:
    return entry.feed in asked.feeds or not set(asked.feed_tags).isdisjoint(entry.feed_tags)


def _speaks(language: str, asked: tuple[str, ...]) -> bool:
    """Return whether `language` (`en-GB`) is one of `asked`, or a kind of one (`en`)."""
    tag = language.lower().replace("_", "-")
    return any(tag == each or tag.startswith(f"{each}-") for each in asked)


def evidence(groups: list[Group], ruleset: rules.RuleSet, scan: Scan) -> tuple[model.Evidence, ...]:
    """Return the words of some groups in reading order, each once, the longest of those that begin together."""
    terms = ruleset.program.terms
    body = scan.text
    made: dict[tuple[model.Field, int], model.Evidence] = {}
    for piece in sorted({piece for group in groups for piece in group.pieces}):
        field = body.field_of(piece.start)
        start, end = scan.printed.get((piece.term, piece.start, piece.end)) or (
            body.starts[piece.start],
            body.ends[piece.end - 1],
        )
        one = model.Evidence(field, start, end, body.fields[field][start:end], terms[piece.term].written)
        known = made.get((field, start))
        if known is None or known.end < end:
            made[field, start] = one
    return tuple(made.values())[:MOST_EVIDENCE]


def failing_tests(ruleset: rules.RuleSet) -> tuple[Complaint, ...]:
    """Return one complaint for each headline in the rules' `tests` that does not do what the file says.

    Only the words count: a test has no feed, outlet, language or age.
    """
    program = ruleset.program
    found = []
    for node in ruleset.nodes:
        for example, wanted in ((each, True) for each in node.should_match):
            found.append((node, example, wanted))
        for example, wanted in ((each, False) for each in node.should_not_match):
            found.append((node, example, wanted))
    complaints = []
    for node, example, wanted in found:
        scan = program.scan(text.of({Field.TITLE: example.title, Field.SUMMARY: example.summary, Field.BODY: ""}))
        groups = evaluate.rule(node, evaluate.View(program, scan, lambda _: True))
        if (groups is not None) != wanted:
            words = ", ".join(f"`{each.text}`" for each in evidence(groups or [], ruleset, scan))
            said = "should match but does not" if wanted else f"should not match, but does through {words}"
            complaints.append(
                Complaint(example.place, "test", f"rule `{node.rule.id}`: {example.title!r} {said}", rule=node.rule.id)
            )
    return tuple(complaints)
