"""What most commands begin with: the settings, and the store. Shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import errors

if TYPE_CHECKING:
    from monitor import config as configuration
    from monitor.store import engine


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


def is_made(chosen: "configuration.Settings") -> bool:
    """Return whether there may be a database; a SQLite file that is not there yet is none."""
    _, is_sqlite, path = chosen.store_url.partition("sqlite:///")
    return not is_sqlite or Path(path).exists()


@contextmanager
def store(chosen: "configuration.Settings", *, as_is: bool = False) -> Iterator["engine.Store"]:
    """Open the settings' store, bring its tables up to date, and close it in the end.

    as_is: leave the tables alone, for a look that must be quick.
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
                opened.upgrade()
            except errors.StoreError as error:
                raise _misplaced(chosen, error) from error
        yield opened
    finally:
        opened.close()


def _misplaced(chosen: "configuration.Settings", error: errors.StoreError) -> errors.MonitorError:
    """Return a file that cannot be used as a mistake in the configuration; a server that is away is none."""
    if not chosen.store_url.startswith("sqlite"):
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
