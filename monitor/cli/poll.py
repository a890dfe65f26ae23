"""`monitor poll`: one pass, for cron. Shell."""

from typing import Annotated

import typer

from monitor import errors
from monitor.cli import options, output, session

EXAMPLES = options.examples("monitor poll", 'monitor poll --feed "BBC World" --feed Kyodo', "monitor poll --all")


def command(
    feed: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this feed, due or not.")] = None,
    config: options.Config = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every feed, due or not.")] = False,
    as_json: options.Json = False,
) -> None:
    """Make one pass over the feeds that are due, decide, deliver, and exit. For cron, or to try a feed."""
    from monitor import daemon

    settings = session.settings(config)
    known = [spec.name for spec in settings.specs]
    for name in feed or ():
        if name not in known:
            msg = f"no feed is called {name!r}{output.did_you_mean(name, known)}; see `monitor feeds list`"
            raise errors.ConfigError(msg)
    summary = daemon.poll_once(settings, names=tuple(feed or ()), everything=every)
    print(summary, as_json)
