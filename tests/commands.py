"""Run the command line as a person does, in a folder, and see status, standard output and standard error."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor import __main__ as program

SMALL_RULES = """\
version: 1
rules:
  - id: sanctions-threat
    title: Sanctions threat
    level: high
    tags: [sanctions]
    match:
      near: [[threat*, warn*, "will not hesitate"], sanction*]
      within: sentence
    tests:
      match: ["US warns Pyongyang of new sanctions"]
      no_match: ["Cup tie postponed"]
  - id: state-visit
    title: State visit
    level: medium
    tags: [visits]
    match:
      all: [[visit*, arrives], [president, Putin, "prime minister"]]
"""

SMALL_CONFIG = """\
[[feeds]]
name = "Wire"
url = "https://wire.example/rss"

[rules]
paths = ["rules"]
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """The JSON objects that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def monitor(*arguments: str, folder: Path, stdin: bytes = b"") -> Ran:
    """Run `monitor arguments...` in `folder`."""
    before = sys.stdin, sys.stdout, sys.stderr
    given, out, err = (io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (stdin, b"", b""))
    sys.stdin, sys.stdout, sys.stderr = given, out, err
    try:
        with contextlib.chdir(folder):
            status = program.run(arguments)
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
    return Ran(status, _written(out), _written(err))


@contextlib.contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Set (None: unset) environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    try:
        _set(values)
        yield
    finally:
        _set(before)


def set_up(folder: Path, *, config: str = SMALL_CONFIG, rules: str = SMALL_RULES) -> Path:
    """Write a small configuration with its own rules and an empty seeds folder, and return the configuration."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "seeds").mkdir(exist_ok=True)
    (folder / "rules" / "own.yaml").write_text(rules, encoding="utf-8")
    (folder / "config.toml").write_text(config, encoding="utf-8")
    return folder / "config.toml"


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _set(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
