"""Bring a database's tables to what this program needs. Shell: alembic, without a file of its own.

Alembic is imported only when there is something to do: it costs a fifth of a second.
"""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import errors

HEAD = "0002"
"""The revision that this program needs: the newest file in migrations/versions."""

_LOCK = 7_310_000
_FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, name: str) -> None:
    """Upgrade the database of `connection`, inside its transaction; `name` is for complaints. Raises StoreError."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    revision = find_revision(connection)
    if revision == HEAD:
        return
    if revision is None:
        _refuse_others(connection, name)

    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise errors.StoreError(
            f"{name} is newer than this program (revision {revision}): install the newer program, or name another "
            "database in store.url"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def find_revision(connection: Connection) -> str | None:
    """Return the revision that the database's tables are at, None for one that has none of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision


def _refuse_others(connection: Connection, name: str) -> None:
    """Complain of tables when none of them is ours."""
    others = sorted(set(sa.inspect(connection).get_table_names()) - {"alembic_version"})
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise errors.StoreError(
            f"{name} holds tables of another program ({listed}): name a database of its own in store.url"
        )
