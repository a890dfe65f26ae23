"""`monitor status`: one screen, and what to do if something is not well. Shell."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from monitor import errors, model
from monitor.cli import feeds, healthcheck, options, output, session, status_around, status_workers

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor import config as configuration

EXAMPLES = options.examples("monitor status", "monitor status --json | jq .outbox")
_DAY = timedelta(hours=24)
_LATE = timedelta(minutes=15)  # what waits longer than this to be sent is stuck
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What is not well, and what to do."""

    what: str
    do: str


def command(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Show on one screen how it goes.

    Daemon, feeds, entries, decisions, known stories, outbox; what is not well, and what to do. Exit 1 if not well.
    """
    settings = session.settings(config)
    try:
        with session.look(settings) as tx:
            now = healthcheck.now(tx)
            state = _gather(tx, settings, now)
    except errors.MonitorError as error:
        if as_json:
            output.print_json({"well": False, "troubles": [str(error)]})
        raise
    troubles = _troubles(state, now)
    if as_json:
        output.print_json(state | {"well": not troubles, "troubles": [f"{one.what}; {one.do}" for one in troubles]})
    else:
        _tell(state, now)
        output.say()
        for one in troubles:
            output.say(f"NOT WELL: {one.what}")
            output.say(f"          {one.do}")
        if not troubles:
            output.say("All is well.")
    raise typer.Exit(1 if troubles else 0)


def _gather(tx: "Session", settings: "configuration.Settings", now: datetime) -> dict[str, Any]:
    """Return everything that is shown, as scripts get it."""
    from monitor.store import entries, facts, outbox, silences, stories
    from monitor.store import feeds as feeds_store

    beat = facts.find(tx, healthcheck.HEARTBEAT)
    known = feeds_store.list_feeds(tx)
    held_back = stories.count_held_back(tx, now - _DAY)
    titles = {story_id: stories.get_story(tx, story_id).title for story_id in held_back}
    counts = outbox.counts(tx)
    return {
        "daemon": None if beat is None else dict(beat[0]) | {"heartbeat_at": beat[1]},
        "store": settings.store_url if "sqlite" in settings.store_url else settings.store_url.partition("://")[0],
        "feeds": dict(Counter(feeds.health(feed) for feed in known)),
        "failing_feeds": [
            {"name": feed.name, "since_at": feed.failing_since_at, "error": feed.last_error}
            for feed in known
            if feed.failures and feed.status is model.FeedStatus.ACTIVE
        ],
        "unchecked_certificates": [feed.name for feed in settings.feeds if feed.accept_invalid_certificate],
        "entries_24h": {status.value: count for status, count in entries.count_by_status(tx, now - _DAY).items()},
        "waiting_entries": entries.count_pending(tx),
        "decisions_24h": {kind.value: count for kind, count in stories.count_by_kind(tx, now - _DAY).items()},
        "alerts_24h": stories.count_alerts(tx, now - _DAY),
        "held_back_24h": [
            {"story": story_id, "title": titles[story_id], "entries": count} for story_id, count in held_back.items()
        ],
        "waiting_stories": _waiting(tx, settings, now),
        "last_poll_at": max((feed.last_polled_at for feed in known if feed.last_polled_at), default=None),
        "known_stories": len(stories.list_seeds(tx)),
        "silences": len(silences.list_active(tx, now)),
        "outbox": {
            channel: {state.value: count for (name, state), count in counts.items() if name == channel}
            for channel in sorted({name for name, _ in counts})
        },
        "oldest_pending_at": outbox.oldest_pending_at(tx),
        "rules": _rules(settings),
        **status_workers.gather(tx, now),
        **status_around.gather(tx, settings),
    }


def _waiting(tx: "Session", settings: "configuration.Settings", now: datetime) -> list[dict[str, Any]]:
    """Return the stories that nobody is told of before more outlets tell them."""
    from monitor.store import stories

    channels = [channel.name for channel in settings.all_channels]
    waiting = {
        record.story_id: record.entry.title
        for record in stories.list_decisions(tx, since=now - settings.stories.window, limit=_MOST)
        if any(decision.reason is model.Reason.WAITING for decision in record.channels)
    }
    return [
        {"story": story_id, "title": title}
        for story_id, title in waiting.items()
        if not any(told.told for told in stories.told(tx, story_id, channels).values())
    ]


def _rules(settings: "configuration.Settings") -> dict[str, Any]:
    from monitor import rules

    try:
        ruleset = rules.load(settings.rules.paths, base=settings.folder)
    except errors.RuleError as error:
        return {"count": 0, "complaints": list(error.complaints)}
    return {"count": len(ruleset.rules), "complaints": []}


def _troubles(state: dict[str, Any], now: datetime) -> list[_Trouble]:
    """Return what is not well."""
    around = [*status_around.troubles(state, now), *status_workers.troubles(state, now)]
    found = [_Trouble(what, do) for what, do in around]
    if state["rules"]["complaints"]:
        found.append(_Trouble(f"rules are broken: {state['rules']['complaints'][0]}", "see all: monitor check"))
    dead = sum(states.get("dead", 0) for states in state["outbox"].values())
    if dead:
        do = "see monitor outbox list --state dead, then monitor outbox retry"
        found.append(_Trouble(f"{output.count(dead, 'message')} could not be sent", do))
    oldest = state["oldest_pending_at"]
    if oldest is not None and now - oldest > _LATE and not state["refused"]:
        found.append(
            _Trouble(f"a message waits since {output.ago(oldest, now)}", "see monitor outbox list --state pending")
        )
    old = [feed for feed in state["failing_feeds"] if feed["since_at"] and now - feed["since_at"] > _DAY]
    found += [
        _Trouble(
            f"feed {feed['name']!r} fails since {output.ago(feed['since_at'], now)}: {feed['error']}",
            "see monitor feeds list",
        )
        for feed in old
    ]
    failed = state["entries_24h"].get("failed", 0)
    if failed:
        what = output.count(failed, "entry was", "entries were")
        found.append(_Trouble(f"{what} given up", "see monitor entries search --decision failed"))
    return found


def _tell(state: dict[str, Any], now: datetime) -> None:
    daemon = state["daemon"]
    lines = {
        "daemon": "never ran"
        if daemon is None
        else f"process {daemon.get('pid')} on {daemon.get('host')}, version {daemon.get('version')}, "
        f"heartbeat {output.ago(daemon['heartbeat_at'], now)} ago",
        "store": state["store"],
        "rules": f"{state['rules']['count']} in force",
        "feeds": (_counts(state["feeds"]) or "none polled yet")
        + (f"; last poll {output.ago(state['last_poll_at'], now)} ago" if state["last_poll_at"] else ""),
        "entries, 24 h": _counts(state["entries_24h"]) or "none",
        "decisions, 24 h": f"{_counts(state['decisions_24h']) or 'none'}; {output.count(state['alerts_24h'], 'alert')}",
        "known stories": f"{state['known_stories']}, held back in 24 h: "
        + (
            ", ".join(f"{one['entries']} by S-{one['story']} ({one['title']})" for one in state["held_back_24h"])
            or "nothing"
        ),
        "silences": f"{state['silences']} in force",
    }
    for name, text in lines.items():
        output.say(f"{name:<16} {text}")
    status_workers.tell(state, now)
    for channel, states in state["outbox"].items():
        output.say(f"{'outbox':<16} {channel}: {_counts(states)}")
    if not state["outbox"]:
        output.say(f"{'outbox':<16} empty")
    if state["oldest_pending_at"]:
        output.say(f"{'oldest pending':<16} {output.ago(state['oldest_pending_at'], now)}")
    for one in state["waiting_stories"]:
        output.say(f"{'waiting':<16} S-{one['story']} {one['title']} (for more outlets)")
    for name in state["unchecked_certificates"]:
        output.say(f"{'NOT CHECKED':<16} {name}: its certificate is not checked (accept_invalid_certificate)")
    for feed in state["failing_feeds"]:
        output.say(f"{'failing':<16} {feed['name']}: {feed['error']}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
