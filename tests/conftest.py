"""Databases for the tests: `store` is one of each kind, fresh, with its tables."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitor.store import engine
from tests import postgres

_numbers = itertools.count(1)


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
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Return the name of a PostgreSQL database with its tables and nothing in them."""
    name = f"monitor_template_{os.getpid()}"
    with postgres.database(postgres_server, name) as url:
        store = engine.open_store(url)
        store.upgrade()
        store.close()
        yield name


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the URL of a fresh SQLite database with its tables."""
    path = tmp_path / "monitor.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """Return the URL of a fresh PostgreSQL database with its tables."""
    name = f"monitor_test_{os.getpid()}_{next(_numbers)}"
    with postgres.database(postgres_server, name, postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a fresh database with its tables, of each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[engine.Store]:
    """Return a fresh database with its tables, of each kind."""
    opened = engine.open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[engine.Store]:
    """Return a fresh SQLite database with its tables."""
    opened = engine.open_store(sqlite_url)
    yield opened
    opened.close()
