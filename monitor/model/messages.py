"""The outbox: notifications and the messages that they become. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor.model.levels import Level


class NotificationKind(StrEnum):
    """What a notification brings."""

    ALERT = "alert"
    DIGEST = "digest"
    OPERATOR = "operator"
    REPORT = "report"
    TEST = "test"


class NotificationState(StrEnum):
    """Where a notification stands; `pending -> sent | dead` is the common way."""

    HELD = "held"
    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    FOLDED = "folded"  # went out inside a digest
    SILENCED = "silenced"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: rendered once, stored before the first attempt, the same at every repeat.

    key: the notification's; Message-ID, Idempotency-Key and X-Alert-Id are made of it.
    thread: the key of the story's first message on this channel; empty when this is the first.
    html: empty when the channel takes text only. data: what a JSON webhook gets beside the text.
    places: where the service put the thread's first message, by what the service calls its channels; put in when it is
    sent, empty when nobody knows.
    """

    key: str
    subject: str
    text: str
    html: str = ""
    thread: str = ""
    level: Level = Level.INFO
    data: Mapping[str, object] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """One row of the outbox: one alert, digest or operator's word for one channel.

    key: unique: `alert:7:desk`, `digest:desk:first:12`, `operator:rules-broken:desk:3`. attempts: counted at each
    claim.
    ready_at: not sent before. lease: token of the present claim. message: None before the first claim.
    """

    id: int
    key: str
    kind: NotificationKind
    channel: str
    state: NotificationState
    created_at: datetime
    ready_at: datetime
    level: Level = Level.INFO
    story_id: int | None = None
    batch: str = ""
    attempts: int = 0
    lease: str = ""
    sent_at: datetime | None = None
    last_error: str | None = None
    message: Message | None = None
    alert_ids: tuple[int, ...] = ()
