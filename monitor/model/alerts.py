"""Who hears of what, when and why: findings, decisions, channels, silences, alerts. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from monitor.model.entries import Entry
from monitor.model.levels import Level
from monitor.model.matches import Match
from monitor.model.stories import Assignment, Kind, Story


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
    REPLAYED = "replayed"  # of the stored past, because a person asked for it: one digest
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
class Cron:
    """Times of days, by the clock on the wall.

    days, weekdays (0 is Monday): None means every day; where both are given, either will do.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None

    def takes(self, day: date) -> bool:
        """Whether it comes on this day."""
        if day.month not in self.months:
            return False
        by_day = self.days is not None and day.day in self.days
        by_weekday = self.weekdays is not None and day.weekday() in self.weekdays
        return by_day or by_weekday or (self.days is None and self.weekdays is None)

    @property
    def times(self) -> tuple[time, ...]:
        """The times of such a day."""
        return tuple(time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))


@dataclass(frozen=True, slots=True)
class Templates:
    """A channel's own forms of an alert, as Jinja templates; what is empty keeps the built-in form."""

    subject: str = ""
    text: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A named Apprise URL, and which alerts go to it.

    url: secret; never in a log, an error or a page. limit: alerts an hour, None for no limit.
    digest: hours of the day (in `zone`) at which all is sent as one message; empty means at once.
    templates: None for the built-in forms. report: when its daily report goes out, in `zone`; None for none.
    repeat: how often a critical alert is told again until somebody acknowledges it; None for never.
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
    digest: tuple[time, ...] | Cron = ()
    limit: int | None = 60
    templates: Templates | None = None
    report: time | None = None
    repeat: timedelta | None = None


class SilenceKind(StrEnum):
    """What a silence looks at."""

    RULE = "rule"
    STORY = "story"
    FEED = "feed"
    ACTOR = "actor"  # every way to write a name, parted by "|"; whole words in title or summary
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
