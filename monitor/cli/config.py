"""`monitor config`: what is in force, secrets masked. Shell."""

import json
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import typer

from monitor.cli import options, output, session

if TYPE_CHECKING:
    from monitor import config as configuration

app = typer.Typer(no_args_is_help=True, help="Show the configuration that is in force.")

_MASK = "***"
_SHORTEST_TOKEN = 20


@app.command("show", epilog=options.examples("monitor config show", "monitor config show --json | jq .poll"))
def show(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Show every setting, defaults included.

    Passwords, tokens and channel addresses are masked.
    """
    tables = masked(session.settings_or_shipped(config))
    if as_json:
        output.print_json(tables)
        return
    for table, values in tables.items():
        listed = values if isinstance(values, list) else [values]
        for row in listed:
            output.say(f"[[{table}]]" if isinstance(values, list) else f"[{table}]")
            for key, value in row.items():
                output.say(f"{key} = {_toml(value)}")
            output.say()


def masked(settings: "configuration.Settings") -> dict[str, Any]:
    """Return all settings as plain values, by table, with nothing in them that must stay secret."""
    from monitor.config import units

    tables: dict[str, Any] = settings.model_dump(mode="python", by_alias=True)
    tables["store"]["url"] = mask_url(tables["store"]["url"])
    tables["poll"]["proxy"] = mask_url(tables["poll"]["proxy"])
    for feed in tables["feeds"]:
        feed["proxy"] = feed["proxy"] and mask_url(feed["proxy"])
        feed["url"] = mask_url(feed["url"])
        feed["headers"] = dict.fromkeys(feed["headers"], _MASK)
    for channel in tables["channels"]:
        channel["url"] = f"{urlsplit(channel['url']).scheme or 'url'}://{_MASK}"
    if tables["heartbeat"]["url"]:
        tables["heartbeat"]["url"] = f"{urlsplit(tables['heartbeat']['url']).scheme}://{_MASK}"

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if item is not None}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if isinstance(value, timedelta):
            return units.format_duration(value)
        return value.isoformat() if isinstance(value, date | time) else value

    return {table: plain(values) for table, values in tables.items()}


def mask_url(url: str) -> str:
    """Return `url` without its password, what its query says, and parts of its path that look like tokens."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _MASK
    path = parts.path
    if parts.scheme in {"http", "https"}:
        path = "/".join(_MASK if _is_token(segment) else segment for segment in path.split("/"))
    if "@" not in parts.netloc and not parts.query and path == parts.path:
        return url
    user, _, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    place = f"{name}{colon}{_MASK if colon else ''}@{host}" if user else host
    query = "&".join(f"{key}={_MASK}" for key, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, place, path, query, ""))


def _is_token(segment: str) -> bool:
    if len(segment) < _SHORTEST_TOKEN:  # loading what polls takes a while
        return False
    from monitor.poll import urls

    return urls.looks_secret(segment)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
