"""The tables of config.toml with their defaults; unknown keys are errors. Pure.

What these models hold is checked; `Settings` gives it on as values of `model`.
"""

import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from monitor import model, shipped
from monitor.config.channels import ChannelTable, QuietTable, TemplatesTable
from monitor.config.table import Duration, Proxy, Size, Table

_MOST_NAME = 80
_MOST_PORT = 65_535


class StoreTable(Table):
    """[store]."""

    url: str = "sqlite:///monitor.db"
    """Where everything is kept: a file, or `postgresql+psycopg://user@host/name`."""

    @field_validator("url")
    @classmethod
    def _known_kind(cls, url: str) -> str:
        if url.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
            return url.replace("postgresql://", "postgresql+psycopg://", 1)
        msg = "not a database that is known; write sqlite:///monitor.db or postgresql+psycopg://user@host/name"
        raise ValueError(msg)


class PollTable(Table):
    """[poll]."""

    interval: Duration = timedelta(minutes=10)
    """How often a feed is asked, unless the feed says otherwise; at least `1s`. What the server asks for
    (`Retry-After`, `max-age`, `ttl`) comes first."""
    min_interval: Duration | None = None
    """The shortest that a feed's own rhythm makes of `interval`; half of it, unless set."""
    max_interval: Duration | None = None
    """The longest that a feed's own rhythm makes of `interval`; twelve times it, unless set."""
    timeout: Duration = timedelta(seconds=30)
    """How long one feed may take in all, from the connection to the last byte; at least `1s`."""
    max_body: Size = 8 * 1024 * 1024
    """How large a document may be once it is decompressed."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    """How many feeds are asked at the same time."""
    per_host: Annotated[int, Field(ge=1, le=100)] = 2
    """How many of one host."""
    max_entry_age: Duration = timedelta(hours=48)
    """What is older when its feed is first polled is stored and never alerted; so are later edits of it."""
    first: model.FirstPoll = model.FirstPoll.DIGEST
    """What becomes of the matches that a new feed brings with its first poll: `digest` (one message), `alert` (each),
    `nothing`."""
    contact: str = ""
    """Whom publishers may write to; it goes into the User-Agent."""
    allow_networks: tuple[str, ...] = ()
    """Private networks that may be reached all the same, as CIDR: `["127.0.0.1/32"]`."""
    proxy: Proxy = "off"
    """Through which proxy feeds are asked: `"http://user:password@proxy.example:3128"` (or `proxy_env`, `proxy_file`);
    `http`, `https`, `socks5`, `socks5h`, `socks4` or `socks4a` ([Polling](polling.md) says what each looks up)."""
    retry_after: model.RetryAfter = model.RetryAfter.FEED
    """Whom a server's `Retry-After` holds back: the `feed`, or all feeds of its `host`."""
    full_text: bool = False
    """Read the page that a matched entry links to, once, and keep its text ([how](polling.md#full-text)); needs the
    extra `full-text`."""

    @field_validator("allow_networks")
    @classmethod
    def _are_networks(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            try:
                ip_network(text)
            except ValueError as error:
                msg = f'{text!r} is not a network; write it as CIDR, like "127.0.0.1/32" ({error})'
                raise ValueError(msg) from error
        return texts

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, text: str) -> str:
        if not text.isprintable() or not text.isascii():
            msg = "goes into the User-Agent header: printable ASCII only"
            raise ValueError(msg)
        return text

    @field_validator("interval", "timeout", "min_interval", "max_interval")
    @classmethod
    def _at_least_a_second(cls, duration: timedelta | None) -> timedelta | None:
        if duration is not None and duration < timedelta(seconds=1):
            msg = "must be at least 1s"
            raise ValueError(msg)
        return duration

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        least, most = self.min_interval or self.interval, self.max_interval or self.interval
        if not least <= self.interval <= most:
            msg = "min_interval must not be longer than interval, nor max_interval shorter"
            raise ValueError(msg)
        return self


class FeedTable(Table):
    """[[feeds]]."""

    name: Annotated[str, Field(min_length=1, max_length=_MOST_NAME)]
    """What it is called, and its identity: entries and history belong to the name."""
    url: str
    """An `http://` or `https://` address (or `url_env`, `url_file`). Another address resets what was learned of the
    feed, and keeps its entries."""
    tags: tuple[str, ...] = ()
    """For rules (`feeds: {tags: [wire]}`) and listings."""
    interval: Duration | None = None
    """In the place of `[poll] interval`."""
    outlet: str | None = None
    """Whose news it is, where its entries do not tell."""
    language: str | None = None
    """Language code such as `"en"`; without it, it is declared by the feed or detected."""
    first: model.FirstPoll | None = None
    """In the place of `[poll] first`."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers that are sent with each request, such as an authorization."""
    user_agent: str | None = None
    """In the place of the program's own."""
    proxy: Proxy | None = None
    """In the place of `[poll] proxy`; `"off"` for none."""
    accept_invalid_certificate: bool = False
    """Take what comes although the certificate of the feed's host is expired, self-made or another's. Whoever is on the
    way can then change it; each start warns."""
    full_text: bool | None = None
    """In the place of `[poll] full_text`."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        msg = "not an address that can be polled; write http://... or https://..."
        try:
            parts = urlsplit(url)
            well = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError as error:  # a port or an IPv6 address that is none
            raise ValueError(msg) from error
        if not well or not url.isprintable() or " " in url:
            raise ValueError(msg)
        return url

    @field_validator("name")
    @classmethod
    def _is_printable(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            msg = "write a name of printable characters, without spaces around it"
            raise ValueError(msg)
        return name

    def spec(self) -> model.FeedSpec:
        """Return the feed as the rest of the program knows it."""
        return model.FeedSpec(**dict(self))


class RulesTable(Table):
    """[rules]."""

    paths: Annotated[tuple[str, ...], Field(min_length=1)] = ("builtin", "rules")
    """Folders and files of rules, later ones over earlier ones; `"builtin"` are the shipped ones."""


class StoriesTable(Table):
    """[stories]. sensitivity: 0 joins readily, 1 alerts readily."""

    seeds: tuple[str, ...] = ("seeds",)
    """Folders of known stories, which are never alerted; `"builtin"` are the shipped ones."""
    window: Duration = timedelta(days=7)
    """How long after its last entry a story takes up what is told of it; at least `1h`."""
    update_every: Duration = timedelta(hours=1)
    """How often at most the updates of one story are sent; the first goes at once, a higher level breaks through."""
    sensitivity: Annotated[float, Field(ge=0, le=1)] = 0.5
    """0 holds back readily, 1 alerts readily."""
    encoder: Annotated[str, Field(min_length=1)] = "builtin"
    """What tells the meaning of a text: the shipped encoder (English), `"off"` for words alone, or a folder with a
    model, for other languages ([how](encoder.md#another-encoder))."""

    @field_validator("window")
    @classmethod
    def _at_least_an_hour(cls, duration: timedelta) -> timedelta:
        if duration < timedelta(hours=1):
            msg = "must be at least 1h"
            raise ValueError(msg)
        return duration


class KeepTable(Table):
    """[keep]."""

    entries: Duration = timedelta(days=400)
    """How long entries, decisions and outages are kept; afterwards only their keys. At least `1d`."""

    @field_validator("entries")
    @classmethod
    def _at_least_a_day(cls, duration: timedelta) -> timedelta:
        if duration < timedelta(days=1):
            msg = "must be at least 1d"
            raise ValueError(msg)
        return duration


class HeartbeatTable(Table):
    """[heartbeat]. url: asked while all is well; empty for none."""

    url: str = ""
    """Asked with a GET (or `url_env`, `url_file`); empty for none."""
    every: Duration = timedelta(minutes=1)
    """How often; at least `1s`."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if url and (not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url):
            msg = "not an address that can be asked; write https://..."
            raise ValueError(msg)
        return url

    @field_validator("every")
    @classmethod
    def _at_least_a_second(cls, duration: timedelta) -> timedelta:
        if duration < timedelta(seconds=1):
            msg = "must be at least 1s"
            raise ValueError(msg)
        return duration


class WebTable(Table):
    """[web]. listen: host:port, or "off"."""

    listen: str = "127.0.0.1:8765"
    """Where the status page, `/healthz` and `/metrics` are served, or `"off"`."""

    @field_validator("listen")
    @classmethod
    def _is_a_place(cls, text: str) -> str:
        found = re.fullmatch(r"(?:\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})", text)
        if text != "off" and (found is None or int(found[1]) > _MOST_PORT):
            msg = 'write "host:port", like "127.0.0.1:8765", or "off"'
            raise ValueError(msg)
        return text


class LogTable(Table):
    """[log]."""

    format: Literal["text", "json"] = "text"
    """`text` or `json`."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug`, `info`, `warning` or `error`."""


class Settings(Table):
    """All of config.toml.

    folder: where its relative paths start. places: where `[store]` and the address of each channel stand, by name,
    like `config.toml:12`.
    """

    store: StoreTable = StoreTable()
    poll: PollTable = PollTable()
    feeds: tuple[FeedTable, ...] = ()
    rules: RulesTable = RulesTable()
    stories: StoriesTable = StoriesTable()
    keep: KeepTable = KeepTable()
    channels: tuple[ChannelTable, ...] = ()
    heartbeat: HeartbeatTable = HeartbeatTable()
    web: WebTable = WebTable()
    log: LogTable = LogTable()
    folder: Annotated[Path, Field(exclude=True)] = Path()
    places: Annotated[dict[str, str], Field(exclude=True)] = Field(default_factory=dict)

    @property
    def specs(self) -> tuple[model.FeedSpec, ...]:
        """Every feed of config.toml and feeds.toml, in the order of the files."""
        return tuple(feed.spec() for feed in self.feeds)

    @property
    def reads_pages(self) -> bool:
        """Whether the pages of any feed's entries are to be read."""
        return any(self.poll.full_text if feed.full_text is None else feed.full_text for feed in self.feeds)

    @property
    def all_channels(self) -> tuple[model.Channel, ...]:
        """Every channel; without any, alerts are printed on standard output."""
        if not self.channels:
            return (model.Channel(name="stdout", url="stdout://", limit=None),)
        return tuple(channel.channel() for channel in self.channels)

    @property
    def store_url(self) -> str:
        """The database, a relative SQLite path made absolute from the config's folder."""
        kind, mark, path = self.store.url.partition("sqlite:///")
        return f"{kind}{mark}{self.folder.resolve() / path}" if mark else self.store.url

    @property
    def template_paths(self) -> tuple[Path, ...]:
        """The files that channels' templates were read from."""
        own = [channel.templates for channel in self.channels if channel.templates]
        names = [name for templates in own for name in (templates.text_file, templates.html_file) if name]
        return tuple(self.folder / name for name in names)

    @property
    def seed_paths(self) -> tuple[Path, ...]:
        """The folders of known stories."""
        return tuple(shipped.SEEDS if path == "builtin" else self.folder / path for path in self.stories.seeds)


NOT_IN_FILES = frozenset({"folder", "places"})
TABLES: dict[str, type[Table]] = {
    "store": StoreTable,
    "poll": PollTable,
    "feeds": FeedTable,
    "rules": RulesTable,
    "stories": StoriesTable,
    "keep": KeepTable,
    "channels": ChannelTable,
    "quiet": QuietTable,
    "templates": TemplatesTable,
    "heartbeat": HeartbeatTable,
    "web": WebTable,
    "log": LogTable,
}
