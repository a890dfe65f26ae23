"""`monitor db`: the database. Shell."""

import typer

from monitor.cli import options, output, session

app = typer.Typer(no_args_is_help=True, help="The database.")


@app.command("upgrade", epilog=options.examples("monitor db upgrade"))
def upgrade(config: options.Config = None) -> None:
    """Make the tables, or bring them up to date.

    The daemon does it by itself at each start.
    """
    with session.store(session.settings(config)) as store:
        output.say(f"{store.name}: the tables are up to date")
