"""Feeds, what was learned of them, their outages, and the entries that their polls bring. Shell.

`save_polls` is the first of the two transactions: validators and new entries together, or neither. It writes any
number of polls with a handful of statements, because a thousand feeds are polled with each pass.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import codec, engine, hosts, poll_rows, tables, urgency

FURTHEST_POLL = timedelta(days=8)  # a feed that is due later than this was planned under a clock that has jumped since

_CHUNK = 5000  # pairs in one statement, two parameters each; SQLite takes 32766 parameters


@dataclass(frozen=True, slots=True)
class FeedChanges:
    """Names of feeds that the operator's files changed. left: not in these files, and left as they are."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    revived: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """What a poll needs to know of an entry that is stored."""

    id: int
    fingerprint: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    """What `save_polls` wrote: entries and edits that it counted, and the feeds whose lease was lost."""

    entries: int
    edits: int
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outage:
    """An interval in which a feed could not be polled; ended_at is None while it lasts. error: the last one."""

    feed: str
    began_at: datetime
    ended_at: datetime | None
    error: str
    polls: int = 1


def sync_specs(
    tx: Session,
    specs: Sequence[model.FeedSpec],
    now: datetime,
    *,
    first_due: Callable[[int], datetime],
    leave_rest: bool = False,
) -> FeedChanges:
    """Make the feeds those of the operator's files.

    first_due: when the n-th new feed (from 0) is polled first. Another URL resets what was learned of a feed, and its
    next poll counts as a first one; its entries stay. A feed that left the files is disabled, and polled again when
    it comes back; with leave_rest it is left as it is: other workers' files may name it.
    """
    stored = {row["name"]: row for row in tx.connection().execute(sa.select(tables.feeds)).mappings()}
    added = [spec for spec in specs if spec.name not in stored]
    revived, changed = [], []
    for spec in specs:
        row = stored.get(spec.name)
        if row and row["status"] == model.FeedStatus.DISABLED:
            revived.append(spec)
        elif row and codec.decode(model.FeedSpec, row["spec"]) != spec:
            changed.append(spec)
    kept = {spec.name for spec in specs}
    rest = [row for name, row in stored.items() if name not in kept and row["status"] != "disabled"]
    disabled, left = ([], rest) if leave_rest else (rest, [])
    _add(tx, added, first_due)
    for spec in (*revived, *changed):
        _change(tx, spec, stored[spec.name], now)
    _disable(tx, disabled, now)
    return FeedChanges(
        tuple(spec.name for spec in added),
        tuple(spec.name for spec in changed),
        tuple(row["name"] for row in disabled),
        tuple(spec.name for spec in revived),
        tuple(row["name"] for row in left),
    )


def claim_due(
    tx: Session,
    now: datetime,
    *,
    limit: int,
    lease: str,
    until: datetime,
    names: Collection[str] | None = None,
    everything: bool = False,
) -> tuple[model.Feed, ...]:
    """Claim active feeds that are due and that nobody holds, the most urgent first; none of a host that rests.

    On PostgreSQL the feeds of one host go to one worker at a time, so that its limit of polls at once is the limit of
    all. names: only these, due or not, whoever else polls their host. everything: all, due or not.
    """
    table = tables.feeds
    hosts.claim_lock(tx)
    at = engine.lease_now(tx, now)
    wanted = sa.select(table).where(table.c.status == model.FeedStatus.ACTIVE, engine.lease_is_free(table, at))
    if names is not None:
        wanted = wanted.where(table.c.name.in_(names))
    else:
        wanted = wanted.where(sa.not_(hosts.rests(at)), *hosts.nobody_elses(tx, at, lease))
    if names is None and not everything:
        wanted = wanted.where(sa.or_(table.c.next_poll_at <= now, table.c.next_poll_at > now + FURTHEST_POLL))
    wanted = wanted.order_by(urgency.of(now).desc(), table.c.id).limit(limit).with_for_update(skip_locked=True)
    rows = tx.connection().execute(wanted).mappings().all()
    engine.take(tx, table, [row["id"] for row in rows], lease=lease, until=at + (until - now))
    return tuple(_feed(row, lease) for row in rows)


def make_due(tx: Session, now: datetime, names: Collection[str] | None = None) -> int:
    """Make active feeds due at once, all or those of `names`; return how many were not."""
    table = tables.feeds
    later = sa.and_(table.c.status == model.FeedStatus.ACTIVE, table.c.next_poll_at > now)
    if names is not None:
        later = sa.and_(later, table.c.name.in_(names))
    return tx.connection().execute(sa.update(table).where(later).values(next_poll_at=now, why="asked for")).rowcount


def release(tx: Session, feed_ids: Collection[int], lease: str) -> None:
    """Give claimed feeds back unpolled; those that others hold by now are left alone."""
    table = tables.feeds
    held = sa.and_(table.c.id.in_(feed_ids), table.c.lease == lease)
    tx.connection().execute(sa.update(table).where(held).values(lease=None, leased_until_at=None))


def entry_fingerprint(title: str, summary: str) -> str:
    """Return what tells an edit: it changes with the words of title or lead, not with their spacing. Pure."""
    words = "\n".join((" ".join(title.split()), " ".join(summary.split())))
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def known_entries(tx: Session, feed_id: int, keys: Collection[str]) -> dict[str, KnownEntry]:
    """Return the entries of a feed that are stored under one of `keys`, by key."""
    return known_entries_of(tx, {feed_id: keys})[feed_id]


def known_entries_of(tx: Session, wanted: Mapping[int, Collection[str]]) -> dict[int, dict[str, KnownEntry]]:
    """Return for each feed of `wanted` which of its keys are stored, by key; in as few selects as parameters allow."""
    found: dict[int, dict[str, KnownEntry]] = {feed_id: {} for feed_id in wanted}
    pairs = iter([(feed_id, key) for feed_id, keys in wanted.items() for key in keys])
    while chunk := list(islice(pairs, _CHUNK)):
        for feed_id, key, entry_id, fingerprint, seen_at in tx.connection().execute(_select_pairs(tx, chunk)):
            found[feed_id][key] = KnownEntry(entry_id, fingerprint, seen_at)
    return found


def save_polls(tx: Session, records: Sequence[model.PollRecord]) -> Saved:
    """Write what polls came to: validators, schedule, health, outages, new entries and edits. Transaction (a).

    A record whose feed was claimed by somebody else meanwhile, or disabled, or given another URL, writes nothing and
    is named in `lost`. An entry whose key is stored already is left as it is.
    """
    held = _still_held(tx, records)
    kept = [record for record in records if record.feed.lease and held.get(record.feed.id) == record.feed.lease]
    lost = tuple(record.feed.name for record in records if held.get(record.feed.id) != record.feed.lease)
    _write_feeds(tx, kept)
    _write_outages(tx, kept)
    return Saved(_write_entries(tx, kept), _write_edits(tx, kept), lost)


def list_feeds(tx: Session) -> tuple[model.Feed, ...]:
    """Return every feed, disabled ones too, by name."""
    rows = tx.connection().execute(sa.select(tables.feeds).order_by(tables.feeds.c.name)).mappings()
    return tuple(_feed(row) for row in rows)


def find_feed(tx: Session, name: str) -> model.Feed | None:
    """Return the feed called `name`, None when there is none."""
    row = tx.connection().execute(sa.select(tables.feeds).where(tables.feeds.c.name == name)).mappings().first()
    return _feed(row) if row else None


def get_feed(tx: Session, name: str) -> model.Feed:
    """Return the feed called `name`; raises KeyError."""
    feed = find_feed(tx, name)
    if feed is None:
        raise KeyError(name)
    return feed


def list_outages(tx: Session, since: datetime, until: datetime, feed: str | None = None) -> tuple[Outage, ...]:
    """Return the outages that touch the time from `since` to `until`, the earliest first; of one feed or of all."""
    table = tables.outages
    columns = (tables.feeds.c.name, table.c.began_at, table.c.ended_at, table.c.error, table.c.polls)
    wanted = (
        sa.select(*columns)
        .join(tables.feeds, tables.feeds.c.id == table.c.feed_id)
        .where(table.c.began_at < until, sa.or_(table.c.ended_at.is_(None), table.c.ended_at > since))
        .order_by(table.c.began_at, table.c.id)
    )
    if feed is not None:
        wanted = wanted.where(tables.feeds.c.name == feed)
    return tuple(Outage(*row) for row in tx.connection().execute(wanted))


def next_due_at(tx: Session) -> datetime | None:
    """Return when the next active feed is due; None when there is no active feed."""
    active = tables.feeds.c.status == model.FeedStatus.ACTIVE
    due: datetime | None = tx.connection().scalar(sa.select(sa.func.min(tables.feeds.c.next_poll_at)).where(active))
    return due


def count_by_status(tx: Session) -> dict[model.FeedStatus, int]:
    """Return how many feeds there are in each status; a status without feeds is missing."""
    table = tables.feeds
    rows = tx.connection().execute(sa.select(table.c.status, sa.func.count()).group_by(table.c.status))
    return {model.FeedStatus(status): count for status, count in rows}


# --- rows -------------------------------------------------------------------------------------------------------


def _feed(row: RowMapping, lease: str = "") -> model.Feed:
    gap = row["gap_seconds"]
    return model.Feed(
        id=row["id"],
        spec=codec.decode(model.FeedSpec, row["spec"]),
        url=row["url"],
        status=model.FeedStatus(row["status"]),
        validators=model.Validators(row["etag"], row["last_modified"]),
        fingerprint=row["fingerprint"],
        next_poll_at=row["next_poll_at"],
        first_polled_at=row["first_polled_at"],
        last_polled_at=row["last_polled_at"],
        last_ok_at=row["last_ok_at"],
        last_new_at=row["last_new_at"],
        failing_since_at=row["failing_since_at"],
        gap=None if gap is None else timedelta(seconds=gap),
        schedule=codec.decode(model.Schedule, row["schedule"] or {}),
        failures=row["failures"],
        last_error=row["last_error"],
        why=row["why"],
        lease=lease,
    )


# --- the operator's files ---------------------------------------------------------------------------------------


def _add(tx: Session, specs: Sequence[model.FeedSpec], first_due: Callable[[int], datetime]) -> None:
    rows = [
        {
            "name": spec.name,
            "spec": codec.encode(spec),
            "url": spec.url,
            "host": hosts.host_of(spec.url),
            "status": model.FeedStatus.ACTIVE,
            "next_poll_at": first_due(number),
            "failures": 0,
            "why": "new feed",
        }
        for number, spec in enumerate(specs)
    ]
    if rows:  # another worker that reads the same files may be first
        insertion = engine.insert(tx, tables.feeds).on_conflict_do_nothing(index_elements=["name"])
        tx.connection().execute(insertion, rows)


def _change(tx: Session, spec: model.FeedSpec, row: RowMapping, now: datetime) -> None:
    values: dict[str, object] = {"spec": codec.encode(spec)}
    if row["status"] == model.FeedStatus.DISABLED:
        values |= {"status": model.FeedStatus.ACTIVE, "next_poll_at": now, "why": "in the files again"}
    if row["spec"]["url"] != spec.url:
        values |= poll_rows.FORGOTTEN | {"url": spec.url, "host": hosts.host_of(spec.url)}
        values |= {"next_poll_at": now, "why": "another URL"}
        _close_outages(tx, [row["id"]], now)
    tx.connection().execute(sa.update(tables.feeds).where(tables.feeds.c.id == row["id"]).values(**values))


def _disable(tx: Session, rows: Sequence[RowMapping], now: datetime) -> None:
    """Stop polling; clearing the lease makes a poll that is under way write nothing."""
    ids = [row["id"] for row in rows]
    values = {"status": model.FeedStatus.DISABLED, "lease": None, "leased_until_at": None, "why": "left the files"}
    tx.connection().execute(sa.update(tables.feeds).where(tables.feeds.c.id.in_(ids)).values(**values))
    _close_outages(tx, ids, now)


# --- polls ------------------------------------------------------------------------------------------------------


def _select_pairs(tx: Session, pairs: Sequence[tuple[int, str]]) -> sa.Select[Any]:
    """Select the entries with these feeds and keys.

    PostgreSQL plans each pair of a long list, which takes 2 ms a feed; a join with arrays takes a fifth of that. SQLite
    keeps the last 128 statements, and lists of every length are as many: 34 MB; JSON is one, and takes half the time.
    """
    table = tables.entries
    wanted = sa.select(table.c.feed_id, table.c.key, table.c.id, table.c.fingerprint, table.c.first_seen_at)
    if tx.connection().dialect.name == "sqlite":
        pair = sa.func.json_each(codec.dumps(pairs)).table_valued("value", name="sought").c.value
        feed_id, key = (sa.func.json_extract(pair, place) for place in ("$[0]", "$[1]"))
        return wanted.where(table.c.feed_id == feed_id, table.c.key == key)
    feed_ids, keys = zip(*pairs, strict=True)
    arrays = (sa.cast(list(feed_ids), sa.ARRAY(sa.Integer)), sa.cast(list(keys), sa.ARRAY(sa.Text)))
    sought = sa.func.unnest(*arrays).table_valued("feed_id", "key").render_derived("sought")
    return wanted.join(sought, sa.and_(table.c.feed_id == sought.c.feed_id, table.c.key == sought.c.key))


def _still_held(tx: Session, records: Sequence[model.PollRecord]) -> dict[int, str | None]:
    """Return the present lease of each record's feed, and keep everybody else from it until the commit."""
    table = tables.feeds
    held: dict[int, str | None] = {}
    ids = iter(sorted({record.feed.id for record in records}))
    while chunk := list(islice(ids, _CHUNK)):
        wanted = sa.select(table.c.id, table.c.lease).where(table.c.id.in_(chunk)).order_by(table.c.id)
        held.update((row.id, row.lease) for row in tx.connection().execute(wanted.with_for_update()))
    return held


def _write_feeds(tx: Session, records: Sequence[model.PollRecord]) -> None:
    if records:
        rows = [poll_rows.feed_row(record) for record in records]
        this = tables.feeds.c.id == sa.bindparam("this_id")
        columns: dict[str, object] = {name: sa.bindparam(name) for name in rows[0] if name != "this_id"}
        statement = sa.update(tables.feeds).where(this).values(columns).values(lease=None, leased_until_at=None)
        tx.connection().execute(statement, rows)


def _write_outages(tx: Session, records: Sequence[model.PollRecord]) -> None:
    """Open or prolong the outage of what failed, close the outage of what failed before and does no more."""
    table = tables.outages
    failed = [poll_rows.outage_row(record) for record in records if poll_rows.has_failed(record)]
    if failed:
        insertion = engine.insert(tx, table)
        prolonged = {"polls": table.c.polls + 1, "error": insertion.excluded.error}
        is_open = table.c.ended_at.is_(None)
        tx.connection().execute(
            insertion.on_conflict_do_update(index_elements=["feed_id"], index_where=is_open, set_=prolonged), failed
        )
    for record in records:
        if record.feed.failing_since_at is not None and poll_rows.has_succeeded(record):
            _close_outages(tx, [record.feed.id], record.at)


def _close_outages(tx: Session, feed_ids: Collection[int], now: datetime) -> None:
    table = tables.outages
    is_open = sa.and_(table.c.feed_id.in_(feed_ids), table.c.ended_at.is_(None))
    tx.connection().execute(sa.update(table).where(is_open).values(ended_at=now))


def _write_entries(tx: Session, records: Sequence[model.PollRecord]) -> int:
    rows = [row for record in records for row in poll_rows.entry_rows(record, entry_fingerprint)]
    if not rows:
        return 0
    insertion = engine.insert(tx, tables.entries).on_conflict_do_nothing(index_elements=["feed_id", "key"])
    return tx.connection().execute(insertion, rows, execution_options={"preserve_rowcount": True}).rowcount


def _write_edits(tx: Session, records: Sequence[model.PollRecord]) -> int:
    """Write other titles and leads; an entry that is being processed loses its lease, because its text is old now."""
    rows = [poll_rows.edit_row(record, edit, entry_fingerprint) for record in records for edit in record.edits]
    table = tables.entries
    this = sa.and_(
        table.c.id == sa.bindparam("this_id"),
        table.c.feed_id == sa.bindparam("this_feed"),
        table.c.fingerprint != sa.bindparam("fingerprint"),
    )
    columns: dict[str, object] = {name: sa.bindparam(name) for name in poll_rows.EDITED}
    again = sa.bindparam("again", type_=sa.Boolean)
    statement = (
        sa.update(table)
        .where(this)
        .values(columns)
        .values(
            revision=table.c.revision + 1,
            published_at=sa.func.coalesce(sa.bindparam("published_at", type_=tables.Instant), table.c.published_at),
            status=sa.case((again, model.EntryStatus.PENDING.value), else_=table.c.status),
            attempts=sa.case((again, 0), else_=table.c.attempts),
            lease=None,
            leased_until_at=None,
        )
    )
    return tx.connection().execute(statement, rows).rowcount if rows else 0
