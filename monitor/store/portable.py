"""A whole database as lines of text that a database of either kind can take in. Shell.

One JSON value a line. The first says what follows (format, revision, rows of every table, the highest number that was
ever given). Then for each table a line with its columns and their kinds, and one list a row, parents before children.
Columns that point into their own table come last, as lines that fill them in. The end has the SHA-256 of all lines
before it: what was cut off or altered on its way is noticed. Memory stays the same, however many rows there are.

Kinds: integer, number, boolean, text; instant (ISO 8601, UTC); json (its text); binary (base64).
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from monitor import errors
from monitor.store import engine, migrate, tables

FORMAT = 1
_CHUNK = 500

Progress = Callable[[int, int], None]
"""Called now and then: rows that are done, rows in all."""

_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "integer": sa.BigInteger(),
    "number": sa.Float(),
    "boolean": sa.Boolean(),
    "instant": tables.Instant(),
    "json": sa.JSON(none_as_null=True),
    "binary": sa.LargeBinary(),
    "text": sa.Text(),
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What an export says of itself. numbers: the highest that each table ever gave, so that none is given again."""

    revision: str
    exported_at: datetime
    rows: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many rows there are in all tables."""
        return sum(self.rows.values())


def dump(store: engine.Store, now: datetime, progress: Progress | None = None) -> Iterator[bytes]:
    """Yield the lines of `store`, as it is at one moment; others may go on writing. Raises StoreError."""
    digest = hashlib.sha256()
    for line in _lines(store, now, progress):
        written = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        digest.update(written)
        yield written
    yield json.dumps({"end": f"sha256:{digest.hexdigest()}"}).encode() + b"\n"


def load(store: engine.Store, lines: Iterable[bytes], progress: Progress | None = None) -> Contents:
    """Put what `dump` wrote into the empty `store`, all of it or nothing; leases are not taken over.

    What an older program exported is brought to the present revision. Raises StoreError when `store` holds anything,
    when a newer program wrote the lines, and when they are not all there.
    """
    with store.remake() as tx:
        connection = tx.connection()
        _refuse_full(connection, store.name)
        reader = _Reader(lines)
        contents = reader.contents()
        if contents.revision != migrate.HEAD:
            _make_tables(connection, store.name, contents.revision)
        done = 0
        for table, rows, is_filling in reader.sections(_columns(connection)):
            for chunk in _chunks(rows):
                _write(connection, table, _filling(table) if is_filling else sa.insert(table), chunk)
                done += 0 if is_filling else len(chunk)
                if progress:
                    progress(done, contents.total)
        reader.check(contents)
        migrate.upgrade(connection, store.name)
        engine.clear_leases(tx)
        _continue_numbers(connection, contents.numbers)
    return contents


# --- out ----------------------------------------------------------------------------------------------------------


def _lines(store: engine.Store, now: datetime, progress: Progress | None) -> Iterator[object]:
    with store.snapshot() as tx:
        connection = tx.connection()
        contents = _contents(connection, now)
        yield {
            "monitor": "export",
            "format": FORMAT,
            "revision": contents.revision,
            "exported_at": now.isoformat(),
            "rows": contents.rows,
            "numbers": contents.numbers,
        }
        done = 0
        for table in _tables():
            columns = {column.name: _kind(column) for column in table.c if not _points_home(column)}
            yield {"table": table.name, "columns": columns}
            for row in _rows(connection, table, list(columns)):
                yield row
                done += 1
                if progress and done % _CHUNK == 0:
                    progress(done, contents.total)
        for table in _tables():
            for column in filter(_points_home, table.c):
                yield {"fill": table.name, "columns": {"id": "integer", column.name: _kind(column)}}
                yield from _rows(connection, table, ["id", column.name], column.is_not(None))
        if progress:
            progress(done, contents.total)


def _contents(connection: Connection, now: datetime) -> Contents:
    rows = {}
    for table in _tables():  # by the table itself, because an index may be damaged where the table is not
        counted = sa.select(sa.func.count()).select_from(table).with_hint(table, "NOT INDEXED", "sqlite")
        rows[table.name] = int(connection.scalar(counted) or 0)
    return Contents(migrate.find_revision(connection) or "", now, rows, _numbers(connection))


def _rows(
    connection: Connection, table: sa.Table, names: list[str], where: sa.ColumnElement[bool] | None = None
) -> Iterator[list[object]]:
    columns = [table.c[name] for name in names]
    kinds = [_kind(column) for column in columns]
    chosen = [
        sa.cast(column, sa.Text) if kind == "json" else column for column, kind in zip(columns, kinds, strict=True)
    ]
    wanted = sa.select(*chosen).order_by(*table.primary_key.columns)
    if where is not None:
        wanted = wanted.where(where)
    encoders = [_ENCODERS.get(kind) for kind in kinds]
    special = [(place, encode) for place, encode in enumerate(encoders) if encode]
    for row in connection.execution_options(yield_per=_CHUNK).execute(wanted):
        values = list(row)
        for place, encode in special:
            if values[place] is not None:
                values[place] = encode(values[place])
        yield values


def _tables() -> list[sa.Table]:
    return list(SQLModel.metadata.sorted_tables)


def _points_home(column: sa.Column[Any]) -> bool:
    return any(key.column.table is column.table for key in column.foreign_keys)


def _kind(column: sa.Column[Any]) -> str:
    """Return what kind a column is; Instant is its own type, and Boolean no Integer."""
    for kind, shape in (
        ("instant", tables.Instant),
        ("json", sa.JSON),
        ("boolean", sa.Boolean),
        ("integer", sa.Integer),
        ("number", sa.Numeric),
        ("number", sa.Float),
        ("binary", sa.LargeBinary),
    ):
        if isinstance(column.type, shape):
            return kind
    return "text"


_ENCODERS: dict[str, Callable[[Any], object]] = {
    "instant": datetime.isoformat,
    "binary": lambda data: base64.b64encode(data).decode(),
}

_DECODERS: dict[str, Callable[[Any], object]] = {
    "instant": datetime.fromisoformat,
    "binary": base64.b64decode,
    "json": lambda text: sa.JSON.NULL if text == "null" else json.loads(text),
}


# --- in -----------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the lines of an export, and knows where it is for complaints."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._digest = hashlib.sha256()
        self._number = 0
        self._rows: dict[str, int] = {}
        self._sum: str | None = None
        self._next: dict[str, Any] | None = None

    def contents(self) -> Contents:
        """Return what the first line says. Raises StoreError for another file, and for a newer program's."""
        first = self._line()
        if not isinstance(first, dict) or first.get("monitor") != "export":
            raise errors.StoreError("this is no export: write one with `monitor db export`")
        if first.get("format") != FORMAT or first.get("revision") not in migrate.known_revisions():
            raise errors.StoreError(
                f"the export was written by a newer program (revision {first.get('revision')}): import it with that one"
            )
        with self._complaints():
            return Contents(
                first["revision"], datetime.fromisoformat(first["exported_at"]), first["rows"], first["numbers"]
            )

    def sections(
        self, known: Mapping[str, set[str]]
    ) -> Iterator[tuple[sa.TableClause, Iterator[dict[str, Any]], bool]]:
        """Yield each table, its rows, and whether they fill in columns of rows that are there already."""
        self._next = self._heading(self._line())
        while self._next is not None:
            heading, self._next = self._next, None
            with self._complaints():
                is_filling = "fill" in heading
                name, columns = heading["fill" if is_filling else "table"], dict(heading["columns"])
                strange = name if name not in known else next((one for one in columns if one not in known[name]), None)
                table = sa.table(name, *(sa.column(one, _TYPES[kind]) for one, kind in columns.items()))
            if strange:
                raise errors.StoreError(f"line {self._number} of the export: {strange!r} is not known here")
            yield table, self._section(name, columns, is_filling=is_filling), is_filling

    def check(self, contents: Contents) -> None:
        """Raise StoreError unless everything has come, as it was written."""
        if self._sum is None:
            raise errors.StoreError(
                f"the export is cut off after line {self._number}: nothing was imported; export again"
            )
        if self._sum != f"sha256:{self._digest.hexdigest()}":
            raise errors.StoreError("the export was altered on its way (its sum is wrong): nothing was imported")
        if {name: count for name, count in contents.rows.items() if count} != self._rows:
            raise errors.StoreError("the export has other rows than its first line says: nothing was imported")

    def _section(self, name: str, columns: Mapping[str, str], *, is_filling: bool) -> Iterator[dict[str, Any]]:
        """Yield the rows up to the next heading, decoded."""
        decoders = [_DECODERS.get(kind) for kind in columns.values()]
        # an update binds the number under a name that is no column's
        names = ["this_id" if is_filling and one == "id" else one for one in columns]
        while isinstance(line := self._line(), list):
            with self._complaints():
                values = [
                    decode(value) if decode and value is not None else value
                    for decode, value in zip(decoders, line, strict=True)
                ]
                row = dict(zip(names, values, strict=True))
            if not is_filling:
                self._rows[name] = self._rows.get(name, 0) + 1
            yield row
        self._next = self._heading(line)

    def _heading(self, line: object) -> dict[str, Any] | None:
        """Return a heading, None at the end."""
        if isinstance(line, dict) and "columns" in line:
            return line
        if isinstance(line, dict) and "end" in line:
            self._sum = str(line["end"])
        elif line is not None:
            raise errors.StoreError(f"line {self._number} of the export does not fit: it was altered on its way")
        return None

    def _line(self) -> object:
        """Return the next line, None after the last; the end is not part of the sum."""
        raw = next(self._lines, b"")
        if not raw.endswith(b"\n"):
            return None  # nothing, or a line that was cut in the middle
        self._number += 1
        with self._complaints():
            line = json.loads(raw)
        if not (isinstance(line, dict) and "end" in line):
            self._digest.update(raw)
        return line

    @contextmanager
    def _complaints(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            msg = f"line {self._number} of the export cannot be read: it was altered on its way, or is no export"
            raise errors.StoreError(msg) from error


def _refuse_full(connection: Connection, name: str) -> None:
    """Complain of a database that holds a row."""
    for table in _tables():
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise errors.StoreError(
                f"{name} is not empty (its table {table.name} holds rows): name a new database in store.url"
            )


def _make_tables(connection: Connection, name: str, revision: str) -> None:
    """Make the tables of an older revision in place of the present, empty ones: the upgrade takes the rows along."""
    SQLModel.metadata.drop_all(connection)
    connection.execute(sa.text("DROP TABLE alembic_version"))
    migrate.upgrade(connection, name, to=revision)


def _columns(connection: Connection) -> dict[str, set[str]]:
    found = sa.inspect(connection)
    return {name: {column["name"] for column in found.get_columns(name)} for name in found.get_table_names()}


def _write(
    connection: Connection, table: sa.TableClause, statement: sa.Insert | sa.Update, rows: list[dict[str, Any]]
) -> None:
    try:
        connection.execute(statement, rows)
    except exc.OperationalError:  # the database's trouble, not the row's
        raise
    except exc.StatementError as error:
        said = " ".join(str(error.orig).split())
        msg = f"a row of the export does not fit the table {table.name}: nothing was imported [{said}]"
        raise errors.StoreError(msg) from error


def _filling(table: sa.TableClause) -> sa.Update:
    changed: dict[str, sa.BindParameter[Any]] = {
        column.name: sa.bindparam(column.name) for column in table.c if column.name != "id"
    }
    return sa.update(table).where(table.c.id == sa.bindparam("this_id")).values(changed)


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


# --- numbers ------------------------------------------------------------------------------------------------------


def _numbers(connection: Connection) -> dict[str, int]:
    """Return the highest number that each table ever gave."""
    numbered = [table for table in _tables() if _counts(table)]
    if connection.dialect.name == "sqlite":
        given = {row[0]: row[1] for row in connection.execute(sa.text("SELECT name, seq FROM sqlite_sequence"))}
        highest = {table.name: connection.scalar(sa.select(sa.func.max(table.c.id))) or 0 for table in numbered}
        return {name: max(number, given.get(name, 0)) for name, number in highest.items()}
    last = sa.func.pg_sequence_last_value
    return {table.name: connection.scalar(sa.select(last(_sequence(table)))) or 0 for table in numbered}


def _continue_numbers(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Let every table go on after the highest number that it ever gave."""
    for table in _tables():
        if not _counts(table):
            continue
        highest = max(numbers.get(table.name, 0), connection.scalar(sa.select(sa.func.max(table.c.id))) or 0)
        if not highest:
            continue
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.setval(_sequence(table), highest)))
        elif table.dialect_options["sqlite"]["autoincrement"]:
            connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
            given = {"name": table.name, "seq": highest}
            connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), given)


def _counts(table: sa.Table) -> bool:
    """Return whether the database gives the rows of `table` their numbers."""
    return table.autoincrement_column is not None and not table.autoincrement_column.foreign_keys


def _sequence(table: sa.Table) -> sa.ColumnElement[Any]:
    return sa.cast(sa.func.pg_get_serial_sequence(table.name, "id"), postgresql.REGCLASS)
