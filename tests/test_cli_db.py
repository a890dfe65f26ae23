"""`monitor db`: what an operator does with the database by hand."""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import clock
from monitor.store import engine
from tests import desks, olden, postgres
from tests.commands import SMALL_CONFIG, came_in, monitor, set_up, unmeasured
from tests.desks import ARRIVED, WARNED, changed

AWAY = '[store]\nurl = "postgresql://monitor:hunter2@127.0.0.1:9/monitor"\n'


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill one folder for the tests of this module."""
    return desks.fill(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, for the test alone."""
    return Path(shutil.copytree(filled, tmp_path / "desk"))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Return a folder with a configuration, and no database yet."""
    set_up(tmp_path / "empty", config=SMALL_CONFIG + desks.CHANNEL)
    return tmp_path / "empty"


# --- backup ------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_database_to_go_on_with(desk: Path) -> None:
    """It is made while a daemon holds the database, and in the database's place everything is there."""
    with engine.hold_instance(store := changed(desk)):
        found = monitor("db", "backup", "kept.db", folder=desk)
    store.close()
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("kept.db: ")
    assert found.out.endswith(" KiB, checked\n")
    (desk / "monitor.db").unlink()
    (desk / "kept.db").rename(desk / "monitor.db")
    assert [row["title"] for row in monitor("alerts", "list", "--json", folder=desk).rows] == [ARRIVED, WARNED]


def test_a_backup_without_a_name_stands_beside_the_database(desk: Path) -> None:
    """Its name is the time, and its owner alone may read it; it is not one of those that upgrades remove."""
    monitor("db", "backup", folder=desk)
    [kept] = desk.glob("monitor-*T*Z.db")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_backup_replaces_no_file(desk: Path) -> None:
    """A second one of the same name is refused in one line; a folder that is missing is named."""
    assert monitor("db", "backup", "kept.db", folder=desk).status == 0
    found = monitor("db", "backup", "kept.db", folder=desk)
    assert (found.status, found.out) == (1, "")
    assert found.err == "kept.db exists already: name another file, or remove it\n"
    assert monitor("db", "backup", "none/kept.db", folder=desk).err == (
        "none/kept.db: the folder none does not exist: create it\n"
    )


# --- export and import -------------------------------------------------------------------------------------------


def test_an_export_is_taken_in_elsewhere(desk: Path, empty: Path) -> None:
    """What is listed of the one database is listed of the other."""
    exported = monitor("db", "export", folder=desk)
    assert exported.status == 0
    found = monitor("db", "import", folder=empty, stdin=exported.out.encode())
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith(f"{empty}/monitor.db: {sum(exported.rows[0]['rows'].values())} rows of 20")
    for look in ("alerts list", "stories list", "entries search", "outbox list", "feeds list"):
        assert monitor(*look.split(), "--json", folder=empty).out == monitor(*look.split(), "--json", folder=desk).out


def test_an_export_into_a_file_is_whole_or_not_there(desk: Path) -> None:
    """It can be read by its owner alone, is the same as on standard output but for the time, and replaces nothing."""
    assert monitor("db", "export", "kept.jsonl", folder=desk).out.startswith("kept.jsonl: ")
    assert stat.S_IMODE((desk / "kept.jsonl").stat().st_mode) == 0o600
    written = (desk / "kept.jsonl").read_text(encoding="utf-8").splitlines()
    assert written[1:-1] == monitor("db", "export", folder=desk).out.splitlines()[1:-1]
    assert monitor("db", "export", "kept.jsonl", folder=desk).err == (
        "kept.jsonl exists already: name another file, or remove it\n"
    )


def test_an_import_needs_an_empty_database(desk: Path, empty: Path) -> None:
    """Where entries are already, it is refused, with what to do; so it is while a daemon runs on it."""
    exported = monitor("db", "export", folder=desk).out.encode()
    found = monitor("db", "import", folder=desk, stdin=exported)
    assert found.status == 1
    assert (
        found.err == f"{desk}/monitor.db is not empty (its table feeds holds rows): name a new database in store.url\n"
    )
    monitor("db", "upgrade", folder=empty)
    with engine.hold_instance(store := changed(empty)):
        found = monitor("db", "import", folder=empty, stdin=exported)
    store.close()
    assert found.err.startswith("already running: process ")


def test_what_a_damaged_index_does_not_hold_is_saved(desk: Path, empty: Path) -> None:
    """An export reads the tables: where only indexes are damaged, an import into a new database has everything."""
    whole = monitor("db", "export", folder=desk).out
    desks.damage(desk / "monitor.db", "entries_first_seen_at", "entries_feed_id_key", "feeds_next_poll_at")
    assert monitor("db", "check", folder=desk).status == 3
    saved = monitor("db", "export", folder=desk).out
    assert saved.splitlines()[1:-1] == whole.splitlines()[1:-1]
    assert monitor("db", "import", folder=empty, stdin=saved.encode()).status == 0
    assert monitor("db", "check", folder=empty).status == 0


def test_what_a_damaged_table_does_not_hold_is_not_passed_over(desk: Path, empty: Path) -> None:
    """An export of it ends with a line and status 1, and is no whole one for an import."""
    desks.damage(desk / "monitor.db", "entries")
    exported = monitor("db", "export", folder=desk)
    assert exported.status == 1
    assert f"{desk}/monitor.db is damaged: put a backup in its place" in exported.err
    assert "cut off" in monitor("db", "import", folder=empty, stdin=exported.out.encode()).err


def test_an_import_of_what_was_cut_leaves_nothing(desk: Path, empty: Path) -> None:
    """It says so in one line; the next one, whole, works. A file that is not there is named."""
    exported = monitor("db", "export", folder=desk).out.encode()
    found = monitor("db", "import", folder=empty, stdin=exported[: len(exported) // 2])
    assert (found.status, found.out) == (1, "")
    assert "the export is cut off after line " in found.err
    assert monitor("db", "import", folder=empty, stdin=exported).status == 0
    assert monitor("db", "import", "none.jsonl", folder=empty).err == (
        "none.jsonl: cannot be read: No such file or directory\n"
    )


@pytest.mark.slow
def test_through_a_pipe_from_sqlite_to_postgresql_and_back(
    postgres_server: str, desk: Path, empty: Path, tmp_path: Path
) -> None:
    """`monitor db export | monitor db import` as it is typed, twice: SQLite has again what it had."""
    with postgres.database(postgres_server, f"monitor_pipe_{os.getpid()}") as url:
        set_up(tmp_path / "server", config=SMALL_CONFIG + desks.CHANNEL + f'[store]\nurl = "{url}"\n')
        _pipe(desk, tmp_path / "server")
        _pipe(tmp_path / "server", empty)
        assert monitor("db", "check", folder=tmp_path / "server").status == 0
    came, back = (monitor("db", "export", folder=folder).out.splitlines()[1:-1] for folder in (desk, empty))
    assert came == back


def _pipe(source: Path, target: Path) -> None:
    program = f"{sys.executable} -m monitor --config {{}}/config.toml db"
    line = f"{program.format(source)} export | {program.format(target)} import"
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
def test_a_bar_shows_how_far_it_is(desk: Path) -> None:
    """On a terminal, and nowhere else: the other tests' standard error is empty."""
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "monitor", "--config", str(desk / "config.toml"), "db", "export"]
    ran = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=end, env=os.environ | {"TERM": "xterm"})
    os.close(end)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when the other side is closed
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert ran.wait(30) == 0
    assert b"export" in shown
    assert b"100%" in shown


# --- prune -------------------------------------------------------------------------------------------------------


def test_prune_counts_before_it_lets_go(tmp_path: Path) -> None:
    """With --dry-run nothing goes; without it, what is older than said; and what is younger stays."""
    path = set_up(tmp_path)
    came_in(path, WARNED, "Cup tie postponed", at=clock.now() - timedelta(days=100))
    came_in(path, ARRIVED, at=clock.now() - timedelta(hours=1))
    (counted,) = monitor("db", "prune", "--before", "90d", "--dry-run", "--json", folder=tmp_path).rows
    assert {key: counted[key] for key in ("pruned", "entries", "decisions", "outages", "bytes_freed")} == {
        "pruned": False, "entries": 2, "decisions": 0, "outages": 0, "bytes_freed": None,
    }  # fmt: skip
    assert monitor("outbox", "drop", "1", folder=tmp_path).status == 0  # now its decision need not stay
    assert "2 entries, 1 decision, 0 outages" in monitor("db", "prune", "--before", "90d", folder=tmp_path).out
    assert olden.titles(tmp_path / "monitor.db") == ["", "", ARRIVED]
    (counted,) = monitor("db", "prune", "--before", "90d", "--dry-run", "--json", folder=tmp_path).rows
    assert (counted["entries"], counted["decisions"]) == (0, 0)


def test_prune_keeps_as_long_as_the_configuration_says(tmp_path: Path) -> None:
    """Without --before it is [keep] entries that counts."""
    path = set_up(tmp_path, config=SMALL_CONFIG + '[keep]\nentries = "30d"\n')
    came_in(path, "Cup tie postponed", at=clock.now() - timedelta(days=31))
    came_in(path, "Cup tie played", at=clock.now() - timedelta(days=29))
    found = monitor("db", "prune", folder=tmp_path)
    assert found.out == (
        f"let go of what is older than {clock.now() - timedelta(days=30):%Y-%m-%d}: 1 entry, 0 decisions, 0 outages\n"
    )


def test_vacuum_gives_the_room_back(desk: Path) -> None:
    """After it the file is smaller, and nothing in it is free; while a daemon runs it is refused."""
    store = changed(desk)
    with store.write() as tx:
        tx.connection().exec_driver_sql("CREATE TABLE large AS SELECT randomblob(1000000) AS noise")
    with store.write() as tx:
        tx.connection().exec_driver_sql("DROP TABLE large")
    (before,) = monitor("db", "info", "--json", folder=desk).rows
    assert before["free_bytes"] > 900_000
    with engine.hold_instance(store):
        assert monitor("db", "prune", "--vacuum", folder=desk).err.startswith("already running: process ")
    store.close()
    (pruned,) = monitor("db", "prune", "--vacuum", "--json", folder=desk).rows
    assert pruned["bytes_freed"] > 900_000
    (after,) = monitor("db", "info", "--json", folder=desk).rows
    assert after["free_bytes"] == 0
    assert after["bytes"] < before["bytes"] - 900_000
    assert after["rows"] == before["rows"]


# --- check and info ----------------------------------------------------------------------------------------------


def test_check_finds_a_sound_database_well(desk: Path) -> None:
    """One line, exit status 0; nothing at all for scripts."""
    assert monitor("db", "check", folder=desk).out == f"{desk}/monitor.db: all is well\n"
    assert (monitor("db", "check", "--json", folder=desk).out, monitor("db", "check", folder=desk).status) == ("", 0)


def test_check_names_what_is_damaged(desk: Path) -> None:
    """A database whose pages were overwritten is told with the pages, and exit status 3."""
    desks.damage(desk / "monitor.db", "entries", "decisions", "feeds")
    found = monitor("db", "check", "--json", folder=desk)
    assert found.status == 3
    assert "On tree page" in found.rows[0]["complaint"]
    assert f"{desk}/monitor.db" in monitor("db", "check", folder=desk).out


def test_check_names_a_file_that_is_too_damaged_to_open(desk: Path) -> None:
    """Where not even the list of tables can be read, that is what it says, with the same status."""
    content = bytearray((desk / "monitor.db").read_bytes())
    content[100:4096] = os.urandom(3996)
    (desk / "monitor.db").write_bytes(content)
    found = monitor("db", "check", "--json", folder=desk)
    assert (found.status, found.rows) == (3, [{"complaint": "database disk image is malformed"}])


SPOILT = {
    "DELETE FROM notification_alerts": "alerts: A-1 was to go to desk, and no message brings it",
    "UPDATE notifications SET state = 'sent'": "notifications: row 1 is sent, and nobody knows when",
    "UPDATE notifications SET state = 'folded'": (
        "notifications: row 1 went out inside a digest, and nobody knows which"
    ),
    "UPDATE stories SET merged_into = 2 WHERE id = 2": "stories: row 2 is merged into itself",
    "UPDATE decisions SET revision = 9 WHERE id = 1": "entries: row 1 was decided before it was edited so",
    "UPDATE entries SET feed_id = 99 WHERE id = 3": "entries: row 3 names one of feeds that is not there",
}


@pytest.mark.parametrize(("statement", "complaint"), SPOILT.items())
def test_check_names_what_cannot_be_true(desk: Path, statement: str, complaint: str) -> None:
    """Each row that contradicts another is named."""
    with sqlite3.connect(desk / "monitor.db") as other:
        other.execute(statement)
    other.close()
    found = monitor("db", "check", "--json", folder=desk)
    assert found.status == 3
    assert {"complaint": complaint} in found.rows


def test_check_looks_at_postgresql_too(postgres_server: str, tmp_path: Path) -> None:
    """A number that would be given twice is named there."""
    with postgres.database(postgres_server, f"monitor_check_{os.getpid()}") as url:
        desks.fill(tmp_path, f'[store]\nurl = "{url}"\n')
        assert monitor("db", "check", folder=tmp_path).status == 0
        store = engine.open_store(url)
        with store.write() as tx:
            tx.connection().exec_driver_sql("SELECT setval('entries_id_seq', 2)")
        store.close()
        assert monitor("db", "check", "--json", folder=tmp_path).rows == [
            {"complaint": "entries: the last number given is 2, and row 4 is there"}
        ]
        refused = monitor("db", "backup", folder=tmp_path)
        assert refused.status == 2
        assert "is backed up by PostgreSQL's own pg_dump, or as text by `monitor db export FILE`" in refused.err


def test_info_counts(desk: Path) -> None:
    """Rows of each table, bytes, and what upgrades have kept."""
    (desk / "monitor.db.backup-0001-20260101T000000Z").touch()
    (found,) = monitor("db", "info", "--json", folder=desk).rows
    assert (found["rows"]["entries"], found["rows"]["alerts"]) == (4, 2)
    assert found["bytes"] == (desk / "monitor.db").stat().st_size
    assert found["backups"] == [f"{desk}/monitor.db.backup-0001-20260101T000000Z"]
    assert "entries              4" in monitor("db", "info", folder=desk).out


# --- upgrade -----------------------------------------------------------------------------------------------------


def test_an_upgrade_says_where_the_old_database_is(tmp_path: Path) -> None:
    """A command that upgrades an older database says so on standard error, and keeps a copy."""
    path = set_up(tmp_path)
    olden.make(f"sqlite:///{path.parent}/monitor.db")
    found = monitor("status", folder=tmp_path)
    [kept] = tmp_path.glob("monitor.db.backup-0001-*")
    assert found.err == f"{tmp_path}/monitor.db: upgraded from revision 0001 to 0002; as it was before: {kept}\n"
    assert olden.titles(tmp_path / "monitor.db") == olden.titles(kept) == ["Old news"]


@pytest.mark.slow
def test_a_disk_without_room_for_the_copy_fails_and_is_no_mistake(tmp_path: Path) -> None:
    """Status 1, because a later start may well have room; nothing has changed, and nothing is left."""
    path = set_up(tmp_path)
    olden.make(f"sqlite:///{path.parent}/monitor.db")
    with sqlite3.connect(tmp_path / "monitor.db") as other:
        other.execute("INSERT INTO facts VALUES ('large', ?, ?)", (f'"{"x" * 400_000}"', olden.AT))
    other.close()
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    program = f"{limit}\nfrom monitor.__main__ import main\nmain()"
    command = [sys.executable, "-c", program, "--config", str(path), "run"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=unmeasured())
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), ran.stderr
    assert ran.stderr.startswith(
        f"{tmp_path}/monitor.db was not upgraded, because the backup before it failed; nothing"
    )
    assert olden.revision(tmp_path / "monitor.db") == "0001"
    assert not list(tmp_path.glob("*.backup-*"))


def test_an_upgrade_can_do_without_a_copy(tmp_path: Path) -> None:
    """With --no-backup none is made."""
    path = set_up(tmp_path)
    olden.make(f"sqlite:///{path.parent}/monitor.db")
    found = monitor("db", "upgrade", "--no-backup", folder=tmp_path)
    assert found.err == f"{tmp_path}/monitor.db: upgraded from revision 0001 to 0002\n"
    assert not list(tmp_path.glob("*.backup-*"))


@pytest.mark.parametrize("verb", ["upgrade", "backup", "export", "import", "prune", "check", "info"])
def test_a_server_that_is_away_is_one_line_without_its_password(tmp_path: Path, verb: str) -> None:
    """Every command says it in the same way."""
    set_up(tmp_path, config=SMALL_CONFIG + AWAY)
    found = monitor("db", verb, folder=tmp_path)
    assert (found.status, found.out) == (1, "")
    assert found.err.count("\n") == 1
    assert "cannot be reached: see that the server runs" in found.err
    assert "hunter2" not in found.err


def test_no_export_names_the_servers_password(postgres_server: str, desk: Path, tmp_path: Path) -> None:
    """What `info --json` and an export say of a database holds no password of it."""
    with postgres.database(postgres_server, f"monitor_word_{os.getpid()}") as url:
        secret = url.replace("postgres@", "postgres:hunter2@")
        set_up(tmp_path / "server", config=SMALL_CONFIG + f'[store]\nurl = "{secret}"\n')
        exported = monitor("db", "export", folder=desk).out
        for verb, stdin in (("import", exported), ("info", ""), ("export", ""), ("check", "")):
            found = monitor("db", verb, folder=tmp_path / "server", stdin=stdin.encode())
            assert found.status == 0
            assert "hunter2" not in found.out + found.err
        assert json.loads(exported.splitlines()[0])["monitor"] == "export"
