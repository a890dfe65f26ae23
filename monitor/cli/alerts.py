"""`monitor alerts`: what was alerted, and one alert in full. Shell."""

from datetime import datetime
from typing import Annotated

import typer

from monitor import clock, model
from monitor.cli import options, output, session
from monitor.cli import outbox as outbox_lines

app = typer.Typer(no_args_is_help=True, help="What was alerted.")

Number = Annotated[str, typer.Argument(metavar="ID", help="The alert's number: 7 or A-7.")]


@app.command(
    "list", epilog=options.examples("monitor alerts list --since 24h", "monitor alerts list --json | jq -r .entry.url")
)
def list_(
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 24h, 30d or a date.")] = "7d",
    limit: options.Limit = 50,
    config: options.Config = None,
    *,
    as_json: options.Json = False,
) -> None:
    """List alerts, newest first."""
    from monitor.store import stories

    settings = session.settings(config)
    with session.look(settings) as tx:
        found = stories.list_alerts(tx, since=options.instant(since, clock.now()), limit=limit)
    rows = [row(alert) for alert in found]
    columns = (
        output.Column("alert", "ALERT", style="bold"),
        output.Column("created_at", "AT (UTC)"),
        output.Column("level", "LEVEL"),
        output.Column("kind", "KIND"),
        output.Column("story", "STORY"),
        output.Column("rules", "RULES"),
        output.Column("title", "TITLE", wraps=True),
    )
    output.show(rows, columns, as_json=as_json, empty=f"no alert since {since} (--since looks further back)")


@app.command("show", epilog=options.examples("monitor alerts show A-7", "monitor alerts show 7 --json"))
def show(number: Number, config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Show one alert as it goes out, with where it went."""
    from monitor.store import outbox, stories

    alert_id = options.number(number, "A")
    with session.look(session.settings(config)) as tx:
        with session.known("alert", alert_id):
            alert = stories.get_alert(tx, alert_id)
        sent = [outbox_lines.row(one) for one in outbox.list_notifications(tx, alert_id=alert_id)]
    if as_json:
        output.print_json(row(alert) | {"because": alert.assignment.because, "notifications": sent})
        return
    what = f"[{alert.level.upper()}] {alert.kind} of story S-{alert.story.id}"
    output.say(f"A-{alert.id}  {what}, {output.when(alert.created_at)} UTC")
    output.say(f"  {alert.entry.title}")
    output.say(f"  {alert.entry.outlet or alert.entry.feed}  {alert.entry.url}")
    if alert.entry.summary:
        output.say(f"  {alert.entry.summary[:500]}")
    output.say(f"  rules: {', '.join(f'{match.rule.id} ({_words(match)})' for match in alert.matches)}")
    if alert.reported_by:
        output.say(f"  also reported by: {', '.join(alert.reported_by)}")
    output.say(f"  why: {alert.assignment.because}")
    for one in sent:
        output.say(f"  {one['channel']}: {one['state']}{_detail(one)}")
    output.say(f"  more: monitor explain A-{alert.id}    mute: monitor silence add --story {alert.story.id} --for 24h")


@app.command("ack", epilog=options.examples("monitor alerts ack A-7"))
def ack(number: Number, config: options.Config = None) -> None:
    """Say that you have seen an alert.

    The first one to say so is remembered.
    """
    from monitor.store import stories

    alert_id = options.number(number, "A")
    with session.store(session.settings(config)) as store, store.write() as tx:
        with session.known("alert", alert_id):
            stories.get_alert(tx, alert_id)
        first = stories.ack_alert(tx, alert_id, options.login(), clock.now())
    output.say(f"A-{alert_id}: noted that you have seen it" if first else f"A-{alert_id}: somebody had seen it before")


def row(alert: model.Alert) -> dict[str, object]:
    """Return an alert for scripts."""
    return {
        "id": alert.id,
        "alert": f"A-{alert.id}",
        "created_at": alert.created_at,
        "level": alert.level,
        "kind": alert.kind,
        "story": alert.story.id,
        "story_title": alert.story.title,
        "sequence": alert.sequence,
        "rules": [match.rule.id for match in alert.matches],
        "words": [evidence.text for match in alert.matches for evidence in match.evidence],
        "title": alert.entry.title,
        "url": alert.entry.url,
        "outlet": alert.entry.outlet or alert.entry.feed,
        "feed": alert.entry.feed,
        "published_at": alert.entry.published_at,
        "reported_by": list(alert.reported_by),
        "entry": alert.entry.id,
    }


def _words(match: model.Match) -> str:
    return ", ".join(dict.fromkeys(evidence.text for evidence in match.evidence))


def _detail(one: dict[str, object]) -> str:
    if isinstance(one["sent_at"], datetime):
        return f" {output.when(one['sent_at'])} UTC"
    return f" ({one['last_error']})" if one["last_error"] else ""
