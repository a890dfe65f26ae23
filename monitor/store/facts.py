"""What the daemon knows of itself, by name: heartbeat, who runs it, channel back-off. Shell."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from monitor.store import engine, tables


def put(tx: Session, name: str, value: Mapping[str, object], now: datetime) -> None:
    """Set a fact to `value`, which JSON must know."""
    row = {"name": name, "value": dict(value), "changed_at": now}
    insertion = engine.insert(tx, tables.facts).values(**row)
    changed = {"value": insertion.excluded.value, "changed_at": insertion.excluded.changed_at}
    tx.connection().execute(insertion.on_conflict_do_update(index_elements=["name"], set_=changed))


def put_once(tx: Session, name: str, value: Mapping[str, object], now: datetime) -> dict[str, Any]:
    """Set a fact that nobody has set yet, and return what it is, whoever was first."""
    row = {"name": name, "value": dict(value), "changed_at": now}
    tx.connection().execute(engine.insert(tx, tables.facts).values(**row).on_conflict_do_nothing())
    found = find(tx, name)
    assert found is not None
    return found[0]


def find(tx: Session, name: str) -> tuple[dict[str, Any], datetime] | None:
    """Return a fact and when it was set last, None when it never was."""
    table = tables.facts
    row = tx.connection().execute(sa.select(table.c.value, table.c.changed_at).where(table.c.name == name)).first()
    return None if row is None else (row.value, row.changed_at)


def list_facts(tx: Session, prefix: str = "") -> dict[str, tuple[dict[str, Any], datetime]]:
    """Return every fact whose name begins with `prefix`, in order of names."""
    table = tables.facts
    wanted = sa.select(table).where(table.c.name.startswith(prefix, autoescape=True)).order_by(table.c.name)
    return {row.name: (row.value, row.changed_at) for row in tx.connection().execute(wanted)}


def remove(tx: Session, name: str) -> bool:
    """Forget a fact; False when there was none."""
    return tx.connection().execute(sa.delete(tables.facts).where(tables.facts.c.name == name)).rowcount == 1
