"""`monitor alerts`: what was alerted, and one alert in full. Shell."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, model
from monitor.cli import options, output, session
from monitor.cli import outbox as outbox_lines

if TYPE_CHECKING:
    from sqlmodel import Session

app = typer.Typer(no_args_is_help=True, help="What was alerted.")

_MOST_TEXT = 2_000  # characters of the page; --json has all

Number = Annotated[str, typer.Argument(metavar="ID", help="The alert's number: 7 or A-7.")]


@app.command(
    "list", epilog=options.examples("monitor alerts list --since 24h", "monitor alerts list --json | jq -r .url")
)
def list_(
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 24h, 30d or a date.")] = "7d",
    limit: options.Limit = 50,
    config: options.Config = None,
    *,
    as_json: options.Json = False,
) -> None:
    """List alerts, newest first.

    WENT TO names the channels, with what has not been sent yet; for what nobody heard of, why not.
    """
    from monitor.store import stories

    settings = session.settings(config)
    with session.look(settings) as tx:
        found = stories.list_alerts(tx, since=options.instant(since, clock.now()), limit=limit)
        went = _where(tx, [alert.id for alert in found])
    rows = [row(alert) | {"went_to": went[alert.id]} for alert in found]
    columns = (
        output.Column("alert", "ALERT", style="bold"),
        output.Column("created_at", "AT (UTC)"),
        output.Column("level", "LEVEL"),
        output.Column("kind", "KIND"),
        output.Column("story", "STORY"),
        output.Column("rules", "RULES", wraps=True),
        output.Column("went_to", "WENT TO", wraps=True),
        output.Column("title", "TITLE", wraps=True),
    )
    output.show(rows, columns, as_json=as_json, empty=f"no alert since {since} (--since looks further back)")


@app.command("show", epilog=options.examples("monitor alerts show A-7", "monitor alerts show 7 --json"))
def show(number: Number, config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Show one alert as it goes out, with where it went."""
    from monitor.store import outbox, stories, texts

    alert_id = options.number(number, "A")
    with session.look(session.settings(config)) as tx:
        with session.known("alert", alert_id):
            alert = stories.get_alert(tx, alert_id)
        sent = [outbox_lines.row(one) for one in outbox.list_notifications(tx, alert_id=alert_id)]
        went = _where(tx, [alert_id])[alert_id]
        page = texts.find(tx, alert.entry.id)
    if as_json:
        more = {
            "went_to": went,
            "because": alert.assignment.because,
            "news": alert.assignment.news,
            "notifications": sent,
        }
        text = {"page_text": page.text if page else None, "page_error": page.error if page else None}
        output.print_json(row(alert) | more | text)
        return
    what = f"[{alert.level.upper()}] {alert.kind} of story S-{alert.story.id}"
    output.say(f"A-{alert.id}  {what}, {output.when(alert.created_at)} UTC")
    output.say(f"  {alert.entry.title}")
    output.say(f"  {alert.entry.outlet or alert.entry.feed}  {alert.entry.url}")
    if alert.entry.summary:
        output.say(f"  {alert.entry.summary[:500]}")
    if page:
        for line in (page.text[:_MOST_TEXT] or f"(its page was not read: {page.error or 'not yet'})").splitlines():
            output.say(f"  | {line}")
    output.say(f"  rules: {', '.join(f'{match.rule.id} ({_words(match)})' for match in alert.matches)}")
    if alert.reported_by:
        output.say(f"  also reported by: {', '.join(alert.reported_by)}")
    _tell_why(alert.assignment)
    for one in sent:
        output.say(f"  {one['channel']}: {one['state']}{_detail(one)}")
    if not sent:
        output.say(f"  went to {went}")
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


def _where(tx: "Session", ids: list[int]) -> dict[int, str]:
    """Return to whom alerts went: `desk, phone (held)`; of one that no channel gets, why not."""
    from monitor.store import stories

    heard = stories.heard(tx, ids)
    unheard = stories.judged(tx, [alert_id for alert_id in ids if alert_id not in heard])
    return {alert_id: _channels(heard[alert_id]) for alert_id in heard} | {
        alert_id: f"nobody: {_reasons(decisions)}" for alert_id, decisions in unheard.items()
    }


def _channels(states: dict[str, model.NotificationState]) -> str:
    sent = model.NotificationState.SENT
    return ", ".join(name if state is sent else f"{name} ({state})" for name, state in states.items())


def _reasons(decisions: tuple[model.Decision, ...]) -> str:
    """Return why no channel got it, each reason once; what may still change that first."""
    from monitor import alert

    first = sorted(decisions, key=lambda one: one.reason is not model.Reason.WAITING)
    said = dict.fromkeys(f"{alert.words(one.reason)}{f' ({one.by})' if one.by else ''}" for one in first)
    return "; ".join(said) or "there was no channel"


def _words(match: model.Match) -> str:
    return ", ".join(dict.fromkeys(evidence.text for evidence in match.evidence))


def _detail(one: dict[str, object]) -> str:
    if isinstance(one["sent_at"], datetime):
        return f" {output.when(one['sent_at'])} UTC"
    return f" ({one['last_error']})" if one["last_error"] else ""


def _tell_why(assignment: model.Assignment) -> None:
    output.say(f"  why: {assignment.because}")
    if assignment.news:
        output.say(f"  new in it: {assignment.news}")
