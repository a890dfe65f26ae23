"""The keys of a rule file as pydantic models: they check each mapping, and make the JSON Schema for editors. Pure.

Conditions are opaque here: `conditions` takes them apart, and checks each node's own keys with its model.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import models_json_schema

from monitor import model
from monitor.rules.nodes import FormName, Within

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(value: object) -> timedelta:
    """Return `48h` as a timedelta; raise ValueError."""
    found = re.fullmatch(r"(\d{1,6}) ?([smhdw])", str(value).strip())
    if not found:
        raise ValueError("write a duration with its unit: 30m, 48h, 7d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _defined(name: str) -> WithJsonSchema:
    """Stand for a definition that `json_schema` adds; pydantic itself cannot refer to what it has not made."""
    return WithJsonSchema({_REF: name})


_REF = "x-defined"
Condition = Annotated[Any, _defined("Condition")]
Conditions = Annotated[list[Condition], Field(min_length=1)]
Words = Annotated[list[str], BeforeValidator(_as_list), _defined("Words")]
Duration = Annotated[
    timedelta, BeforeValidator(duration), WithJsonSchema({"type": "string", "pattern": r"^\d+ ?[smhdw]$"})
]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]


class Strict(BaseModel):
    """A mapping in which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- nodes ------------------------------------------------------------------------------------------------------


class AnyNode(Strict):
    """At least one of these."""

    any: Conditions


class AllNode(Strict):
    """Every one of these, anywhere in the fields. A `not` among them forbids its sentence to the others."""

    all: Conditions


class NotNode(Strict):
    """This does not occur. In `all` it forbids its sentence to the others, in `near` its neighbourhood."""

    not_: Condition = Field(alias="not")


class NearNode(Strict):
    """All of these close together, in one sentence."""

    near: Conditions
    within: Annotated[int, Field(ge=1, le=200)] | Within = Field(
        default=Within.SENTENCE,
        description="Words from the end of the first to the start of the last; or `sentence`, or `title`.",
    )
    ordered: bool = Field(default=False, description="Only in the order given.")


class Counted(Strict):
    """How many of what."""

    count: Annotated[int, Field(ge=1, le=1000)]
    of: Conditions


class AtLeastNode(Strict):
    """A number of different ones of these."""

    at_least: Counted


class TitleNode(Strict):
    """This, in the title."""

    title: Condition


class SummaryNode(Strict):
    """This, in the summary."""

    summary: Condition


class BodyNode(Strict):
    """This, in the body."""

    body: Condition


class RuleNode(Strict):
    """Another rule's match."""

    rule: Id


class StemNode(Strict):
    """Any English inflection of these words."""

    stem: Words


class FormNode(Strict):
    """The title's form: a question, an explainer, a live page, an analysis."""

    form: Annotated[list[FormName], BeforeValidator(_as_list), Field(min_length=1)]


class Weights(Strict):
    """Terms with their weights, and the sum that is enough."""

    at_least: Annotated[float, Field(gt=0)]
    terms: Annotated[dict[str, float], Field(min_length=1)]


class ScoreNode(Strict):
    """The weights of the terms that occur reach a sum; each term counts once."""

    score: Weights


NODES: Mapping[str, type[Strict]] = {
    "any": AnyNode,
    "all": AllNode,
    "not": NotNode,
    "near": NearNode,
    "at_least": AtLeastNode,
    "title": TitleNode,
    "summary": SummaryNode,
    "body": BodyNode,
    "rule": RuleNode,
    "stem": StemNode,
    "form": FormNode,
    "score": ScoreNode,
}

# --- rules ------------------------------------------------------------------------------------------------------


class Feeds(Strict):
    """Which feeds, by name or by tag."""

    names: Words = []
    tags: Words = []


def _as_feeds(value: object) -> object:
    return {"names": value} if isinstance(value, list | str) else value


class Example(Strict):
    """A headline with its summary."""

    title: str
    summary: str = ""


Examples = Annotated[Any, _defined("Examples")]


class Tests(Strict):
    """Headlines that a rule must match, and must not. A `|` block holds one a line."""

    match: Examples = None
    no_match: Examples = None


class _Settings(Strict):
    """What a rule and an override share."""

    title: str | None = Field(default=None, description="For people; the id when absent.")
    about: str | None = Field(default=None, description="Why the rule exists, what it leaves out.")
    level: model.Level | None = None
    status: model.RuleStatus | None = None
    enabled: bool = True
    tags: Words | None = None
    unless: Condition = Field(default=None, description="Cancels the occurrences that it overlaps.")
    unless_anywhere: Condition = Field(default=None, description="Cancels the whole entry.")
    fields: Annotated[list[model.Field], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    feeds: Annotated[Feeds, BeforeValidator(_as_feeds)] | None = None
    outlets: Words | None = None
    languages: Words | None = None
    max_age: Duration | None = None
    min_sources: Annotated[int, Field(ge=1, le=100)] | None = None
    channels: Words | None = None
    references: Words | None = None


class Rule(_Settings):
    """One rule."""

    id: Id = Field(description="Stable, kebab-case.")
    match: Condition = Field(description="The condition.")
    replace: bool = Field(default=False, description="Takes the place of the rule of this id in an earlier file.")
    tests: Tests | None = None


class OverrideSettings(_Settings):
    """What changes in a rule of an earlier file."""

    id: Id
    match: Condition = None


class Override(Strict):
    """Changes a rule of an earlier file in place."""

    override: OverrideSettings


class TermList(Strict):
    """Words under one name, for `$name`."""

    terms: Examples = Field(description="A list, or a `|` block with commas or lines between the terms.")
    extend: bool = Field(default=False, description="Adds to the list of this name in an earlier file.")
    replace: bool = Field(default=False, description="Takes the place of the list of this name in an earlier file.")
    about: str | None = None
    source: Words | None = None
    as_of: str | None = Field(default=None, description="The day on which it was right, 2025-11-21.")


class RuleFile(Strict):
    """A rule file of monitor."""

    version: Literal["1"] = Field(default="1", json_schema_extra={"enum": [1, "1"], "type": ["integer", "string"]})
    lists: dict[str, Annotated[Any, _defined("List")]] = {}
    rules: list[Annotated[Any, WithJsonSchema({"anyOf": [{_REF: "Rule"}, {_REF: "Override"}]})]] = []


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a rule file, for editors."""
    models: list[type[BaseModel]] = [RuleFile, Rule, Override, TermList, Example, *NODES.values()]
    _, made = models_json_schema([(each, "validation") for each in models], by_alias=True)
    defs = made["$defs"]
    text = {"type": ["string", "number", "boolean"]}
    defs["Words"] = {"anyOf": [text, {"type": "array", "items": text}]}
    nodes = [{"$ref": f"#/$defs/{each.__name__}"} for each in NODES.values()]
    defs["Condition"] = {"anyOf": [text, {"type": "array", "items": {_REF: "Condition"}, "minItems": 1}, *nodes]}
    lines = {"anyOf": [text, {"$ref": "#/$defs/Example"}]}
    defs["Examples"] = {"anyOf": [text, {"type": "array", "items": lines}]}
    terms = {"anyOf": [text, {"$ref": "#/$defs/StemNode"}]}
    defs["List"] = {"anyOf": [text, {"type": "array", "items": terms}, {"$ref": "#/$defs/TermList"}]}
    whole = defs.pop("RuleFile")
    linked = _linked({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": defs, **whole})
    assert isinstance(linked, dict)
    return linked


def _linked(schema: object) -> object:
    """Return `schema` with the stand-ins for our own definitions replaced by references."""
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    if isinstance(schema, dict):
        return {
            "$ref" if key == _REF else key: f"#/$defs/{value}" if key == _REF else _linked(value)
            for key, value in schema.items()
        }
    return schema


def json_schema_text() -> str:
    """Return the JSON Schema as the text of `rules.schema.json`."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
