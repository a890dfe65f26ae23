"""Feeds, what was learned of them, and what a poll brings. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class FirstPoll(StrEnum):
    """What becomes of the matches that a new feed brings with its first poll."""

    DIGEST = "digest"
    ALERT = "alert"
    NOTHING = "nothing"


class RetryAfter(StrEnum):
    """Whom a server's `Retry-After` holds back."""

    FEED = "feed"
    HOST = "host"  # every feed of the host


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """What the operator's files say of a feed; `name` is its identity.

    interval, first, user_agent, proxy, full_text: None means the setting of the whole program. proxy: a URL, `off` for
    none. full_text: read the pages that matched entries link to.
    accept_invalid_certificate: of the host of `url` alone.
    outlet, language: None means that the entries tell, or that it is detected.
    """

    name: str
    url: str
    tags: tuple[str, ...] = ()
    interval: timedelta | None = None
    outlet: str | None = None
    language: str | None = None
    first: FirstPoll | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    user_agent: str | None = None
    proxy: str | None = None
    accept_invalid_certificate: bool = False
    full_text: bool | None = None


class FeedStatus(StrEnum):
    """Whether a feed is polled."""

    ACTIVE = "active"
    GONE = "gone"  # the server answered 410
    DISABLED = "disabled"  # left the operator's files; what was learned is kept


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified exactly as the server sent them, never invented (RFC 9110 8.8)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a document says of when it is to be polled: RSS `ttl`, GMT hours 0 to 23, days where 0 is Monday."""

    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed with what was learned of it.

    url: where it is polled: the configured URL, or where a 301 or 308 moved it.
    fingerprint: SHA-256 of the last body in hex, None before the first.
    first_polled_at: when its first poll was stored; None means that everything in it is new to us.
    gap: mean time between new entries, None until it is known.
    schedule: of the last document that was parsed; a 304 repeats none, so it is kept.
    failures: polls that failed in a row.
    lease: token of the present claim, empty when read without one.
    why: why the next poll is when it is, in words.
    """

    id: int
    spec: FeedSpec
    url: str
    status: FeedStatus = FeedStatus.ACTIVE
    validators: Validators = Validators()
    fingerprint: str | None = None
    next_poll_at: datetime | None = None
    first_polled_at: datetime | None = None
    last_polled_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_new_at: datetime | None = None
    failing_since_at: datetime | None = None
    gap: timedelta | None = None
    schedule: Schedule = Schedule()
    failures: int = 0
    last_error: str | None = None
    why: str = ""
    lease: str = ""

    @property
    def name(self) -> str:
        """The feed's identity in the operator's files."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long the server says that its answer stays fresh: a floor for the next poll, None when it says nothing."""

    max_age: timedelta | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server answered 304. `validators` are the ones to keep."""

    validators: Validators
    freshness: Freshness = Freshness()
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The server answered with a document.

    body: decoded (not compressed). moved_to: set when every redirect on the way was permanent (301, 308).
    url: where the body came from in the end; relative links resolve against it.
    """

    body: bytes
    fingerprint: str
    url: str
    content_type: str | None = None
    validators: Validators = Validators()
    freshness: Freshness = Freshness()
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """One item of a feed document, cleaned: no markup, no control, bidi or lone surrogate characters.

    key: guid, else link, else a hash of title and link; unique within its document.
    published_at: None when undated or absurd.
    """

    key: str
    title: str
    summary: str = ""
    body: str = ""
    url: str = ""
    outlet: str | None = None
    language: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document.

    entries: in document order. dropped: why entries were left out, one line each.
    ttl: RSS `ttl`; skip_hours: GMT hours 0 to 23; skip_days: 0 is Monday.
    """

    title: str
    entries: tuple[ParsedEntry, ...]
    url: str = ""
    language: str | None = None
    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    dropped: tuple[str, ...] = ()


class Polled(StrEnum):
    """What one poll of one feed came to."""

    NEW = "new"  # a document with new or edited entries
    SAME = "same"  # a document without any
    UNCHANGED = "unchanged"  # the same bytes as before: not parsed
    NOT_MODIFIED = "not_modified"  # 304
    FAILED = "failed"
    GONE = "gone"  # 410
    OFFLINE = "offline"  # our own network was down: nobody's fault


@dataclass(frozen=True, slots=True)
class Plan:
    """When a feed is polled next, and why then, in words."""

    next_poll_at: datetime
    why: str
