"""Read config.toml and feeds.toml and turn every complaint into a line that names the place and the mend. Shell."""

import difflib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pydantic

from monitor import errors
from monitor.config import schema, units
from monitor.config.channels import ChannelTable
from monitor.config.files import FEEDS_FILE
from monitor.config.table import Table

_SECRETS = {
    "store": ("url",),
    "poll": ("proxy",),
    "feeds": ("url", "proxy"),
    "channels": ("url",),
    "heartbeat": ("url",),
}
_STANDS_IN: dict[str | int, str] = {  # for a secret that was complained of already
    "store": "sqlite:///monitor.db",
    "poll": "off",
    "feeds": "https://unset.invalid/",
    "channels": "unset://",
    "heartbeat": "https://unset.invalid/",
}
_MOST_BYTES = 5 * 1024 * 1024


class _Source(NamedTuple):
    """A file that was read: how people call it, its text and its tables."""

    name: str
    text: str
    tables: dict[str, Any]


_MENDS = {
    "tuple_type": 'write a list, like ["one", "two"]',
    "model_type": "write a table: its name in brackets on a line, its keys below",
    "dict_type": 'write a table, like { key = "value" }',
    "string_type": "write text in quotes",
    "bool_type": "write true or false",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "time_parsing": 'write a time of day, like "22:00"',
    "time_type": 'write a time of day, like "22:00"',
    "float_parsing": "write a number, like 0.5",
    "float_type": "write a number, like 0.5",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
}


def load(path: Path | None) -> schema.Settings:
    """Return the settings that `path` holds; None means the defaults, with the shipped rules and known stories.

    Raises ConfigError, one line per complaint, each with file, line, key and what to write instead.
    """
    if path is None:
        return schema.Settings(
            rules=schema.RulesTable(paths=("builtin",)),
            stories=schema.StoriesTable(seeds=("builtin",)),
            folder=Path.cwd(),
        )
    main = read(path)
    sources = [main]
    beside = path.parent / FEEDS_FILE
    if beside.exists():
        sources.append(read(beside, only="feeds"))
    complaints: list[str] = []
    for source in sources:
        complaints += _resolve_secrets(source, path.parent)
        complaints += _read_templates(source, path.parent)
        complaints += _validate(source)
    if complaints:
        raise errors.ConfigError("\n".join(complaints))
    tables = dict(main.tables)
    tables["feeds"] = [feed for source in sources for feed in source.tables.get("feeds", [])]
    settings = schema.Settings(**tables, folder=path.parent, places=_places(main))
    complaints = _doubles(settings, sources)
    if complaints:
        raise errors.ConfigError("\n".join(complaints))
    return settings


def read(path: Path, *, only: str | None = None) -> _Source:
    """Return a TOML file's text and tables. only: the one table that it may hold. Raises ConfigError."""
    name = path.name if path.parent == Path() else str(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{name}: larger than 5 MiB; that is no configuration"
            raise errors.ConfigError(msg)
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        hint = "it is a folder; name the file in it" if path.is_dir() else f"{error.strerror}"
        msg = f"{name}: cannot be read: {hint}"
        raise errors.ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{name}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise errors.ConfigError(msg) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.ConfigError(_syntax(name, str(error))) from error
    strange = sorted(set(tables) - {only}) if only else []
    if strange:
        line = _line(text, (strange[0],))
        msg = f"{name}:{line}: only [[{only}]] may stand here, not {strange[0]!r}; move it to config.toml"
        raise errors.ConfigError(msg)
    return _Source(name, text, tables)


def _places(source: _Source) -> dict[str, str]:
    """Return where `[store]` and the channels' addresses stand; a secret's file or variable counts as its address."""
    places = {}
    if line := _line(source.text, ("store", "url")) or _line(source.text, ("store",)):
        places["[store]"] = f"{source.name}:{line}"
    for number, row in enumerate(source.tables.get("channels", ())):
        keys = ("url", "url_env", "url_file")  # where one is missing, the line of its table is found
        line = max(_line(source.text, ("channels", number, key)) or 0 for key in keys)
        places[row["name"]] = f"{source.name}:{line}" if line else source.name
    return places


def _syntax(name: str, complaint: str) -> str:
    """Return tomllib's complaint with the line in front: `config.toml:3: ...`."""
    found = re.search(r" \(at line (\d+), column (\d+)\)", complaint)
    if found:
        return f"{name}:{found[1]}:{found[2]}: not TOML: {complaint[: found.start()]}"
    return f"{name}: not TOML: {complaint}"


def _resolve_secrets(source: _Source, folder: Path) -> Iterable[str]:
    """Replace `url_env` and `url_file` by `url`, in place; yield what is wrong."""
    for table, keys in _SECRETS.items():
        found = source.tables.get(table)
        rows: Sequence[Any] = found if isinstance(found, list) else [found]
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                for key in keys:
                    place = (table, number) if isinstance(found, list) else (table,)
                    yield from _resolve_secret(source, row, key, place, folder)


def _resolve_secret(
    source: _Source, row: dict[str, Any], key: str, place: tuple[str | int, ...], folder: Path
) -> Iterable[str]:
    given = [name for name in (key, f"{key}_env", f"{key}_file") if name in row]
    if len(given) > 1:
        yield f"{_at(source, (*place, given[1]))}: {' and '.join(given)} are both given; keep one"
    env, file = row.pop(f"{key}_env", None), row.pop(f"{key}_file", None)
    if env is not None:
        row[key] = os.environ.get(str(env), "").strip() or _STANDS_IN[place[0]]
        if not os.environ.get(str(env), "").strip():
            yield f"{_at(source, (*place, f'{key}_env'))}: the environment variable {env} is not set or empty; set it"
    if file is not None:
        path = folder / os.path.expandvars(str(file))
        try:
            row[key] = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8 text"
            row[key] = _STANDS_IN[place[0]]
            yield f"{_at(source, (*place, f'{key}_file'))}: {path} cannot be read: {why}"


def _read_templates(source: _Source, folder: Path) -> Iterable[str]:
    """Put the text of `text_file` and `html_file` beside them, in place; yield what is wrong."""
    channels = source.tables.get("channels")
    for number, row in enumerate(channels if isinstance(channels, list) else ()):
        found = row.get("templates") if isinstance(row, dict) else None
        own: dict[str, Any] = found if isinstance(found, dict) else {}
        for part in ("text", "html"):
            file, place = own.get(f"{part}_file"), ("channels", number, "templates", f"{part}_file")
            if file is not None and part in own:
                yield f"{_at(source, place)}: {part} and {part}_file are both given; keep one"
            elif isinstance(file, str):
                try:
                    own[part] = (folder / file).read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    why = getattr(error, "strerror", None) or "not UTF-8 text"
                    yield f"{_at(source, place)}: {folder / file} cannot be read: {why}"


def _validate(source: _Source) -> Iterable[str]:
    for key in schema.NOT_IN_FILES & source.tables.keys():  # the settings' own
        known = ", ".join(sorted(_known_keys(())))
        yield f"{_at(source, (key,))}: unknown key {key!r} (known here: {known})"
        return
    try:
        schema.Settings.model_validate(source.tables)
    except pydantic.ValidationError as error:
        for complaint in error.errors():
            yield _explain(source, complaint)


def _explain(source: _Source, complaint: Mapping[str, Any]) -> str:
    place = tuple(
        part for part in complaint["loc"] if not str(part).startswith(("function-", "literal", "constrained"))
    )
    key = str(place[-1]) if place else "?"
    if complaint["type"] == "extra_forbidden":
        known = _known_keys(place[:-1])
        close = difflib.get_close_matches(key, known, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}"
        return f"{_at(source, place)}: unknown key {key!r} ({meant})"
    if complaint["type"] == "missing":
        meant = " (or url_env, url_file)" if key == "url" else ""
        return f"{_at(source, place[:-1])}: {_section(place[:-1])} needs `{key}`{meant}"
    while len(place) > 1 and isinstance(place[-1], int):  # an item of a list: the list is what has a name
        place = place[:-1]
    if place in {("feeds",), ("channels",)}:
        return f"{_at(source, place)}: {place[0]}: write one table for each, beginning with [[{place[0]}]]"
    if len(place) == 1:
        return f"{_at(source, place)}: {place[0]}: {_in_words(complaint)}"
    return f"{_at(source, place)}: {_section(place[:-1])} {place[-1]}: {_in_words(complaint)}"


def _in_words(complaint: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, and what to write instead."""
    said = str(complaint["msg"]).removeprefix("Value error, ")
    said = _MENDS.get(str(complaint["type"]), said)
    return said[:1].lower() + said[1:] if said.startswith("Input") else said


def _known_keys(place: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the table at `place` may hold."""
    table: type[Table] = schema.Settings
    for part in place:
        table = schema.TABLES.get(str(part), table)
    keys = [field.alias or name for name, field in table.model_fields.items() if name not in schema.NOT_IN_FILES]
    return keys + [f"{key}{end}" for key in ("url", "proxy") if key in keys for end in ("_env", "_file")]


def _section(place: tuple[str | int, ...]) -> str:
    """Return `[poll]` or `[[feeds]] number 3` for a place in the tables."""
    if len(place) > 1 and isinstance(place[1], int):
        return f"[[{place[0]}]] number {place[1] + 1}"
    return f"[{place[0]}]" if place else "the file"


def _at(source: _Source, place: tuple[str | int, ...]) -> str:
    line = _line(source.text, place)
    return f"{source.name}:{line}" if line else source.name


def _line(text: str, place: tuple[str | int, ...]) -> int | None:
    """Return the line on which `place` stands, as well as can be told without a parser that keeps places."""
    names = [str(part) for part in place if not isinstance(part, int)]
    number = next((part for part in place if isinstance(part, int)), None)
    table, seen, fallback = "", -1, None
    for count, line in enumerate(text.splitlines(), start=1):
        head = re.match(r"\s*\[(\[?)\s*([\w.\"'-]+)\s*\]", line)
        if head:
            table = head[2].strip("\"'")
            seen += bool(head[1]) and names[:1] == [table]
        inside = number is None or seen == number
        if head and inside and names and table.split(".")[0] == names[0]:
            fallback = count if fallback is None else fallback
            if table == ".".join(names):
                return count
        key = re.match(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*=", line)
        if key and inside and names and key[1].strip("\"'") == names[-1] and table.split(".") == names[:-1]:
            return count
        if key and not table and names and key[1].strip("\"'") == names[0]:
            return count
    return fallback


def _doubles(settings: schema.Settings, sources: Sequence[_Source]) -> list[str]:
    """Return complaints about feeds and channels that share a name, or feeds that share an address."""
    complaints: list[str] = []
    tables: dict[str, Sequence[schema.FeedTable | ChannelTable]]
    tables = {"feeds": settings.feeds, "channels": settings.channels}
    for kind, rows in tables.items():
        where = sources[-1].name if kind == "feeds" else sources[0].name
        doubled = [name for name, count in Counter(row.name for row in rows).items() if count > 1]
        complaints += [
            f"{where}: two {kind} are named {name!r}; names tell them apart, so change one" for name in doubled
        ]
    seen: dict[str, str] = {}
    for feed in settings.feeds:
        other = seen.setdefault(units.spelling(feed.url), feed.name)
        if other != feed.name:
            complaints.append(f"{sources[-1].name}: {feed.name!r} has the same address as {other!r}; keep one")
    return complaints
