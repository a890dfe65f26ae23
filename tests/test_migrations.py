"""Migrations lead every database to the tables that `store.tables` describes."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from monitor import errors
from monitor.store import engine, migrate
from tests import postgres


def test_migrations_lead_to_the_tables(store: engine.Store) -> None:
    """After an upgrade nothing differs between the database and `store.tables`: no table, column, index or key."""
    with store.read() as tx:
        context = MigrationContext.configure(tx.connection(), opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrations_write_what_the_tables_say(sqlite_store: engine.Store, tmp_path: Path) -> None:
    """The statements that made the database are those that `store.tables` would make: conditions of indexes, too."""
    fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    SQLModel.metadata.create_all(fresh)
    with fresh.connect() as connection, sqlite_store.read() as tx:
        assert _schema(tx.connection()) == _schema(connection)
    fresh.dispose()


def test_workers_may_upgrade_at_once(tmp_path: Path, postgres_server: str) -> None:
    """Workers that start together on an empty database make its tables once, and none of them fails."""
    with postgres.database(postgres_server, f"monitor_race_{os.getpid()}") as url:
        for empty in (url, f"sqlite:///{tmp_path / 'monitor.db'}"):
            stores = [engine.open_store(empty) for _ in range(4)]
            with ThreadPoolExecutor(4) as pool:
                done = [upgraded for upgraded in pool.map(engine.Store.upgrade, stores) if upgraded]
            assert done == [migrate.Upgraded(None, migrate.HEAD)]
            with stores[0].read() as tx:
                assert migrate.find_revision(tx.connection()) == migrate.HEAD
            for store in stores:
                store.close()


def test_head_is_the_newest_file() -> None:
    """The revision that the program asks for is the newest of its migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_an_upgrade_of_what_is_new_enough_changes_nothing(store: engine.Store) -> None:
    """A second upgrade leaves the revision as it is."""
    store.upgrade()
    with store.read() as tx:
        assert migrate.find_revision(tx.connection()) == migrate.HEAD


def test_a_newer_database_is_refused(store: engine.Store) -> None:
    """A database at a revision that this program does not know is left alone, and the complaint says so."""
    with store.write() as tx:
        tx.connection().execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.StoreError, match=r"newer than this program.*9999"):
        store.upgrade()
    with store.read() as tx:
        assert migrate.find_revision(tx.connection()) == "9999"


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """A database that holds other tables and none of ours gets no table of ours."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (id INTEGER)")
    other.close()
    store = engine.open_store(f"sqlite:///{path}")
    with pytest.raises(errors.StoreError, match=r"another program \(recipes\)"):
        store.upgrade()
    with store.read() as tx:
        assert sa.inspect(tx.connection()).get_table_names() == ["recipes"]
    store.close()


def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """An upgrade is kept whole or not at all: on a disk that is full after a few pages there is no table."""
    store = engine.open_store(f"sqlite:///{tmp_path / 'small.db'}")
    with pytest.raises(errors.StoreError, match="full"):
        _upgrade_within(store, pages=20)
    with store.read() as tx:
        assert sa.inspect(tx.connection()).get_table_names() == []
    store.close()


def _upgrade_within(store: engine.Store, *, pages: int) -> None:
    with store.write() as tx:
        tx.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        migrate.upgrade(tx.connection(), store.name)


def _schema(connection: sa.Connection) -> set[str]:
    """Return the words of the statements that made a SQLite database, whatever their order in a line."""
    made = connection.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    )
    return {
        " ".join(sorted(sql.replace(",", " , ").replace("(", " ( ").replace(")", " ) ").split())) for (sql,) in made
    }
