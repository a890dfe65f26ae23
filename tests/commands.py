"""Run the command line as a person does, in a folder, and see status, standard output and standard error."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor import __main__ as program
from monitor import config, model
from monitor.daemon import inforce
from monitor.store import engine, feeds

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
    tests:
      match: ["Putin arrives in Hanoi"]
      no_match: ["President opens a bakery"]
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


class _Terminal(io.StringIO):
    """Text that somebody watches."""

    def isatty(self) -> bool:
        return True


def watched(*arguments: str, folder: Path) -> str:
    """Run `monitor arguments...` in `folder` with its output on a terminal, as wide as COLUMNS says; return that."""
    before, sys.stdout = sys.stdout, _Terminal()
    try:
        with contextlib.chdir(folder):
            assert program.run(arguments) == 0
        return sys.stdout.getvalue()
    finally:
        sys.stdout = before


def unmeasured() -> dict[str, str]:
    """Return the environment without what lets coverage look into child processes, for those that it would disturb."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}


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


def came_in(path: Path, *titles: str, at: datetime, feed: str = "Wire", first: bool = False) -> None:
    """Store entries as a poll of `feed` at `at` leaves them, and decide them with what `path` configures.

    first: they came with the feed's first poll; else that one was an hour before, and empty.
    """
    found = inforce.read(lambda: config.load(path))
    store = engine.open_store(found.settings.store_url)
    try:
        store.upgrade()
        began = at - timedelta(hours=1)
        deciding, _ = inforce.apply(found, store, began, lambda _: began)
        if not first:
            _polled(store, feed, (), began)
        _polled(store, feed, titles, at)
        while deciding.run_pass(at).claimed:
            pass
    finally:
        store.close()


def _polled(store: engine.Store, feed: str, titles: Sequence[str], at: datetime) -> None:
    entries = tuple(
        model.ParsedEntry(
            key=f"{at:%H%M}-{number}",
            title=title,
            url=f"https://wire.example/{at:%Y%m%d%H%M}/{number}",
            outlet="Reuters",
            language="en",
            published_at=at,
        )
        for number, title in enumerate(titles, start=1)
    )
    until, plan = at + timedelta(minutes=5), model.Plan(at + timedelta(minutes=10), "every 10m")
    with store.write() as tx:
        (claimed,) = feeds.claim_due(tx, at, limit=1, lease="test", until=until, names=[feed])
        feeds.save_polls(tx, [model.PollRecord(claimed, model.Polled.NEW, at, plan, entries=entries)])


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
