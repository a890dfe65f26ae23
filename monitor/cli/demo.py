"""`monitor demo`: the whole thing against a bundled news server, nothing to set up. Shell."""

from typing import Annotated

import typer

from monitor.cli import options

EXAMPLES = options.examples("monitor demo", "monitor demo --seconds 20", "monitor demo --keep")


def command(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Go on until Ctrl-C.")] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=5, metavar="N", help="How long the news takes to come out.")
    ] = 40.0,
    config: options.Config = None,  # noqa: ARG001  every command takes it; the demo writes its own
) -> int:
    """Run the daemon on two weeks of invented news.

    The news comes from a server of its own, and you see what becomes of each entry. Nothing needs to be set up, and
    nothing is left behind: the daemon, the news, a mailbox and a webhook receiver run on this machine alone, in a
    temporary folder.
    """
    from monitor import demo

    return demo.run(keep=keep, seconds=seconds)
