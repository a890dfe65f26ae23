"""The text of pages that matched entries link to: claimed before they are asked for, so that none is twice. Shell.

It stands beside its entry, not in it: rules decide on what feeds give, and an edit of the entry leaves it alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from monitor import model
from monitor.store import codec, engine, tables


@dataclass(frozen=True, slots=True)
class Page:
    """A page that may be read: of which entry, of which feed. decision_id: in whose order pages come."""

    decision_id: int
    entry_id: int
    spec: model.FeedSpec
    url: str


@dataclass(frozen=True, slots=True)
class Text:
    """What a page came to. error: why there is no text, None when there is; both empty while it is under way."""

    text: str
    error: str | None
    asked_at: datetime


def list_pages(tx: Session, since: datetime, *, after: int, limit: int) -> tuple[Page, ...]:
    """Return pages of entries that matched since then and were not asked for, in order of decisions after `after`.

    Entries of a feed's first poll are left out: they are the past, and hundreds.
    """
    decisions, entries, feeds, texts = tables.decisions, tables.entries, tables.feeds, tables.texts
    source = decisions.join(entries, entries.c.id == decisions.c.entry_id).join(feeds).outerjoin(texts)
    wanted = (
        sa.select(decisions.c.id, decisions.c.entry_id, entries.c.url, feeds.c.spec)
        .select_from(source)
        .where(decisions.c.id > after, decisions.c.decided_at >= since, texts.c.entry_id.is_(None))
        .where(sa.not_(entries.c.first_poll), entries.c.url != "")
        .order_by(decisions.c.id)
        .limit(limit)
    )
    rows = tx.connection().execute(wanted).all()
    return tuple(Page(row.id, row.entry_id, codec.decode(model.FeedSpec, row.spec), row.url) for row in rows)


def claim(tx: Session, entry_ids: Collection[int], now: datetime) -> set[int]:
    """Note that these pages are asked for now; return those that no other worker had noted before."""
    insertion = engine.insert(tx, tables.texts).on_conflict_do_nothing(index_elements=["entry_id"])
    ours = set[int]()
    for entry_id in entry_ids:
        if tx.connection().execute(insertion, {"entry_id": entry_id, "asked_at": now}).rowcount == 1:
            ours.add(entry_id)
    return ours


def save(tx: Session, entry_id: int, text: str, error: str | None) -> None:
    """Store what a page came to."""
    table = tables.texts
    tx.connection().execute(sa.update(table).where(table.c.entry_id == entry_id).values(text=text, error=error))


def find(tx: Session, entry_id: int) -> Text | None:
    """Return the text of an entry's page, None when it was never asked for."""
    table = tables.texts
    row = tx.connection().execute(sa.select(table).where(table.c.entry_id == entry_id)).one_or_none()
    return None if row is None else Text(row.text, row.error, row.asked_at)


def prune(tx: Session, entry_ids: Collection[int]) -> None:
    """Let go of the texts of these entries."""
    table = tables.texts
    tx.connection().execute(sa.delete(table).where(table.c.entry_id.in_(entry_ids)))
