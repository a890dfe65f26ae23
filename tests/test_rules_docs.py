"""docs/rules.md: each example is a file that works, and each complaint is explained."""

import re
from pathlib import Path

import pytest

from monitor import match, rules

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "rules.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_is_a_file_that_passes(number: int) -> None:
    """An example loads over the shipped rules, and its tests pass without a warning."""
    files = {**rules.read_files(["builtin"], base=ROOT), "own.yaml": EXAMPLES[number]}
    ruleset = rules.from_files(files)
    said = [str(one) for one in (*rules.lint(ruleset), *match.failing_tests(ruleset))]
    assert [line for line in said if line.startswith("own.yaml")] == []


def test_every_complaint_is_explained() -> None:
    """Each name that a complaint can carry stands on the page."""
    code = "".join(
        file.read_text() for folder in ("rules", "match") for file in (ROOT / "monitor" / folder).glob("*.py")
    )
    calls = (
        r"(?:error|warn|_error|_warning|Complaint|unknown_key)\(\s*(?:[^()\"]|\([^()]*\))*?\"([a-z]+(?:-[a-z0-9]+)*)\""
    )
    names = set(re.findall(calls, code))
    assert {"two-nodes", "cut-by-hash", "test", "yaml", "unknown-list", "wide-near"} <= names
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
