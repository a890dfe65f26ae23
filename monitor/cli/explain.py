"""`monitor explain`: why, and why not. Shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor import clock, errors, model
from monitor.cli import explain_elsewhere, options, output, seeds, session

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor import config as configuration
    from monitor import explain as explaining
    from monitor import match

EXAMPLES = options.examples(
    'monitor explain "US warns Pyongyang of new sanctions"',
    'monitor explain "Talks end" --summary "Ministers agreed on a ceasefire." --feed Kyodo --language en',
    "monitor explain A-7",
    "monitor explain https://example.org/article",
)
_MISSES = 2  # rules that did not match but came nearest, shown with their tree
_NEAR = 0.3


def command(
    what: Annotated[
        str, typer.Argument(metavar="TEXT|URL|ID", help="A headline, an address, A-7 or an entry's number.")
    ],
    summary: Annotated[str, typer.Option(metavar="TEXT", help="The lead, with a headline.", show_default=False)] = "",
    feed: Annotated[str, typer.Option(metavar="NAME", help="As if it came from this feed.", show_default=False)] = "",
    language: Annotated[str, typer.Option(metavar="CODE", help='Its language, like "en".', show_default=False)] = "",
    at: Annotated[str | None, typer.Option(metavar="DATE", help="As if told then (UTC).", show_default=False)] = None,
    config: options.Config = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="The tree of every rule, not of the nearest alone.")] = False,
    as_json: options.Json = False,
) -> None:
    """Explain what matches and why, and what becomes of it.

    What matched and what did not and why not, which story it joins and why, and channel by channel: sent, held, below
    level, silenced, waiting. For what is stored (an alert's A-7, an entry's number, an address, a headline): the
    decision of then, and what today's rules and channels make of it. For what is not: which stored entries are most
    like it, and which feeds were down meanwhile. Nothing is stored or sent.
    """
    from monitor import explain

    settings = session.settings_or_shipped(config)
    now = clock.now()
    told_at = options.instant(at, now) if at else None
    ground = _ground(settings)
    with _look(settings) as tx:
        imagined = bool(summary or feed or language or at)
        entry = None if tx is None else explain.find_stored(tx, what, by_title=not imagined)
        other = None
        if entry is None:
            _refuse_unstored(what)
        if entry is None and tx is not None:
            other = explain.elsewhere(tx, what, window=ground.window, at=told_at or now, now=now)
        if entry is None and _is_address(what):
            explain_elsewhere.show_address(what, other, as_json=as_json)
            return
        entry = entry or _typed(what, summary, feed, language, settings, at=told_at, now=now)
        found = explain.explain(entry, ground, now=now, tx=tx)
    if as_json:
        output.print_json(_row(found) | explain_elsewhere.row(other))
        return
    _tell(found, ground, every=every)
    if other is not None:
        explain_elsewhere.show(other)


def _ground(settings: "configuration.Settings") -> "explaining.Ground":
    from monitor import encoders, explain, rules

    return explain.Ground(
        rules.load(settings.rules.paths, base=settings.folder),
        settings.all_channels,
        seeds.read_all(settings.seed_paths),
        settings.stories.window,
        settings.stories.sensitivity,
        settings.stories.update_every,
        settings.poll.max_entry_age,
        settings.poll.first,
        encoders.find(settings.stories.encoder, settings.folder),
    )


@contextmanager
def _look(settings: "configuration.Settings") -> "Iterator[Session | None]":
    """Open the store for a look; None where there is none yet, and nothing is made."""
    if not session.is_made(settings):
        yield None
        return
    with session.look(settings) as tx:
        yield tx


def _refuse_unstored(what: str) -> None:
    """Complain of a number that names nothing, and of no text at all."""
    bare = what.strip()
    if bare.isdecimal() or (bare[:2].upper() == "A-" and bare[2:].isdecimal()):
        kind, verb = ("entry", "entries search") if bare.isdecimal() else ("alert", "alerts list")
        msg = f"no {kind} {bare} is stored; see `monitor {verb}`"
        raise errors.ConfigError(msg)
    if not bare:
        msg = 'there is no text to explain; write a headline: monitor explain "US warns of new sanctions"'
        raise errors.ConfigError(msg)


def _is_address(what: str) -> bool:
    return what.strip().startswith(("http://", "https://"))


def _typed(
    title: str,
    summary: str,
    feed: str,
    language: str,
    settings: "configuration.Settings",
    *,
    at: datetime | None,
    now: datetime,
) -> model.Entry:
    """Return a typed headline as an entry of the feed that was named."""
    specs = {spec.name: spec for spec in settings.specs}
    spec = specs.get(feed)
    if feed and spec is None:
        msg = f"no feed is called {feed!r}{output.did_you_mean(feed, specs)}; see `monitor feeds list`"
        raise errors.ConfigError(msg)
    return model.Entry(
        id=0,
        feed=feed,
        key=title,
        title=title,
        first_seen_at=now,
        summary=summary,
        outlet=(spec.outlet if spec else None) or "",
        language=language or (spec.language if spec else None) or "",
        published_at=at or now,
        feed_tags=spec.tags if spec else (),
    )


def _tell(found: "explaining.Explanation", ground: "explaining.Ground", *, every: bool) -> None:
    entry = found.entry
    _say_marked(found, model.Field.TITLE)
    if entry.summary:
        _say_marked(found, model.Field.SUMMARY)
    if entry.id:
        seen = output.when(entry.first_seen_at)
        output.say(f"entry {entry.id} of feed {entry.feed!r}, first seen {seen} UTC; {found.status}")
    output.say()
    _tell_then(found)
    _tell_rules(found, every=every)
    _tell_story(found)
    if found.channels:
        zones = {channel.name: channel.zone for channel in ground.channels}
        _tell_channels(found.channels, zones, again=found.then is not None)


def _say_marked(found: "explaining.Explanation", field: model.Field) -> None:
    from monitor import match

    evidence = [one for matched in found.matches for one in matched.evidence]
    text = found.entry.title if field is model.Field.TITLE else found.entry.summary
    output.say(output.clean(match.marked(text, evidence, field, before="«", after="»")))


def _tell_then(found: "explaining.Explanation") -> None:
    from monitor import alert

    if found.then is None:
        return
    record = found.then.record
    rules = ", ".join(matched.rule.id for matched in record.matches)
    output.say(
        f"Decided {output.when(record.decided_at)} UTC: {record.assignment.kind} of story S-{record.story_id}, {rules}"
    )
    output.say(f"  {record.assignment.because}")
    if record.assignment.news:
        output.say(f"  new in it: {record.assignment.news}")
    states = {one.channel: one for one in found.then.sent if one.kind is model.NotificationKind.ALERT}
    for decision in record.channels:
        one = states.get(decision.channel)
        since = f"; now {one.state}{f' {output.when(one.sent_at)} UTC' if one.sent_at else ''}" if one else ""
        output.say(f"  {decision.channel}: {alert.describe(decision)}{since}")
    output.say()
    now = [matched.rule.id for matched in found.matches]
    if [matched.rule.id for matched in record.matches] == now:
        output.say("Today the same rules match:")
    else:
        output.say(f"Today other rules match: then {rules}; now {', '.join(now) or 'none'}")


def _tell_rules(found: "explaining.Explanation", *, every: bool) -> None:
    for trace in found.traces[: len(found.matches)]:
        level = f"  [{trace.rule.level}]" if trace.rule else ""
        head, *rest = _lines(trace, every=every)
        for line in (f"{head}{level}", *rest):
            output.say(line)
    missed = found.traces[len(found.matches) :]
    if not found.matches:
        output.say(f"No rule matches ({len(missed)} looked at), so nothing is alerted.")
    nearest = missed if every else [trace for trace in missed if _is_near(trace)][:_MISSES]
    if nearest:
        output.say()
        output.say("Did not match:" if every else "Came nearest:")
    for trace in nearest:
        lines = _lines(trace, every=every)
        for line in lines if every or not found.matches else lines[:1]:
            output.say(f"  {line}")
    left = len(missed) - len(nearest)
    if left:
        output.say(f"  and {left} other rules do not match (--all shows why not)")


def _lines(trace: "match.Trace", *, every: bool) -> list[str]:
    """Return a rule's tree; unless every branch is asked for, of alternatives only those that decided."""
    from monitor import explain

    return list((trace if every else explain.pruned(trace)).lines())


def _is_near(trace: "match.Trace") -> bool:
    from monitor import explain

    return explain.nearness(trace) >= _NEAR


def _tell_story(found: "explaining.Explanation") -> None:
    assignment = found.assignment
    if assignment is None:
        return
    output.say()
    named = ""
    if found.story is not None:
        number = f"S-{found.story.id} " if found.story.id else ""
        known = f", a known story ({', '.join(found.story.seeds)})" if found.story.seeds else ""
        named = f' {number}"{found.story.title}"{known}'
    if assignment.kind is model.Kind.NEW:
        output.say(f"Story: a new one. {assignment.because}" + (f"; that is{named}" if named else ""))
    else:
        output.say(
            f"Story: {assignment.kind} of{named or ' a story'} (likeness {assignment.score:.2f}): {assignment.because}"
        )
    if assignment.news:
        output.say(f"  new in it: {assignment.news}")


def _tell_channels(decisions: tuple[model.Decision, ...], zones: dict[str, str], *, again: bool) -> None:
    from monitor import alert

    output.say()
    output.say("Channels, if it were decided today:" if again else "Channels, if it came in now:")
    for decision in decisions:
        output.say(f"  {decision.channel}: {alert.describe(decision, zones.get(decision.channel, 'UTC'))}")


def _row(found: "explaining.Explanation") -> dict[str, Any]:
    """Return an explanation for scripts."""
    then = found.then
    return {
        "entry": found.entry.id or None,
        "title": found.entry.title,
        "status": found.status or None,
        "rules": [matched.rule.id for matched in found.matches],
        "evidence": [one for matched in found.matches for one in matched.evidence],
        "level": found.level if found.matches else None,
        "decision": found.assignment.kind if found.assignment else None,
        "story": found.assignment.story_id if found.assignment and (found.assignment.story_id or 0) > 0 else None,
        "score": found.assignment.score if found.assignment else None,
        "because": found.assignment.because if found.assignment else None,
        "news": found.assignment.news if found.assignment else None,
        "channels": found.channels,
        "traces": found.traces,
        "then": then
        and {
            "decided_at": then.record.decided_at,
            "rules": [matched.rule.id for matched in then.record.matches],
            "decision": then.record.assignment.kind,
            "story": then.record.story_id,
            "because": then.record.assignment.because,
            "news": then.record.assignment.news,
            "channels": then.record.channels,
            "alert": then.alert_id,
            "notifications": [
                {"channel": one.channel, "state": one.state, "sent_at": one.sent_at} for one in then.sent
            ],
        },
    }
