"""docs/operation.md against the program: metrics, events of the log and their fields."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import write_metrics_reference

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
_LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
_LOGGERS = {"log", "events"}
_PASS_ON = {"self._settle": 2, "_say": 1}  # functions that log an event that they are given: where its name stands
_OUR_OWN = {"exc_info"}  # fields that structlog takes itself


@dataclass(frozen=True, slots=True)
class _Call:
    """A place that logs. name: None where it is not a plain text, empty where it is the caller's."""

    place: str
    level: str
    name: str | None
    fields: frozenset[str]


def test_the_table_of_metrics_is_the_programs() -> None:
    """`python -m tools.write_metrics_reference` writes it."""
    assert write_metrics_reference.render() == PAGE


def test_every_event_has_a_plain_name() -> None:
    """Snake case, written as it is: what is put together at run time can be neither searched for nor counted."""
    for call in _calls():
        assert call.name is not None, f"{call.place}: write the event's name as a plain text"
        assert re.fullmatch(r"([a-z]+(_[a-z]+)*)?", call.name), call.place


def test_every_event_is_explained_with_its_level() -> None:
    """The page's table has exactly the events that the program logs."""
    section = PAGE.split("The events:")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \| (\w+) \| [A-Z]", section, re.MULTILINE)
    explained = {(name, level) for names, level in rows for name in re.findall(r"`(\w+)`", names)}
    told = {(call.name, call.level) for call in _calls() if call.name}
    assert told - explained == set(), "docs/operation.md has no row for these events"
    assert explained - told == set(), "these events are logged nowhere"


def test_fields_have_the_same_names_everywhere() -> None:
    """Each field stands in the page's table of fields, once, and each of those is used."""
    section = PAGE.split("| Field | Holds |")[1].split("The events:")[0]
    explained = re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in section.splitlines() if "|" in line))
    assert len(explained) == len(set(explained))
    told = {name for call in _calls() for name in call.fields} - _OUR_OWN
    assert told - set(explained) == set(), "docs/operation.md has no row for these fields: use one that is there"
    written = set(explained) - {"exception", *_counted()}
    assert written - told == set(), "these fields are used nowhere"


def _counted() -> set[str]:
    """Return the fields that `inforce` makes of what the files changed."""
    text = (ROOT / "monitor" / "daemon" / "inforce.py").read_text(encoding="utf-8")
    return set(re.findall(r'^ +"((?:feeds|known_stories)_\w+)":', text, re.MULTILINE))


def _calls() -> Iterator[_Call]:
    for path in sorted((ROOT / "monitor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _call(node, f"{path.relative_to(ROOT)}:{node.lineno}")


def _call(node: ast.Call, place: str) -> Iterator[_Call]:
    fields = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
    called = ast.unparse(node.func)
    logger, _, level = called.rpartition(".")
    if logger in _LOGGERS and level in _LEVELS:
        passed_on = ast.unparse(node.args[0]) == "event"  # named by whoever calls one of `_PASS_ON`
        yield _Call(place, _LEVELS[level], "" if passed_on else _text(node.args[0]), fields)
    elif called in _PASS_ON:
        yield _Call(place, "info", _text(node.args[_PASS_ON[called]]), fields)
    elif called == "tell" and place.startswith("monitor/log.py"):  # what libraries say
        yield _Call(place, "any", _text(node.args[0]), fields)


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
