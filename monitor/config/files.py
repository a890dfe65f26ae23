"""Where the configuration is looked for, and what the program itself writes: feeds.toml, comments kept. Shell."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tomlkit
from tomlkit.items import AoT

from monitor import errors, model
from monitor.config import units

FEEDS_FILE = "feeds.toml"
_HEADER = "# Feeds that `monitor feeds add|remove|import` keeps. You may edit this file; comments stay.\n\n"


def find_file(given: Path | None) -> Path | None:
    """Return the configuration to use: `given`, MONITOR_CONFIG, ./config.toml, the user's, the system's, or None.

    Raises ConfigError if `given` or MONITOR_CONFIG names a file that is not there.
    """
    named = given or (Path(os.environ["MONITOR_CONFIG"]) if os.environ.get("MONITOR_CONFIG") else None)
    if named:
        if not named.exists():
            said = "--config" if given else "MONITOR_CONFIG"
            msg = f"{named}: no such file ({said}); write one with `monitor init`, or name another"
            raise errors.ConfigError(msg)
        return named
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = (Path("config.toml"), home / "monitor" / "config.toml", Path("/etc/monitor/config.toml"))
    return next((place for place in places if place.is_file()), None)


def add_feeds(folder: Path, specs: Sequence[model.FeedSpec]) -> None:
    """Append feeds to feeds.toml in `folder`, making it if need be. The caller has checked names and addresses."""
    path = folder / FEEDS_FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else _HEADER)
    feeds = document.setdefault("feeds", tomlkit.aot())
    for spec in specs:
        table = tomlkit.table()
        table["name"], table["url"] = spec.name, spec.url
        if spec.tags:
            table["tags"] = list(spec.tags)
        if spec.interval:
            table["interval"] = units.format_duration(spec.interval)
        for key in ("outlet", "language"):
            if getattr(spec, key):
                table[key] = getattr(spec, key)
        feeds.append(table)
    replace(path, tomlkit.dumps(document))


def remove_feed(path: Path, name: str) -> bool:
    """Take the feed called `name` out of the file at `path`; False when it is not there."""
    if not path.exists():
        return False
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    feeds = document.get("feeds")
    if not isinstance(feeds, AoT):
        return False
    for number, table in enumerate(feeds):
        if table.get("name") == name:
            del feeds[number]
            replace(path, tomlkit.dumps(document))
            return True
    return False


def replace(path: Path, text: str) -> None:
    """Write `text` to `path` in one step, so that nobody ever reads half of it."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary = Path(file.name)
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise errors.ConfigError(msg) from error
