"""`monitor stories`: the happenings that entries were gathered into, and correcting them. Shell."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor.store import decisions

app = typer.Typer(no_args_is_help=True, help="The happenings that entries were gathered into.")

_Number = Annotated[str, typer.Argument(metavar="ID", help="The story's number: 12 or S-12.")]


@app.command(
    "list", epilog=options.examples("monitor stories list --since 48h", "monitor stories list --json | jq -r .title")
)
def list_(
    since: Annotated[str, typer.Option(metavar="TIME", help="Told since: 48h, 30d or a date.")] = "7d",
    limit: options.Limit = 50,
    config: options.Config = None,
    *,
    as_json: options.Json = False,
) -> None:
    """List stories, the latest first.

    Known ones were there beforehand, and what retells them is never alerted.
    """
    from monitor.store import stories

    with session.look(session.settings(config)) as tx:
        found = stories.list_stories(tx, since=options.instant(since, clock.now()), limit=limit)
    columns = (
        output.Column("id", "STORY", style="bold"),
        output.Column("last_at", "LAST (UTC)"),
        output.Column("level", "LEVEL"),
        output.Column("entries", "ENTRIES"),
        output.Column("outlets", "OUTLETS", lambda outlets: str(len(outlets))),
        output.Column("known", "KNOWN", lambda known: "yes" if known else ""),
        output.Column("title", "TITLE", wraps=True),
    )
    output.show([row(story) for story in found], columns, as_json=as_json, empty=f"no story since {since}")


@app.command("show", epilog=options.examples("monitor stories show 12", "monitor stories show S-12 --json"))
def show(number: _Number, config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Show one story with every entry that joined it, and why."""
    from monitor.store import stories

    story_id = options.number(number, "S")
    with session.look(session.settings(config)) as tx:
        with session.known("story", story_id):
            story = stories.get_story(tx, story_id)
        members = stories.list_story_entries(tx, story.id)
        reasons = _reasons(tx, members)
    told = [
        {
            "entry": member.entry.id,
            "at": member.at,
            "kind": member.kind,
            "outlet": member.entry.outlet or member.entry.feed,
            "title": member.entry.title,
            "url": member.entry.url,
            "because": reasons[member.decision_id],
        }
        for member in members
    ]
    if as_json:
        output.print_json(row(story) | {"told": told})
        return
    output.say(f"S-{story.id}  {story.title}")
    output.say(f"  {story.level}, {output.when(story.opened_at)} to {output.when(story.last_at)} UTC")
    output.say(f"  told by {', '.join(story.outlets) or 'nobody yet'}")
    if story.known:
        output.say(f"  a known story ({', '.join(story.seeds)}): what retells it is not alerted")
    columns = (
        output.Column("entry", "ENTRY", style="bold"),
        output.Column("at", "AT (UTC)"),
        output.Column("kind", "KIND"),
        output.Column("outlet", "OUTLET"),
        output.Column("title", "TITLE", wraps=True),
        output.Column("because", "WHY", wraps=True),
    )
    output.show(told, columns, as_json=False, empty="  no entry has joined it yet")
    output.say(f"  mute: monitor silence add --story {story.id} --for 24h")


@app.command("merge", epilog=options.examples("monitor stories merge 14 12"))
def merge(
    number: _Number,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The story that stays.")],
    config: options.Config = None,
) -> None:
    """Say that two stories are one happening.

    It holds for the entries that follow.
    """
    from monitor.store import stories

    one, other = options.number(number, "S"), options.number(into, "S")
    if one == other:
        msg = "a story cannot be merged into itself; name two"
        raise errors.ConfigError(msg)
    with session.store(session.settings(config)) as store, store.write() as tx:
        for number_given in (one, other):
            with session.known("story", number_given):
                stories.get_story(tx, number_given)
        if stories.get_story(tx, one).id == stories.get_story(tx, other).id:
            msg = f"S-{one} and S-{other} are one story already; see `monitor stories show {other}`"
            raise errors.ConfigError(msg)
        kept = stories.get_story(tx, stories.merge(tx, one, other, options.login(), clock.now()))
    output.say(f"S-{one} is now part of S-{kept.id}; the daemon takes it up with its next pass")
    if kept.known:
        output.say(f"  S-{kept.id} is a known story: what retells either is not alerted from now on")


@app.command("split", epilog=options.examples("monitor stories split 12 345"))
def split(
    number: _Number,
    entry: Annotated[
        int, typer.Argument(metavar="ENTRY", min=1, max=options.MOST, help="The entry that tells something else.")
    ],
    config: options.Config = None,
) -> None:
    """Say that an entry does not belong to a story.

    It opens a story of its own, which holds for the entries that follow.
    """
    from monitor.store import stories

    story_id = options.number(number, "S")
    with session.store(session.settings(config)) as store, store.write() as tx:
        with session.known("story", story_id):
            stories.get_story(tx, story_id)
        try:
            new = stories.split(tx, story_id, entry, options.login(), clock.now())
        except KeyError as error:
            msg = f"entry {entry} is not in story S-{story_id}; see `monitor stories show {story_id}`"
            raise errors.ConfigError(msg) from error
    if new == story_id:
        output.say(f"entry {entry} is all that S-{story_id} holds, so it stays")
        return
    output.say(f"entry {entry} left S-{story_id} and opened S-{new}")


def row(story: model.Story) -> dict[str, object]:
    """Return a story for scripts."""
    return {
        "id": story.id,
        "title": story.title,
        "level": story.level,
        "opened_at": story.opened_at,
        "last_at": story.last_at,
        "entries": story.entries,
        "outlets": list(story.outlets),
        "known": story.known,
        "seeds": list(story.seeds),
    }


def _reasons(tx: "Session", members: "Iterable[decisions.Member]") -> dict[int, str]:
    """Return why each member joined its story, by decision."""
    from monitor.store import stories

    return {
        decision.id: decision.assignment.because
        for entry_id in dict.fromkeys(member.entry.id for member in members)
        for decision in stories.list_decisions(tx, entry_id=entry_id)
    }
