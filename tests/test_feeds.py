"""Whole documents as feeds have them: each file of tests/feeds has beside it what it becomes.

After a change that is meant, `python -m tests.test_feeds` writes what they become now; read the difference.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor import errors, parse
from monitor.sandbox import wire
from tests.builders import NOON

FOLDER = Path(__file__).parent / "feeds"
DOCUMENTS = sorted(path for path in FOLDER.iterdir() if not path.name.endswith(".expected.json"))


def outcome(path: Path) -> dict[str, Any]:
    """Return what a document becomes: its feed, or why it is none."""
    try:
        feed = parse.parse(path.read_bytes(), content_type=None, url=f"https://feeds.example/{path.name}", now=NOON)
    except errors.ParseError as error:
        return {"error": str(error)}
    found: dict[str, Any] = json.loads(wire.answer(wire.Answer(wire.Kind.FEED, feed)))["feed"]
    return found


def expected(path: Path) -> Path:
    """Return where the expected outcome of a document stands."""
    return path.with_name(f"{path.name}.expected.json")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_becomes_what_stands_beside_it(path: Path) -> None:
    """Every document of the collection is read as it was when a person last looked at the outcome."""
    assert outcome(path) == json.loads(expected(path).read_text())


if __name__ == "__main__":
    for document in DOCUMENTS:
        text = json.dumps(outcome(document), indent=1, ensure_ascii=False, sort_keys=True)
        expected(document).write_text(text + "\n")
