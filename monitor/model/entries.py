"""Entries as they are stored, and all that one poll leaves in the store. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.model.feeds import Feed, ParsedEntry, Plan, Polled, Schedule, Validators


class EntryStatus(StrEnum):
    """How far an entry has come. What was found about it stands in its decision."""

    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"  # three attempts raised; told to the operator


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored and matched.

    id: 0 when it is not stored (replay, explain). revision: 1, then one more for each edit.
    first_poll: it came with its feed's first poll. published_at: None when undated.
    """

    id: int
    feed: str
    key: str
    title: str
    first_seen_at: datetime
    summary: str = ""
    body: str = ""
    url: str = ""
    outlet: str = ""
    language: str = ""
    published_at: datetime | None = None
    revision: int = 1
    first_poll: bool = False
    feed_tags: tuple[str, ...] = ()

    @property
    def told_at(self) -> datetime:
        """When its outlet told it: publication if dated, else when we first saw it."""
        return self.published_at or self.first_seen_at


@dataclass(frozen=True, slots=True)
class Edit:
    """Another title or lead under a key that is stored. again: whether it goes through match and dedupe once more."""

    entry_id: int
    parsed: ParsedEntry
    again: bool


@dataclass(frozen=True, slots=True)
class PollRecord:
    """All that one poll of one feed leaves in the store, in one transaction.

    feed: as it was claimed; its lease fences the write.
    validators, fingerprint, moved_to, gap, schedule: None keeps what is stored.
    entries: new to the store, oldest first. error: in words, for FAILED, GONE and OFFLINE.
    quiet: new entries count as processed at once (first = nothing).
    """

    feed: Feed
    polled: Polled
    at: datetime
    plan: Plan
    validators: Validators | None = None
    fingerprint: str | None = None
    moved_to: str | None = None
    gap: timedelta | None = None
    schedule: Schedule | None = None
    entries: tuple[ParsedEntry, ...] = ()
    edits: tuple[Edit, ...] = ()
    error: str | None = None
    quiet: bool = False
