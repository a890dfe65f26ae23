"""Known stories: the texts of the seeds folder, and the stories that they tell. Shell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from monitor import model
from monitor.store import engine, tables


@dataclass(frozen=True, slots=True)
class SeedChanges:
    """Names of seeds that the folder's files changed; one that came back counts as added.

    left: not in these files, and left as they are.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def sync_seeds(
    tx: Session,
    seeds: Sequence[model.Seed],
    assign: Callable[[model.Seed], int | None],
    now: datetime,
    *,
    remember: Callable[[model.Seed, int], None] | None = None,
    leave_rest: bool = False,
) -> SeedChanges:
    """Make the known stories those of the seeds folder.

    assign: which story a new seed tells, None for one of its own. remember: told of each new seed, dated, and its story
    before the next one is assigned, so that two new seeds can be found to be one story.
    An undated seed is dated `now` when it is first loaded, and keeps that when its text changes.
    A seed that left the folder is removed; with leave_rest it stays: other workers' folders may hold it.
    """
    engine.story_lock(tx)
    rows = {row["name"]: row for row in tx.connection().execute(sa.select(tables.seeds)).mappings()}
    added: list[str] = []
    changed: list[str] = []
    for seed in seeds:
        row = rows.get(seed.name)
        if row is None:
            _place(tx, seed, assign, now, remember)
            added.append(seed.name)
        elif row["removed_at"] is not None or _differs(row, seed):
            (changed if row["removed_at"] is None else added).append(seed.name)
            _rewrite(tx, row, seed)
    names = {seed.name for seed in seeds}
    rest = tuple(name for name, row in rows.items() if name not in names and row["removed_at"] is None)
    removed, left = ((), rest) if leave_rest else (rest, ())
    table = tables.seeds
    tx.connection().execute(sa.update(table).where(table.c.name.in_(removed)).values(removed_at=now))
    return SeedChanges(tuple(added), tuple(changed), removed, left)


def list_seeds(tx: Session) -> tuple[tuple[model.Seed, int], ...]:
    """Return the seeds that are there, each dated, with the story that it tells, in the order of their loading."""
    table = tables.seeds
    wanted = sa.select(table).where(table.c.removed_at.is_(None)).order_by(table.c.id)
    return tuple((_seed(row), row["story_id"]) for row in tx.connection().execute(wanted).mappings())


def _place(
    tx: Session,
    seed: model.Seed,
    assign: Callable[[model.Seed], int | None],
    now: datetime,
    remember: Callable[[model.Seed, int], None] | None,
) -> None:
    story_id = assign(seed)
    if story_id is None:
        story_id = _open(tx, seed, now)
    row = _columns(seed) | {"name": seed.name, "published_at": seed.published_at or now, "loaded_at": now}
    inserted = sa.insert(tables.seeds).values(**row, story_id=story_id).returning(tables.seeds)
    stored = tx.connection().execute(inserted).mappings().one()
    if remember is not None:
        remember(_seed(stored), story_id)


def _open(tx: Session, seed: model.Seed, now: datetime) -> int:
    """Open the story of a seed: no entry told it yet."""
    table = tables.stories
    told_at = seed.published_at or now
    row = {
        "title": seed.title,
        "level": model.Level.INFO.value,
        "opened_at": told_at,
        "last_at": told_at,
        "entries": 0,
        "outlets": [],
        "raised": False,
    }
    return int(tx.connection().execute(sa.insert(table).values(**row).returning(table.c.id)).scalar_one())


def _differs(row: RowMapping, seed: model.Seed) -> bool:
    redated = seed.published_at is not None and seed.published_at != row["published_at"]
    return redated or any(row[name] != value for name, value in _columns(seed).items())


def _rewrite(tx: Session, row: RowMapping, seed: model.Seed) -> None:
    values = _columns(seed) | {"removed_at": None, "published_at": seed.published_at or row["published_at"]}
    tx.connection().execute(sa.update(tables.seeds).where(tables.seeds.c.id == row["id"]).values(**values))


def _columns(seed: model.Seed) -> dict[str, object]:
    return {
        "fingerprint": seed.fingerprint,
        "title": seed.title,
        "text": seed.text,
        "url": seed.url,
        "source": seed.source,
        "tags": list(seed.tags),
    }


def _seed(row: RowMapping) -> model.Seed:
    return model.Seed(
        name=row["name"],
        title=row["title"],
        text=row["text"],
        fingerprint=row["fingerprint"],
        published_at=row["published_at"],
        url=row["url"],
        source=row["source"],
        tags=tuple(row["tags"]),
    )
