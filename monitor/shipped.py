"""Where the rules, known stories and the example configuration that come with the program lie. Shell.

In a wheel they are `monitor/files/`; in a checkout they are the folders of the same name beside `monitor/`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "files"
_ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

RULES = _ROOT / "rules"
SEEDS = _ROOT / "seeds"
EXAMPLE_CONFIG = _ROOT / "config.example.toml"
