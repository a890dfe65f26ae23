"""Whether the demo came out as it should. Pure.

Only what nobody would argue about is expected: the entries that are marked so in the news.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor import model
from monitor.demo import formats, news

MAX_ENTRY_AGE = timedelta(hours=48)
KNOWN = "seed"  # the story that retells the known one


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it came out.

    processed, entries: entries that the daemon processed, and that were told. sent: keys of sent
    notifications by channel; arrived: keys that the receivers have. told: alerts that arrived, by channel.
    unsettled: notifications that did not go out. status: the daemon's exit status.
    """

    processed: int
    entries: int
    sent: Mapping[str, Collection[str]]
    arrived: Mapping[str, Collection[str]]
    told: Mapping[str, Sequence[model.Alert]]
    unsettled: Sequence[model.Notification] = ()
    status: int = 0


def judge(outlets: Sequence[news.Outlet], outcome: Outcome) -> tuple[str, ...]:
    """Return what is wrong, a line each; nothing when all is well."""
    complaints = []
    if outcome.processed < outcome.entries:
        complaints.append(f"{outcome.processed} of {outcome.entries} entries were processed")
    for channel, keys in outcome.sent.items():
        lost = sorted(set(keys) - set(outcome.arrived[channel]))
        complaints += [f"{channel}: {key} was sent and did not arrive" for key in lost]
    complaints += [f"{each.channel}: {each.key} is {each.state}: {each.last_error}" for each in outcome.unsettled]
    for channel, alerts in outcome.told.items():
        titles = stories_of(outlets, alerts)
        complaints += [f"{channel}: no alert about {story!r}" for story in expected(outlets) if story not in titles]
        complaints += [f"{channel}: the known story was alerted" for story in titles if story == KNOWN]
    if outcome.status != 0:
        complaints.append(f"the daemon ended with exit status {outcome.status}")
    return tuple(complaints)


def expected(outlets: Sequence[news.Outlet]) -> tuple[str, ...]:
    """Return the stories that must be alerted, in the order in which they are first told."""
    items = [item for outlet in outlets for item in outlet.items if item.expect is news.Expect.ALERT]
    recent = [item for item in items if item.ago < MAX_ENTRY_AGE]
    return tuple(dict.fromkeys(item.story for item in sorted(recent, key=lambda item: item.ago, reverse=True)))


def surprises(outlets: Sequence[news.Outlet], alerts: Sequence[model.Alert]) -> tuple[str, ...]:
    """Return titles of alerts about what was marked to be silent: near misses that a rule fell for."""
    silent = {
        formats.link(outlet, item) for outlet in outlets for item in outlet.items if item.expect is news.Expect.SILENT
    }
    return tuple(alert.entry.title for alert in alerts if alert.entry.url in silent)


def stories_of(outlets: Sequence[news.Outlet], alerts: Sequence[model.Alert]) -> frozenset[str]:
    """Return which stories the alerts are about."""
    stories = {formats.link(outlet, item): item.story for outlet in outlets for item in outlet.items}
    return frozenset(stories.get(alert.entry.url, "") for alert in alerts) - {""}
