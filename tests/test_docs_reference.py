"""The reference pages say what the program says: docs/cli.md and docs/config.md."""

import re

import pytest

from monitor.config import schema
from tools import write_cli_reference, write_config_reference


def test_the_tables_of_the_configuration_are_the_programs() -> None:
    """Keys, types, defaults and meanings; `python -m tools.write_config_reference` writes them."""
    assert write_config_reference.PAGE.read_text(encoding="utf-8") == write_config_reference.render()


@pytest.mark.parametrize("name", sorted(schema.TABLES))
def test_every_key_says_what_it_means(name: str) -> None:
    """Beneath each key of `monitor/config/` stands a sentence for its users."""
    table = schema.TABLES[name]
    means = write_config_reference.meanings(table)
    assert [key for key in table.model_fields if not re.fullmatch(r"\S.*[.)]", means.get(key, ""))] == []


def test_every_table_has_a_heading() -> None:
    """The page has exactly the program's tables."""
    page = write_config_reference.PAGE.read_text(encoding="utf-8")
    headings = [heading for heading in re.findall(r"^## (.+)$", page, re.MULTILINE) if heading.startswith("[")]
    assert set(headings) == {write_config_reference.HEADINGS.get(name, f"[{name}]") for name in schema.TABLES}


def test_the_command_line_is_documented() -> None:
    """docs/cli.md is what the commands say of themselves; `python -m tools.write_cli_reference` writes it."""
    assert write_cli_reference.PAGE.read_text(encoding="utf-8") == write_cli_reference.render()
