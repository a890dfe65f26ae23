"""One file's tree to lists and rules, with a complaint for everything that is wrong. Pure.

The tree knows places; the models of `schema` know keys; this module brings both together, and takes conditions apart.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from monitor.rules import schema, source, terms
from monitor.rules.nodes import Complaint, Example, Fix, Place, Term

Model = TypeVar("Model", bound=BaseModel)

SYNONYMS = {
    "severity": "level",
    "priority": "level",
    "name": "id",
    "condition": "match",
    "query": "match",
    "keywords": "match",
    "exclude": "unless",
    "except": "unless",
    "description": "about",
    "language": "languages",
    "lang": "languages",
    "or": "any",
    "and": "all",
    "none": "not",
    "distance": "within",
    "sources": "outlets",
    "disabled": "enabled",
}


@dataclass(slots=True)
class Complaints:
    """Gathers what is wrong."""

    found: list[Complaint] = field(default_factory=list)

    def error(self, place: Place, lint: str, message: str, mend: str = "", rule: str = "") -> None:
        """Add an error."""
        self.found.append(Complaint(place, lint, message, mend, rule))

    def unknown_key(self, place: Place, key: str, known: Sequence[str], taken: Sequence[str], rule: str) -> None:
        """Add an error about a key, with the mechanical mend when one known key is plainly meant and not taken."""
        meant = "" if key in _ELSEWHERE else nearest(key, known)
        mend = _ELSEWHERE.get(key) or did_you_mean(key, known)
        rivals = [f"`{other}`" for other in taken if other not in (key, *known) and nearest(other, known) == meant]
        if meant and rivals:
            mend += f" {rivals[0]} seems to mean it too: keep one of them"
        is_plain = meant and meant not in taken and not rivals and key not in SYNONYMS
        fix = Fix(place.line, f"{key}:", f"{meant}:") if is_plain else None
        self.found.append(Complaint(place, "unknown-key", f"unknown key `{key}`", mend, rule, fix=fix))


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item of a list: a term, or the name of another list."""

    place: Place
    term: Term | None
    list_name: str = ""


@dataclass(frozen=True, slots=True)
class ListPart:
    """What one file says of one list."""

    name: str
    place: Place
    items: tuple[ListItem, ...]
    extend: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class RulePart:
    """What one file says of one rule: the mapping that was checked, and its tree."""

    id: str
    tree: source.Mapping
    override: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class FilePart:
    """What one file defines."""

    name: str
    lists: tuple[ListPart, ...] = ()
    rules: tuple[RulePart, ...] = ()


def read(name: str, text: str, complaints: Complaints) -> FilePart:
    """Return what a file defines; what is wrong in it is left out and complained of."""
    try:
        tree = source.read(name, text)
    except source.SourceError as error:
        complaints.found.append(error.complaint)
        return FilePart(name)
    if tree is None or (isinstance(tree, source.Scalar) and not tree.text):
        return FilePart(name)
    if not isinstance(tree, source.Mapping):
        complaints.error(
            tree.place, "shape", "a rule file is a mapping with `rules:` and `lists:`", "begin it with `rules:`"
        )
        return FilePart(name)
    checked(schema.RuleFile, tree, complaints)
    lists, rules = tree.get("lists"), tree.get("rules")
    list_items = lists.items if isinstance(lists, source.Mapping) else ()
    rule_items = rules.items if isinstance(rules, source.Sequence) else ()
    made_lists = (_list(key, value, complaints) for key, value in list_items)
    made_rules = (_rule(item, complaints) for item in rule_items)
    return FilePart(
        name,
        tuple(part for part in made_lists if part is not None),
        tuple(rule for rule in made_rules if rule is not None),
    )


def checked(kind: type[Model], tree: source.Mapping, complaints: Complaints, rule: str = "") -> Model | None:
    """Return a mapping as its model; complain of each key that is wrong and return None."""
    try:
        return kind.model_validate(_without_empty(tree))
    except ValidationError as error:
        for problem in _as_one(tree, error.errors()):
            _complain(kind, tree, problem, complaints, rule)
        return None


def _as_one(tree: source.Mapping, problems: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield one problem for each place: a value that may be of two kinds has one for each kind that it is not."""
    at: dict[tuple[Any, ...], dict[str, Any]] = {}
    for problem in problems:
        location = _without_kinds(tree, problem)
        said = str(problem["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
        for theirs, ours in _PLAIN.items():
            said = re.sub(theirs, ours, said)
        if (first := at.get(location)) is None:
            at[location] = {**problem, "loc": location, "msg": said}
        else:
            first["msg"] += f" or {said.removeprefix('it should be ')}"
    yield from at.values()


def _without_kinds(tree: source.Tree, problem: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return where a problem is, without the names of kinds that pydantic puts after a value of several kinds."""
    location = []
    for part in problem["loc"]:
        if isinstance(part, str) and "[" in part:
            continue
        inner = _inner(tree, part)
        if inner is None and (problem["type"] != "missing" or not isinstance(tree, source.Mapping)):
            break
        location.append(part)
        tree = inner or tree
    return tuple(location)


def _inner(tree: source.Tree, part: Any) -> source.Tree | None:  # noqa: ANN401 - a key or a number
    if isinstance(tree, source.Mapping):
        return tree.get(str(part))
    if isinstance(tree, source.Sequence) and isinstance(part, int) and part < len(tree.items):
        return tree.items[part]
    return None


def _without_empty(tree: source.Mapping) -> dict[str, Any]:
    """Leave out keys without a value (`unless:` and nothing behind it), as if they were not written."""
    values = source.plain(tree)
    return {key.text: values[key.text] for key, value in tree.items if not is_empty(value)}


def is_empty(tree: source.Tree) -> bool:
    """Return whether nothing was written: an unquoted empty value."""
    return isinstance(tree, source.Scalar) and not tree.text and not tree.style


def _complain(
    kind: type[BaseModel], tree: source.Mapping, problem: Mapping[str, Any], complaints: Complaints, rule: str
) -> None:
    location = problem["loc"]
    place = _place(tree, location, of_key=problem["type"] == "extra_forbidden")
    key = str(location[-1]) if location else ""
    known, taken = _known_keys(kind, location[:-1]), _keys_around(tree, location)
    if problem["type"] == "extra_forbidden":
        complaints.unknown_key(place, key, known, taken, rule)
    elif problem["type"] == "missing":
        if all(nearest(other, known) != key for other in taken if other not in known):  # else that is complained of
            complaints.error(place, "missing-key", f"`{key}` is missing", "", rule)
    elif problem["type"] == "string_pattern_mismatch":
        mend = "small letters, digits and hyphens, like arms-deal"
        complaints.error(place, "bad-value", f"`{problem['input']}` is no id", mend, rule)
    else:
        said = f"`{'.'.join(map(str, location))}`: {problem['msg']}"
        complaints.error(place, "bad-value", said, _LIKE.get(key, ""), rule)


def _keys_around(tree: source.Tree, location: Sequence[Any]) -> Sequence[str]:
    """Return the keys that stand beside the one at `location`."""
    for part in location[:-1]:
        tree = _inner(tree, part) or tree
    return tree.keys() if isinstance(tree, source.Mapping) else ()


_ELSEWHERE = {
    "id": "a rule stands under `rules:`, with a dash before it",
    "match": "a rule stands under `rules:`, with a dash before it",
    "lists": "`lists:` stands beside `rules:`, not inside a rule",
    "within": "it goes with `near`",
    "ordered": "it goes with `near`",
}
_LIKE = {
    "rules": "- id: oil-ban",
    "near": "near: [oil, ban*]",
    "at_least": "at_least: {count: 2, of: [oil, gas, coal]}",
    "score": "score: {at_least: 10, terms: {oil: 6, ban*: 4}}",
    "override": "override: {id: arms-deal, level: low}",
}
_PLAIN = {
    r"a valid dictionary( or instance of \w+)?": "a mapping, `key: value`",
    "a valid list": "a list, in brackets or with a dash for each line",
    "a valid string": "text",
    "a valid boolean, unable to interpret input": "true or false",
    r"a valid (integer|number)(, unable to parse string as an? (integer|number))?": "a number",
}


def _known_keys(kind: type[BaseModel], location: Sequence[Any]) -> list[str]:
    if location:
        inner: dict[str, type[BaseModel]] = {
            "tests": schema.Tests,
            "override": schema.OverrideSettings,
            "feeds": schema.Feeds,
            "at_least": schema.Counted,
            "score": schema.Weights,
        }
        kind = inner.get(str(location[0]), kind)
    return [each.alias or name for name, each in kind.model_fields.items()]


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return `did you mean ...?` for the known word that is nearest, else the list of them."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else "allowed: " + ", ".join(known[:30])


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word that is plainly meant by `word`, empty when none is."""
    if SYNONYMS.get(word) in known:
        return SYNONYMS[word]
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")


def _place(tree: source.Tree, location: Sequence[Any], *, of_key: bool = False) -> Place:
    """Return where the value (or the key) at `location` stands, or the nearest thing around it."""
    place = tree.place
    for number, part in enumerate(location):
        if isinstance(tree, source.Mapping):
            pair = next(((key, value) for key, value in tree.items if key.text == part), None)
            if pair is None:
                return place
            tree = pair[1]
            at_key = is_empty(tree) or (of_key and number == len(location) - 1)
            place = pair[0].place if at_key else tree.place
        elif isinstance(tree, source.Sequence) and isinstance(part, int) and part < len(tree.items):
            tree = tree.items[part]
            place = tree.place
    return place


# --- lists ------------------------------------------------------------------------------------------------------


def _list(key: source.Scalar, value: source.Tree, complaints: Complaints) -> ListPart | None:
    name = key.text.removeprefix("$")
    if not name.replace("_", "").replace("-", "").isalnum():
        complaints.error(key.place, "list-name", f"`{key.text}` is no name for a list", "letters, digits, - and _")
        return None
    body, extend, replace = value, False, False
    if isinstance(value, source.Mapping):
        made = checked(schema.TermList, value, complaints)
        if made is None:
            return None
        body, extend, replace = value.get("terms") or value, made.extend, made.replace
    before = len(complaints.found)
    items = tuple(list_items(body, complaints))
    if not items and len(complaints.found) == before:
        complaints.error(key.place, "empty-list", f"the list `{name}` is empty", "give it a term, or remove it")
    return ListPart(name, key.place, items, extend, replace)


def list_items(body: source.Tree, complaints: Complaints) -> Iterator[ListItem]:
    """Yield the terms of a list: of a sequence, or of a block with commas or lines between them."""
    if isinstance(body, source.Scalar):
        for line in source.lines_of(body):
            for written in _parted(line.text):
                yield from _item(line.place, written, complaints)
        return
    for item in body.items if isinstance(body, source.Sequence) else ():
        if isinstance(item, source.Scalar):
            yield from _item(item.place, item.text, complaints, plain=not item.style)
        elif isinstance(item, source.Mapping) and item.keys() == ("stem",):
            made = checked(schema.StemNode, item, complaints)
            for written in made.stem if made else []:
                yield from _item(item.place, f"stem:{written}", complaints)
        else:
            complaints.error(
                item.place, "list-item", "a list holds terms only", "put conditions into a rule, and refer to it"
            )


def _parted(line: str) -> list[str]:
    if line.startswith("/"):
        return [line]
    return [part.strip().strip('"') for part in line.split(",") if part.strip()]


def _item(place: Place, written: str, complaints: Complaints, *, plain: bool = True) -> Iterator[ListItem]:
    if written.startswith("$") and plain:
        yield ListItem(place, None, written[1:])
    elif made := term(place, written, complaints):
        yield ListItem(place, made)


def term(place: Place, written: str, complaints: Complaints, rule: str = "") -> Term | None:
    """Return the term, or complain and return None."""
    try:
        return terms.parse(written)
    except terms.TermError as error:
        complaints.error(place, "term", str(error), "", rule)
        return None


# --- rules ------------------------------------------------------------------------------------------------------


def _rule(item: source.Tree, complaints: Complaints) -> RulePart | None:
    if not isinstance(item, source.Mapping):
        complaints.error(item.place, "shape", "a rule is a mapping that begins with `id:`", "- id: my-rule")
        return None
    if "override" in item.keys():  # noqa: SIM118 - not a dict
        inner = item.get("override")
        made = checked(schema.Override, item, complaints)
        if made is None or not isinstance(inner, source.Mapping):
            return None
        return RulePart(made.override.id, inner, override=True)
    name = item.get("id")
    rule = name.text if isinstance(name, source.Scalar) else ""
    checked_rule = checked(schema.Rule, item, complaints, rule)
    return RulePart(checked_rule.id, item, replace=checked_rule.replace) if checked_rule else None


def examples(tree: source.Tree | None, complaints: Complaints, rule: str) -> tuple[Example, ...]:
    """Return the headlines of a `tests.match` or `tests.no_match`."""
    return tuple(_examples(tree, complaints, rule))


def _examples(tree: source.Tree | None, complaints: Complaints, rule: str) -> Iterator[Example]:
    match tree:
        case source.Scalar(style="|"):
            yield from (Example(line.place, line.text) for line in source.lines_of(tree, comments=False))
        case source.Scalar() if tree.text:
            yield Example(tree.place, tree.text)
        case source.Sequence():
            for item in tree.items:
                yield from _examples(item, complaints, rule)
        case source.Mapping():
            yield from _example(tree, complaints, rule)


def _example(tree: source.Mapping, complaints: Complaints, rule: str) -> Iterator[Example]:
    keys = tree.keys()
    if keys and set(keys) <= {"title", "summary"}:
        made = checked(schema.Example, tree, complaints, rule)
        if made:
            yield Example(tree.place, made.title, made.summary)
        return
    said = f"`{keys[0] if keys else '{}'}: ...` was read as a mapping, because of its colon"
    mend = "quote the headline, or write a `|` block with one headline a line"
    written = (
        f"{keys[0]}: {value.text}" if len(keys) == 1 and isinstance(value := tree.items[0][1], source.Scalar) else ""
    )
    fix = Fix(tree.place.line, written, json.dumps(written, ensure_ascii=False)) if written else None
    complaints.found.append(Complaint(tree.place, "headline-mapping", said, mend, rule, fix=fix))
