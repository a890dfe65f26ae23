"""`monitor check --fix`: mends in rule files what needs no person, and shows each line before and after. Shell."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor import shipped
from monitor.cli import output

_BOM = "\ufeff"


def mend(paths: Sequence[str], base: Path, *, as_json: bool) -> None:
    """Mend the rule files of `paths` in place; what cannot be read is left to the check that follows.

    Each file is written in one step. Files that ship with the program stay as they are. Raises ConfigError.
    """
    from monitor import config, rules

    files, _ = rules.read_some(paths, base=base)
    for name, text in rules.mend(files).items():
        place = (base / name).resolve()
        if name.startswith("builtin/") or place.is_relative_to(shipped.RULES.resolve()):
            continue
        config.replace(place, _BOM + text if _begins_with_bom(place) else text)
        for line, before, after in _changes(files[name], text):
            _tell(name, line, before, after, as_json=as_json)


def _begins_with_bom(place: Path) -> bool:
    with place.open("rb") as file:
        return file.read(3) == _BOM.encode()


def _changes(before: str, after: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield the first line's number of each change, with the lines that went and those that came."""
    old, new = before.splitlines(), after.splitlines()
    for what, start, end, other_start, other_end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if what != "equal":
            yield start + 1, old[start:end], new[other_start:other_end]


def _tell(name: str, line: int, before: list[str], after: list[str], *, as_json: bool) -> None:
    if as_json:
        row = {"severity": "mended", "file": name, "line": line, "before": before, "after": after}
        output.print_json(row)
        return
    output.say(f"{name}:{line}: mended")
    for text in before:
        output.say(f"- {text}")
    for text in after:
        output.say(f"+ {text}")
