"""The reference pages say what the program says: docs/cli.md and docs/config.md."""

import json
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from monitor.config import schema, units
from tools import write_cli_reference

DOCS = Path(__file__).parent.parent / "docs"
HEADINGS = {"feeds": "[[feeds]]", "channels": "[[channels]]", "quiet": "[channels.quiet]"}
HEADINGS |= {"templates": "[channels.templates]"}


def documented() -> dict[str, dict[str, str]]:
    """Return the tables of docs/config.md: heading -> key -> default as it is written there."""
    tables: dict[str, dict[str, str]] = {}
    heading = ""
    for line in (DOCS / "config.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif found := re.match(r"\| `(\w+)` \| (.+?) \| \S", line):
            tables.setdefault(heading, {})[found[1]] = found[2]
    return tables


def written(field: FieldInfo) -> str:
    """Return a default as the page writes it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        value = units.format_duration(value)
    if isinstance(value, StrEnum):
        value = value.value
    if value == 8 * 1024**2:
        value = "8MiB"
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


@pytest.mark.parametrize("name", sorted(schema.TABLES))
def test_every_key_is_documented_with_its_default(name: str) -> None:
    """The page has exactly the program's keys, each with the program's default."""
    fields = schema.TABLES[name].model_fields
    expected = {field.alias or key: written(field) for key, field in fields.items()}
    assert documented()[HEADINGS.get(name, f"[{name}]")] == expected


def test_every_table_is_documented() -> None:
    """The page has exactly the program's tables."""
    assert set(documented()) == {HEADINGS.get(name, f"[{name}]") for name in schema.TABLES}


def test_the_command_line_is_documented() -> None:
    """docs/cli.md is what the commands say of themselves; `python -m tools.write_cli_reference` writes it."""
    assert write_cli_reference.PAGE.read_text(encoding="utf-8") == write_cli_reference.render()
