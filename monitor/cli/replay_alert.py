"""`monitor replay --alert`: what new rules find in the stored past is alerted, once a person has said yes. Shell."""

import sys
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from monitor import errors, model
from monitor.cli import output, session

if TYPE_CHECKING:
    from monitor import config as configuration
    from monitor import pipeline
    from monitor.store import engine


def run(settings: "configuration.Settings", since: datetime, now: datetime, *, yes: bool, as_json: bool) -> None:
    """Show what would be alerted, ask, and alert it. Raises ConfigError where nobody can be asked."""
    from monitor import daemon, pipeline

    found = daemon.inforce.read(lambda: settings)
    with session.store(settings) as store:
        policy = daemon.inforce.policy(settings)
        recalling = pipeline.Recalling(
            store, found.ruleset, found.channels, policy, since=since, now=now, encoder=found.encoder
        )
        waiting = recalling.find()
        if not as_json:
            _show(waiting, since)
        if not waiting or not _agreed(len(waiting), yes=yes):
            return
        raised = [entry for entry, matches in waiting if recalling.recall((entry, matches), now)]
        _tell(store, waiting, {entry.id for entry in raised}, as_json=as_json)


def _show(waiting: "tuple[pipeline.Found, ...]", since: datetime) -> None:
    for entry, matches in waiting:
        output.say(f"{output.when(entry.told_at)}  {', '.join(one.rule.id for one in matches)}")
        output.say(f"    {output.clean(entry.title)}")
    many = output.count(len(waiting), "stored entry", "stored entries")
    output.say(f"{many} since {output.when(since)} UTC matched no rule then and would now")


def _agreed(count: int, *, yes: bool) -> bool:
    """Ask, unless the answer was given with the command."""
    if yes:
        return True
    if not sys.stdin.isatty():
        msg = "nobody is here to be asked; to alert them: monitor replay --since TIME --alert --yes"
        raise errors.ConfigError(msg)
    return typer.confirm(f"Alert {'it' if count == 1 else 'them'}?", err=True)


def _tell(store: "engine.Store", waiting: "tuple[pipeline.Found, ...]", raised: set[int], *, as_json: bool) -> None:
    """Say what became of each entry, and what each channel gets."""
    from monitor.store import stories

    gets: Counter[str] = Counter()
    for entry, _ in waiting:
        with store.read() as tx:
            record = stories.find_decision(tx, entry.id)
            alert = stories.find_alert_of(tx, entry.id) if entry.id in raised else None
        if record is None:
            continue
        held = [one for one in record.channels if one.verdict is model.Verdict.HOLD]
        gets.update(one.channel for one in held)
        if as_json:
            row = {"entry": entry.id, "title": entry.title, "decision": record.assignment.kind}
            row |= {"story": record.story_id, "alert": alert and f"A-{alert.id}", "channels": record.channels}
            output.print_json(row)
    if as_json:
        return
    output.say(f"{output.count(len(raised), 'alert')} raised of {output.count(len(waiting), 'entry', 'entries')}")
    for channel, count in gets.items():
        output.say(f"  {channel}: one digest of {output.count(count, 'alert')}")
    output.say(
        "  a running daemon sends it in a minute, else the next `monitor poll`" if gets else "  no channel hears of it"
    )
