"""`monitor feeds`: which feeds there are, how they are, and feeds.toml. Shell."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import feeds_try, options, output, session
from monitor.cli.config import mask_url

if TYPE_CHECKING:
    from monitor import config as configuration

app = typer.Typer(no_args_is_help=True, help="Which feeds are polled, and how they are.")

_MOST_NAME = 70  # leaves room for a number
_MOST_LEFT_OUT = 20
_FIRST = {
    "digest": "what its first poll brings and a rule matches comes as one digest",
    "alert": "what its first poll brings and a rule matches is alerted",
    "nothing": "what its first poll brings is stored, and alerts nobody",
}
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The feed's name.")]


@app.command(
    "list",
    epilog=options.examples("monitor feeds list", "monitor feeds list --json | jq -r 'select(.failures > 0).name'"),
)
def list_(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """List every feed with its health.

    That is: the last poll that went well, the last new entry, how often it publishes (RHYTHM), and when it is polled
    next, and why then.
    """
    settings = session.settings(config)
    known = _learned(settings)
    now = clock.now()
    rows = [_row(spec, known.pop(spec.name, None)) for spec in settings.specs]
    rows += [_row(feed.spec, feed) for feed in known.values()]
    columns = (
        output.Column("name", "NAME", style="bold"),
        output.Column("status", "STATUS"),
        output.Column("last_ok_at", "LAST OK", lambda at: output.ago(at, now)),
        output.Column("last_new_at", "LAST NEW", lambda at: output.ago(at, now)),
        output.Column("gap_seconds", "RHYTHM", lambda gap: "-" if gap is None else output.span(timedelta(seconds=gap))),
        output.Column("next_poll_at", "NEXT", lambda at: "-" if at is None else output.span(at - now)),
        output.Column("tags", "TAGS"),
        output.Column("remark", "REMARK", wraps=True),
    )
    output.show(rows, columns, as_json=as_json, empty="no feeds yet; add one: monitor feeds add URL")


@app.command(
    "add",
    epilog=options.examples(
        "monitor feeds add https://feeds.bbci.co.uk/news/world/rss.xml",
        'monitor feeds add https://example.org/feed --name "Example" --tag wire --interval 5m',
    ),
)
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of an RSS, Atom or JSON feed.")],
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to call it; else its host.", show_default=False)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="A tag; may be given more than once.")] = None,
    interval: Annotated[str | None, typer.Option(metavar="TIME", help='How often to poll it, like "5m".')] = None,
    outlet: Annotated[str | None, typer.Option(metavar="TEXT", help="Whose news it is; else the entries tell.")] = None,
    language: Annotated[
        str | None, typer.Option(metavar="TEXT", help='Language code like "en"; else declared or detected.')
    ] = None,
    config: options.Config = None,
) -> None:
    """Add a feed to feeds.toml.

    That file stands beside the configuration. A running daemon takes the feed up by itself.
    """
    from urllib.parse import urlsplit

    from monitor import config as configuration
    from monitor.config import units

    settings = session.settings(config)
    try:
        length = units.parse_duration(interval) if interval else None
        host = urlsplit(url).hostname or ""
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    taken = {spec.name for spec in settings.specs}
    if name is not None and name in taken:
        msg = f"{name!r} is taken; give another --name"
        raise typer.BadParameter(msg)
    spec = model.FeedSpec(
        name or _free(host.removeprefix("www."), taken), url, tuple(tag or ()), length, outlet, language
    )
    added = _append(settings, [spec])
    if not added:
        same = (one.name for one in settings.specs if configuration.spelling(one.url) == configuration.spelling(url))
        msg = f"this address is there already: feed {next(same)!r}"
        raise errors.ConfigError(msg)
    output.say(f"added {added[0].name!r} to {_feeds_file(settings)}; {_FIRST[settings.poll.first]} ([poll] first)")


@app.command("remove", epilog=options.examples('monitor feeds remove "BBC World"'))
def remove(name: _Name, config: options.Config = None) -> None:
    """Take a feed out of feeds.toml.

    Its entries and history stay in the store.
    """
    from monitor import config as configuration

    file = configuration.find_file(config)  # not its settings: what is wrong may be the feed that is to go
    if file and configuration.remove_feed(file.with_name(configuration.FEEDS_FILE), name):
        output.say(f"removed {name!r}; its entries stay in the store")
        return
    settings = session.settings(config)
    names = [spec.name for spec in settings.specs]
    if name in names:
        msg = f"{name!r} stands in config.toml, which only you write: take its [[feeds]] table out there"
    else:
        msg = f"no feed is called {name!r}{output.did_you_mean(name, names)}; see `monitor feeds list`"
    raise errors.ConfigError(msg)


@app.command(
    "import", epilog=options.examples("monitor feeds import subscriptions.opml", "monitor feeds import - < feeds.opml")
)
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE.opml", help="An OPML file; - reads standard input.")],
    config: options.Config = None,
) -> None:
    """Add the feeds of an OPML file to feeds.toml.

    Folders become tags, and clashing names are numbered. A line that is no feed is left out, and told.
    """
    from monitor import opml

    settings = session.settings(config)
    found = opml.read_all(read_bytes(file))
    wrong = {spec.url: said for spec in found.specs if (said := _complaint(spec))}
    specs = [spec for spec in found.specs if spec.url not in wrong]
    added = _append(settings, specs)
    here = output.count(len(specs) - len(added), "was", "were")
    output.say(f"added {output.count(len(added), 'feed')} to {_feeds_file(settings)}; {here} there already")
    left_out = [*found.skipped, *wrong.values()]
    for line in left_out[:_MOST_LEFT_OUT]:
        output.say(f"left out: {line}")
    if len(left_out) > _MOST_LEFT_OUT:
        output.say(f"left out: {len(left_out) - _MOST_LEFT_OUT} more")


@app.command("export", epilog=options.examples("monitor feeds export > feeds.opml"))
def export(config: options.Config = None) -> None:
    """Print every feed as OPML, for another feed reader."""
    from monitor import opml

    sys.stdout.write(opml.write(session.settings(config).specs))


app.command(
    "check", epilog=options.examples("monitor feeds check https://example.org/feed", "monitor feeds check Kyodo")
)(feeds_try.check)
app.command("discover", epilog=options.examples("monitor feeds discover https://example.org/news"))(feeds_try.discover)


def read_bytes(file: str) -> bytes:
    """Return what is in `file`; "-" is standard input. Raises ConfigError."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror}"
        raise errors.ConfigError(msg) from error


def _append(
    settings: "configuration.Settings", specs: "list[model.FeedSpec] | tuple[model.FeedSpec, ...]"
) -> list[model.FeedSpec]:
    """Write what is not there yet to feeds.toml, names numbered where they clash; return what was added.

    Raises ConfigError for an address that cannot be polled.
    """
    from dataclasses import replace

    from monitor import config as configuration

    there = {configuration.spelling(spec.url): spec.name for spec in settings.specs}
    names = {spec.name for spec in settings.specs}
    added = []
    for spec in specs:
        if said := _complaint(spec):
            raise errors.ConfigError(said)
        if configuration.spelling(spec.url) not in there:
            added.append(replace(spec, name=_free(_tidy(spec.name), names)))
            there[configuration.spelling(spec.url)] = added[-1].name
            names.add(added[-1].name)
    if added:
        configuration.add_feeds(settings.folder, added)
    return added


def _complaint(spec: model.FeedSpec) -> str:
    """Return why a feed cannot be written to feeds.toml, an empty text when it can."""
    import pydantic

    from monitor.config import schema

    try:
        schema.FeedTable(name=_tidy(spec.name), url=spec.url)
    except pydantic.ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        return f"{mask_url(spec.url)}: {said}"
    return ""


def _tidy(name: str) -> str:
    return output.clean(name)[:_MOST_NAME].strip() or "feed"


def _free(name: str, taken: set[str]) -> str:
    """Return `name`, numbered when it is taken: "BBC", "BBC 2"."""
    tries = (name, *(f"{name} {number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in tries if candidate not in taken)


def _feeds_file(settings: "configuration.Settings") -> Path:
    from monitor import config as configuration

    return settings.folder / configuration.FEEDS_FILE


def _learned(settings: "configuration.Settings") -> dict[str, model.Feed]:
    """Return what the store knows of the feeds, by name; nothing before the first run."""
    from monitor.store import feeds

    with session.look(settings) as tx:
        return {feed.name: feed for feed in feeds.list_feeds(tx)}


def _row(spec: model.FeedSpec, feed: model.Feed | None) -> dict[str, object]:
    row: dict[str, object] = {
        "name": spec.name,
        "url": mask_url(feed.url if feed else spec.url),
        "status": health(feed),
        "tags": list(spec.tags),
        "last_polled_at": feed and feed.last_polled_at,
        "last_ok_at": feed and feed.last_ok_at,
        "last_new_at": feed and feed.last_new_at,
        "gap_seconds": feed.gap.total_seconds() if feed and feed.gap else None,
        "next_poll_at": feed and feed.next_poll_at,
        "failures": feed.failures if feed else 0,
        "last_error": feed and feed.last_error,
        "why": feed.why if feed else "",
    }
    remark = (feed.last_error if feed and feed.failures else None) or (feed.why if feed else "") or ""
    row["certificate_checked"] = not spec.accept_invalid_certificate
    row["remark"] = f"CERTIFICATE NOT CHECKED; {remark}" if spec.accept_invalid_certificate else remark
    return row


def health(feed: model.Feed | None) -> str:
    """Return a feed's state in one word: new, well, failing, gone, disabled."""
    if feed is None or (feed.last_polled_at is None and feed.status is model.FeedStatus.ACTIVE):
        return "new"
    if feed.status is not model.FeedStatus.ACTIVE:
        return feed.status.value
    return "failing" if feed.failures else "well"
