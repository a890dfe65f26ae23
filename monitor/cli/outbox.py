"""`monitor outbox`: what waits to be sent, what was, and what could not be. Shell."""

from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from sqlmodel import Session

app = typer.Typer(no_args_is_help=True, help="What waits to be sent, what was sent, and what could not be.")

_MOST = 100_000
_Number = Annotated[int, typer.Argument(metavar="ID", min=1, max=options.MOST, help="The notification's number.")]


@app.command(
    "list", epilog=options.examples("monitor outbox list --state dead", "monitor outbox list --channel desk --json")
)
def list_(
    state: Annotated[
        model.NotificationState | None,
        typer.Option(metavar="|".join(model.NotificationState), help="Only these.", show_default=False),
    ] = None,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Only this channel.", show_default=False)] = None,
    limit: options.Limit = 50,
    config: options.Config = None,
    *,
    as_json: options.Json = False,
) -> None:
    """List notifications, newest first.

    Dead ones are never tried again by themselves: `monitor outbox retry`.
    """
    from monitor.store import outbox

    with session.look(session.settings(config)) as tx:
        found = outbox.list_notifications(tx, state=state, channel=channel, limit=limit)
    columns = (
        output.Column("id", "ID", style="bold"),
        output.Column("state", "STATE"),
        output.Column("channel", "CHANNEL"),
        output.Column("level", "LEVEL"),
        output.Column("key", "KEY", wraps=True),
        output.Column("ready_at", "READY (UTC)"),
        output.Column("sent_at", "SENT (UTC)"),
        output.Column("attempts", "TRIES"),
        output.Column("last_error", "ERROR", lambda text: text or "", wraps=True),
    )
    output.show([row(one) for one in found], columns, as_json=as_json, empty="nothing in the outbox")


@app.command("retry", epilog=options.examples("monitor outbox retry 12", "monitor outbox retry --all --channel desk"))
def retry(
    number: Annotated[
        int | None, typer.Argument(metavar="ID", min=1, max=options.MOST, show_default=False, help="Its number.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --all: only this channel.", show_default=False)
    ] = None,
    config: options.Config = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead notification.")] = False,
) -> None:
    """Try a dead notification again.

    It goes out as it was first rendered, with the same key.
    """
    from monitor.store import outbox

    if (number is None) == (not every):
        msg = "name one notification by its ID, or say --all; `monitor outbox list --state dead` shows them"
        raise errors.ConfigError(msg)
    now = clock.now()
    with session.store(session.settings(config)) as store, store.write() as tx:
        if number is not None:
            again = [_get(tx, number).id]
        else:
            dead = outbox.list_notifications(tx, state=model.NotificationState.DEAD, channel=channel, limit=_MOST)
            again = [one.id for one in dead]
        done = [one for one in again if outbox.retry(tx, one, now)]
    if number is not None and not done:
        msg = f"notification {number} is not dead, so there is nothing to retry"
        raise errors.ConfigError(msg)
    output.say(f"{len(done)} to be tried again; the daemon sends them")


@app.command("drop", epilog=options.examples("monitor outbox drop 12"))
def drop(number: _Number, config: options.Config = None) -> None:
    """Give a notification up that was not sent yet.

    Its alert stays in `monitor alerts list`.
    """
    from monitor.store import outbox

    with session.store(session.settings(config)) as store, store.write() as tx:
        one = _get(tx, number)
        if one.state is model.NotificationState.SENT:
            msg = f"notification {number} was sent at {output.when(one.sent_at)} UTC; it cannot be taken back"
            raise errors.ConfigError(msg)
        outbox.drop(tx, number)
    output.say(f"dropped notification {number} ({one.key})")


def _get(tx: "Session", number: int) -> model.Notification:
    from monitor.store import outbox

    with session.known("notification", number):
        return outbox.get(tx, number)


def row(one: model.Notification) -> dict[str, object]:
    """Return a notification for scripts."""
    return {
        "id": one.id,
        "key": one.key,
        "kind": one.kind,
        "channel": one.channel,
        "state": one.state,
        "level": one.level,
        "story": one.story_id,
        "alerts": list(one.alert_ids),
        "created_at": one.created_at,
        "ready_at": one.ready_at,
        "sent_at": one.sent_at,
        "attempts": one.attempts,
        "last_error": one.last_error,
        "subject": one.message.subject if one.message else None,
    }
