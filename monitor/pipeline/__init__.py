"""The pipe: feeds in, decided alerts out. Read this first. Shell: it composes the stages and decides nothing itself.

    poll.fetch        Feed                     -> Fetched | NotModified
    sandbox.parse     bytes                    -> ParsedFeed
    feeds.save_polls  validators and new entries, unprocessed: transaction (a)           `polling.py`
    ---------------------------------------------------------------------------------------------------
    match.match       Entry, [Rule]            -> [Match]                                `deciding.py`
    dedupe.profile    Entry, [Match]           -> Profile: what is compared, and what it means
    Index.assign      Profile, [Story]         -> Assignment: new, duplicate or update, and why
    alert.decide      Finding, Channel, now    -> Decision, per channel
    stories, outbox   decision, alert, notifications, "processed": transaction (b)

Nothing between the two transactions has an effect that cannot be repeated, so a crash anywhere costs at most the
work since the last commit. What comes after (claim, render, send, settle) is `monitor.deliver`; the two meet only in
the outbox table.
"""

from monitor.pipeline.deciding import Claimed, Deciding, Pass, Policy, Prepared
from monitor.pipeline.novelty import Limits
from monitor.pipeline.polling import Polling, PollSummary
from monitor.pipeline.reading import Reading
from monitor.pipeline.recalling import Found, Recalling

__all__ = [
    "Claimed",
    "Deciding",
    "Found",
    "Limits",
    "Pass",
    "Policy",
    "PollSummary",
    "Polling",
    "Prepared",
    "Reading",
    "Recalling",
]
