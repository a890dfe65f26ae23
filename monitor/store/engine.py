"""Open a database, and begin and end transactions on it. Shell: the one place that knows which database it is.

SQLite: WAL, `synchronous=FULL`, a write begins with BEGIN IMMEDIATE (a read that turns into a write fails at once with
a stale snapshot, whatever the time-out), reads refuse to write. PostgreSQL: read committed, its own clock for leases.
Every database error leaves here as `StoreError` in plain words; `IntegrityError` alone passes, for whoever raced.
"""

import fcntl
import os
import socket
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.sql import func
from sqlmodel import Session

from monitor import errors
from monitor.store import codec, complaints, tables

if TYPE_CHECKING:
    from monitor.store.answering import Answering
    from monitor.store.migrate import Upgraded

PATIENCE = timedelta(seconds=10)
LONGEST_LEASE = timedelta(minutes=15)

_STORY_LOCK = 7_310_001  # any number, the same in every version of the program
_CHANNEL_LOCK = 7_310_002
_STANDSTILL = "5s"  # a worker that is paused, or cut off, keeps the others from a lock no longer
_WRITES = "monitor_writes"  # execution option of connections that begin with BEGIN IMMEDIATE
_REMAKES = "monitor_remakes"  # ... and whose references are checked at the end


class Store:
    """A database that is open. Safe to share among threads; `close` it in the end."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self.path = path
        self.dialect: Literal["sqlite", "postgresql"] = "postgresql" if path is None else "sqlite"
        self.worker = uuid.uuid4().hex  # what our leases begin with
        self.alive_until = inf  # by the steady clock: later, the other workers may have taken over what we hold
        self._within: timedelta | None = None
        self._engine = engine
        self._reads = engine if path else engine.execution_options(postgresql_readonly=True)
        self._writes = engine.execution_options(**{_WRITES: True})
        self._remakes = engine.execution_options(**{_WRITES: True, _REMAKES: True})
        self._looks = engine if path else self._reads.execution_options(isolation_level="REPEATABLE READ")

    @property
    def name(self) -> str:
        """What people call it: the path of the file, or the URL without its password."""
        return str(self.path) if self.path else self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent look. Writing is refused; raises StoreError."""
        with self._transaction(self._reads) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that is kept whole or not at all: committed at the end, rolled back on any exception.

        Raises StoreError when the database is locked for too long, full, read-only or away.
        """
        with self._transaction(self._writes) as tx:
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """One consistent look of many statements: on PostgreSQL `read` sees what came between two of them."""
        with self._transaction(self._looks) as tx:
            yield tx

    @contextmanager
    def remake(self) -> Iterator[Session]:
        """Write, and make tables anew if need be: on SQLite, references are checked at its end and not before.

        Else a table that others refer to could not be copied, which is how SQLite changes one.
        """
        try:
            with self._transaction(self._remakes) as tx:
                yield tx
                if self.path and (lost := tx.connection().exec_driver_sql("PRAGMA foreign_key_check").first()):
                    raise errors.StoreError(
                        f"{self.name}: row {lost[1]} of {lost[0]} names one of {lost[2]} that is not there"
                    )
        finally:
            if self.path:
                self._engine.dispose()  # the connection that does not check references

    def upgrade(self, now: datetime | None = None) -> "Upgraded | None":
        """Bring the tables to what this program needs; None when they are.

        now: names the backup of a SQLite database that is made first, beside it; None makes none. Raises StoreError
        for a database that a newer program wrote, for one that holds another program's tables, and for one that
        cannot be backed up; whatever is raised, nothing has changed.
        """
        from monitor.store import backup, migrate

        with self.read() as tx:
            if migrate.find_revision(tx.connection()) == migrate.HEAD:
                migrate.refuse_half(tx.connection(), self.name)
                return None
        keep = partial(backup.before_upgrade, self.path, now=now) if self.path and now else None
        with self.remake() as tx:
            return migrate.upgrade(tx.connection(), self.name, keep=keep)

    def new_lease(self) -> str:
        """Return a token for a claim: who we are, and which claim of ours it is."""
        return f"{self.worker}:{uuid.uuid4().hex}"

    def holds(self, until: float = inf) -> bool:
        """Whether what we claimed is still ours: until then by the steady clock, and while the others hear of us."""
        return monotonic() < min(until, self.alive_until)

    def bound(self, within: timedelta) -> None:
        """Let no answer of a PostgreSQL server take longer, and no transaction of ours stand still for longer.

        For who shares the database, once the tables are up to date; from now on connections are made so.
        """
        self._within = within
        self._engine.dispose()

    def vacuum(self) -> None:
        """Give what rows left free back to the disk. SQLite lets nobody write meanwhile; PostgreSQL does it by itself.

        Raises StoreError; SQLite needs as much room again while it works.
        """
        if self.path is None:
            return
        try:
            with closing(self._engine.raw_connection()) as connection:
                for statement in ("PRAGMA query_only=OFF", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    connection.cursor().execute(statement)
        except sqlite3.Error as error:
            raise complaints.complain(error, self.name) from error

    def newer(self) -> str:
        """Return what to say when another worker upgraded the database beyond this program; empty when none did."""
        from monitor.store import migrate

        with self.read() as tx:
            revision = migrate.find_revision(tx.connection())
        if revision in {None, migrate.HEAD}:
            return ""
        return (
            f"{self.name} was upgraded to revision {revision} under this program: install the newer program everywhere"
        )

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, autoflush=False, expire_on_commit=False) as tx, tx.begin():
                tx.connection()  # begins here, so that a lock is complained of here
                yield tx
        except exc.IntegrityError:
            raise
        except (exc.DBAPIError, exc.TimeoutError) as error:
            raise complaints.complain(error, self.name) from error


def open_store(url: str, *, patience: timedelta = PATIENCE) -> Store:
    """Open the database at `url`: `sqlite:///path/to/monitor.db` or `postgresql+psycopg://user@host/name`.

    patience: how long a transaction waits for others before it complains of a lock. Raises StoreError, with the path
    and what to do, when the database cannot be reached or written. Its tables are `upgrade`'s job.
    """
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise errors.StoreError(f"store.url {url!r} is no database URL: say sqlite:///monitor.db") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed, patience)
    if backend == "postgresql":
        return _open_postgresql(parsed, patience)
    raise errors.StoreError(f"store.url: {backend!r} is not supported: say sqlite:///... or postgresql+psycopg://...")


def lease_now(tx: Session, now: datetime) -> datetime:
    """Return the clock that rules leases: `now` on SQLite, the database's own on PostgreSQL, which workers share."""
    if tx.connection().dialect.name == "sqlite":
        return now
    at: datetime = tx.connection().execute(sa.select(func.clock_timestamp())).scalar_one()
    return at.astimezone(UTC)


def lease_is_free(table: sa.FromClause, at: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that nobody holds a row of `table` at `at` (of `lease_now`).

    A lease that ends further ahead than one can be given out was written under a clock that has jumped since: free.
    """
    until = table.c.leased_until_at
    return sa.or_(table.c.lease.is_(None), until.is_(None), until < at, until > at + LONGEST_LEASE)


def take(tx: Session, table: sa.Table, ids: Sequence[int], *, lease: str, until: datetime) -> None:
    """Write a claim on rows that the transaction has found free; counts the attempt where the table counts them."""
    values: dict[str, object] = {"lease": lease, "leased_until_at": until}
    if "attempts" in table.c:
        values["attempts"] = table.c.attempts + 1
    if ids:
        tx.connection().execute(sa.update(table).where(table.c.id.in_(ids)).values(**values))


def story_lock(tx: Session) -> None:
    """Let one worker at a time decide stories, until the end of the transaction. On SQLite `write` does that alone."""
    if tx.connection().dialect.name == "postgresql":
        advisory_lock(tx, _STORY_LOCK)


def channel_lock(tx: Session, channel: str) -> None:
    """Let one worker at a time claim for `channel`, until the end of the transaction, so that messages keep order."""
    if tx.connection().dialect.name == "postgresql":
        advisory_lock(tx, _CHANNEL_LOCK, func.hashtext(channel))


def advisory_lock(tx: Session, *keys: int | sa.ColumnElement[int]) -> None:
    """Take a lock of PostgreSQL's until the end of the transaction, which the server ends if it stands still."""
    bounded = func.set_config("idle_in_transaction_session_timeout", _STANDSTILL, sa.true())
    tx.connection().execute(sa.select(bounded, func.pg_advisory_xact_lock(*keys)))


def insert(tx: Session, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's own insert into `table`, which knows `on_conflict_do_nothing` and `_do_update`."""
    if tx.connection().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


@contextmanager
def hold_instance(store: Store, after_kill: Callable[[Path], None] | None = None) -> Iterator[None]:
    """Be the only daemon on this SQLite database while the block runs; on PostgreSQL many may share one.

    Whoever holds it clears all leases first: their holders are dead. after_kill: called with the database's path
    before that, when the last holder did not come to a good end. Raises StoreError that names the present holder.
    """
    if store.path is None:
        yield
        return
    path = store.path.with_name(store.path.name + ".lock")
    with _open_lock(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise errors.StoreError(f"already running: {holder} holds {path}") from error
        file.seek(0)
        was_killed = bool(file.read())
        file.truncate(0)
        file.write(f"process {os.getpid()} on host {socket.gethostname()}\n")
        file.flush()
        if was_killed and after_kill:
            after_kill(store.path)
        with store.write() as tx:
            clear_leases(tx)
        yield
        if after_kill or not was_killed:
            file.truncate(0)  # a good end


def mark_as_killed(store: Store) -> None:
    """Let the next holder of this SQLite database find what a kill leaves; for whoever was to look and could not."""
    if store.path is not None:
        with _open_lock(store.path.with_name(store.path.name + ".lock")) as file:
            file.write("a look through the database was not finished\n")


def clear_leases(tx: Session) -> None:
    """Give back everything that was claimed: for whoever knows that no holder lives."""
    for table in (tables.feeds, tables.entries, tables.notifications):
        held = table.c.lease.is_not(None)
        tx.connection().execute(sa.update(table).where(held).values(lease=None, leased_until_at=None))


def _open_lock(path: Path) -> IO[str]:
    try:
        return path.open("a+")
    except OSError as error:
        raise errors.StoreError(f"{path}: {error.strerror}: the daemon needs to write beside its database") from error


# --- opening ----------------------------------------------------------------------------------------------------


def _open_sqlite(url: URL, patience: timedelta) -> Store:
    if not url.database or url.database == ":memory:":
        raise errors.StoreError("store.url names no file: say sqlite:///monitor.db")
    path = Path(url.database).absolute()
    complaint = complaints.unusable(path)
    if complaint:
        raise errors.StoreError(complaint)
    engine = sa.create_engine(
        url,
        json_serializer=codec.dumps,
        json_deserializer=codec.loads,
        connect_args={"timeout": patience.total_seconds()},
        pool_size=4,
        max_overflow=28,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return _reached(Store(engine, path))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set a new connection up. Without an isolation level sqlite3 leaves BEGIN to us, else it comes too late."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get(_WRITES, False)
    if options.get(_REMAKES, False):
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # does nothing once a transaction has begun
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _open_postgresql(url: URL, patience: timedelta) -> Store:
    from monitor.store.answering import KEEPALIVE, Answering

    wanted = {"connect_timeout": 10, "application_name": "monitor", **KEEPALIVE}
    wanted = {name: value for name, value in wanted.items() if name not in url.query}
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            json_serializer=codec.dumps,
            json_deserializer=codec.loads,
            connect_args=wanted,
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=28,
        )
    except exc.ArgumentError as error:
        raise errors.StoreError(f"store.url: {error}") from error
    store = Store(engine, None)

    def connect(_dialect: object, _record: object, args: Sequence[Any], named: dict[str, Any]) -> Answering:
        made = Answering.connect(*args, **named)
        _prepare_postgresql(made, patience, store._within)  # noqa: SLF001  one of this module's own
        return made

    event.listen(engine, "do_connect", connect)
    return _reached(store)


def _prepare_postgresql(connection: "Answering", patience: timedelta, within: timedelta | None) -> None:
    """Set a new connection up: nobody waits for a lock for longer than `patience`, nor for an answer `within`."""
    connection.execute(f"SET lock_timeout = {max(1, _milliseconds(patience))}")
    if within is not None:
        connection.within = within.total_seconds()
        connection.execute(f"SET idle_in_transaction_session_timeout = {_milliseconds(within)}")
    connection.commit()


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


def _reached(store: Store) -> Store:
    """Return `store` after a first look at it, so that complaints come at the start."""
    try:
        with store.read() as tx:
            tx.connection().execute(sa.text("SELECT 1 FROM sqlite_master" if store.path else "SELECT 1"))
    except errors.StoreError:
        store.close()
        raise
    return store
