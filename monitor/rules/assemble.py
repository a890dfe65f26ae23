"""The parts of all files to one set of rules: lists joined, rules overridden, references checked. Pure."""

from collections.abc import Mapping, Sequence

from monitor import model
from monitor.rules import reading, schema, source
from monitor.rules.conditions import Builder
from monitor.rules.nodes import Conditions, Near, Node, Not, Place, RuleNode, RuleRef, Score, Term, walk

EVERY_FIELD = frozenset({model.Field.TITLE, model.Field.SUMMARY})


def assemble(files: Sequence[reading.FilePart], complaints: reading.Complaints) -> tuple[RuleNode, ...]:
    """Return the rules of all files in order; what cannot be used is left out and complained of."""
    lists = _lists(files, complaints)
    parts = _merged(files, complaints)
    made = [rule for part in parts if (rule := _rule(part, lists, complaints))]
    _check_references(made, complaints)
    return tuple(made)


def list_terms(files: Sequence[reading.FilePart]) -> Mapping[str, tuple[Term, ...]]:
    """Return every list by name, with the lists inside it followed; complaints are dropped."""
    return _lists(files, reading.Complaints())


# --- lists ------------------------------------------------------------------------------------------------------


def _lists(files: Sequence[reading.FilePart], complaints: reading.Complaints) -> dict[str, tuple[Term, ...]]:
    items: dict[str, list[reading.ListItem]] = {}
    first: dict[str, Place] = {}
    extensions: list[reading.ListPart] = []
    for part in (part for file in files for part in file.lists):
        if part.extend:
            extensions.append(part)
        elif part.name in items and not part.replace:
            complaints.error(
                part.place, "duplicate-list", f"the list `{part.name}` is defined in {first[part.name]} already",
                f"`{part.name}: {{extend: true, terms: [...]}}` adds to it, `replace: true` takes its place",
            )  # fmt: skip
        else:
            items[part.name] = list(part.items)
            first[part.name] = part.place
    for part in extensions:
        if part.name not in items:
            mend = reading.did_you_mean(part.name, sorted(items)) if items else ""
            complaints.error(part.place, "unknown-list", f"there is no list `{part.name}` to extend", mend)
        else:
            items[part.name].extend(part.items)
    circles: set[str] = set()
    return {name: _resolved(name, items, circles, complaints) for name in items}


def _resolved(
    name: str, items: Mapping[str, Sequence[reading.ListItem]], circles: set[str], complaints: reading.Complaints
) -> tuple[Term, ...]:
    """Return the terms of a list with the lists inside it followed, each once; without recursion.

    circles: the lists in circles that were told, so that each is told once.
    """
    found: dict[Term, None] = {}
    waiting = [iter(items[name])]
    trail = [name]
    done: set[str] = set()
    while waiting:
        item = next(waiting[-1], None)
        if item is None:
            waiting.pop()
            done.add(trail.pop())
        elif item.term is not None:
            found[item.term] = None
        elif item.list_name == name:
            _complain_of_circle(item, trail, circles, complaints)
        elif item.list_name not in items:
            if len(trail) == 1:  # in the list whose own words are wrong
                mend = reading.did_you_mean(item.list_name, sorted(items))
                complaints.error(item.place, "unknown-list", f"there is no list `{item.list_name}`", mend)
        elif item.list_name not in done and item.list_name not in trail:
            trail.append(item.list_name)
            waiting.append(iter(items[item.list_name]))
    return tuple(found)


def _complain_of_circle(
    item: reading.ListItem, trail: Sequence[str], circles: set[str], complaints: reading.Complaints
) -> None:
    """Complain of lists that lead back to the first one, unless all of them were told in other circles."""
    if not circles.issuperset(trail):
        around = " -> ".join([*trail, trail[0]])
        complaints.error(item.place, "list-cycle", f"the lists contain each other: {around}", "break the circle")
        circles.update(trail)


# --- rules ------------------------------------------------------------------------------------------------------


def _merged(files: Sequence[reading.FilePart], complaints: reading.Complaints) -> list[reading.RulePart]:
    """Return one part for each rule: overrides laid over, replacements in place."""
    merged: dict[str, reading.RulePart] = {}
    for part in (part for file in files for part in file.rules):
        if part.override:
            if part.id not in merged:
                mend = reading.did_you_mean(part.id, sorted(merged)) if merged else "earlier files come first"
                complaints.error(
                    part.tree.place, "unknown-rule", f"there is no rule `{part.id}` to override", mend, part.id
                )
            else:
                merged[part.id] = _laid_over(merged[part.id], part)
        elif part.id in merged and not part.replace:
            said = f"the rule `{part.id}` is defined in {merged[part.id].tree.place} already"
            mend = "give it another id; or `replace: true` takes its place, `override:` changes a part of it"
            complaints.error(part.tree.place, "duplicate-id", said, mend, part.id)
        else:
            merged[part.id] = part
    return list(merged.values())


def _laid_over(below: reading.RulePart, above: reading.RulePart) -> reading.RulePart:
    kept = [pair for pair in below.tree.items if pair[0].text not in above.tree.keys()]  # noqa: SIM118 - not a dict
    return reading.RulePart(
        below.id, source.Mapping(below.tree.place, (*kept, *above.tree.items)), replace=below.replace
    )


def _rule(
    part: reading.RulePart, lists: Mapping[str, tuple[Term, ...]], complaints: reading.Complaints
) -> RuleNode | None:
    made = reading.checked(schema.Rule, part.tree, complaints, part.id)
    if made is None:
        return None
    before = len(complaints.found)
    builder = Builder(lists, complaints, part.id)
    match, unless, anywhere = (_condition(part.tree, key, builder) for key in ("match", "unless", "unless_anywhere"))
    tests = part.tree.get("tests")
    wanted = tests.get("match") if isinstance(tests, source.Mapping) else None
    unwanted = tests.get("no_match") if isinstance(tests, source.Mapping) else None
    should, should_not = (reading.examples(tree, complaints, part.id) for tree in (wanted, unwanted))
    if match is None or len(complaints.found) > before:
        return None
    rule = RuleNode(
        rule=_known(made),
        place=part.tree.place,
        tree=part.tree,
        match=match,
        unless=unless,
        unless_anywhere=anywhere,
        fields=frozenset(made.fields) if made.fields else EVERY_FIELD,
        conditions=_conditions(made),
        enabled=made.enabled,
        should_match=should,
        should_not_match=should_not,
        lists=frozenset(builder.used),
    )
    _check_shape(rule, complaints)
    return rule


def _condition(tree: source.Mapping, key: str, builder: Builder) -> Node | None:
    body = tree.get(key)
    return None if body is None or reading.is_empty(body) else builder.build(body)


def _known(made: schema.Rule) -> model.Rule:
    return model.Rule(
        id=made.id,
        title=made.title or made.id.replace("-", " ").capitalize(),
        level=made.level or model.Level.MEDIUM,
        status=made.status or model.RuleStatus.STABLE,
        tags=tuple(made.tags or ()),
        channels=tuple(made.channels or ()),
        min_sources=made.min_sources or 1,
    )


def _conditions(made: schema.Rule) -> Conditions:
    feeds = made.feeds or schema.Feeds()
    return Conditions(
        tuple(feeds.names),
        tuple(feeds.tags),
        tuple(outlet.casefold() for outlet in made.outlets or ()),
        tuple(language.lower() for language in made.languages or ()),
        made.max_age,
    )


# --- checks over whole rules ------------------------------------------------------------------------------------


def _check_shape(rule: RuleNode, complaints: reading.Complaints) -> None:
    if isinstance(rule.match, Not):
        complaints.error(
            rule.match.place, "only-not", "a rule that only says what must not be would match nearly everything",
            "say what it looks for in `match`, and what it must not be in `unless`", rule.rule.id,
        )  # fmt: skip
    for node in (node for part in (rule.match, rule.unless, rule.unless_anywhere) if part for node in walk(part)):
        if not isinstance(node, Near):
            continue
        for child in (child for operand in node.nodes for child in walk(operand)):
            if isinstance(child, Score):
                complaints.error(
                    child.place, "score-in-near", "`score` looks at the whole entry and cannot stand inside `near`",
                    "put both into an `all`", rule.rule.id,
                )  # fmt: skip
        if all(isinstance(operand, Not) for operand in node.nodes):
            complaints.error(
                node.place, "only-not", "`near` needs at least one part that is not a `not`", "", rule.rule.id
            )


def _check_references(rules: list[RuleNode], complaints: reading.Complaints) -> None:
    """Complain of rules that refer to no rule, or in a circle; take them out of `rules`."""
    by_id = {rule.rule.id: rule for rule in rules}
    state: dict[str, bool] = {}
    for rule in list(rules):
        if not _sound(rule.rule.id, by_id, state, (), complaints):
            rules.remove(rule)


def _sound(
    rule_id: str,
    by_id: Mapping[str, RuleNode],
    state: dict[str, bool],
    trail: tuple[str, ...],
    complaints: reading.Complaints,
) -> bool:
    if rule_id in state:
        return state[rule_id]
    for node in references(by_id[rule_id]):
        if node.rule not in by_id:
            mend = reading.did_you_mean(node.rule, sorted(by_id))
            complaints.error(node.place, "unknown-rule", f"there is no rule `{node.rule}`", mend, rule_id)
            state[rule_id] = False
        elif node.rule == rule_id or node.rule in trail or len(trail) > 50:
            around = " -> ".join([*trail, rule_id, node.rule])
            complaints.error(
                node.place, "rule-cycle", f"the rules refer to each other in a circle: {around}", "", rule_id
            )
            state[rule_id] = False
        elif not _sound(node.rule, by_id, state, (*trail, rule_id), complaints):
            state[rule_id] = False
    return state.setdefault(rule_id, True)


def references(rule: RuleNode) -> list[RuleRef]:
    """Return the references to other rules in a rule's conditions."""
    parts = [part for part in (rule.match, rule.unless, rule.unless_anywhere) if part]
    return [node for part in parts for node in walk(part) if isinstance(node, RuleRef)]
