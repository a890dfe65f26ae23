"""Databases for the tests: `store` is one of each kind, fresh, with its tables."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from sqlmodel import SQLModel

from monitor.store import engine, migrate
from tests import postgres

# The same examples at every run, so that a test fails for a change and not for a draw. To search further:
# HYPOTHESIS_PROFILE=search .venv/bin/pytest --timeout=0 tests/test_match_reference.py
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite database with its tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "monitor.db"
    store = engine.open_store(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Return the URL of a PostgreSQL server's own database: MONITOR_TEST_POSTGRES_URL, else a server of ours."""
    with ExitStack() as stack:
        url = os.environ.get("MONITOR_TEST_POSTGRES_URL")
        if not url:
            try:
                url = stack.enter_context(postgres.serve())
            except postgres.NoPostgresError as error:
                pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[engine.Store]:
    """Return a PostgreSQL database with its tables, for all tests: each connection costs a tenth of a second."""
    with postgres.database(postgres_server, f"monitor_test_{os.getpid()}") as url:
        opened = engine.open_store(url)
        opened.upgrade()
        yield opened
        opened.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the URL of a fresh SQLite database with its tables."""
    path = tmp_path / "monitor.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[engine.Store]:
    """Return a fresh SQLite database with its tables."""
    opened = engine.open_store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(postgres_database: engine.Store) -> engine.Store:
    """Return a PostgreSQL database with its tables and nothing in them; numbers begin with 1 again."""
    with postgres_database.write() as tx:
        for table in reversed(SQLModel.metadata.sorted_tables):
            tx.connection().execute(table.delete())
            if "id" in table.c:
                restart = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), 1, false)"
                tx.connection().execute(sa.text(restart))
        tx.connection().execute(sa.text(f"UPDATE alembic_version SET version_num = '{migrate.HEAD}'"))
    return postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> engine.Store:
    """Return a database with its tables and nothing in them, of each kind."""
    opened: engine.Store = request.getfixturevalue("sqlite_store" if request.param == "sqlite" else "postgres_store")
    return opened
