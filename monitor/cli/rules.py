"""`monitor rules`: which rules are in force, taking a shipped one over, and handing a set to another desk. Shell."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import errors
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from monitor import rules as ruling
    from monitor.rules import nodes

app = typer.Typer(no_args_is_help=True, help="The rules in force. To try one: monitor explain, monitor check.")


@app.command("list", epilog=options.examples("monitor rules list", "monitor rules list --json | jq -r .id"))
def list_(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """List the rules in force.

    Without a configuration, these are the shipped ones.
    """
    from monitor import rules

    settings = session.settings_or_shipped(config)
    ruleset = rules.load(settings.rules.paths, base=settings.folder)
    rows = [
        {
            "id": rule.id,
            "title": rule.title,
            "level": rule.level.value,
            "status": rule.status.value,
            "tags": list(rule.tags),
            "channels": list(rule.channels),
            "min_sources": rule.min_sources,
        }
        for rule in ruleset.rules
    ]
    columns = (
        output.Column("id", "RULE", style="bold"),
        output.Column("level", "LEVEL"),
        output.Column("status", "STATUS"),
        output.Column("tags", "TAGS"),
        output.Column("title", "TITLE", wraps=True),
    )
    output.show(rows, columns, as_json=as_json, empty="no rules in force; see [rules] paths in the configuration")


@app.command("copy", epilog=options.examples("monitor rules copy sanctions-threat"))
def copy(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="A rule of `monitor rules list`.")],
    config: options.Config = None,
) -> None:
    """Take a rule over to edit it.

    It is copied into a file of its own in your rules folder, and your copy replaces it.
    """
    from monitor import rules

    settings = session.settings(config)
    ruleset = rules.load(settings.rules.paths, base=settings.folder)
    node = _find(ruleset, rule_id)
    own = [path for path in settings.rules.paths if path != "builtin"]
    if not own:
        msg = 'there is no rules folder of your own; add one to [rules] paths: ["builtin", "rules"]'
        raise errors.ConfigError(msg)
    place = settings.folder / own[0] / f"{rule_id}.yaml"
    _write_new(place, rules.copy_rule(ruleset, rule_id), "edit that one")
    output.say(f"wrote {place}: it replaces {rule_id!r} of {node.place.file}; after each change: monitor check")


@app.command(
    "export",
    epilog=options.examples(
        "monitor rules export > desk.yaml", "monitor rules export sanctions-threat arms-deal --out desk.yaml"
    ),
)
def export(
    rule_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", show_default=False, help="Rules of `monitor rules list`; without any, all."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", show_default=False, help="A new file; else standard output."),
    ] = None,
    config: options.Config = None,
) -> None:
    """Hand rules to another desk: one file that needs no other.

    The lists and rules that they refer to come along, and what you changed with `override:` is in it. Comments are
    not. The other desk puts the file into its rules folder in place of "builtin", or tries it: monitor check FILE.
    """
    from monitor import rules

    settings = session.settings_or_shipped(config)
    ruleset = rules.load(settings.rules.paths, base=settings.folder)
    for rule_id in rule_ids or ():
        _find(ruleset, rule_id)
    text = rules.export(ruleset, rule_ids or ())
    if out is None:
        sys.stdout.write(text)
        return
    _write_new(out, text, "name another file")
    many = output.count(len(rules.from_files({str(out): text}).nodes), "rule")
    output.say(f"wrote {out}: {many}, with their lists; to try it: monitor check {out}")


def _find(ruleset: "ruling.RuleSet", rule_id: str) -> "nodes.RuleNode":
    """Return the rule of that id. Raises ConfigError with the nearest one."""
    node = next((node for node in ruleset.nodes if node.rule.id == rule_id), None)
    if node is None:
        known = [rule.id for rule in ruleset.rules]
        msg = f"no rule is called {rule_id!r}{output.did_you_mean(rule_id, known)}; see `monitor rules list`"
        raise errors.ConfigError(msg)
    return node


def _write_new(place: Path, text: str, instead: str) -> None:
    """Write a file that is not there yet. instead: what to do when it is. Raises ConfigError."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError as error:
        msg = f"{place}: is there already; {instead}"
        raise errors.ConfigError(msg) from error
    except OSError as error:
        msg = f"{place}: cannot be written: {error.strerror}"
        raise errors.ConfigError(msg) from error
