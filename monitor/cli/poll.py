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
    """Make one pass over what is due, and exit.

    The feeds that are due are polled, what is new is decided, and what is due is delivered: for cron, or to try a feed.
    Exit 1 when every poll failed.
    """
    from monitor import config as configuration
    from monitor import daemon

    path = session.config_file(config)
    settings = configuration.load(path)
    known = [spec.name for spec in settings.specs]
    for name in feed or ():
        if name not in known:
            msg = f"no feed is called {name!r}{output.did_you_mean(name, known)}; see `monitor feeds list`"
            raise errors.ConfigError(msg)
    with session.store(settings):
        pass  # a store that cannot be opened is a wrong configuration
    done = daemon.poll_once(lambda: settings, names=tuple(feed or ()) or None, everything=every)
    polls = {outcome.value: count for outcome, count in done.polling.polls.items() if count}
    row = {
        "entries": done.polling.entries,
        "edits": done.polling.edits,
        "decided": done.decided,
        "matched": done.matched,
        "alerts": done.alerts,
        "waiting": done.waiting,
    }
    if as_json:
        output.print_json({"polls": polls, **row})
    else:
        _tell(row, polls)
    failed = polls.get("failed", 0) + polls.get("offline", 0)
    if failed and failed == sum(polls.values()):
        raise typer.Exit(1)


def _tell(row: dict[str, int], polls: dict[str, int]) -> None:
    counted = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in polls.items())
    polled = output.count(sum(polls.values()), "feed")
    output.complain(f"polled {polled}: {counted}" if counted else "no feed was due (--all polls every one)")
    new, alerts = output.count(row["entries"], "new entry", "new entries"), output.count(row["alerts"], "alert")
    output.complain(f"{new}, {row['matched']} matched, {alerts}")
    if row["waiting"]:
        waiting = output.count(row["waiting"], "message is", "messages are")
        output.complain(f"{waiting} not out yet; the next pass sends what can be sent: monitor outbox list")
