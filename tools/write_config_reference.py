"""Write the tables of docs/config.md: `python -m tools.write_config_reference`; a test compares them with the page.

What a key means stands beneath it in `monitor/config/`; type and default are the models' own.
"""

import ast
import inspect
import json
import textwrap
import types
from collections.abc import Iterator
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from monitor.config import schema, units
from tools import blocks

PAGE = blocks.DOCS / "config.md"
HEADINGS = {"feeds": "[[feeds]]", "channels": "[[channels]]", "quiet": "[channels.quiet]"}
HEADINGS |= {"templates": "[channels.templates]"}
_KINDS: dict[object, str] = {
    str: "text",
    bool: "`true` or `false`",
    int: "number",
    float: "number",
    time: "time of day",
    date: "date",
    timedelta: "duration",
}
_MANY: dict[object, str] = {str: "texts", time: "times of day", date: "dates"}


def render() -> str:
    """Return the whole page, its tables as the program has them now."""
    page = PAGE.read_text(encoding="utf-8")
    for name, table in schema.TABLES.items():
        rows = ["| Key | Type | Default | Means |", "|---|---|---|---|", *_rows(table)]
        page = blocks.replaced(page, name, "\n".join(rows))
    return page


def meanings(table: type[BaseModel]) -> dict[str, str]:
    """Return what stands beneath the fields of a table, by name; those with nothing beneath them are missing."""
    [made] = ast.parse(textwrap.dedent(inspect.getsource(table))).body
    assert isinstance(made, ast.ClassDef)
    found = {}
    for field, after in zip(made.body, made.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            text = ast.literal_eval(after.value)
            found[field.target.id] = " ".join(str(text).split())
    return found


def _rows(table: type[BaseModel]) -> Iterator[str]:
    means = meanings(table)
    for name, field in table.model_fields.items():
        kind = _kind(field.annotation, field.metadata)
        yield f"| `{field.alias or name}` | {kind} | {_default(field)} | {means.get(name, '')} |"


def _kind(annotation: Any, metadata: list[Any]) -> str:  # noqa: ANN401  a type, in any of its forms
    if get_origin(annotation) is Annotated:
        annotation, *given = get_args(annotation)
        metadata = [check for one in given for check in (one.metadata if isinstance(one, FieldInfo) else [one])]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one, metadata) for one in inner if one is not type(None))
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is tuple:
        return f"list of {_MANY.get(inner[0]) or _kind(inner[0], [])}"
    if any(getattr(check, "func", None) is units.parse_size for check in metadata):
        return "size"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(f"`{word.value}`" for word in annotation)
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "table"
    return _KINDS[annotation] + _bounds(metadata)


def _bounds(metadata: list[Any]) -> str:
    limits = {name: getattr(one, name) for one in metadata for name in ("ge", "le") if hasattr(one, name)}
    if "ge" in limits and "le" in limits:
        return f", {limits['ge']} to {limits['le']}"
    return f", at least {limits['ge']}" if "ge" in limits else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        value = units.format_duration(value)
    elif any(getattr(check, "func", None) is units.parse_size for check in field.metadata):
        value = _size(value)
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


def _size(value: int) -> str:
    """Return a size as people write it."""
    for unit, worth in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value % worth == 0:
            return f"{value // worth}{unit}"
    return str(value)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
