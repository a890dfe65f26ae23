"""`monitor feeds check` and `monitor feeds discover`: a look at what a server answers, storing nothing. Shell."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urljoin

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session
from monitor.cli.config import mask_url

if TYPE_CHECKING:
    from monitor import config as configuration

_FEED_TYPES = {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}
_HEADLINES = 5
_Target = Annotated[str, typer.Argument(metavar="URL|NAME", help="An address, or the name of a feed.")]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one feed holds now, and which of its entries the rules would match."""

    url: str
    feed: model.ParsedFeed
    matched: tuple[tuple[model.ParsedEntry, tuple[str, ...]], ...]


def check(target: _Target, config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Poll one feed, and say what is in it.

    How many entries, how fresh, in which language, what could not be read, and what your rules would match. Nothing is
    stored or sent. Exit 1, with the reason, when it is no feed or cannot be reached.
    """
    settings = session.settings_or_shipped(config)
    now = clock.now()
    look = asyncio.run(_look(spec_of(target, settings), settings, now))
    dated = [entry.published_at for entry in look.feed.entries if entry.published_at]
    row = {
        "url": mask_url(look.url),
        "title": look.feed.title,
        "language": look.feed.language,
        "entries": len(look.feed.entries),
        "undated": len(look.feed.entries) - len(dated),
        "newest_at": max(dated, default=None),
        "dropped": list(look.feed.dropped),
        "matched": [{"title": entry.title, "rules": list(rules)} for entry, rules in look.matched],
    }
    if as_json:
        output.print_json(row)
        return
    output.say(f"{look.feed.title or 'without a title'}: {output.count(len(look.feed.entries), 'entry', 'entries')}")
    newest = output.ago(max(dated), now) + " ago" if dated else "undated"
    output.say(f"  newest: {newest}; language: {look.feed.language or 'not declared'}; {row['undated']} without a date")
    for reason in look.feed.dropped:
        output.say(f"  left out: {reason}")
    output.say(f"  your rules match {len(look.matched)} of them" + (":" if look.matched else ""))
    for entry, rules in look.matched[:_HEADLINES]:
        output.say(f"    {entry.title}  ({', '.join(rules)})")


def discover(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of a web page.")],
    config: options.Config = None,
    *,
    as_json: options.Json = False,
) -> None:
    """Find the feeds that a web page names.

    Of an address that is a feed itself, it names that.
    """
    settings = session.settings_or_shipped(config)
    found = asyncio.run(_discover(spec_of(url, settings), settings, clock.now()))
    columns = (output.Column("url", "URL", style="bold", wraps=True), output.Column("title", "TITLE", wraps=True))
    output.show(found, columns, as_json=as_json, empty=f"{mask_url(url)} names no feed")


def links(page: bytes, url: str) -> list[dict[str, object]]:
    """Return the feeds that a page names with `<link rel="alternate">`, each address once, in their order."""
    from selectolax.lexbor import LexborHTMLParser

    found: dict[str, dict[str, object]] = {}
    for node in LexborHTMLParser(page).css("link[href]"):
        kinds, kind = (node.attributes.get("rel") or "").lower().split(), (node.attributes.get("type") or "").lower()
        if "alternate" in kinds and kind.partition(";")[0].strip() in _FEED_TYPES:
            try:
                address = urljoin(url, (node.attributes.get("href") or "").strip())
            except ValueError:  # an address that is none
                continue
            found.setdefault(address, {"url": address, "title": node.attributes.get("title") or ""})
    return list(found.values())


def spec_of(target: str, settings: "configuration.Settings") -> model.FeedSpec:
    """Return the feed of that name, or one with that address. Raises ConfigError."""
    import pydantic

    from monitor.config import schema

    named = {spec.name: spec for spec in settings.specs}
    if target in named:
        return named[target]
    try:
        schema.FeedTable(name="feed", url=target)
    except pydantic.ValidationError as error:
        hint = (
            output.did_you_mean(target, named) or "; write http://... or https://..., or a name of `monitor feeds list`"
        )
        msg = f"{mask_url(target)} is neither an address that can be polled nor the name of a feed{hint}"
        raise errors.ConfigError(msg) from error
    return model.FeedSpec("feed", target)


async def fetch(feed: model.FeedSpec, settings: "configuration.Settings", now: datetime) -> model.Fetched:
    """Return the answer to one question, under the limits of a poll. Raises FetchError."""
    from monitor import poll

    table = settings.poll
    async with poll.open_client(
        contact=table.contact,
        deadline=table.timeout,
        max_body=table.max_body,
        allow_networks=table.allow_networks,
        proxy=table.proxy,
    ) as client:
        answer = await poll.fetch(client, model.Feed(0, feed, feed.url), now=now)
    assert isinstance(answer, model.Fetched)  # nothing was known that could be unmodified
    return answer


async def _look(spec: model.FeedSpec, settings: "configuration.Settings", now: datetime) -> _Look:
    from monitor import match, rules

    ruleset = rules.load(settings.rules.paths, base=settings.folder)
    fetched = await fetch(spec, settings, now)
    parsed = await _parse(fetched, now)
    matched = []
    for one in parsed.entries:
        entry = model.Entry(
            id=0,
            feed=spec.name,
            key=one.key,
            title=one.title,
            first_seen_at=now,
            summary=one.summary,
            url=one.url,
            outlet=one.outlet or "",
            language=one.language or spec.language or "",
            published_at=one.published_at,
            feed_tags=spec.tags,
        )
        found = match.match(entry, ruleset, now=now)
        if found:
            matched.append((one, tuple(each.rule.id for each in found)))
    return _Look(fetched.url, parsed, tuple(matched))


async def _discover(spec: model.FeedSpec, settings: "configuration.Settings", now: datetime) -> list[dict[str, object]]:
    fetched = await fetch(spec, settings, now)
    found = links(fetched.body, fetched.url)
    if not found:
        with contextlib.suppress(errors.ParseError):
            found.append({"url": fetched.url, "title": (await _parse(fetched, now)).title})
    return found


async def _parse(fetched: model.Fetched, now: datetime) -> model.ParsedFeed:
    from monitor import sandbox

    parser = sandbox.Sandbox(workers=1)
    try:
        return await parser.parse(fetched.body, content_type=fetched.content_type, url=fetched.url, now=now)
    finally:
        await parser.close()
