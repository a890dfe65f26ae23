"""The tables. Rows never leave `store/`: its functions take and return the values of `model`.

Uniqueness lives here, because two workers will race: entries (feed_id, key), alerts (entry_id, revision) and
(story_id, sequence), notifications (key), decisions (entry_id, revision).
Every change needs a migration in `migrations/versions/` (`tests/test_migrations.py` compares the two).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, Table, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from monitor.store import columns

Instant = columns.Instant

_NUMBERED_ONCE = {"sqlite_autoincrement": True}  # people and keys name the number: it is never given again


class FeedRow(SQLModel, table=True):
    """What was learned of a feed. `spec` is the JSON of what the files last said, `url` where it is polled now."""

    __tablename__ = "feeds"
    __table_args__ = (
        Index(  # few: those that a worker is polling
            "feeds_held",
            "host",
            sqlite_where=text("lease IS NOT NULL"),
            postgresql_where=text("lease IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    spec: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    url: str
    status: str
    etag: str | None = None
    last_modified: str | None = None
    fingerprint: str | None = None
    next_poll_at: datetime = Field(sa_type=Instant, index=True)
    first_polled_at: datetime | None = Field(default=None, sa_type=Instant)
    last_polled_at: datetime | None = Field(default=None, sa_type=Instant)
    last_ok_at: datetime | None = Field(default=None, sa_type=Instant)
    last_new_at: datetime | None = Field(default=None, sa_type=Instant)
    failing_since_at: datetime | None = Field(default=None, sa_type=Instant)
    gap_seconds: float | None = None
    schedule: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    failures: int = 0
    last_error: str | None = None
    why: str = ""
    lease: str | None = None
    leased_until_at: datetime | None = Field(default=None, sa_type=Instant)
    host: str | None = None  # of `url`: workers share what a host is asked


class OutageRow(SQLModel, table=True):
    """An interval in which a feed could not be polled; `ended_at` is null while it lasts."""

    __tablename__ = "outages"
    __table_args__ = (
        Index(
            "one_open_outage",
            "feed_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    feed_id: int = Field(foreign_key="feeds.id", index=True)
    began_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    polls: int = 1
    error: str


_PENDING = text("status = 'pending'")
_TRIED = text("status = 'pending' AND attempts > 0")  # few: those that a worker has or had


class EntryRow(SQLModel, table=True):
    """An entry. Processed without a decision row: it matched no rule of `rules_id`."""

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("feed_id", "key"),
        Index("entries_pending", "id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("entries_tried", "id", sqlite_where=_TRIED, postgresql_where=_TRIED),
    )

    id: int | None = Field(default=None, primary_key=True)
    feed_id: int = Field(foreign_key="feeds.id")
    key: str
    fingerprint: str  # of title and lead: another one under the same key is an edit
    revision: int = 1
    title: str
    summary: str = Field(default="", sa_column=Column(Text, nullable=False))
    body: str = Field(default="", sa_column=Column(Text, nullable=False))
    url: str = ""
    outlet: str = ""
    language: str = ""
    published_at: datetime | None = Field(default=None, sa_type=Instant)
    first_seen_at: datetime = Field(sa_type=Instant, index=True)
    first_poll: bool = False
    status: str
    attempts: int = 0
    lease: str | None = None
    leased_until_at: datetime | None = Field(default=None, sa_type=Instant)
    rules_id: int | None = Field(default=None, foreign_key="rule_versions.id")
    last_error: str | None = None


class TextRow(SQLModel, table=True):
    """The text of the page that a matched entry links to; the row comes when the page is asked for, once."""

    __tablename__ = "texts"

    entry_id: int = Field(foreign_key="entries.id", primary_key=True)
    asked_at: datetime = Field(sa_type=Instant)
    text: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    error: str | None = None  # why there is no text


class RuleVersionRow(SQLModel, table=True):
    """A set of rules that was in force: the text of its files by name, so that an old decision can be explained."""

    __tablename__ = "rule_versions"

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    files: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    since_at: datetime = Field(sa_type=Instant)


class StoryRow(SQLModel, table=True):
    """A story. `merged_into` points on after a person merged it."""

    __tablename__ = "stories"
    __table_args__ = _NUMBERED_ONCE

    id: int | None = Field(default=None, primary_key=True)
    title: str
    level: str
    opened_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant, index=True)
    entries: int = 0
    outlets: list[str] = Field(sa_column=Column(JSON, nullable=False))
    raised: bool = False  # rose a level because many outlets told it: once
    merged_into: int | None = Field(default=None, foreign_key="stories.id")


class SeedRow(SQLModel, table=True):
    """A known story's text; `removed_at` is set when its file is gone."""

    __tablename__ = "seeds"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    fingerprint: str
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    url: str = ""
    source: str = ""
    tags: list[str] = Field(sa_column=Column(JSON, nullable=False))
    published_at: datetime = Field(sa_type=Instant)
    loaded_at: datetime = Field(sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)
    story_id: int = Field(foreign_key="stories.id", index=True)


class DecisionRow(SQLModel, table=True):
    """What became of one revision of an entry that matched. The story index is a fold over these rows by id."""

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("entry_id", "revision"), _NUMBERED_ONCE)

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entries.id")
    revision: int
    decided_at: datetime = Field(sa_type=Instant, index=True)
    rules_id: int = Field(foreign_key="rule_versions.id")
    kind: str
    level: str
    story_id: int = Field(foreign_key="stories.id", index=True)
    score: float
    because: str = Field(sa_column=Column(Text, nullable=False))
    news: str = ""
    known: bool = False
    nearest_id: int | None = None  # the story that came nearest, joined or not
    features: dict[str, float] = Field(sa_column=Column(JSON, nullable=False))
    matches: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    channels: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))  # one Decision each
    text: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # the entry as it was decided


class SenseRow(SQLModel, table=True):
    """What a decided entry means, as its encoder told it: `dedupe.packed`."""

    __tablename__ = "senses"

    decision_id: int = Field(foreign_key="decisions.id", primary_key=True)
    encoder: str  # fingerprint: vectors of two encoders cannot be compared
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CorrectionRow(SQLModel, table=True):
    """A person's word on stories: `merge` a story into another, or `split` an entry off."""

    __tablename__ = "corrections"

    id: int | None = Field(default=None, primary_key=True)
    made_at: datetime = Field(sa_type=Instant)
    kind: str
    story_id: int = Field(foreign_key="stories.id")
    into_id: int | None = Field(default=None, foreign_key="stories.id")
    entry_id: int | None = Field(default=None, foreign_key="entries.id")
    author: str = ""


class AlertRow(SQLModel, table=True):
    """An alert: at most one for each revision of an entry, numbered within its story."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("entry_id", "revision"),
        UniqueConstraint("story_id", "sequence"),
        _NUMBERED_ONCE,
    )

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entries.id")
    revision: int
    decision_id: int = Field(foreign_key="decisions.id")
    story_id: int = Field(foreign_key="stories.id")
    sequence: int
    kind: str
    level: str
    created_at: datetime = Field(sa_type=Instant, index=True)
    acked_at: datetime | None = Field(default=None, sa_type=Instant)
    acked_by: str | None = None


class NotificationRow(SQLModel, table=True):
    """The outbox. `message` is stored at the first claim, before the first attempt."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(  # so that the oldest of a channel is found without sorting the others
            "notifications_pending",
            "channel",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "notifications_sent",
            "channel",
            "sent_at",
            sqlite_where=text("state = 'sent'"),
            postgresql_where=text("state = 'sent'"),
        ),
        Index(
            "notifications_held",
            "ready_at",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index("notifications_counted", "channel", "state"),  # so that counting reads no messages
        _NUMBERED_ONCE,
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str
    kind: str
    channel: str
    state: str
    level: str
    story_id: int | None = Field(default=None, foreign_key="stories.id", index=True)
    batch: str = ""
    reason: str = ""
    created_at: datetime = Field(sa_type=Instant)
    ready_at: datetime = Field(sa_type=Instant)
    attempts: int = 0
    lease: str | None = None
    leased_until_at: datetime | None = Field(default=None, sa_type=Instant)
    message: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    folded_into: int | None = Field(default=None, foreign_key="notifications.id")
    last_error: str | None = None


class NotificationAlertRow(SQLModel, table=True):
    """Which alerts a notification brings, in order."""

    __tablename__ = "notification_alerts"

    notification_id: int = Field(foreign_key="notifications.id", primary_key=True)
    alert_id: int = Field(foreign_key="alerts.id", primary_key=True, index=True)


class SilenceRow(SQLModel, table=True):
    """A silence; kept after its end."""

    __tablename__ = "silences"

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    value: str
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant, index=True)
    author: str = ""
    comment: str = ""


class FactRow(SQLModel, table=True):
    """What the daemon knows of itself by name: heartbeat, who runs it, channel back-off."""

    __tablename__ = "facts"

    name: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    changed_at: datetime = Field(sa_type=Instant)


class HostRow(SQLModel, table=True):
    """A host that asked to be left alone until then."""

    __tablename__ = "hosts"

    name: str = Field(primary_key=True)
    rests_until_at: datetime = Field(sa_type=Instant)


class WorkerRow(SQLModel, table=True):
    """A process that works on this database. `gone_at` is set when its leases were given to the others."""

    __tablename__ = "workers"

    id: str = Field(primary_key=True)  # what its leases begin with
    host: str
    pid: int
    version: str
    revision: str  # of the tables that it works with
    files: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))  # fingerprints of what it read
    clock_ahead: float  # seconds that its machine's clock is ahead of the database's
    started_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    gone_at: datetime | None = Field(default=None, sa_type=Instant)


# The same as plain tables: what the functions of this package build their statements from.
feeds: Table = SQLModel.metadata.tables["feeds"]
outages: Table = SQLModel.metadata.tables["outages"]
entries: Table = SQLModel.metadata.tables["entries"]
texts: Table = SQLModel.metadata.tables["texts"]
rule_versions: Table = SQLModel.metadata.tables["rule_versions"]
stories: Table = SQLModel.metadata.tables["stories"]
seeds: Table = SQLModel.metadata.tables["seeds"]
decisions: Table = SQLModel.metadata.tables["decisions"]
senses: Table = SQLModel.metadata.tables["senses"]
corrections: Table = SQLModel.metadata.tables["corrections"]
alerts: Table = SQLModel.metadata.tables["alerts"]
notifications: Table = SQLModel.metadata.tables["notifications"]
notification_alerts: Table = SQLModel.metadata.tables["notification_alerts"]
silences: Table = SQLModel.metadata.tables["silences"]
facts: Table = SQLModel.metadata.tables["facts"]
hosts: Table = SQLModel.metadata.tables["hosts"]
workers: Table = SQLModel.metadata.tables["workers"]
