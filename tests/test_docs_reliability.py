"""docs/reliability.md names tests and faults that exist."""

import re
from pathlib import Path

from tests.e2e import faults

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_exists() -> None:
    """A promise whose test was renamed or went is no longer shown by anything."""
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
    assert len(named) > 20
    files = {path.name: path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")}
    assert [f"{file}::{test}" for file, test in named if f"def {test}(" not in files.get(file, "")] == []


def test_every_fault_is_explained() -> None:
    """The page's table of faults has each that the driver knows."""
    rows = " ".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    assert [kind for kind in faults.KINDS if f"`{kind}`" not in rows] == []
