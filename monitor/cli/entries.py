"""`monitor entries`: what came in, what became of it, and which feeds were down meanwhile. Shell."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from monitor.store import entries as stored
    from monitor.store import feeds as feeds_store

app = typer.Typer(no_args_is_help=True, help="What came in, and what became of it.")


class Became(StrEnum):
    """What became of an entry."""

    NEW = "new"
    DUPLICATE = "duplicate"
    UPDATE = "update"
    UNMATCHED = "unmatched"
    PENDING = "pending"
    FAILED = "failed"


@app.command(
    "search",
    epilog=options.examples(
        "monitor entries search sanctions pyongyang --since 24h",
        "monitor entries search kim --decision duplicate",
        "monitor entries search --since 2026-11-14 --until 2026-11-15 --json",
    ),
)
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS...", help="All of them occur.", show_default=False)
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="First seen since: 24h, 30d or a date.")] = "7d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="First seen before.", show_default=False)] = None,
    decision: Annotated[
        Became | None, typer.Option(metavar="|".join(Became), help="Only what became that.", show_default=False)
    ] = None,
    feed: Annotated[str | None, typer.Option(metavar="NAME", help="Only this feed.", show_default=False)] = None,
    limit: options.Limit = 50,
    config: options.Config = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Search stored entries, newest first.

    Feeds that were down in that time are named below.
    """
    from monitor.store import entries
    from monitor.store import feeds as feeds_store

    now = clock.now()
    start, end = options.instant(since, now), options.instant(until, now) if until else now
    with session.look(session.settings(config)) as tx:
        found = entries.search(
            tx,
            " ".join(words or ()),
            since=start,
            until=end if until else None,
            decision=decision.value if decision else None,
            feed=feed,
            limit=limit,
        )
        outages = feeds_store.list_outages(tx, start, end, feed)
    columns = (
        output.Column("id", "ENTRY", style="bold"),
        output.Column("first_seen_at", "SEEN (UTC)"),
        output.Column("outlet", "OUTLET"),
        output.Column("became", "BECAME"),
        output.Column("story", "STORY"),
        output.Column("title", "TITLE", wraps=True),
    )
    output.show([_row(record) for record in found], columns, as_json=as_json, empty="no such entry in that time")
    if not as_json:
        _tell_outages(outages)


def _row(record: "stored.Record") -> dict[str, object]:
    entry = record.entry
    became: str = record.kind.value if record.kind else record.status.value
    if became == "processed":
        became = Became.UNMATCHED.value
    return {
        "id": entry.id,
        "feed": entry.feed,
        "outlet": entry.outlet or entry.feed,
        "title": entry.title,
        "summary": entry.summary,
        "url": entry.url,
        "published_at": entry.published_at,
        "first_seen_at": entry.first_seen_at,
        "became": became,
        "story": record.story_id,
        "because": record.because or None,
    }


def _tell_outages(outages: "tuple[feeds_store.Outage, ...]") -> None:
    if not outages:
        return
    output.say()
    output.say("Feeds that were down in that time (what they published then may be missing):")
    for outage in outages:
        until = output.when(outage.ended_at) if outage.ended_at else "now"
        output.say(f"  {outage.feed}: {output.when(outage.began_at)} to {until}: {outage.error}")
