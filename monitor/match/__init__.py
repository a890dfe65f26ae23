"""An entry and the rules to matches, with the words that matched. Pure.

evaluate    what each node of a condition means      near        which words stand close together
conditions  feed, outlet, language, age              forms       titles that tell no event
found       groups of words to evidence              trace       why a rule did or did not match
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from monitor import model, rules
from monitor.match import conditions, evaluate, found
from monitor.match.found import marked
from monitor.match.trace import Trace, of_rule
from monitor.rules import text
from monitor.rules.nodes import Complaint, Example, RuleNode

__all__ = ["Trace", "explain", "failing_tests", "marked", "match"]


def match(entry: model.Entry, ruleset: rules.RuleSet, *, now: datetime) -> tuple[model.Match, ...]:
    """Return the rules that an entry meets, highest level first, then by id.

    now: for `max_age`. An experimental rule matches like any other; whoever decides looks at its status.
    """
    view = _view(entry, ruleset, now)
    made = []
    for node in ruleset.program.candidates(view.scan):
        groups = evaluate.rule(node, view)
        if groups is not None:
            made.append(model.Match(node.rule, found.evidence(groups, ruleset.program, view.scan)))
    return tuple(sorted(made, key=lambda one: (_ORDER[one.rule.level], one.rule.id)))


def of_seed(seed: model.Seed, ruleset: rules.RuleSet) -> tuple[model.Match, ...]:
    """Return the rules that a known story's title and lead meet: what it is about."""
    at = seed.published_at or datetime.max.replace(tzinfo=UTC)
    entry = model.Entry(0, "", seed.name, seed.title, at, summary=seed.lead, outlet=seed.source, published_at=at)
    return match(entry, ruleset, now=at)


def explain(entry: model.Entry, ruleset: rules.RuleSet, *, now: datetime) -> tuple[Trace, ...]:
    """Return why each rule does or does not match an entry: those that do first, then in the order of the files."""
    view = _view(entry, ruleset, now)
    traces = [of_rule(node, entry, view, now) for node in ruleset.program.rules]
    return tuple(sorted(traces, key=lambda trace: not trace.holds))


def failing_tests(ruleset: rules.RuleSet) -> tuple[Complaint, ...]:
    """Return one complaint for each headline in the rules' `tests` that does not do what the file says.

    Only the words count: a test has no feed, outlet, language or age.
    """
    return tuple(
        complaint
        for node, example, wanted in _examples(ruleset)
        if (complaint := _fails(node, example, ruleset, wanted=wanted))
    )


def _view(entry: model.Entry, ruleset: rules.RuleSet, now: datetime) -> evaluate.View:
    scan = ruleset.program.scan(text.read(entry))
    return evaluate.View(ruleset.program, scan, lambda node: not any(conditions.refusals(node.conditions, entry, now)))


def _examples(ruleset: rules.RuleSet) -> Iterator[tuple[RuleNode, Example, bool]]:
    for node in ruleset.nodes:
        yield from ((node, example, True) for example in node.should_match)
        yield from ((node, example, False) for example in node.should_not_match)


def _fails(node: RuleNode, example: Example, ruleset: rules.RuleSet, *, wanted: bool) -> Complaint | None:
    fields = {model.Field.TITLE: example.title, model.Field.SUMMARY: example.summary, model.Field.BODY: ""}
    scan = ruleset.program.scan(text.of(fields))
    view = evaluate.View(ruleset.program, scan, lambda _: True)
    groups = evaluate.rule(node, view)
    if (groups is not None) == wanted:
        return None
    if wanted:
        why = of_rule(node, model.Entry(0, "", "", "", _NEVER), view, _NEVER).note
        said = "should match and does not" + (f": {why}" if why else "")
    else:
        words = found.quoted(found.evidence(groups or (), ruleset.program, scan))
        said = f"should not match and does: {words}"
    return Complaint(example.place, "test", f"`{node.rule.id}`: “{example.title}” {said}", rule=node.rule.id)


_ORDER = {level: -level.rank for level in model.Level}
_NEVER = datetime.min.replace(tzinfo=UTC)
