"""`monitor notify`: does a channel work? Shell."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session

app = typer.Typer(no_args_is_help=True, help="Try a channel.")


@app.callback()
def _notify() -> None:
    pass


@app.command("test", epilog=options.examples("monitor notify test desk"))
def try_channel(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name in the configuration.")],
    config: options.Config = None,
) -> None:
    """Send a lifelike alert to one channel.

    It goes past selector and quiet hours, marked as a test. Exit 1, with the reason, when it was not taken.
    """
    from monitor import render, send

    settings = session.settings(config)
    channels = {one.name: one for one in settings.all_channels}
    if channel not in channels:
        msg = f"no channel is called {channel!r}{output.did_you_mean(channel, channels)}; known: {', '.join(channels)}"
        raise errors.ConfigError(msg)
    now = clock.now()
    chosen = channels[channel]
    message = render.alert(_alert(now), chosen, key=f"test:{channel}:{now:%Y%m%d%H%M%S}", thread="")
    sender = send.AppriseSender()
    try:
        sender.send(chosen, message)
    except errors.DeliveryError as error:
        msg = f"channel {channel!r} did not take it: {error}"
        raise errors.DeliveryError(msg) from error
    output.say(f"channel {channel!r} took the test alert: {message.subject}")


def _alert(now: datetime) -> model.Alert:
    """Return an alert as it might come, plainly marked as a test."""
    title = "TEST: US warns Pyongyang and Moscow of new sanctions"
    summary = "This is a test of monitor's channel. Washington will not hesitate to impose sanctions, an official said."
    rule = model.Rule("sanctions-threat", "Sanctions threat", model.Level.HIGH, tags=("sanctions",))

    def word(field: model.Field, text: str, term: str) -> model.Evidence:
        start = (title if field is model.Field.TITLE else summary).index(text)
        return model.Evidence(field, start, start + len(text), text, term)

    evidence = (
        word(model.Field.TITLE, "warns", "warn*"),
        word(model.Field.TITLE, "sanctions", "sanction*"),
        word(model.Field.SUMMARY, "will not hesitate", "will not hesitate"),
    )
    entry = model.Entry(
        id=0,
        feed="monitor notify test",
        key="test",
        title=title,
        first_seen_at=now,
        summary=summary,
        url="https://example.org/test",
        outlet="Example Wire",
        language="en",
        published_at=now - timedelta(minutes=4),
    )
    story = model.Story(0, title, model.Level.HIGH, now, now, outlets=("Example Wire",))
    because = "a test: nothing like it was told"
    assignment = model.Assignment(model.Kind.NEW, 0, 0.0, because)
    return model.Alert(
        0,
        model.Kind.NEW,
        model.Level.HIGH,
        1,
        now.astimezone(UTC),
        entry,
        (model.Match(rule, evidence),),
        assignment,
        story,
    )
