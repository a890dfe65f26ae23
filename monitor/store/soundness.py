"""Is a database sound? What SQLite can say of its file, and what we can say of the rows. Shell."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlmodel import Session, SQLModel

from monitor import errors, model
from monitor.store import complaints, tables

_MOST = 20  # complaints of one kind


def inspect_file(path: Path) -> tuple[str, ...]:
    """Let SQLite read the whole database at `path`, and return what is damaged; others may go on writing.

    SQLite cannot be hurried or stopped: for a large file it is a matter of minutes. Raises StoreError when the file
    cannot be opened.
    """
    said: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
        try:
            connection.execute("PRAGMA query_only=ON")
            for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):  # what comes before an error counts
                said.append(str(line))
        except sqlite3.OperationalError as error:
            raise errors.StoreError(complaints.in_words(error, str(path))) from error
        except sqlite3.DatabaseError as error:
            said.append(str(error))
    return tuple(" ".join(line.split()) for line in said if line != "ok")


def list_complaints(tx: Session) -> tuple[str, ...]:
    """Return what cannot be true of our rows, each in a line; at most twenty of a kind."""
    connection = tx.connection()
    found = [*_lost_references(connection), *_lost_messages(connection), *_false_states(connection)]
    found += [] if connection.dialect.name == "sqlite" else _late_numbers(connection)
    return tuple(found)


def _lost_references(connection: Connection) -> Iterator[str]:
    """Name rows that refer to what is not there; PostgreSQL sees to that by itself."""
    if connection.dialect.name == "sqlite":
        for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MOST):
            yield f"{table}: row {row} names one of {parent} that is not there"


def _lost_messages(connection: Connection) -> Iterator[str]:
    """Name alerts that a channel was to hear of and that no message brings, and messages that bring nothing."""
    alerts, links, decisions, messages = (
        tables.alerts, tables.notification_alerts, tables.decisions, tables.notifications,
    )  # fmt: skip
    brought = sa.select(links.c.alert_id).where(links.c.alert_id == alerts.c.id).exists()
    joined = alerts.join(decisions, decisions.c.id == alerts.c.decision_id)
    bare = sa.select(alerts.c.id, decisions.c.channels).select_from(joined).where(~brought).order_by(alerts.c.id)
    named = 0
    for alert, channels in connection.execution_options(yield_per=500).execute(bare):
        heard = [channel["channel"] for channel in channels if channel["verdict"] == model.Verdict.SEND]
        if heard and named < _MOST:
            named += 1
            yield f"alerts: A-{alert} was to go to {', '.join(heard)}, and no message brings it"
    brings = sa.select(links.c.alert_id).where(links.c.notification_id == messages.c.id).exists()
    waiting = messages.c.state.in_((model.NotificationState.PENDING, model.NotificationState.HELD))
    empty = sa.and_(messages.c.kind == model.NotificationKind.ALERT, waiting, ~brings)
    yield from _rows(connection, messages, empty, "waits to be sent and brings no alert")


def _false_states(connection: Connection) -> Iterator[str]:
    messages, stories, entries, decisions = tables.notifications, tables.stories, tables.entries, tables.decisions
    state = model.NotificationState
    sent = sa.and_(messages.c.state == state.SENT, messages.c.sent_at.is_(None))
    yield from _rows(connection, messages, sent, "is sent, and nobody knows when")
    folded = sa.and_(messages.c.state == state.FOLDED, messages.c.folded_into.is_(None))
    yield from _rows(connection, messages, folded, "went out inside a digest, and nobody knows which")
    yield from _rows(connection, stories, stories.c.merged_into == stories.c.id, "is merged into itself")
    ahead = sa.and_(decisions.c.entry_id == entries.c.id, decisions.c.revision > entries.c.revision)
    yield from _rows(
        connection, entries, sa.select(decisions.c.id).where(ahead).exists(), "was decided before it was edited so"
    )


def _late_numbers(connection: Connection) -> Iterator[str]:
    """Name tables of PostgreSQL whose next number is taken: a row could not be added."""
    for table in SQLModel.metadata.sorted_tables:
        if table.autoincrement_column is None or table.autoincrement_column.foreign_keys:
            continue
        sequence = sa.cast(sa.func.pg_get_serial_sequence(table.name, "id"), postgresql.REGCLASS)
        given = connection.scalar(sa.select(sa.func.pg_sequence_last_value(sequence))) or 0
        highest = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
        if highest > given:
            yield f"{table.name}: the last number given is {given}, and row {highest} is there"


def _rows(connection: Connection, table: sa.Table, where: sa.ColumnElement[bool], what: str) -> Iterator[str]:
    wanted: sa.Select[Any] = sa.select(table.c.id).where(where).order_by(table.c.id).limit(_MOST)
    for number in connection.scalars(wanted):
        yield f"{table.name}: row {number} {what}"
