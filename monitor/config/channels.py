"""The tables of config.toml that say where alerts go: [[channels]] and what stands under it. Pure."""

import re
from datetime import date, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationInfo, field_validator, model_validator

from monitor import model, render
from monitor.config import cron
from monitor.config.table import Duration, Table

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_NAME = 80


class QuietTable(Table):
    """[channels.quiet]."""

    start: Annotated[time, Field(alias="from")]
    """Time of day at which it becomes quiet: `"22:00"`."""
    end: Annotated[time, Field(alias="to")]
    """Time of day at which it ends; the span may cross midnight."""
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    """The days on which it begins: `["mon", "sun"]`; empty means every day."""
    dates: tuple[date, ...] = ()
    """Whole days that are quiet: `[2026-12-25]`."""
    breaks: model.Level = model.Level.HIGH
    """The level from which alerts go out all the same."""

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if self.start == self.end:
            msg = "`from` and `to` are the same time, which would be quiet all day; write two different times"
            raise ValueError(msg)
        return self

    def hours(self) -> model.QuietHours:
        """Return them as the rest of the program knows them."""
        days = frozenset(_DAYS.index(day) for day in self.days)
        return model.QuietHours(self.start, self.end, days, frozenset(self.dates), self.breaks)


class TemplatesTable(Table):
    """[channels.templates]. text_file, html_file: what `text` and `html` were read from."""

    subject: str = ""
    """The subject or title; empty keeps the built-in one, as in the next."""
    text: str = ""
    """The text; for Slack it is mrkdwn."""
    text_file: str | None = None
    """A file that holds `text`."""
    html: str = ""
    """A mail's HTML part."""
    html_file: str | None = None
    """A file that holds `html`."""

    @field_validator("subject", "text", "html")
    @classmethod
    def _can_be_filled(cls, source: str, info: ValidationInfo) -> str:
        complaint = render.complaint(str(info.field_name), source) if source else None
        if complaint:
            raise ValueError(f"this template cannot be filled: {complaint}")
        return source

    def templates(self) -> model.Templates:
        """Return them as the rest of the program knows them."""
        return model.Templates(self.subject, self.text, self.html)


class ChannelTable(Table):
    """[[channels]]."""

    name: Annotated[str, Field(min_length=1, max_length=_MOST_NAME)]
    """Letters, digits, `.`, `_`, `-`: `desk`."""
    url: str
    """An [Apprise](https://appriseit.com/services/) address, which holds secrets (or `url_env`, `url_file`)."""
    min_level: model.Level = model.Level.INFO
    """From this level on."""
    tags: tuple[str, ...] = ()
    """Only what a rule with one of these tags matched; empty takes all, as in the next three."""
    rules: tuple[str, ...] = ()
    """Only what one of these rules matched, by id."""
    feeds: tuple[str, ...] = ()
    """Only what came from one of these feeds, by name or by a tag of theirs."""
    languages: tuple[str, ...] = ()
    """Only these languages, by code."""
    operator: bool = False
    """Whether news about the program itself goes there; to all channels when none says so."""
    timezone: str = "UTC"
    """For times in messages, quiet hours and digests: `"Europe/Berlin"`."""
    quiet: QuietTable | None = None
    """The table below."""
    digest: tuple[time, ...] = ()
    """Times of day at which all is sent as one message: `["07:00", "18:30"]`; empty sends at once."""
    digest_cron: str = ""
    """The same as a cron expression: `"0 7 * * mon-fri"`, or `"hourly"`, `"daily"`, `"weekly"` (both at 08:00)."""
    limit: Annotated[int, Field(ge=1)] | Literal["off"] = 60
    """Messages an hour, above which alerts fold into one digest that lists them all; `"off"` for none. `critical` never
    folds."""
    report: time | None = None
    """Time of day at which a report of the day before is sent: `"08:00"`."""
    repeat: Duration | None = None
    """How often a critical alert is told again until `monitor alerts ack`; at least `1m`: `"30m"`."""
    templates: TemplatesTable | None = None
    """The table after the next."""

    @field_validator("name")
    @classmethod
    def _is_a_word(cls, name: str) -> str:
        if not re.fullmatch(r"[\w.-]+", name):
            msg = "write letters, digits, '.', '_' and '-' only, like \"desk\""
            raise ValueError(msg)
        return name

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            msg = f'{name!r} is not a time zone that is known; write one like "Europe/Berlin"'
            raise ValueError(msg) from error
        return name

    @field_validator("repeat")
    @classmethod
    def _at_least_a_minute(cls, duration: timedelta | None) -> timedelta | None:
        if duration is not None and duration < timedelta(minutes=1):
            msg = "must be at least 1m"
            raise ValueError(msg)
        return duration

    @field_validator("digest_cron")
    @classmethod
    def _is_a_schedule(cls, text: str, info: ValidationInfo) -> str:
        if text and info.data.get("digest"):
            msg = "`digest` is given, too; keep one"
            raise ValueError(msg)
        if text:
            cron.parse(text)
        return text

    def channel(self) -> model.Channel:
        """Return it as the rest of the program knows it."""
        quiet = self.quiet.hours() if self.quiet else None
        limit = None if self.limit == "off" else self.limit
        templates = self.templates.templates() if self.templates else None
        plain = self.model_dump(exclude={"quiet", "timezone", "limit", "templates", "digest", "digest_cron"})
        digest = cron.parse(self.digest_cron) if self.digest_cron else self.digest
        return model.Channel(**plain, digest=digest, zone=self.timezone, quiet=quiet, limit=limit, templates=templates)
