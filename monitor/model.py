"""Every noun of the program, as a frozen value. Pure: knows nothing but `errors` and the standard library.

Instants end in `_at` and are aware UTC. Sequences are tuples. In the order of the pipeline:
feed -> entry -> match -> assignment -> decision -> alert -> notification.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

# --- shared -----------------------------------------------------------------------------------------------------


class Level(StrEnum):
    """How much a match matters; `rank` orders it."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return list(Level).index(self)

    def raised(self) -> "Level":
        """Return the next higher level; critical stays critical."""
        levels = list(Level)
        return levels[min(self.rank + 1, len(levels) - 1)]


# --- feeds ------------------------------------------------------------------------------------------------------


class FirstPoll(StrEnum):
    """What becomes of the matches that a new feed brings with its first poll."""

    DIGEST = "digest"
    ALERT = "alert"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """What the operator's files say of a feed; `name` is its identity.

    interval, first, user_agent: None means the setting of the whole program.
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
class Feed:
    """A feed with what was learned of it.

    url: where it is polled: the configured URL, or where a 301 or 308 moved it.
    fingerprint: SHA-256 of the last body in hex, None before the first.
    first_polled_at: when its first poll was stored; None means that everything in it is new to us.
    gap: mean time between new entries, None until it is known.
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


# --- entries ----------------------------------------------------------------------------------------------------


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

    feed: as it was claimed; its lease fences the write. validators, fingerprint, moved_to, gap: None keeps what is
    stored.
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
    entries: tuple[ParsedEntry, ...] = ()
    edits: tuple[Edit, ...] = ()
    error: str | None = None
    quiet: bool = False


# --- match ------------------------------------------------------------------------------------------------------


class Field(StrEnum):
    """The parts of an entry that rules read."""

    TITLE = "title"
    SUMMARY = "summary"
    BODY = "body"


class RuleStatus(StrEnum):
    """How far a rule is trusted."""

    EXPERIMENTAL = "experimental"  # recorded, never sent
    STABLE = "stable"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the rest of the program knows of a rule; its condition stays in `rules`.

    channels: names of the only channels that it goes to; empty means every channel whose selector takes it.
    min_sources: different outlets that must have told the story before anybody is told.
    """

    id: str
    title: str
    level: Level = Level.MEDIUM
    status: RuleStatus = RuleStatus.STABLE
    tags: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    min_sources: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """Words that matched: `text` is `entry.<field>[start:end]` as printed there, `term` the rule's own word."""

    field: Field
    start: int
    end: int
    text: str
    term: str


@dataclass(frozen=True, slots=True)
class Match:
    """An entry meeting a rule, with the words that did it, in reading order."""

    rule: Rule
    evidence: tuple[Evidence, ...] = ()


# --- dedupe -----------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What an entry is to the stories that are known."""

    NEW = "new"
    DUPLICATE = "duplicate"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which story an entry belongs to, and why.

    story_id: None when it opens one. score: 0.0 to 1.0, likeness to the story it joined or came nearest to.
    because: in words, for people. news: what is new, for an update ("now 50 killed"), else empty.
    features: what decided, by name. known: the story is a seed, which the desk knew beforehand.
    nearest_id: the story that came nearest, joined or not; None without any.
    """

    kind: Kind
    story_id: int | None
    score: float
    because: str
    news: str = ""
    features: Mapping[str, float] = field(default_factory=dict)
    known: bool = False
    nearest_id: int | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """A story that the desk knows already: a file in the seeds folder.

    published_at: from its front matter, else the time at which it was first loaded.
    """

    name: str
    title: str
    text: str
    fingerprint: str
    published_at: datetime | None = None
    url: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """Entries about one happening.

    title: of the entry or seed that opened it. entries: how many joined, the first included (0 for a bare seed).
    outlets: different ones that told it, in order of arrival. seeds: names of the seeds that tell it.
    """

    id: int
    title: str
    level: Level
    opened_at: datetime
    last_at: datetime
    entries: int = 1
    outlets: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the desk knew it beforehand."""
        return bool(self.seeds)


# --- alert ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """All that is known of one entry when it is decided who hears of it.

    level: the highest of its rules that are not experimental; a story told by many outlets within hours may have
    raised it. outlets: different ones that told the story so far, this entry's included.
    """

    entry: Entry
    matches: tuple[Match, ...]
    assignment: Assignment
    level: Level
    outlets: int = 1


class Verdict(StrEnum):
    """What one channel gets of a finding."""

    SEND = "send"
    HOLD = "hold"  # stored, goes out later, alone or in a digest
    DROP = "drop"


class Reason(StrEnum):
    """Why a channel gets what it gets; stored, counted, and shown by `monitor explain`."""

    NEW_STORY = "new_story"
    UPDATE = "update"
    RAISED = "raised"  # an update that breaks through, because the level rose
    FIRST_POLL = "first_poll"  # already running when its feed was added: one digest
    GATHERED = "gathered"  # a later update of a story, at most one message an interval
    QUIET_HOURS = "quiet_hours"
    DIGEST = "digest"  # the channel gets digests on a schedule
    ALREADY_TOLD = "already_told"
    KNOWN_STORY = "known_story"
    WAITING = "waiting"  # until more outlets have told it (min_sources)
    SILENCED = "silenced"
    BELOW_LEVEL = "below_level"
    NOT_SELECTED = "not_selected"  # by the channel's tags, rules, feeds or languages, or the rule's channels
    EXPERIMENTAL = "experimental"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one channel gets of a finding, and why.

    by: what decided: the silence's number, the level, the selector; empty when the reason says it all.
    until_at: for HOLD, when it goes out. batch: for HOLD, what it is gathered with.
    """

    channel: str
    verdict: Verdict
    reason: Reason
    by: str = ""
    until_at: datetime | None = None
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel knows of one story.

    told: it was told the story, or holds a message about it. last_update_at: when its last update was sent or
    queued, None before the first. level: the highest that it was told the story at, None when that is not known.
    """

    told: bool = False
    last_update_at: datetime | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When a channel is not disturbed, in its own zone; a span may cross midnight.

    days: 0 is Monday; empty means every day. dates: whole days that are quiet. breaks: the level that goes out
    all the same.
    """

    start: time
    end: time
    days: frozenset[int] = frozenset()
    dates: frozenset[date] = frozenset()
    breaks: Level = Level.HIGH


@dataclass(frozen=True, slots=True)
class Channel:
    """A named Apprise URL, and which alerts go to it.

    url: secret; never in a log, an error or a page. limit: alerts an hour, None for no limit.
    digest: hours of the day (in `zone`) at which all is sent as one message; empty means at once.
    """

    name: str
    url: str
    min_level: Level = Level.INFO
    tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    operator: bool = False
    zone: str = "UTC"
    quiet: QuietHours | None = None
    digest: tuple[time, ...] = ()
    limit: int | None = 60


class SilenceKind(StrEnum):
    """What a silence looks at."""

    RULE = "rule"
    STORY = "story"
    FEED = "feed"
    TERM = "term"  # whole words in title or summary, case and accents folded


@dataclass(frozen=True, slots=True)
class Silence:
    """Mute what it covers from `starts_at` until `ends_at`; kept after its end."""

    id: int
    kind: SilenceKind
    value: str
    starts_at: datetime
    ends_at: datetime
    author: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """Our claim that a story matters now, with all that a message needs.

    sequence: 1 for the story's first alert. entry: as it was when it was decided. reported_by: other outlets.
    """

    id: int
    kind: Kind
    level: Level
    sequence: int
    created_at: datetime
    entry: Entry
    matches: tuple[Match, ...]
    assignment: Assignment
    story: Story
    reported_by: tuple[str, ...] = ()


# --- outbox -----------------------------------------------------------------------------------------------------


class NotificationKind(StrEnum):
    """What a notification brings."""

    ALERT = "alert"
    DIGEST = "digest"
    OPERATOR = "operator"
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
    """

    key: str
    subject: str
    text: str
    html: str = ""
    thread: str = ""
    level: Level = Level.INFO
    data: Mapping[str, object] = field(default_factory=dict)


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
