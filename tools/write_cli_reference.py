"""Write docs/cli.md from the commands themselves: `python -m tools.write_cli_reference`; a test compares the two."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from monitor.cli import app

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"

_HEAD = """\
# Command line

`monitor COMMAND --help` says the same at the terminal. This page is written by `python -m tools.write_cli_reference`.

**Every command** takes `--config PATH` (or `-c PATH`), before or after its name. Without it: the environment variable
`MONITOR_CONFIG`, then `./config.toml`, `~/.config/monitor/config.toml` (or in
`$XDG_CONFIG_HOME`), `/etc/monitor/config.toml`.
Paths inside a configuration start in its folder. `rules list|export`, `check`, `explain` and `replay` work without any
configuration: the shipped rules and known stories are used then.

**Every listing** takes `--json`: one JSON object a line, instants in ISO 8601 UTC, and nothing at all when there is
nothing. Mistakes are told on standard error, one line each.

| Exit status | Means |
|---|---|
| 0 | well |
| 1 | failed: a channel refused, the database is away, `status` or `healthcheck` is not well |
| 2 | used or configured wrongly; the message names file, line, what is wrong and what to write instead |
| 3 | a check found something: a rule's own test fails, a rule or name does nothing |
| 130 | ended by Ctrl-C |
| 141 | whoever read the output has gone (`monitor alerts list \\| head`) |

Numbers of alerts are written `A-7` or `7`, of stories `S-12` or `12`.
"""


def render() -> str:
    """Return the whole page."""
    root = typer.main.get_group(app.app)
    parts = [_HEAD]
    for name, command in root.commands.items():
        if isinstance(command, TyperCommand):
            parts.append(_command(f"monitor {name}", command, "##"))
            continue
        assert isinstance(command, TyperGroup)
        parts.append(f"## monitor {name}\n\n{_plain(command.help or '')}\n")
        for verb, inner in command.commands.items():
            assert isinstance(inner, TyperCommand)
            parts.append(_command(f"monitor {name} {verb}", inner, "###"))
    return "\n".join(parts)


def _command(name: str, command: TyperCommand, heading: str) -> str:
    arguments = " ".join(_usage(one) for one in command.params if isinstance(one, TyperArgument))
    usage = f"{name} {arguments}".strip()
    rows = "".join(_rows(command))
    table = f"\n| Argument or option | |\n|---|---|\n{rows}" if rows else ""
    shown = re.findall(r"^ {2}(.+)$", command.epilog or "", re.MULTILINE)
    examples = "```\n" + "\n".join(shown) + "\n```\n"
    return f"{heading} {usage}\n\n{_plain(command.help or '')}\n\n{examples}{table}"


def _rows(command: TyperCommand) -> Iterator[str]:
    for one in command.params:
        if isinstance(one, TyperArgument):
            yield f"| `{_word(one)}` | {one.help} |\n".replace("|URL|ID", "\\|URL\\|ID")
        elif isinstance(one, TyperOption) and "--config" not in one.opts and one.name != "help":
            value = "" if one.is_flag else f" {one.metavar}".replace("|", "\\|")
            default = f" Default: `{one.default}`." if one.default not in (None, False, "", ()) else ""
            yield f"| `{', '.join(one.opts)}{value}` | {one.help}{default} |\n"


def _usage(argument: TyperArgument) -> str:
    return _word(argument) if argument.required else f"[{_word(argument)}]"


def _word(argument: TyperArgument) -> str:
    return (argument.metavar or str(argument.name).upper()).strip("[]")


def _plain(text: str) -> str:
    """Return a help text as paragraphs of Markdown."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(part.replace("|", "\\|").replace("*", "\\*") for part in paragraphs)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
