"""`monitor init`: a set-up that runs as it is. Shell."""

from pathlib import Path
from typing import Annotated

import typer

from monitor import errors, shipped
from monitor.cli import options, output

EXAMPLES = options.examples("monitor init", "monitor init ~/desk", "monitor --config /etc/monitor/config.toml init")

_OWN_RULES = """\
# yaml-language-server: $schema=rules.schema.json
# Your own rules. The shipped ones ("builtin" in config.toml) stay in force beside them; `monitor rules list` shows all.
# After each change: `monitor check`. To change a shipped rule: `monitor rules copy ID`.
version: 1
rules: []

# An example; take out the `rules: []` above and the `#` below to use it.
#
# rules:
#   - id: grain-corridor
#     title: Black Sea grain corridor
#     level: high                      # info | low | medium | high | critical
#     match:
#       all: [grain, [corridor, deal, initiative], ["Black Sea", Odesa]]
#     tests:
#       match: ["Russia suspends Black Sea grain deal"]
#       no_match: ["Grain prices fall as harvest beats forecast"]
"""


def command(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", show_default=False, help="Where to write it; else here.")
    ] = None,
    config: options.Config = None,
) -> None:
    """Write config.toml, rules/ and seeds/ to start from.

    What is there already is never overwritten. The set-up runs as it is: alerts are printed until a channel is set.
    """
    if config is not None and folder is not None:
        msg = "give either a folder or --config, not both"
        raise typer.BadParameter(msg)
    path = config if config is not None else (folder or Path()) / "config.toml"
    wrote = _write_all(path)
    _tell(path, wrote)


def _write_all(path: Path) -> list[Path]:
    """Write what is not there yet, and return what was written."""
    from monitor import rules

    folder = path.parent
    plan = [
        (path, shipped.EXAMPLE_CONFIG.read_text(encoding="utf-8")),
        (folder / "rules" / "own.yaml", _OWN_RULES),
        (folder / "rules" / "rules.schema.json", rules.json_schema_text()),
    ]
    plan += [(folder / "seeds" / seed.name, seed.read_text(encoding="utf-8")) for seed in _shipped_seeds()]
    seeds_were_there = (folder / "seeds").exists()
    wrote = []
    for place, text in plan:
        if place.exists() or (seeds_were_there and place.parent.name == "seeds"):
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            msg = f"{place}: cannot be written: {error.strerror}; name another folder: monitor init DIR"
            raise errors.ConfigError(msg) from error
        wrote.append(place)
    return wrote


def _shipped_seeds() -> list[Path]:
    return sorted(path for path in shipped.SEEDS.iterdir() if path.suffix in {".txt", ".md"})


def _tell(path: Path, wrote: list[Path]) -> None:
    from monitor import config as configuration

    for place in (path, path.parent / "rules" / "own.yaml"):
        output.say(f"wrote {place}" if place in wrote else f"kept  {place} (it was there)")
    _tell_seeds(path.parent / "seeds", [place for place in wrote if place.parent.name == "seeds"])
    settings = configuration.load(path)
    output.say()
    output.say(f"Alerts go to {_channels(settings)}.")
    output.say(f"Feeds: {len(settings.feeds)}; `monitor feeds list` names them.")
    named = "" if path.name == "config.toml" else f" --config {path.name}"
    output.say()
    output.say("Next:")
    if path.parent != Path():
        output.say(f"  cd {path.parent}")
    for line, why in (
        ("check", "is everything well?"),
        ('explain "US warns Pyongyang of new sanctions"', "what would the rules make of it?"),
        ("poll", "one pass over all feeds"),
        ("run", "the daemon"),
    ):
        output.say(f"  {f'monitor {line}{named}':<54} # {why}")


def _tell_seeds(folder: Path, wrote: list[Path]) -> None:
    if not wrote:
        output.say(f"kept  {folder} (it was there)")
        return
    output.say(f"wrote {folder}: {len(wrote)} known stories. What retells one of them is never alerted:")
    for place in wrote:
        title = place.read_text(encoding="utf-8").strip().splitlines()[0]
        output.say(f"  {place.name}: {title}")
    output.say("  To take one out, delete its file; to add one, put a text file there (title on its first line).")


def _channels(settings: object) -> str:
    from monitor import config as configuration

    assert isinstance(settings, configuration.Settings)
    if not settings.channels:
        return "standard output, until you set a channel ([[channels]] in the configuration)"
    return ", ".join(f"channel {channel.name!r}" for channel in settings.channels)
