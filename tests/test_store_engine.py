"""Opening a database, transactions, complaints in plain words, and the one daemon on it."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from monitor import errors
from monitor.store import complaints, engine, facts, tables
from tests import stored
from tests.stored import NOON

# --- transactions -----------------------------------------------------------------------------------------------


def test_a_write_is_kept_whole(store: engine.Store) -> None:
    """What a transaction wrote is there for the next one."""
    with store.write() as tx:
        facts.put(tx, "one", {}, NOON)
        facts.put(tx, "two", {}, NOON)
    with store.read() as tx:
        assert set(facts.list_facts(tx)) == {"one", "two"}


def test_an_exception_undoes_a_write(store: engine.Store) -> None:
    """Whatever is raised inside, nothing of the transaction is kept, and it is raised on."""
    with pytest.raises(ZeroDivisionError):
        _put_and_raise(store)
    with store.read() as tx:
        assert facts.list_facts(tx) == {}


def test_a_read_cannot_write(store: engine.Store) -> None:
    """A transaction that was begun for reading refuses to write, so that a mistake shows at once."""
    with pytest.raises(errors.StoreError, match="cannot be written"):
        _put_while_reading(store)
    with store.write() as tx:
        facts.put(tx, "one", {}, NOON)  # and the next one writes all the same


def test_a_read_sees_one_moment(sqlite_store: engine.Store) -> None:
    """On SQLite what is written meanwhile does not show in a look that began before; neither waits for the other."""
    with sqlite_store.read() as tx:
        assert facts.list_facts(tx) == {}
        with sqlite_store.write() as other:
            facts.put(other, "one", {}, NOON)
        assert facts.list_facts(tx) == {}


def test_what_collides_passes_as_it_is(store: engine.Store) -> None:
    """A uniqueness that is violated is no complaint about the database: whoever raced must know."""
    with pytest.raises(IntegrityError):
        _insert_twice(store)


def test_references_are_checked(store: engine.Store) -> None:
    """A row that names what is not there is refused, on SQLite, too."""
    with pytest.raises(IntegrityError):
        _insert_orphan(store)


def test_instants_come_back_as_utc(store: engine.Store) -> None:
    """An instant in another zone is the same instant afterwards, in UTC, to the microsecond."""
    at = datetime(2026, 11, 21, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with store.write() as tx:
        facts.put(tx, "one", {}, at)
        found = facts.find(tx, "one")
    assert found is not None
    assert found[1] == at
    assert found[1].tzinfo is UTC


def test_naive_instants_are_refused(store: engine.Store) -> None:
    """An instant without a zone is a bug, and is not stored as if it were UTC."""
    with pytest.raises(StatementError, match="has no time zone"), store.write() as tx:
        facts.put(tx, "one", {}, NOON.replace(tzinfo=None))


def test_sqlite_survives_a_power_cut(sqlite_store: engine.Store) -> None:
    """Every connection writes ahead and waits for the disk at each commit; references are on."""
    with sqlite_store.read() as tx:
        settings = [
            tx.connection().exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
        assert tx.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert settings == ["wal", 2]


# --- complaints -------------------------------------------------------------------------------------------------


def test_a_locked_database_is_named(sqlite_store: engine.Store) -> None:
    """A write that waits too long for another process says that the database is locked."""
    other = sqlite3.connect(sqlite_store.path or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with sqlite_store.read() as tx:
        assert facts.list_facts(tx) == {}  # looking goes on
    impatient = engine.open_store(f"sqlite:///{sqlite_store.path}", patience=timedelta(milliseconds=50))
    with pytest.raises(errors.StoreError, match=r"monitor\.db is locked by another process") as caught:
        _put(impatient)
    assert caught.value.passing
    other.close()
    _put(impatient)
    impatient.close()


def test_a_lock_on_postgresql_is_not_waited_for_for_ever(postgres_store: engine.Store) -> None:
    """On PostgreSQL a row that somebody holds for too long is complained of in the same words."""
    url = postgres_store._engine.url.render_as_string(hide_password=False)
    _put(postgres_store)
    impatient = engine.open_store(url, patience=timedelta(milliseconds=50))
    with postgres_store.write() as tx:
        facts.put(tx, "one", {}, NOON)
        with pytest.raises(errors.StoreError, match="is locked by another process"):
            _put(impatient)
    impatient.close()


def test_a_full_disk_is_named_and_loses_nothing(sqlite_store: engine.Store) -> None:
    """While there is no room nothing is half written, and once there is, everything works again."""
    _put(sqlite_store)
    with pytest.raises(errors.StoreError, match="the disk is full"):
        _fill(sqlite_store)
    with sqlite_store.read() as tx:
        assert set(facts.list_facts(tx)) == {"one"}
    with sqlite_store.write() as tx:
        tx.connection().exec_driver_sql("PRAGMA max_page_count = 1000000")
        facts.put(tx, "two", {"text": "x" * 100_000}, NOON)
    with sqlite3.connect(sqlite_store.path or "") as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()


def test_a_full_disk_loses_no_poll(sqlite_store: engine.Store) -> None:
    """A poll whose entries do not fit leaves neither entries nor validators, so that it is polled again."""
    stored.add_feeds(sqlite_store, "Wire")
    feed = stored.claim_feed(sqlite_store)
    many = stored.parsed_entries(*(f"entry {number}" for number in range(3000)), summary="x" * 300)
    with sqlite_store.write() as tx:
        pages = tx.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages + 40}")
    with pytest.raises(errors.StoreError, match="the disk is full"):
        stored.save(sqlite_store, stored.a_record(feed, fingerprint="new", entries=many))
    assert stored.get_feed(sqlite_store).fingerprint is None
    assert stored.save(sqlite_store, stored.a_record(feed, entries=many[:5])).entries == 5


def test_another_file_is_named(tmp_path: Path) -> None:
    """A file that is something else is complained of when it is opened."""
    (tmp_path / "monitor.db").write_bytes(b"this is no database, but a long enough text to be looked at " * 20)
    with pytest.raises(errors.StoreError, match=r"monitor\.db is not a SQLite database"):
        engine.open_store(f"sqlite:///{tmp_path / 'monitor.db'}")


def test_a_damaged_database_is_named(sqlite_store: engine.Store) -> None:
    """A database whose pages were overwritten says that it is damaged."""
    path = sqlite_store.path
    assert path is not None
    with sqlite_store.write() as tx:
        tx.connection().execute(sa.insert(tables.facts), [_fact(number) for number in range(500)])
    sqlite_store.close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(errors.StoreError, match=r"monitor\.db is damaged") as caught, sqlite_store.read() as tx:
        facts.list_facts(tx)
    assert not caught.value.passing


def test_missing_tables_are_named(tmp_path: Path) -> None:
    """A database without tables says which command makes them."""
    store = engine.open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    with pytest.raises(errors.StoreError, match="run `monitor db upgrade`"):
        _put(store)
    store.close()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:///{tmp}/missing/monitor.db", "the folder {tmp}/missing does not exist: create it"),
        ("sqlite:///{tmp}", "{tmp} is a folder"),
        ("sqlite:///{tmp}/file/monitor.db", "{tmp}/file is not a folder"),
        ("sqlite://", "names no file: say sqlite:///monitor.db"),
        ("mysql://host/name", "'mysql' is not supported"),
        ("monitor.db", "'monitor.db' is no database URL: say sqlite:///monitor.db"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/monitor", "cannot be reached: see that the server runs"),
    ],
)
def test_what_cannot_be_opened_is_named(tmp_path: Path, url: str, complaint: str) -> None:
    """One line says which database, what is wrong and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(errors.StoreError) as caught:
        engine.open_store(url.format(tmp=tmp_path))
    assert complaint.format(tmp=tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written_is_named(tmp_path: Path) -> None:
    """A file or a folder without the right to write is complained of before the daemon starts."""
    path = tmp_path / "monitor.db"
    engine.open_store(f"sqlite:///{path}").close()
    path.chmod(0o400)
    with pytest.raises(errors.StoreError, match=r"monitor\.db cannot be written"):
        engine.open_store(f"sqlite:///{path}")
    path.chmod(0o600)
    tmp_path.chmod(0o500)
    with pytest.raises(errors.StoreError, match=r"the folder .* cannot be written"):
        engine.open_store(f"sqlite:///{path}")
    tmp_path.chmod(0o700)


def test_passwords_are_not_named() -> None:
    """A complaint about a server shows its URL without the password."""
    with pytest.raises(errors.StoreError) as caught:
        engine.open_store("postgresql+psycopg://ann:secret@127.0.0.1:1/monitor")
    assert "secret" not in str(caught.value)
    assert "ann:***@" in str(caught.value)


def test_a_server_that_comes_back_is_used_again(postgres_store: engine.Store) -> None:
    """A connection that the server cut ends one transaction; the next one has a new connection."""
    _put(postgres_store)
    with pytest.raises(errors.StoreError, match="cannot be reached"):
        _cut(postgres_store)
    _put(postgres_store)


def test_what_nobody_foresaw_is_named_all_the_same() -> None:
    """An error without a meaning of its own shows what the driver said, in one line."""
    error = OperationalError("SELECT 1", {}, sqlite3.OperationalError("out of\ncheese"))
    assert complaints.in_words(error, "monitor.db") == "monitor.db: the database refuses: out of cheese"
    assert "all connections are in use" in complaints.in_words(exc.TimeoutError("QueuePool"), "monitor.db")


# --- the one daemon ---------------------------------------------------------------------------------------------


def test_a_second_daemon_hears_who_is_first(sqlite_store: engine.Store) -> None:
    """Only one daemon runs on a SQLite database; the second is told process, host and file."""
    with engine.hold_instance(sqlite_store):
        expected = rf"already running: process {os.getpid()} on host \S+ holds {sqlite_store.path}.lock"
        with pytest.raises(errors.StoreError, match=expected), engine.hold_instance(sqlite_store):
            pass
    with engine.hold_instance(sqlite_store):
        pass


def test_a_lock_file_that_cannot_be_written_is_named(sqlite_store: engine.Store) -> None:
    """A daemon that cannot hold the database does not start."""
    assert sqlite_store.path is not None
    lock = sqlite_store.path.with_name("monitor.db.lock")
    lock.mkdir()
    with pytest.raises(errors.StoreError, match=f"{lock}: Is a directory"), engine.hold_instance(sqlite_store):
        pass


def test_many_workers_share_postgresql(postgres_store: engine.Store) -> None:
    """On PostgreSQL several daemons run at once."""
    with engine.hold_instance(postgres_store), engine.hold_instance(postgres_store):
        pass


def test_a_killed_daemon_holds_nothing(sqlite_store: engine.Store) -> None:
    """The hold ends with the process, however it ends."""
    program = (
        "import sys\n"
        "from monitor.store import engine\n"
        "with engine.hold_instance(engine.open_store(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    url = f"sqlite:///{sqlite_store.path}"
    with subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "held\n"
        held = f"already running: process {daemon.pid} on host"
        with pytest.raises(errors.StoreError, match=held), engine.hold_instance(sqlite_store):
            pass
        daemon.send_signal(signal.SIGKILL)
        daemon.wait(10)
    with engine.hold_instance(sqlite_store):
        pass


def test_whoever_holds_the_database_clears_dead_claims(sqlite_store: engine.Store) -> None:
    """Claims of a daemon that was killed do not keep the next one waiting."""
    stored.add_entries(sqlite_store, "one")
    stored.claim_entries(sqlite_store)
    stored.claim_feed(sqlite_store)
    stored.notify(sqlite_store)
    stored.claim_message(sqlite_store)
    with engine.hold_instance(sqlite_store):
        assert stored.claim_entries(sqlite_store)
        assert stored.claim_feed(sqlite_store).lease
        assert stored.claim_message(sqlite_store)


def test_leases_go_by_the_clock_that_is_shared(store: engine.Store) -> None:
    """On PostgreSQL the server's clock rules leases, on SQLite the program's own."""
    with store.read() as tx:
        at = engine.lease_now(tx, NOON)
        if store.dialect == "sqlite":
            assert at == NOON
        else:
            before = tx.connection().scalar(sa.text("SELECT now()"))
            assert before is not None
            assert timedelta(0) <= at - before < timedelta(minutes=1)
            assert at.tzinfo is UTC


# --- what the tests do ------------------------------------------------------------------------------------------


def _put(store: engine.Store) -> None:
    with store.write() as tx:
        facts.put(tx, "one", {}, NOON)


def _put_and_raise(store: engine.Store) -> None:
    with store.write() as tx:
        facts.put(tx, "one", {}, NOON)
        raise ZeroDivisionError


def _put_while_reading(store: engine.Store) -> None:
    with store.read() as tx:
        facts.put(tx, "one", {}, NOON)


def _fact(number: int) -> dict[str, object]:
    return {"name": f"fact {number}", "value": {"text": "x" * 100}, "changed_at": NOON}


def _insert_twice(store: engine.Store) -> None:
    with store.write() as tx:
        tx.connection().execute(sa.insert(tables.facts), [_fact(1), _fact(1)])


def _insert_orphan(store: engine.Store) -> None:
    row = {"feed_id": 77, "began_at": NOON, "error": "x", "polls": 1}
    with store.write() as tx:
        tx.connection().execute(sa.insert(tables.outages), [row])


def _fill(store: engine.Store) -> None:
    with store.write() as tx:
        pages = tx.connection().exec_driver_sql("PRAGMA page_count").scalar()
        tx.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        facts.put(tx, "two", {"text": "x" * 100_000}, NOON)


def _cut(store: engine.Store) -> None:
    with store.write() as tx:
        number = tx.connection().scalar(sa.text("SELECT pg_backend_pid()"))
        with store.write() as other:
            other.connection().execute(sa.text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
        facts.put(tx, "one", {}, NOON)
