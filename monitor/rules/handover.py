"""Rules back to YAML: one taken over to be edited, or a whole set for another desk with the lists it uses. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from monitor.errors import RuleError
from monitor.rules import assemble, reading, source
from monitor.rules.nodes import RuleNode
from monitor.rules.ruleset import RuleSet

_HEAD = "# yaml-language-server: $schema=rules.schema.json\nversion: 1\n"
_PLAIN = re.compile(r"[^\W_](?:[\w ./()+-]*[\w.)])?", re.ASCII)


def copy_rule(ruleset: RuleSet, rule_id: str) -> str:
    """Return a rule as the text of a file of its own that takes the first one's place; raise RuleError.

    It is the text of the file, comments and line ends included; what overrides changed is not in it.
    """
    rule = _get(ruleset, rule_id)
    lines = _source_lines(ruleset, rule)
    made = [f"  - {lines[0]}", "    replace: true", *(f"    {line}".rstrip() for line in lines[1:])]
    return _with_ends_of(ruleset, [rule], f"{_HEAD}rules:\n" + "\n".join(made) + "\n")


def export(ruleset: RuleSet, rule_ids: Sequence[str] = ()) -> str:
    """Return rules as the text of one file, with the lists and rules that they refer to; raise RuleError.

    rule_ids: empty means all. Overrides are laid over, comments are left out; lines end as in the files, if all agree.
    """
    wanted = dict.fromkeys(rule_ids) or {rule.rule.id: None for rule in ruleset.nodes}
    waiting = list(wanted)
    while waiting:
        for node in assemble.references(_get(ruleset, waiting.pop())):
            if node.rule not in wanted:
                wanted[node.rule] = None
                waiting.append(node.rule)
    chosen = [rule for rule in ruleset.nodes if rule.rule.id in wanted]
    files = [reading.read(name, body, reading.Complaints()) for name, body in ruleset.files.items()]
    terms = assemble.list_terms(files)
    names = sorted({name for rule in chosen for name in rule.lists})
    out = [_HEAD.rstrip()]
    if names:
        out.append("lists:")
        for name in names:
            out.append(f"  {name}:")
            out += [f"    - {_quoted(term.written)}" for term in terms[name]]
    out.append("rules:")
    for rule in chosen:
        assert isinstance(rule.tree, source.Mapping)
        lines = list(_lines(_without(rule.tree, "replace")))
        out += [f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])]
    return _with_ends_of(ruleset, chosen, "\n".join(out) + "\n")


def _with_ends_of(ruleset: RuleSet, chosen: Iterable[RuleNode], text: str) -> str:
    """Return `text` with Windows line ends if the files of all chosen rules have them."""
    files = {rule.place.file for rule in chosen}
    return text.replace("\n", "\r\n") if all("\r\n" in ruleset.files[name] for name in files) else text


def _get(ruleset: RuleSet, rule_id: str) -> RuleNode:
    for rule in ruleset.nodes:
        if rule.rule.id == rule_id:
            return rule
    mend = reading.did_you_mean(rule_id, sorted(rule.rule.id for rule in ruleset.nodes))
    raise RuleError([f"there is no rule `{rule_id}` ({mend})"])


def _source_lines(ruleset: RuleSet, rule: RuleNode) -> list[str]:
    """Return a rule's lines as they stand in its file, without their common indentation."""
    assert isinstance(rule.tree, source.Mapping)
    indent = rule.place.column - 1
    lines = ruleset.files[rule.place.file].splitlines()
    first = lines[rule.place.line - 1][indent:]
    if not first.startswith("id:") or any(key.place.file != rule.place.file for key, _ in rule.tree.items):
        return list(_lines(_without(rule.tree, "replace")))
    kept = [first]
    for line in lines[rule.place.line :]:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        kept.append(line[indent:])
    while not kept[-1].strip():
        kept.pop()
    return [line for line in kept if not re.match(r"replace\s*:", line)]


def _without(tree: source.Mapping, key: str) -> source.Mapping:
    kept = sorted((pair for pair in tree.items if pair[0].text != key), key=lambda pair: pair[0].text != "id")
    return source.Mapping(tree.place, tuple(kept))


def _lines(tree: source.Tree) -> Iterator[str]:
    """Yield a tree as lines of YAML."""
    match tree:
        case source.Scalar():
            yield _quoted(tree.text)
        case source.Sequence():
            for item in tree.items:
                inner = list(_lines(item))
                yield f"- {inner[0]}"
                yield from (f"  {line}" for line in inner[1:])
        case source.Mapping():
            for key, value in tree.items:
                if isinstance(value, source.Scalar) or not value.items:
                    yield f"{_quoted(key.text)}: {_quoted(value.text) if isinstance(value, source.Scalar) else '[]'}"
                else:
                    yield f"{_quoted(key.text)}:"
                    yield from (f"  {line}" for line in _lines(value))


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
