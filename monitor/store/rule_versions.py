"""Every set of rules that was in force, so that an old decision can be explained. Shell."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from monitor.store import engine, tables


def save(tx: Session, fingerprint: str, files: Mapping[str, str], now: datetime) -> int:
    """Make a set of rules the one in force since `now`, and return its id. The present one keeps its time."""
    table = tables.rule_versions
    row = {"fingerprint": fingerprint, "files": dict(files), "since_at": now}
    insertion = engine.insert(tx, table).on_conflict_do_nothing(index_elements=["fingerprint"])
    tx.connection().execute(insertion.values(**row))
    rules_id = int(
        tx.connection().execute(sa.select(table.c.id).where(table.c.fingerprint == fingerprint)).scalar_one()
    )
    if current(tx) != rules_id:
        tx.connection().execute(sa.update(table).where(table.c.id == rules_id).values(since_at=now))
    return rules_id


def files(tx: Session, rules_id: int) -> dict[str, str]:
    """Return the text of a set's files by name; raises KeyError."""
    table = tables.rule_versions
    found: dict[str, str] | None = tx.connection().scalar(sa.select(table.c.files).where(table.c.id == rules_id))
    if found is None:
        raise KeyError(rules_id)
    return found


def current(tx: Session) -> int | None:
    """Return the id of the set in force, None before the first."""
    table = tables.rule_versions
    newest = sa.select(table.c.id).order_by(table.c.since_at.desc(), table.c.id.desc()).limit(1)
    rules_id: int | None = tx.connection().scalar(newest)
    return rules_id


def fingerprint_of(tx: Session, rules_id: int) -> str:
    """Return the fingerprint of a set; raises KeyError."""
    table = tables.rule_versions
    found: str | None = tx.connection().scalar(sa.select(table.c.fingerprint).where(table.c.id == rules_id))
    if found is None:
        raise KeyError(rules_id)
    return found
