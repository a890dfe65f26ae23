"""Why an entry matched, which story it is, and what each channel gets: the answer that we are paid for. Shell.

It composes the stages as `pipeline` does, on one entry, and changes nothing. What is stored is explained twice: the
decision of then, as it was stored, and what rules and stories of today would make of it, each entry's own later
company left out.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from sqlmodel import Session

from monitor import alert, dedupe, match, model, rules
from monitor.store import entries, feeds, outbox, silences, stories

_MOST = 3  # alternatives of one condition that are shown; entries that are like one that is not stored
_ALIKE = 0.25  # share of the words, rare ones weighing more, from which two titles are alike
_MEANWHILE = timedelta(days=2)  # before and after, in which a feed that was down may have carried it


@dataclass(frozen=True, slots=True)
class Ground:
    """What an entry is judged by: rules, channels, known stories, and the settings that decisions need.

    seeds: as the files hold them; without a store they are the only stories. encoder: None compares words alone.
    """

    ruleset: rules.RuleSet
    channels: tuple[model.Channel, ...]
    seeds: tuple[model.Seed, ...] = ()
    window: timedelta = timedelta(days=7)
    sensitivity: float = 0.5
    update_every: timedelta = timedelta(hours=1)
    max_entry_age: timedelta = timedelta(hours=48)
    first: model.FirstPoll = model.FirstPoll.DIGEST
    encoder: dedupe.Encodes | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A story that the entry joins or comes nearest to. id: None where it is known from a file alone."""

    title: str
    id: int | None
    seeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Then:
    """The decision that was made when the entry came in.

    sent: the notifications that brought it, as they stand now.
    """

    record: stories.DecisionRecord
    alert_id: int | None = None
    sent: tuple[model.Notification, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said of one entry.

    traces: one for each rule, those that match first, then by how near they came.
    assignment, story: None when no rule matched. channels: what each channel would get today, its own alert left
    aside; empty when no rule matched. status: "" when the entry is not stored.
    """

    entry: model.Entry
    matches: tuple[model.Match, ...]
    traces: tuple[match.Trace, ...]
    assignment: model.Assignment | None = None
    story: Known | None = None
    level: model.Level = model.Level.INFO
    channels: tuple[model.Decision, ...] = ()
    then: Then | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What there is instead of an entry that is not stored.

    nearest: stored ones that are most alike, the likest first. down: feeds that could not be polled meanwhile.
    """

    nearest: tuple[entries.Record, ...]
    down: tuple[feeds.Outage, ...]


@dataclass(slots=True)
class _Stories:
    """The stories as they were when the entry came in."""

    index: dedupe.Index
    titles: dict[int, Known] = field(default_factory=dict)


def find_stored(tx: Session, text: str, *, by_title: bool = True) -> model.Entry | None:
    """Return the stored entry that `text` names: `A-7` (an alert), a number (an entry), its address or its title.

    None when it names nothing that is stored.
    """
    bare = text.strip()
    try:
        if bare[:2].upper() == "A-" and bare[2:].isdecimal():
            return stories.get_alert(tx, int(bare[2:])).entry
        if bare.isdecimal():
            return entries.get(tx, int(bare))
    except (KeyError, OverflowError):
        return None
    if "://" in bare:
        return entries.find_by_url(tx, bare)
    return entries.find_by_title(tx, bare) if by_title else None


def elsewhere(tx: Session, text: str, *, window: timedelta, at: datetime, now: datetime) -> Elsewhere:
    """Return what is stored instead of a headline or an address that no feed carried around the instant `at`.

    Of an address, the words in its path are compared with titles.
    """
    stored = entries.list_titles(tx, at - window, min(now, at + window) + timedelta(seconds=1))
    down = feeds.list_outages(tx, at - _MEANWHILE, min(now, at + _MEANWHILE))
    return Elsewhere(tuple(entries.get_record(tx, entry_id) for entry_id in _likest(_told(text), stored)), down)


def explain(entry: model.Entry, ground: Ground, *, now: datetime, tx: Session | None = None) -> Explanation:
    """Explain one entry. tx: a read of the store; without it, the known stories of the files are all stories."""
    record = stories.find_decision(tx, entry.id) if tx is not None and entry.id else None
    at = record.decided_at if record else (entry.first_seen_at if entry.id else now)
    matches = match.match(entry, ground.ruleset, now=at)
    traces = tuple(sorted(match.explain(entry, ground.ruleset, now=at), key=lambda trace: -nearness(trace)))
    status = entries.get_record(tx, entry.id).status.value if tx is not None and entry.id else ""
    then = _then(tx, record) if tx is not None and record else None
    if not matches:
        return Explanation(entry, matches, traces, then=then, status=status)
    told = _stories(ground, tx, at, record.id if record else None, entry.id)
    assignment = told.index.assign(dedupe.profile(entry, matches, encoder=ground.encoder), at)
    nearest = assignment.story_id if assignment.story_id is not None else assignment.nearest_id
    story = told.titles.get(nearest) if nearest is not None else None
    finding = _finding(tx, entry, matches, assignment)
    channels = _decide(tx, finding, ground, now, record)
    return Explanation(entry, matches, traces, finding.assignment, story, finding.level, channels, then, status)


def pruned(trace: match.Trace) -> match.Trace:
    """Return what decided: of alternatives, those that hold, or where none does, the nearest one."""
    children = tuple(pruned(child) for child in trace.children)
    if children and trace.label.startswith("any"):
        best = max(_share(child) for child in children)
        children = tuple(child for child in children if (child.holds if trace.holds else _share(child) == best))[:_MOST]
        if len(children) == 1:
            return children[0]
    if trace.label == "match" and len(children) == 1:
        return children[0]
    children = tuple(child for child in children if child.note != "cancels nothing")
    note = trace.note
    if trace.rule is not None and not trace.holds:  # the rule's own note is of all alternatives
        note = next((child.note for child in children if not child.holds and child.note), note)
    return replace(trace, note=note, children=children)


def nearness(trace: match.Trace) -> float:
    """Return how near a rule came to matching: 2.0 when it does, else the share of its parts that hold."""
    if trace.holds:
        return 2.0
    parts = [part for part in trace.children if part.label == "match"] or [trace]
    return sum(_share(part) for part in parts) / len(parts)


def _share(trace: match.Trace) -> float:
    if trace.holds:
        return 1.0
    if not trace.children:
        return 0.0
    shares = [_share(child) for child in trace.children]
    if trace.label.startswith("any"):
        return max(shares)
    return 0.9 * sum(shares) / len(shares)


def _then(tx: Session, record: stories.DecisionRecord) -> Then:
    raised = stories.find_alert_of(tx, record.entry.id)
    if raised is None:
        return Then(record)
    return Then(record, raised.id, outbox.list_notifications(tx, alert_id=raised.id))


def _stories(ground: Ground, tx: Session | None, at: datetime, before: int | None, entry_id: int) -> _Stories:
    """Return the stories of the window that ended at `at`, without what came later and without the entry itself.

    before: the number of the entry's own decision.
    """
    told = _Stories(dedupe.Index(window=ground.window, sensitivity=ground.sensitivity))
    if tx is None:
        for number, seed in enumerate(ground.seeds, start=1):
            told.index.add(
                -number,
                dedupe.seed_profile(seed, match.of_seed(seed, ground.ruleset), encoder=ground.encoder),
                seed=True,
            )
            told.titles[-number] = Known(seed.title, None, (seed.name,))
        return told
    for seed, story_id in stories.list_seeds(tx):
        told.index.add(
            story_id, dedupe.seed_profile(seed, match.of_seed(seed, ground.ruleset), encoder=ground.encoder), seed=True
        )
        known = told.titles.get(story_id, Known(seed.title, story_id))
        told.titles[story_id] = Known(known.title, story_id, (*known.seeds, seed.name))
    fingerprint = ground.encoder.fingerprint if ground.encoder else ""
    for member in stories.list_members(tx, at - ground.window, encoder=fingerprint):
        if member.at <= at and (before is None or member.decision_id < before) and member.entry.id != entry_id:
            profile = dedupe.profile(member.entry, member.matches)
            told.index.add(member.story_id, dedupe.recalled(profile, member.sense))
            told.titles.setdefault(member.story_id, Known(member.entry.title, member.story_id))
    return told


def _seed_profile(ground: Ground, seed: model.Seed) -> dedupe.Profile:
    return dedupe.seed_profile(seed, match.of_seed(seed, ground.ruleset), encoder=ground.encoder)


def _finding(
    tx: Session | None, entry: model.Entry, matches: tuple[model.Match, ...], assignment: model.Assignment
) -> model.Finding:
    level = alert.level_of(matches)
    if tx is None or assignment.story_id is None:
        return model.Finding(entry, matches, assignment, level)
    story = stories.get_story(tx, assignment.story_id)
    return model.Finding(entry, matches, assignment, level, alert.count_outlets(story, entry))


def _decide(
    tx: Session | None, finding: model.Finding, ground: Ground, now: datetime, record: stories.DecisionRecord | None
) -> tuple[model.Decision, ...]:
    """Return what each channel would get of it now. record: its decision of then, None when there was none."""
    told: dict[str, model.Told] = {}
    muted: Sequence[model.Silence] = ()
    if tx is not None:
        muted = silences.list_active(tx, now)
        if finding.assignment.story_id is not None:
            names = [channel.name for channel in ground.channels]
            story_id = finding.assignment.story_id
            told = _told_before(tx, story_id, record) if record else stories.told(tx, story_id, names)
    return tuple(
        alert.decide(
            finding,
            channel,
            told.get(channel.name, model.Told()),
            muted,
            now=now,
            update_every=ground.update_every,
            max_entry_age=ground.max_entry_age,
            first=ground.first,
        )
        for channel in ground.channels
    )


def _told_before(tx: Session, story_id: int, record: stories.DecisionRecord) -> dict[str, model.Told]:
    """Return what channels knew of a story before an entry of it was decided."""
    told: dict[str, model.Told] = {}
    for raised in stories.list_alerts(tx, story_id=story_id):
        if raised.created_at < record.decided_at and raised.entry.id != record.entry.id:
            for one in outbox.list_notifications(tx, alert_id=raised.id):
                if one.state is not model.NotificationState.DEAD:
                    told[one.channel] = model.Told(told=True)
    return told


# --- what is like it --------------------------------------------------------------------------------------------


def _told(text: str) -> str:
    """Return a headline as it is, and of an address the part that tells something."""
    if "://" not in text:
        return text
    parts = unquote(urlsplit(text.strip()).path).split("/")
    return max(parts, key=lambda part: len(_words(part)), default="")


def _likest(text: str, titles: Sequence[tuple[int, str]]) -> list[int]:
    """Return the numbers of the titles that share most words with `text`, rare words weighing more."""
    words = _words(text)
    known = [(entry_id, _words(title)) for entry_id, title in titles]
    seen = Counter(word for _, others in known for word in others)

    def weight(among: set[str]) -> float:
        return sum(math.log(1 + len(known) / (seen[word] or 1)) for word in among)

    scored = [
        (weight(words & others) / weight(words | others), entry_id) for entry_id, others in known if words & others
    ]
    return [entry_id for score, entry_id in sorted(scored, reverse=True)[:_MOST] if score >= _ALIKE]


def _words(text: str) -> set[str]:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return set(re.findall(r"[^\W_]+", "".join(char for char in spread if not unicodedata.combining(char))))
