"""What most commands begin with: the settings, and the store. Shell."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import clock, errors
from monitor.cli import output

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor import config as configuration
    from monitor.store import engine, migrate


def settings(config: Path | None) -> "configuration.Settings":
    """Return the settings of the configuration that is used. Raises ConfigError; without any file, too."""
    from monitor import config as configuration

    return configuration.load(config_file(config))


def config_file(config: Path | None) -> Path:
    """Return the configuration that is used. Raises ConfigError when there is none."""
    from monitor import config as configuration

    path = configuration.find_file(config)
    if path is None:
        msg = "no configuration found (./config.toml, ~/.config/monitor, /etc/monitor); write one with `monitor init`"
        raise errors.ConfigError(msg)
    return path


def settings_or_shipped(config: Path | None) -> "configuration.Settings":
    """Return the settings, or, where there is no file, the defaults with the shipped rules and known stories."""
    from monitor import config as configuration

    return configuration.load(configuration.find_file(config))


def rule_paths(given: Sequence[str]) -> tuple[str, ...]:
    """Return folders and files of rules, with the shipped ones before them where they name what only those hold.

    A file of one's own may use `$state` or override a shipped rule, as it may in the configuration's folder; one that
    `monitor rules export` wrote holds everything, and clashes with the shipped ones.
    """
    from monitor import rules

    _, complaints = rules.attempt(rules.read_some(given, base=Path())[0])
    lacking = any(one.lint in {"unknown-list", "unknown-rule"} for one in complaints)
    return ("builtin", *given) if lacking and "builtin" not in given else tuple(given)


def is_made(chosen: "configuration.Settings") -> bool:
    """Return whether there may be a database: not where a SQLite file has yet to be made, in a folder that is there."""
    path = database_file(chosen)
    return path is None or path.exists() or not path.parent.is_dir()


def database_file(chosen: "configuration.Settings") -> Path | None:
    """Return where the SQLite database is or will be; None for a server's."""
    _, is_sqlite, path = chosen.store_url.partition("sqlite:///")
    return Path(path) if is_sqlite else None


@contextmanager
def look(chosen: "configuration.Settings") -> Iterator["Session"]:
    """Begin one consistent look into the settings' store.

    A SQLite file that is not there yet is not made (whoever looks may be another user than the daemon): the look goes
    into an empty store then. Raises as `store`.
    """
    with tempfile.TemporaryDirectory() if not is_made(chosen) else nullcontext() as folder:
        if folder is not None:
            chosen = chosen.model_copy(update={"store": type(chosen.store)(url=f"sqlite:///{folder}/empty.db")})
        with store(chosen) as opened, opened.read() as tx:
            yield tx


def tell_upgrade(name: str, done: "migrate.Upgraded") -> None:
    """Say on standard error that tables were upgraded, and where they are as they were before."""
    if done.before is None:
        return
    kept = f"; as it was before: {done.backup}" if done.backup else ""
    output.complain(f"{name}: upgraded from revision {done.before} to {done.after}{kept}")


@contextmanager
def store(
    chosen: "configuration.Settings",
    *,
    as_is: bool = False,
    backup: bool = True,
    tell: "Callable[[str, migrate.Upgraded], None]" = tell_upgrade,
) -> Iterator["engine.Store"]:
    """Open the settings' store, bring its tables up to date, and close it in the end.

    as_is: leave the tables alone, for a look that must be quick. backup: keep a SQLite database as it is before its
    upgrade. tell: hears of an upgrade.
    Raises ConfigError when a file cannot be opened at all: then the place is wrong, not the moment; else StoreError.
    """
    from monitor.store import engine

    try:
        opened = engine.open_store(chosen.store_url)
    except errors.StoreError as error:
        raise _misplaced(chosen, error) from error
    try:
        if not as_is:
            try:
                done = opened.upgrade(clock.now() if backup else None)
            except errors.StoreError as error:
                raise _misplaced(chosen, error) from error
            if done:
                tell(opened.name, done)
        yield opened
    finally:
        opened.close()


def _misplaced(chosen: "configuration.Settings", error: errors.StoreError) -> errors.MonitorError:
    """Return a file that cannot be used as a mistake in the configuration; what may pass by itself is none."""
    if error.passing or not chosen.store_url.startswith("sqlite"):
        return error
    place = chosen.places.get("[store]")
    return errors.ConfigError(f"{place}: {error}" if place else str(error))


@contextmanager
def known(what: str, number: int) -> Iterator[None]:
    """Turn the store's KeyError into a complaint that names what was looked for."""
    try:
        yield
    except KeyError as error:
        plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
        verb = "search" if what == "entry" else "list"
        msg = (
            f"no {what} has the number {number}; see `monitor {'outbox' if what == 'notification' else plural} {verb}`"
        )
        raise errors.ConfigError(msg) from error
