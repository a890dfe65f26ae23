"""The command line: which nouns and verbs there are. Shell."""

from typing import Annotated

import typer

from monitor import __version__
from monitor.cli import (
    alerts,
    check,
    config,
    db,
    demo,
    entries,
    explain,
    feeds,
    healthcheck,
    init,
    notify,
    options,
    outbox,
    poll,
    replay,
    rules,
    run,
    seeds,
    silence,
    status,
    stories,
)

app = typer.Typer(
    help="News feeds in, one explained alert per story out. Begin with `monitor demo` or `monitor init`.",
    epilog="Exit status: 0 well, 1 failed, 2 used or configured wrongly, 3 a check found something.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it so
    if wanted:
        typer.echo(f"monitor {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    config: options.Config = None,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for _name, _module in (
    ("init", init),
    ("run", run),
    ("poll", poll),
    ("check", check),
    ("explain", explain),
    ("replay", replay),
):
    app.command(_name, epilog=_module.EXAMPLES)(_module.command)
for _name, _group in (
    ("entries", entries),
    ("rules", rules),
    ("feeds", feeds),
    ("alerts", alerts),
    ("stories", stories),
    ("silence", silence),
    ("outbox", outbox),
    ("notify", notify),
    ("seeds", seeds),
):
    app.add_typer(_group.app, name=_name)
for _name, _module in (("status", status), ("demo", demo), ("healthcheck", healthcheck)):
    app.command(_name, epilog=_module.EXAMPLES)(_module.command)
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")
