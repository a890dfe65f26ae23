"""What the documentation says of the code's shape, checked against the code."""

import ast
import re
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from monitor.store import tables

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "monitor").rglob("*.py"))
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DOORS = {
    "apscheduler": "monitor/daemon/",
    "feedparser": "monitor/parse/",
    "apprise": "monitor/send/",
    "alembic": "monitor/store/",
    "ahocorasick_rs": "monitor/rules/",
    "tomllib": "monitor/config/",
    "uvicorn": "monitor/web/",
}
MOST_LINES, MOST_FUNCTION_LINES = 400, 60


def test_every_table_is_on_the_page() -> None:
    """docs/architecture.md lists the tables that there are, and no others."""
    section = PAGE.split("## The tables")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == set(SQLModel.metadata.tables)
    assert tables.__doc__


def test_the_layers_on_the_page_are_those_that_are_checked() -> None:
    """The import order that the page draws is import-linter's."""
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    drawn = re.search(r"```\n(__main__ > .*?)```", PAGE, re.DOTALL)
    assert drawn
    assert [layer.strip() for layer in drawn[1].split(">")] == contracts["contracts"][0]["layers"]


def test_every_path_on_the_page_exists() -> None:
    """A file or folder that docs/architecture.md names is there."""
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?|[a-z]+\.py)`", PAGE))
    assert named
    missing = [name for name in named if not any((ROOT / top / name).exists() for top in (".", "monitor"))]
    assert missing == []


@pytest.mark.parametrize(("library", "door"), DOORS.items())
def test_a_library_has_one_door(library: str, door: str) -> None:
    """Each library is imported in one place only, so that it can be replaced there."""
    users = [path.relative_to(ROOT).as_posix() for path in SOURCES if library in _imports(path)]
    assert [user for user in users if not user.startswith(door)] == []


def test_outside_the_store_sqlmodel_is_only_the_type_of_a_transaction() -> None:
    """Rows never leave the store: what passes its door is the Session that its functions take."""
    for path in SOURCES:
        if (ROOT / "monitor" / "store") in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "sqlmodel":
                assert [name.name for name in node.names] == ["Session"], path.name
            if isinstance(node, ast.ImportFrom) and node.module == "monitor.store":
                assert "tables" not in [name.name for name in node.names], path.name
            assert not (isinstance(node, ast.ImportFrom) and node.module == "monitor.store.tables"), path.name


def test_files_and_functions_stay_small() -> None:
    """No file over 400 lines, no function over 60: what grows beyond lacks a noun."""
    long = []
    for path in SOURCES:
        if "migrations/versions" in path.as_posix():
            continue
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > MOST_LINES:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long.append(f"{path.name}:{node.name}")
    assert long == []


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
