"""What workers that share a database owe to the hosts of their feeds: few polls at once, and rest when asked. Shell."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import Session

from monitor.store import engine, tables

_CLAIM_LOCK = 7_310_003
_LONGEST_REST = timedelta(days=8)  # one that ends later was written under a clock that has jumped since


def host_of(url: str) -> str:
    """Return the host of a feed's URL, in small letters; empty when it has none. Pure."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def claim_lock(tx: Session) -> None:
    """Let one worker at a time claim feeds, until the end of the transaction: two must not begin on one host."""
    if tx.connection().dialect.name == "postgresql":
        tx.connection().execute(sa.select(sa.func.pg_advisory_xact_lock(_CLAIM_LOCK)))


def nobody_elses(tx: Session, at: datetime, lease: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that no other worker polls a feed's host at `at` (of `lease_now`).

    lease: the claim's token; what stands before its colon is the worker. None on SQLite, which has one worker.
    """
    if tx.connection().dialect.name == "sqlite":
        return ()
    table, held = tables.feeds, tables.feeds.alias("held")
    others = sa.func.split_part(held.c.lease, ":", 1) != lease.partition(":")[0]
    live = sa.and_(held.c.lease.is_not(None), held.c.host.is_not(None), sa.not_(engine.lease_is_free(held, at)))
    # NOT IN, because PostgreSQL hashes it: of NOT EXISTS it makes a loop over all that others hold for each due feed.
    return (sa.func.coalesce(table.c.host, "").not_in(sa.select(held.c.host).where(live, others)),)


def rests(at: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a feed's host asked to be left alone for longer than `at` (of `lease_now`)."""
    table = tables.hosts
    rest = sa.and_(table.c.rests_until_at > at, table.c.rests_until_at <= at + _LONGEST_REST)
    return sa.exists().where(table.c.name == tables.feeds.c.host, rest)


def rest(tx: Session, hosts: Mapping[str, datetime], now: datetime) -> None:
    """Let nobody claim feeds of these hosts before the time given for each; a longer rest stays."""
    if not hosts:
        return
    table, at = tables.hosts, engine.lease_now(tx, now)
    rows = [{"name": name, "rests_until_at": at + (hosts[name] - now)} for name in sorted(hosts)]
    insertion = engine.insert(tx, table)
    until = insertion.excluded.rests_until_at
    later = sa.case((table.c.rests_until_at > until, table.c.rests_until_at), else_=until)
    changed = {"rests_until_at": later}
    tx.connection().execute(insertion.on_conflict_do_update(index_elements=["name"], set_=changed), rows)


def forget_rests(tx: Session, now: datetime) -> None:
    """Forget the rests that are over."""
    over = tables.hosts.c.rests_until_at < engine.lease_now(tx, now)
    tx.connection().execute(sa.delete(tables.hosts).where(over))


def list_rests(tx: Session, now: datetime) -> dict[str, datetime]:
    """Return the hosts that rest, with until when."""
    table = tables.hosts
    wanted = sa.select(table).where(table.c.rests_until_at > engine.lease_now(tx, now)).order_by(table.c.name)
    return {row.name: row.rests_until_at for row in tx.connection().execute(wanted)}
