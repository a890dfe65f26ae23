"""Silences, kept after their end, so that it stays known why something was not sent. Shell."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import tables


def add(tx: Session, silence: model.Silence) -> int:
    """Store a silence and return its number; the one that it brings is not looked at."""
    row = {
        "kind": silence.kind.value,
        "value": silence.value,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "author": silence.author,
        "comment": silence.comment,
    }
    inserted = tx.connection().execute(sa.insert(tables.silences).values(**row).returning(tables.silences.c.id))
    return int(inserted.scalar_one())


def list_active(tx: Session, now: datetime) -> tuple[model.Silence, ...]:
    """Return the silences in force at `now`, by number."""
    table = tables.silences
    return _select(tx, sa.and_(table.c.starts_at <= now, table.c.ends_at > now))


def list_all(tx: Session) -> tuple[model.Silence, ...]:
    """Return every silence that there was, by number."""
    return _select(tx, sa.true())


def end(tx: Session, silence_id: int, now: datetime) -> bool:
    """End a silence at `now`; False when it had ended before, or there is none with this number."""
    table = tables.silences
    active = sa.and_(table.c.id == silence_id, table.c.ends_at > now)
    return tx.connection().execute(sa.update(table).where(active).values(ends_at=now)).rowcount == 1


def _select(tx: Session, condition: sa.ColumnElement[bool]) -> tuple[model.Silence, ...]:
    rows = tx.connection().execute(sa.select(tables.silences).where(condition).order_by(tables.silences.c.id))
    return tuple(_silence(row) for row in rows.mappings())


def _silence(row: RowMapping) -> model.Silence:
    return model.Silence(
        id=row["id"],
        kind=model.SilenceKind(row["kind"]),
        value=row["value"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        author=row["author"],
        comment=row["comment"],
    )
