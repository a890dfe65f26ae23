"""Every noun of the program, as a frozen value. Pure: knows nothing but `errors` and the standard library.

Instants end in `_at` and are aware UTC. Sequences are tuples. In the order of the pipeline:
feed -> entry -> match -> assignment -> decision -> alert -> notification.
"""

from monitor.model.alerts import (
    Alert,
    Channel,
    Cron,
    Decision,
    Finding,
    QuietHours,
    Reason,
    Silence,
    SilenceKind,
    Templates,
    Told,
    Verdict,
)
from monitor.model.entries import Edit, Entry, EntryStatus, PollRecord
from monitor.model.feeds import (
    Feed,
    FeedSpec,
    FeedStatus,
    Fetched,
    FirstPoll,
    Freshness,
    NotModified,
    ParsedEntry,
    ParsedFeed,
    Plan,
    Polled,
    RetryAfter,
    Schedule,
    Validators,
)
from monitor.model.levels import Level
from monitor.model.matches import Evidence, Field, Match, Rule, RuleStatus
from monitor.model.messages import Message, Notification, NotificationKind, NotificationState
from monitor.model.stories import Assignment, Kind, Seed, Story

__all__ = [
    "Alert",
    "Assignment",
    "Channel",
    "Cron",
    "Decision",
    "Edit",
    "Entry",
    "EntryStatus",
    "Evidence",
    "Feed",
    "FeedSpec",
    "FeedStatus",
    "Fetched",
    "Field",
    "Finding",
    "FirstPoll",
    "Freshness",
    "Kind",
    "Level",
    "Match",
    "Message",
    "NotModified",
    "Notification",
    "NotificationKind",
    "NotificationState",
    "ParsedEntry",
    "ParsedFeed",
    "Plan",
    "PollRecord",
    "Polled",
    "QuietHours",
    "Reason",
    "RetryAfter",
    "Rule",
    "RuleStatus",
    "Schedule",
    "Seed",
    "Silence",
    "SilenceKind",
    "Story",
    "Templates",
    "Told",
    "Validators",
    "Verdict",
]
