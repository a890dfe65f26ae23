"""What stands beside the program: the example configuration, the systemd unit, the container files."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from monitor import config, shipped
from monitor.config import schema

ROOT = Path(__file__).parent.parent
_SETTING = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)


def test_the_example_configuration_loads_as_it_stands() -> None:
    """It has a handful of feeds of several kinds, no channel, and defaults for the rest."""
    settings = config.load(shipped.EXAMPLE_CONFIG)
    assert 5 <= len(settings.feeds) <= 15
    assert {"official", "sanctions", "defence", "broadcaster", "africa", "asia-pacific"} <= {
        tag for feed in settings.feeds for tag in feed.tags
    }
    assert settings.channels == ()
    assert settings.model_copy(update={"feeds": (), "folder": Path()}) == schema.Settings()


def test_every_commented_setting_loads_and_says_the_default(tmp_path: Path) -> None:
    """With every # taken away it still loads, and what is no example is the default."""
    settings = _with_all_settings(tmp_path)
    plain = schema.Settings()
    for table in ("store", "poll", "rules", "stories", "keep", "web", "log"):
        assert getattr(settings, table) == getattr(plain, table), table
    channel = settings.channels[0]
    assert channel.model_dump(exclude={"name", "url", "quiet"}) == schema.ChannelTable(name="x", url="x").model_dump(
        exclude={"name", "url", "quiet"}
    )


def test_every_key_stands_in_the_example_configuration(tmp_path: Path) -> None:
    """No key of any table is left for the reader to guess."""
    written = tomllib.loads(_uncommented())
    missing = [
        f"{name}.{key}"
        for name, table in schema.TABLES.items()
        for key in _keys(table)
        if key not in _written(written, name)
    ]
    assert missing == []


def test_the_feeds_of_the_example_are_from_every_region(tmp_path: Path) -> None:
    """All feeds together, commented out or not, cover the regions, and no two share a name or an address."""
    feeds = _with_all_settings(tmp_path).feeds
    tags = {tag for feed in feeds for tag in feed.tags}
    assert {"americas", "europe", "middle-east", "africa", "asia-pacific", "un", "wire", "press"} <= tags
    assert len(feeds) >= 30


def _uncommented() -> str:
    return _SETTING.sub("", shipped.EXAMPLE_CONFIG.read_text(encoding="utf-8"))


def _with_all_settings(folder: Path) -> config.Settings:
    path = folder / "config.toml"
    path.write_text(_uncommented(), encoding="utf-8")
    return config.load(path)


def _keys(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        yield field.alias or name


def _written(tables: dict[str, Any], name: str) -> set[str]:
    """Return the keys that a table, or any table of a list of tables, holds."""
    found = tables["channels"][0]["quiet"] if name == "quiet" else tables[name]
    rows = found if isinstance(found, list) else [found]
    return {key for row in rows for key in row}
