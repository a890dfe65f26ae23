"""The tables. Rows never leave `store/`: its functions take and return the values of `model`.

Uniqueness lives here, because two workers will race: entries (feed_id, key), alerts (entry_id, revision) and
(story_id, sequence), notifications (key), decisions (entry_id, revision).
Every change needs a migration in `migrations/versions/` (`tests/test_migrations.py` compares the two).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class FeedRow(SQLModel, table=True):
    """What was learned of a feed. `spec` is the JSON of what the files last said, `url` where it is polled now."""

    __tablename__ = "feeds"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    spec: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    url: str
    status: str
    etag: str | None = None
    last_modified: str | None = None
    fingerprint: str | None = None
    next_poll_at: datetime = Field(index=True)
    first_polled_at: datetime | None = None
    last_polled_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_new_at: datetime | None = None
    failing_since_at: datetime | None = None
    gap_seconds: float | None = None
    failures: int = 0
    last_error: str | None = None
    why: str = ""
    lease: str | None = None
    leased_until_at: datetime | None = None


class OutageRow(SQLModel, table=True):
    """An interval in which a feed could not be polled; `ended_at` is null while it lasts."""

    __tablename__ = "outages"
    __table_args__ = (
        Index("one_open_outage", "feed_id", unique=True, sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    feed_id: int = Field(foreign_key="feeds.id", index=True)
    began_at: datetime
    ended_at: datetime | None = None
    polls: int = 1
    error: str


class EntryRow(SQLModel, table=True):
    """An entry. Processed without a decision row: it matched no rule of `rules_id`."""

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("feed_id", "key"),
        Index("entries_pending", "id", sqlite_where=text("status = 'pending'"), postgresql_where=text("status = 'pending'")),
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
    published_at: datetime | None = None
    first_seen_at: datetime = Field(index=True)
    first_poll: bool = False
    status: str
    attempts: int = 0
    lease: str | None = None
    leased_until_at: datetime | None = None
    rules_id: int | None = Field(default=None, foreign_key="rule_versions.id")
    last_error: str | None = None


class RuleVersionRow(SQLModel, table=True):
    """A set of rules that was in force: the text of its files by name, so that an old decision can be explained."""

    __tablename__ = "rule_versions"

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    files: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    since_at: datetime


class StoryRow(SQLModel, table=True):
    """A story. `merged_into` points on after a person merged it."""

    __tablename__ = "stories"

    id: int | None = Field(default=None, primary_key=True)
    title: str
    level: str
    opened_at: datetime
    last_at: datetime = Field(index=True)
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
    published_at: datetime
    loaded_at: datetime
    removed_at: datetime | None = None
    story_id: int = Field(foreign_key="stories.id", index=True)


class DecisionRow(SQLModel, table=True):
    """What became of one revision of an entry that matched. The story index is a fold over these rows by id."""

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("entry_id", "revision"),)

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entries.id")
    revision: int
    decided_at: datetime = Field(index=True)
    rules_id: int = Field(foreign_key="rule_versions.id")
    kind: str
    level: str
    story_id: int = Field(foreign_key="stories.id", index=True)
    score: float
    because: str = Field(sa_column=Column(Text, nullable=False))
    news: str = ""
    known: bool = False
    features: dict[str, float] = Field(sa_column=Column(JSON, nullable=False))
    matches: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    channels: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))  # one Decision each
    text: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))  # the entry as it was decided


class CorrectionRow(SQLModel, table=True):
    """A person's word on stories: `merge` a story into another, or `split` an entry off."""

    __tablename__ = "corrections"

    id: int | None = Field(default=None, primary_key=True)
    made_at: datetime
    kind: str
    story_id: int = Field(foreign_key="stories.id")
    into_id: int | None = Field(default=None, foreign_key="stories.id")
    entry_id: int | None = Field(default=None, foreign_key="entries.id")
    author: str = ""


class AlertRow(SQLModel, table=True):
    """An alert: at most one for each revision of an entry, numbered within its story."""

    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("entry_id", "revision"), UniqueConstraint("story_id", "sequence"))

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entries.id")
    revision: int
    decision_id: int = Field(foreign_key="decisions.id")
    story_id: int = Field(foreign_key="stories.id")
    sequence: int
    kind: str
    level: str
    created_at: datetime = Field(index=True)
    acked_at: datetime | None = None
    acked_by: str | None = None


class NotificationRow(SQLModel, table=True):
    """The outbox. `message` is stored at the first claim, before the first attempt."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("notifications_ready", "channel", "ready_at", sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
        Index("notifications_held", "ready_at", sqlite_where=text("state = 'held'"), postgresql_where=text("state = 'held'")),
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
    created_at: datetime
    ready_at: datetime
    attempts: int = 0
    lease: str | None = None
    leased_until_at: datetime | None = None
    message: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    sent_at: datetime | None = None
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
    starts_at: datetime
    ends_at: datetime = Field(index=True)
    author: str = ""
    comment: str = ""


class FactRow(SQLModel, table=True):
    """What the daemon knows of itself by name: heartbeat, who runs it, channel back-off."""

    __tablename__ = "facts"

    name: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    changed_at: datetime
