"""config.toml (and feeds.toml beside it) -> Settings; every complaint names file, line, key and the mend. Shell.

Start with `load`. `schema` holds the tables and their defaults, `units` durations and sizes, `files` where the file
is looked for and what writes to feeds.toml.
"""

from monitor.config.files import FEEDS_FILE, add_feeds, find_file, remove_feed, replace
from monitor.config.load import load, read
from monitor.config.schema import Settings
from monitor.config.units import spelling

__all__ = ["FEEDS_FILE", "Settings", "add_feeds", "find_file", "load", "read", "remove_feed", "replace", "spelling"]
