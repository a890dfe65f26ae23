"""What people and scripts get to see: tables, lines, JSON lines; text from outside is made safe for terminals. Shell.

Nothing here reads rich's markup, so that brackets in a headline stay brackets.
"""

import difflib
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# C0, DEL, C1 (a lone 0x9b starts an escape sequence), marks that turn the reading direction, lone surrogates
_CONTROL = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE = re.compile(f"[{_CONTROL}]+")
_NARROW = 20  # columns that a text needs to be read
_GAP = 2
_WIDE = 200  # columns, when nobody's terminal says how many there are


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. key: of the row; shown: turns a value into text; style: rich's, such as "bold"."""

    key: str
    title: str
    shown: Callable[[Any], str] | None = None
    style: str = ""
    wraps: bool = False


def clean(text: object) -> str:
    """Return `text` as one line that a terminal can do nothing with but show."""
    return " ".join(_UNSAFE.sub(" ", str(text)).split())


def to_json(value: object) -> str:
    """Return `value` as JSON on one line; control and bidi characters are written as escapes."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return _UNSAFE.sub(lambda found: "".join(f"\\u{ord(sign):04x}" for sign in found[0]), text)


def print_json(value: object) -> None:
    """Print `value` as one JSON line."""
    sys.stdout.write(to_json(value) + "\n")


def say(text: str = "") -> None:
    """Print one line for people on standard output."""
    sys.stdout.write(_keep_indent(text) + "\n")


def complain(text: str) -> None:
    """Print one line for people on standard error."""
    sys.stderr.write(_keep_indent(text) + "\n")


def show(
    rows: Iterable[Mapping[str, object]], columns: Sequence[Column], *, as_json: bool, empty: str = "nothing"
) -> None:
    """Print `rows`: as JSON lines with all that they hold, or as a table of `columns`.

    empty: what people read when there is no row; scripts get no line at all then.
    """
    if as_json:
        for row in rows:
            print_json(row)
        return
    listed = list(rows)
    if not listed:
        say(empty)
        return
    cells = [[_cell(column, row.get(column.key)) for column in columns] for row in listed]
    screen = console()
    widths = _widths(columns, cells)
    least = sum(min(width, _NARROW) if one.wraps else width for one, width in zip(columns, widths, strict=True))
    if least + _GAP * len(columns) <= screen.width:
        _print_table(screen, columns, cells)
    else:
        _print_stacked(screen, columns, cells, widths)


def console(*, stderr: bool = False) -> "Console":
    """Return rich's console for the present standard output, with markup, emoji names and highlighting off."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width, soft_wrap=False)


def when(at: datetime | None) -> str:
    """Return an instant for a table: UTC, to the minute; "-" for none."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago `at` was, in one unit: "4 min"; "never" for None."""
    if at is None:
        return "never"
    return span(now - at)


def span(length: timedelta) -> str:
    """Return a length of time in one unit that people read at a glance: "4 min", "3 h", "12 d"."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit != "min" and seconds >= size * 1.5):
            return f"{round(seconds / size)} {unit}"
    return f"{seconds} s"


def count(number: int, one: str, many: str = "") -> str:
    """Return "1 alert" or "3 alerts"; many: where the plural is not made with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known name that is nearest, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
    """Return how many columns of the screen each column takes when nothing is wrapped."""
    from rich.cells import cell_len

    return [max(cell_len(text) for text in (one.title, *texts)) for one, *texts in zip(columns, *cells, strict=True)]


def _print_table(screen: "Console", columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for column in columns:
        table.add_column(column.title, style=column.style, no_wrap=not column.wraps, overflow="fold")
    for row in cells:
        table.add_row(*(Text(text) for text in row))
    screen.print(table)


def _print_stacked(
    screen: "Console", columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int]
) -> None:
    """Print a table for a narrow screen: what wraps stands below its row, so that nothing is left out."""
    from rich.cells import set_cell_size
    from rich.text import Text

    short = [number for number, column in enumerate(columns) if not column.wraps]
    long = [number for number, column in enumerate(columns) if column.wraps]
    for place, row in enumerate(([column.title for column in columns], *cells)):
        line = " ".join(set_cell_size(row[number], widths[number] + 1) for number in short).rstrip()
        below = [f"  {row[number]}" for number in long if row[number]]
        for text in (line, *below):
            screen.print(Text(text, style="" if place else "bold"), soft_wrap=True)


def _cell(column: Column, value: object) -> str:
    if column.shown is not None:
        return clean(column.shown(value))
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, list | tuple):
        return clean(", ".join(str(item) for item in value))
    return clean(value)


def _keep_indent(text: str) -> str:
    body = text.lstrip(" ")
    return " " * (len(text) - len(body)) + _UNSAFE.sub(" ", body)


def _plain(value: object) -> object:
    """Return what JSON can hold instead of `value`: instants in ISO 8601, lengths of time in seconds."""
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return str(value)
