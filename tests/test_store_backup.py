"""Copies of a SQLite database while it is written to, and before it is upgraded."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from monitor import errors
from monitor.store import backup, engine, facts, migrate, tables
from tests import olden, postgres
from tests.stored import NOON

# --- a copy while others write -----------------------------------------------------------------------------------


def test_a_copy_is_one_moment(sqlite_store: engine.Store, tmp_path: Path) -> None:
    """What is written between two steps of the copy is in the database and not in the copy, which is sound."""
    _fill(sqlite_store, facts_of=3000)
    steps: list[int] = []

    def write(done: int, _pages: int) -> None:
        steps.append(done)
        with sqlite_store.write() as tx:
            facts.put(tx, f"meanwhile {len(steps)}", {}, NOON)

    assert sqlite_store.path
    size = backup.copy(sqlite_store.path, tmp_path / "copy.db", progress=write)
    assert len(steps) > 1
    assert size == (tmp_path / "copy.db").stat().st_size
    with sqlite3.connect(tmp_path / "copy.db") as copied:
        assert copied.execute("SELECT count(*) FROM facts").fetchone() == (3000,)
        assert copied.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copied.close()
    with sqlite_store.read() as tx:
        assert len(facts.list_facts(tx)) == 3000 + len(steps)


def test_a_copy_is_one_file_for_its_owner_alone(sqlite_store: engine.Store, tmp_path: Path) -> None:
    """It has the mode 0600, needs no log beside it, and opens as a database of ours."""
    assert sqlite_store.path
    (tmp_path / "kept").mkdir()
    backup.copy(sqlite_store.path, tmp_path / "kept" / "copy.db")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["copy.db"]
    assert stat.S_IMODE((tmp_path / "kept" / "copy.db").stat().st_mode) == 0o600
    opened = engine.open_store(f"sqlite:///{tmp_path}/kept/copy.db")
    assert opened.upgrade() is None
    opened.close()


def test_no_file_is_overwritten(sqlite_store: engine.Store, tmp_path: Path) -> None:
    """A name that is taken is refused, and what has it stays as it is."""
    assert sqlite_store.path
    (tmp_path / "copy.db").write_text("mine", encoding="utf-8")
    with pytest.raises(errors.StoreError, match=r"copy\.db exists already"):
        backup.copy(sqlite_store.path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "mine"


def test_a_disk_that_is_too_small_is_named_first(sqlite_store: engine.Store, tmp_path: Path) -> None:
    """Where the copy will not fit nothing is begun: the line says what is there and what is needed."""
    assert sqlite_store.path
    with pytest.raises(errors.StoreError, match=r"the disk has 3 MiB left and 16 MiB are needed: make room"):
        backup.copy(sqlite_store.path, tmp_path / "copy.db", free=lambda _: 3 * 2**20)
    assert not list(tmp_path.glob("copy.db*"))


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    """A copy whose file cannot grow is given up with a line, and no part of it is left."""
    url = f"sqlite:///{tmp_path}/monitor.db"
    store = engine.open_store(url)
    store.upgrade()
    _fill(store, facts_of=3000)
    store.close()
    program = (
        "import resource, sys; from pathlib import Path; from monitor.store import backup\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try: backup.copy(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "monitor.db", tmp_path / "copy.db"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ran.stdout.startswith(f"StoreError {tmp_path}/monitor.db could not be copied: {tmp_path}/copy.db ")
    assert ran.stdout.count("\n") == 1
    assert not list(tmp_path.glob("copy.db*"))


def test_a_damaged_database_is_not_copied(sqlite_store: engine.Store, tmp_path: Path) -> None:
    """A copy that SQLite finds damaged is no backup: it is thrown away, and the line says which file is damaged."""
    _fill(sqlite_store, facts_of=3000)
    path = damage(sqlite_store)
    with pytest.raises(errors.StoreError, match=r"monitor\.db (is damaged|could not be copied)"):
        backup.copy(path, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


# --- before an upgrade -------------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a SQLite database of the revision 0001, with rows."""
    olden.make(f"sqlite:///{tmp_path}/monitor.db")
    return tmp_path / "monitor.db"


@pytest.fixture
def opened(old: Path) -> Iterator[engine.Store]:
    """Return it opened, and not upgraded."""
    store = engine.open_store(f"sqlite:///{old}")
    yield store
    store.close()


def test_an_upgrade_keeps_the_database_as_it_was(old: Path, opened: engine.Store) -> None:
    """Beside it stands a copy at the older revision, named by revision and time; both hold the rows."""
    kept = old.with_name("monitor.db.backup-0001-20261121T120000Z")
    assert opened.upgrade(NOON.replace(year=2026, month=11, day=21)) == migrate.Upgraded("0001", migrate.HEAD, kept)
    assert (olden.revision(kept), olden.titles(kept)) == ("0001", ["Old news"])
    assert (olden.revision(old), olden.titles(old)) == (migrate.HEAD, ["Old news"])
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_newest_three_are_kept(old: Path, opened: engine.Store) -> None:
    """Of these copies, and of no other file, the oldest go; a part that a killed process left goes, too."""
    for name in ("backup-0000-20200101T000000Z", "backup-0001-20250101T000000Z", "backup-0000-20260101T000000Z"):
        old.with_name(f"monitor.db.{name}").touch()
    for name in ("backup-mine", "backup-0001-20250101T000000Z.gz", "backup-0001-20260101T000000Z.x1.part"):
        old.with_name(f"monitor.db.{name}").touch()
    done = opened.upgrade(NOON)
    assert done
    assert done.backup
    assert [path.name.removeprefix("monitor.db.") for path in backup.list_backups(old)] == [
        done.backup.name.removeprefix("monitor.db."),
        "backup-0000-20260101T000000Z",
        "backup-0001-20250101T000000Z",
    ]
    assert old.with_name("monitor.db.backup-mine").exists()
    assert old.with_name("monitor.db.backup-0001-20250101T000000Z.gz").exists()
    assert not list(old.parent.glob("*.part"))


def test_without_a_row_there_is_nothing_to_keep(tmp_path: Path) -> None:
    """A database without a row is upgraded without a backup; so is one that is made."""
    olden.make(f"sqlite:///{tmp_path}/old.db", rows=False)
    for name in ("old.db", "new.db"):
        store = engine.open_store(f"sqlite:///{tmp_path}/{name}")
        done = store.upgrade(NOON)
        store.close()
        assert done
        assert done.backup is None
    assert not list(tmp_path.glob("*.backup-*"))


def test_without_a_backup_there_is_no_upgrade(old: Path) -> None:
    """When the copy does not fit, the upgrade is refused, nothing has changed, and the way without one is named."""
    with pytest.raises(errors.StoreError) as caught:
        backup.before_upgrade(old, "0001", NOON, free=lambda _: 0)
    assert str(caught.value).startswith(f"{old} was not upgraded, because the backup before it failed; nothing has")
    assert "the disk has 0 MiB left and 16 MiB are needed: make room" in str(caught.value)
    assert "`monitor db upgrade --no-backup`" in str(caught.value)
    assert olden.revision(old) == "0001"


def test_a_second_copy_within_a_second_has_a_name_of_its_own(old: Path) -> None:
    """An upgrade that was killed and is begun again at once is not stopped by the first one's backup."""
    first, second = (backup.before_upgrade(old, "0001", NOON) for _ in range(2))
    assert backup.list_backups(old) == (second, first)


@pytest.mark.slow
def test_an_upgrade_whose_backup_fails_changes_nothing(old: Path) -> None:
    """When the disk fills up under the copy, revision and rows are as they were; with room again it is upgraded."""
    with sqlite3.connect(old) as other:
        other.execute("INSERT INTO facts VALUES ('large', ?, ?)", (f'"{"x" * 400_000}"', olden.AT))
    other.close()
    said = _upgrade_apart(f"sqlite:///{old}", largest_file=300_000)
    assert said.startswith(f"StoreError: {old} was not upgraded, because the backup before it failed; nothing has")
    assert (olden.revision(old), olden.titles(old), len(list(old.parent.glob("*.backup-*")))) == (
        "0001",
        ["Old news"],
        0,
    )
    assert _upgrade_apart(f"sqlite:///{old}") == "Upgraded"


@pytest.mark.slow
def test_two_processes_that_upgrade_at_once(old: Path, postgres_server: str) -> None:
    """One upgrades, the other finds it done; one backup is made. On PostgreSQL the same, without a backup."""
    with postgres.database(postgres_server, f"monitor_old_{os.getpid()}") as url:
        olden.make(url)
        for address, kept in ((f"sqlite:///{old}", 1), (url, 0)):
            with ThreadPoolExecutor(2) as pool:
                ran = list(pool.map(_upgrade_apart, [address] * 2))
            assert sorted(ran) == ["None", "Upgraded"]
            assert len(backup.list_backups(old)) == kept or address == url


@pytest.mark.slow
def test_killed_in_mid_upgrade_it_is_as_it_was(old: Path) -> None:
    """A process that is killed after some of the changes leaves the older revision, whole; the next one upgrades."""
    assert _upgrade_apart(f"sqlite:///{old}", killed_after="CREATE TABLE") == f"killed {signal.SIGKILL}"
    with sqlite3.connect(old) as other:
        names = {name for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    other.close()
    assert names < {*SQLModel.metadata.tables, "alembic_version", "sqlite_sequence"}
    assert (olden.revision(old), olden.titles(old)) == ("0001", ["Old news"])
    store = engine.open_store(f"sqlite:///{old}")
    assert store.upgrade(NOON)
    store.close()
    assert olden.titles(old) == ["Old news"]


@pytest.mark.slow
def test_killed_in_mid_upgrade_on_postgresql_it_is_as_it_was(postgres_server: str) -> None:
    """PostgreSQL undoes what a killed process had not committed; the next one upgrades."""
    with postgres.database(postgres_server, f"monitor_killed_{os.getpid()}") as url:
        olden.make(url)
        assert _upgrade_apart(url, killed_after="UPDATE alembic_version") == f"killed {signal.SIGKILL}"
        store = engine.open_store(url)
        with store.read() as tx:
            assert migrate.find_revision(tx.connection()) == "0001"
        assert store.upgrade(NOON) == migrate.Upgraded("0001", migrate.HEAD)
        with store.read() as tx:
            assert tx.connection().scalar(sa.select(tables.entries.c.title)) == "Old news"
        store.close()


def test_references_are_checked_at_the_end_of_a_remake(sqlite_store: engine.Store) -> None:
    """Rows that refer to what is gone undo all of it, and the connections that come after check at once again."""
    with pytest.raises(errors.StoreError, match=r"row 1 of entries names one of feeds that is not there"):
        _orphan(sqlite_store)
    with sqlite_store.read() as tx:
        assert tx.connection().scalar(sa.select(sa.func.count()).select_from(tables.entries)) == 0
        assert tx.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def damage(store: engine.Store) -> Path:
    """Overwrite the second half of a SQLite database with noise, and return its path."""
    path = store.path
    assert path
    store.close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    content = bytearray(path.read_bytes())
    half = len(content) // 8192 * 4096
    content[half:] = os.urandom(len(content) - half)
    path.write_bytes(content)
    return path


def _fill(store: engine.Store, *, facts_of: int) -> None:
    rows = [{"name": f"{number:06}", "value": {"text": "x" * 4000}, "changed_at": NOON} for number in range(facts_of)]
    with store.write() as tx:
        tx.connection().execute(sa.insert(tables.facts), rows)


def _orphan(store: engine.Store) -> None:
    with store.remake() as tx:
        row = {"feed_id": 77, "key": "k", "fingerprint": "f", "title": "t", "first_seen_at": NOON, "status": "pending"}
        tx.connection().execute(sa.insert(tables.entries), [row | {"summary": "", "body": ""}])


_UPGRADE = """\
import os, resource, sys
from datetime import UTC, datetime
import sqlalchemy as sa
from monitor import errors
from monitor.store import engine
store = engine.open_store(sys.argv[1])
def kill(_connection, _cursor, statement, *_):
    if statement.strip().startswith(sys.argv[2]):
        os.kill(os.getpid(), 9)
if sys.argv[2]:
    sa.event.listen(sa.Engine, "after_cursor_execute", kill)
if sys.argv[3] != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    done = store.upgrade(datetime.now(UTC))
except errors.StoreError as error:
    print("StoreError:", error)
else:
    print(type(done).__name__ if done else None)
store.close()
"""


def _upgrade_apart(url: str, *, killed_after: str = "", largest_file: int = 0) -> str:
    """Upgrade in a process of its own, and return what it came to.

    killed_after: how the statement begins after which it is killed. largest_file: bytes that a file may grow to.
    """
    ran = subprocess.run(
        [sys.executable, "-c", _UPGRADE, url, killed_after, str(largest_file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if ran.returncode < 0:
        return f"killed {-ran.returncode}"
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
