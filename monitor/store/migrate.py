"""Bring a database's tables to what this program needs. Shell: alembic, without a file of its own.

Alembic is imported only when there is something to do: it costs a fifth of a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from monitor import errors
from monitor.store import tables  # noqa: F401  (fills the metadata)

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0002"
"""The revision that this program needs: the newest file in migrations/versions."""

_LOCK = 7_310_000
_FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An upgrade that was made. before: None where there were no tables. backup: the database as it was before."""

    before: str | None
    after: str
    backup: Path | None = None


def upgrade(
    connection: Connection,
    name: str,
    *,
    to: str = HEAD,
    keep: Callable[[str], Path] | None = None,
) -> Upgraded | None:
    """Upgrade the database of `connection`, inside its transaction; `name` is for complaints. None: it was done.

    to: an older revision, for tests and for what an older program exported. keep: makes a backup of a database at the
    revision that it is given; called before the first change, and not for one without a row. Raises StoreError.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    revision = find_revision(connection)
    if revision == to:
        return None
    if revision is None:
        _refuse_tables(connection, name)
    elif revision not in known_revisions():
        raise errors.StoreError(
            f"{name} is newer than this program (revision {revision}): install the newer program, or name another "
            "database in store.url"
        )
    kept = keep(revision) if keep and revision and _holds_rows(connection) else None

    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    return Upgraded(revision, to, kept)


def find_revision(connection: Connection) -> str | None:
    """Return the revision that the database's tables are at, None for one that has none of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision


def refuse_half(connection: Connection, name: str) -> None:
    """Complain of a database at the present revision that lacks a table. Raises StoreError."""
    lacking = sorted(set(SQLModel.metadata.tables) - set(sa.inspect(connection).get_table_names()))
    if lacking:
        raise errors.StoreError(
            f"{name} is half made: it says revision {HEAD} and lacks tables ({_listed(lacking)}): put a backup in its "
            "place, or name another database in store.url"
        )


def known_revisions() -> tuple[str, ...]:
    """Return every revision that this program knows, the oldest first."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())[::-1]


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def _holds_rows(connection: Connection) -> bool:
    names = (name for name in sa.inspect(connection).get_table_names() if name != "alembic_version")
    one: sa.ColumnElement[int] = sa.literal_column("1")
    return any(connection.execute(sa.select(one).select_from(sa.table(name)).limit(1)).first() for name in names)


def _refuse_tables(connection: Connection, name: str) -> None:
    """Complain of a database that says no revision of ours and yet holds tables."""
    present = sorted(set(sa.inspect(connection).get_table_names()) - {"alembic_version"})
    ours = [table for table in present if table in SQLModel.metadata.tables]
    if ours:
        raise errors.StoreError(
            f"{name} is half made: it holds tables of this program ({_listed(ours)}) and does not say at which "
            "revision: put a backup in its place, or name another database in store.url"
        )
    if present:
        raise errors.StoreError(
            f"{name} holds tables of another program ({_listed(present)}): name a database of its own in store.url"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
