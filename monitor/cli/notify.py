"""`monitor notify`: does a channel work? Shell."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session

if TYPE_CHECKING:
    from monitor import config as configuration

app = typer.Typer(no_args_is_help=True, help="Try a channel, or see what it would get.")


@app.command("test", epilog=options.examples("monitor notify test desk"))
def try_channel(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name in the configuration.")],
    config: options.Config = None,
) -> None:
    """Send a lifelike alert to one channel.

    It goes past selector and quiet hours, marked as a test. Exit 1, with the reason, when it was not taken.
    """
    from monitor import render, send

    now = clock.now()
    chosen = _channel(session.settings(config), channel)
    message = render.alert(render.sample.alert(now), chosen, key=f"test:{channel}:{now:%Y%m%d%H%M%S}", thread="")
    sender = send.AppriseSender()
    try:
        sender.send(chosen, message)
    except errors.DeliveryError as error:
        msg = f"channel {channel!r} did not take it: {error}"
        raise errors.DeliveryError(msg) from error
    finally:
        sender.close()
    output.say(f"channel {channel!r} took the test alert: {message.subject}")


@app.command(
    "preview",
    epilog=options.examples("monitor notify preview A-7 --channel desk", "monitor notify preview --html alert.html"),
)
def preview(
    alert: Annotated[
        str | None, typer.Argument(metavar="[ALERT]", help="7 or A-7; without it, a lifelike one.", show_default=False)
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Else the first of the configuration.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a mail's HTML part there.", show_default=False)
    ] = None,
    config: options.Config = None,
) -> None:
    """Show what a channel would get of an alert, and send nothing.

    Headers and text of a mail, the JSON of a webhook or of Slack, title and text of other services; the channel's own
    templates apply.
    """
    from monitor import send

    settings = session.settings(config)
    chosen = _channel(settings, channel or settings.all_channels[0].name)
    message, identity = _message(settings, chosen, alert)
    if html is None:
        typer.echo(send.preview(chosen, message, identity=identity).rstrip())
        return
    if not message.html:
        msg = f"channel {chosen.name!r} takes no HTML; leave out --html, or name a mail channel"
        raise errors.ConfigError(msg)
    try:
        html.write_text(message.html, encoding="utf-8")
    except OSError as error:
        msg = f"{html}: cannot be written: {error.strerror}"
        raise errors.ConfigError(msg) from error
    output.say(f"{html}: written; open it in a browser")


def _message(
    settings: "configuration.Settings", channel: model.Channel, alert: str | None
) -> tuple[model.Message, str]:
    """Return the message for a stored alert, or for a lifelike one, and the installation that it comes from."""
    from monitor import deliver, render
    from monitor.daemon import inforce

    now = clock.now()
    if alert is None:
        return render.alert(render.sample.alert(now), channel, key=f"alert:0:{channel.name}"), ""
    number = options.number(alert, "A")
    with session.store(settings) as store, session.known("alert", number):
        return deliver.preview(store, number, channel), inforce.identity(store, now)


def _channel(settings: "configuration.Settings", name: str) -> model.Channel:
    channels = {one.name: one for one in settings.all_channels}
    if name not in channels:
        msg = f"no channel is called {name!r}{output.did_you_mean(name, channels)}; known: {', '.join(channels)}"
        raise errors.ConfigError(msg)
    return channels[name]
