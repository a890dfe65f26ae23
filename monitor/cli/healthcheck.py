"""`monitor healthcheck`: is the daemon alive? For Docker and systemd. Shell."""

from datetime import datetime, timedelta

import typer

from monitor import clock
from monitor.cli import options, output, session

EXAMPLES = options.examples("monitor healthcheck && echo well")
ALIVE = timedelta(seconds=90)  # the heartbeat comes every 15 s or so; three may be missed under load
HEARTBEAT = "heartbeat"


def command(config: options.Config = None) -> None:
    """Say whether the daemon is alive, for Docker and systemd.

    Exit 0 when its heartbeat is younger than 90 s, else 1; one line says which.
    """
    from monitor.store import facts

    now = clock.now()
    settings = session.settings(config)
    beat = None
    if session.is_made(settings):
        with session.store(settings, as_is=True) as store, store.read() as tx:
            beat = facts.find(tx, HEARTBEAT)
    if beat is None:
        output.say("not running: no heartbeat was ever stored; start it with `monitor run`")
        raise typer.Exit(1)
    value, at = beat
    who = f"process {value.get('pid')} on {value.get('host')}, version {value.get('version')}"
    if is_alive(at, now):
        output.say(f"alive: {who}, heartbeat {output.ago(at, now)} ago")
        return
    output.say(f"not running: the last heartbeat, of {who}, is {output.ago(at, now)} old")
    raise typer.Exit(1)


def is_alive(at: datetime, now: datetime) -> bool:
    """Return whether a heartbeat stored at `at` shows a living daemon; one far ahead shows a clock that jumped."""
    return abs(now - at) < ALIVE
