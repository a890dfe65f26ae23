"""`monitor healthcheck`: is the daemon alive? For Docker and systemd. Shell."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from monitor import clock
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor.store import workers

EXAMPLES = options.examples("monitor healthcheck && echo well")
ALIVE = timedelta(seconds=90)  # the heartbeat comes every 15 s or so; three may be missed under load
HEARTBEAT = "heartbeat"


def command(config: options.Config = None) -> None:
    """Say whether the daemon is alive, for Docker and systemd.

    Exit 0 when its heartbeat is younger than 90 s, else 1; one line says which. Where several workers share the
    database, the one of this machine counts.
    """
    from monitor.store import facts, workers

    at = clock.now()
    settings = session.settings(config)
    beat = None
    if session.is_made(settings):
        with session.store(settings, as_is=True) as store, store.read() as tx:
            at = now(tx)
            known = workers.list_workers(tx, at) if store.dialect == "postgresql" else ()
            ours = [one for one in known if one.host == os.uname().nodename]
            beat = _newest(ours) if ours else facts.find(tx, HEARTBEAT)
    if beat is None:
        output.say("not running: no heartbeat was ever stored; start it with `monitor run`")
        raise typer.Exit(1)
    value, seen_at = beat
    who = f"process {value.get('pid')} on {value.get('host')}, version {value.get('version')}"
    if is_alive(seen_at, at):
        output.say(f"alive: {who}, heartbeat {output.ago(seen_at, at)} ago")
        return
    output.say(f"not running: the last heartbeat, of {who}, is {output.ago(seen_at, at)} old")
    raise typer.Exit(1)


def now(tx: "Session") -> datetime:
    """Return the present instant by the clock that the daemons go by: the database's, where several share one."""
    from monitor.store import engine

    return engine.lease_now(tx, clock.now())


def is_alive(at: datetime, now: datetime) -> bool:
    """Return whether a heartbeat stored at `at` shows a living daemon; one far ahead shows a clock that jumped."""
    return abs(now - at) < ALIVE


def _newest(ours: "Sequence[workers.Worker]") -> tuple[dict[str, Any], datetime]:
    newest = max(ours, key=lambda one: one.seen_at)
    return {"pid": newest.pid, "host": newest.host, "version": newest.version}, newest.seen_at
