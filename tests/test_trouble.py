"""Databases, files and ports in trouble when the daemon starts: one clear line, and the exit status that fits."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.store import migrate
from tests import desks
from tests.commands import SMALL_CONFIG, monitor


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill one folder for the tests of this module."""
    return desks.fill(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, for the test alone."""
    return Path(shutil.copytree(filled, tmp_path / "desk"))


def _sql(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / "monitor.db", isolation_level=None) as other:
        for statement in statements:
            other.execute(statement)
    other.close()


def _newer(folder: Path) -> None:
    _sql(folder, "UPDATE alembic_version SET version_num = '9999'")


def _without_revision(folder: Path) -> None:
    _sql(folder, "DROP TABLE alembic_version")


def _without_tables(folder: Path) -> None:
    _sql(folder, "PRAGMA foreign_keys = OFF", "DROP TABLE outages", "DROP TABLE silences")


def _another_programs(folder: Path) -> None:
    (folder / "monitor.db").unlink()
    _sql(folder, "CREATE TABLE recipes (id INTEGER)")


def _no_database(folder: Path) -> None:
    (folder / "monitor.db").write_bytes(b"a text that somebody has saved under this name; " * 50)


def _folder(folder: Path) -> None:
    (folder / "monitor.db").unlink()
    (folder / "monitor.db").mkdir()


def _no_folder(folder: Path) -> None:
    _configure(folder, '[store]\nurl = "sqlite:///none/monitor.db"\n')


def _in_a_file(folder: Path) -> None:
    _configure(folder, '[store]\nurl = "sqlite:///config.toml/monitor.db"\n')


def _no_server(folder: Path) -> None:
    _configure(folder, '[store]\nurl = "postgresql://monitor:hunter2@127.0.0.1:9/monitor"\n')


def _damaged(folder: Path) -> None:
    with (folder / "monitor.db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)


def _damaged_within(folder: Path) -> None:
    (folder / "monitor.db.lock").write_text("process 7 on host here\n", encoding="utf-8")
    desks.damage(folder / "monitor.db", "entries")


def _configure(folder: Path, more: str) -> None:
    (folder / "config.toml").write_text(SMALL_CONFIG + desks.CHANNEL + more, encoding="utf-8")


_OTHER = "name another database in store.url"
TROUBLES: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "newer": (_newer, 2, f"{{db}} is newer than this program (revision 9999): install the newer program, or {_OTHER}"),
    "tables and no revision": (_without_revision, 2, "{db} is half made: it holds tables of this program (alerts, "),
    "a revision and not its tables": (
        _without_tables,
        2,
        f"{{db}} is half made: it says revision {migrate.HEAD} and lacks tables (outages, silences): put a backup in ",
    ),
    "another program's": (_another_programs, 2, "{db} holds tables of another program (recipes): name a database of "),
    "no database": (_no_database, 2, "{db} is not a SQLite database: name another file in store.url [file is not a "),
    "a folder": (_folder, 2, "{db} is a folder: name a file in it in store.url, such as {db}/monitor.db"),
    "no folder": (
        _no_folder,
        2,
        "config.toml:12: {tmp}/none/monitor.db: the folder {tmp}/none does not exist: create ",
    ),
    "in a file": (_in_a_file, 2, "config.toml:12: {tmp}/config.toml/monitor.db: {tmp}/config.toml is not a folder: "),
    "no server": (_no_server, 1, "//monitor:***@127.0.0.1:9/monitor cannot be reached: see that the server runs and "),
    "damaged": (_damaged, 2, "{db} is damaged: put a backup in its place, or save what can be read with `monitor db "),
    "damaged within, after a kill": (_damaged_within, 2, "{db} is damaged ("),
}


@pytest.mark.parametrize(("trouble", "status", "line"), TROUBLES.values(), ids=TROUBLES.keys())
def test_a_start_that_is_no_use_says_why(desk: Path, trouble: Callable[[Path], None], status: int, line: str) -> None:
    """`monitor run` ends with one line that names what is wrong and what to do; 2 where a restart would not help."""
    trouble(desk)
    found = monitor("run", folder=desk)
    said = [one for one in found.err.splitlines() if "ended_uncleanly" not in one]
    assert (found.status, found.out, len(said)) == (status, "", 1)
    assert line.format(db=f"{desk}/monitor.db", tmp=desk) in said[0]
    assert "hunter2" not in found.err


@pytest.mark.parametrize("trouble", [_newer, _without_revision, _without_tables, _another_programs])
def test_a_start_that_is_no_use_changes_nothing(desk: Path, trouble: Callable[[Path], None]) -> None:
    """Every row and every table is the same afterwards."""
    trouble(desk)
    before = _contents(desk)
    monitor("run", folder=desk)
    assert _contents(desk) == before


def test_a_configuration_that_is_a_folder_is_named(desk: Path) -> None:
    """The line says so, with status 2."""
    (desk / "conf").mkdir()
    found = monitor("run", "--config", "conf", folder=desk)
    assert (found.status, found.out, found.err) == (
        2, "", "conf: cannot be read: it is a folder; name the file in it\n",
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize(("which", "mode"), [("monitor.db", 0o400), (".", 0o500)])
def test_what_may_only_be_read_is_named(desk: Path, which: str, mode: int) -> None:
    """A database or a folder without the right to write stops the start, before anything is polled."""
    (desk / which).chmod(mode)
    found = monitor("run", folder=desk)
    (desk / which).chmod(0o700)
    assert (found.status, found.err.count("\n")) == (2, 1)
    assert "cannot be written: give the program's user the right to" in found.err


def _contents(folder: Path) -> list[str]:
    found: list[str] = []
    with sqlite3.connect(folder / "monitor.db") as other, contextlib.suppress(sqlite3.DatabaseError):
        found += other.iterdump()
    other.close()
    return found
