"""`monitor silence`: mute a rule, a story, a feed, an actor or words for a while. Shell."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from monitor import config as configuration

app = typer.Typer(no_args_is_help=True, help="Mute a rule, a story, a feed, an actor or words for a while.")


@app.command(
    "add",
    epilog=options.examples(
        "monitor silence add --story 12 --for 24h",
        'monitor silence add --rule state-visit --for 7d --comment "summit week"',
        'monitor silence add --actor "North Korea" --for 2d',
        'monitor silence add --term "grain deal" --until 2026-12-01',
    ),
)
def add(
    rule: Annotated[str | None, typer.Option(metavar="ID", help="A rule's id.", show_default=False)] = None,
    story: Annotated[
        str | None, typer.Option(metavar="ID", help="A story's number: 12 or S-12.", show_default=False)
    ] = None,
    feed: Annotated[str | None, typer.Option(metavar="NAME", help="A feed's name.", show_default=False)] = None,
    term: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Whole words in title or summary.", show_default=False)
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A state, body or leader, however it is written.", show_default=False),
    ] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help='How long, like "24h".', show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Until when (UTC).", show_default=False)] = None,
    comment: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, for those who come after you.", show_default=False)
    ] = "",
    author: Annotated[str, typer.Option(metavar="TEXT", help="Who; else your login.", show_default=False)] = "",
    config: options.Config = None,
) -> None:
    """Mute one thing until a time. A silenced story counts as decided: afterwards only its updates alert."""
    kind, value = _what({"rule": rule, "story": story, "feed": feed, "term": term, "actor": actor})
    now = clock.now()
    ends_at = _end(length, until, now)
    settings = session.settings(config)
    _check(kind, value, settings)
    from monitor.store import silences, stories

    with session.store(settings) as store, store.write() as tx:
        if kind is model.SilenceKind.STORY:
            with session.known("story", int(value)):
                stories.get_story(tx, int(value))
        silence = model.Silence(0, kind, value, now, ends_at, author or options.login(), comment)
        number = silences.add(tx, silence)
    name, *others = value.split("|") if kind is model.SilenceKind.ACTOR else [value]
    output.say(f"silence {number}: {kind} {name!r} is muted until {output.when(ends_at)} UTC")
    if others:
        output.say(f"  also written: {', '.join(others)}")
    output.say(f"  end it early: monitor silence end {number}")


@app.command("list", epilog=options.examples("monitor silence list", "monitor silence list --all --json"))
def list_(
    config: options.Config = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    as_json: options.Json = False,
) -> None:
    """List the silences in force."""
    from monitor.store import silences

    now = clock.now()
    with session.look(session.settings(config)) as tx:
        found = silences.list_all(tx) if every else silences.list_active(tx, now)
    rows = [
        {
            "id": silence.id,
            "kind": silence.kind,
            "value": silence.value,
            "starts_at": silence.starts_at,
            "ends_at": silence.ends_at,
            "active": silence.starts_at <= now < silence.ends_at,
            "author": silence.author,
            "comment": silence.comment,
        }
        for silence in found
    ]
    columns = (
        output.Column("id", "ID", style="bold"),
        output.Column("kind", "MUTES"),
        output.Column("value", "WHAT", lambda value: str(value).partition("|")[0]),
        output.Column("ends_at", "UNTIL (UTC)"),
        output.Column("active", "IN FORCE", lambda active: "yes" if active else "no"),
        output.Column("author", "BY"),
        output.Column("comment", "WHY", wraps=True),
    )
    output.show(rows, columns, as_json=as_json, empty="no silence in force")


@app.command("end", epilog=options.examples("monitor silence end 3"))
def end(
    number: Annotated[int, typer.Argument(metavar="ID", min=1, max=options.MOST, help="The silence's number.")],
    config: options.Config = None,
) -> None:
    """End a silence now."""
    from monitor.store import silences

    with session.store(session.settings(config)) as store, store.write() as tx:
        if number not in {silence.id for silence in silences.list_all(tx)}:
            msg = f"no silence has the number {number}; see `monitor silence list --all`"
            raise errors.ConfigError(msg)
        silences.end(tx, number, clock.now())
    output.say(f"silence {number} ended")


def _what(given: dict[str, str | None]) -> tuple[model.SilenceKind, str]:
    """Return the one thing that was named."""
    named = [(kind, value.strip()) for kind, value in given.items() if value is not None and value.strip()]
    if len(named) != 1:
        msg = "name one thing to mute: --rule ID, --story ID, --feed NAME, --actor NAME or --term WORDS"
        raise errors.ConfigError(msg)
    kind, value = named[0]
    if kind == "actor":
        from monitor import dedupe

        value = "|".join(dedupe.forms(value))
    if kind == "story":
        value = str(options.number(value, "S"))
    return model.SilenceKind(kind), value


def _end(length: str | None, until: str | None, now: datetime) -> datetime:
    """Return when the silence ends."""
    from monitor.config import units

    if (length is None) == (until is None):
        msg = "say how long: either --for 24h or --until 2026-12-01"
        raise errors.ConfigError(msg)
    try:
        if length is not None:
            ends_at = now + units.parse_duration(length)
        else:
            at = datetime.fromisoformat(str(until))
            ends_at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        msg = f"{length or until!r}: write --for 24h (s, m, h, d, w) or --until 2026-12-01"
        raise errors.ConfigError(msg) from error
    if ends_at <= now:
        msg = f"{length or until!r} has passed already; a silence ends in the future"
        raise errors.ConfigError(msg)
    return ends_at


def _check(kind: model.SilenceKind, value: str, settings: "configuration.Settings") -> None:
    """Refuse what can mute nothing: a rule or feed that does not exist."""
    if kind is model.SilenceKind.RULE:
        from monitor import rules

        known = [rule.id for rule in rules.load(settings.rules.paths, base=settings.folder).rules]
    elif kind is model.SilenceKind.FEED:
        known = [spec.name for spec in settings.specs]
    else:
        return
    if value not in known:
        msg = f"no {kind} is called {value!r}{output.did_you_mean(value, known)}; see `monitor {kind}s list`"
        raise errors.ConfigError(msg)
