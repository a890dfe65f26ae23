"""docs/polling.md names tests that exist, for every threat."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "polling.md").read_text(encoding="utf-8")
THREATS = PAGE.split("## What a feed cannot do")[1].split("\n## ")[0]


def test_every_test_that_is_named_exists() -> None:
    """A defence whose test was renamed or went is no longer shown by anything."""
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    code = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in sorted(named) if f"def {name}(" not in code] == []


def test_every_threat_has_a_test() -> None:
    """No row of the table is a mere promise."""
    rows = [line for line in THREATS.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if "`test_" not in row.split("|")[3]] == []
