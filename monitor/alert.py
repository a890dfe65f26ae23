"""Who hears of a finding, when, and why. Pure: `now` is an argument, and no channel is ever reached from here.

`decide` asks its questions in one fixed order; the first that has an answer is the reason that is stored:

    may it be sent at all?   experimental, not_selected, below_level, silenced, known_story, too_old, waiting
    is it news here?         already_told | new_story, update, raised
    is now the time?         first_poll, gathered, digest, quiet_hours

Every channel gets an answer, a channel that is not told as well: "why was I not told?" is the question that people ask.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from monitor import model

FIRST_POLL_DELAY = timedelta(minutes=1)
LONGEST_HOLD = timedelta(hours=24)
RISE_OUTLETS = 5
_ABBREVIATION = 3
_FURTHEST_DIGEST = 40  # days
RISE_WITHIN = timedelta(hours=6)


def decide(
    finding: model.Finding,
    channel: model.Channel,
    told: model.Told,
    silences: Sequence[model.Silence],
    *,
    now: datetime,
    update_every: timedelta,
    max_entry_age: timedelta,
    first: model.FirstPoll,
) -> model.Decision:
    """Decide whether and when `channel` hears of `finding`.

    told: what the channel knows of the story that the finding belongs to.
    update_every: later updates of a story are gathered, at most one message in this time.
    max_entry_age: of what a feed's first poll brings, and of edits, older ones are dropped.
    first: what becomes of a first poll's findings, for the feed that the finding came from.
    """
    drop = (
        _is_unselected(finding, channel)
        or _is_below_level(finding, channel)
        or _is_silenced(finding, channel, silences, now)
        or _is_known(finding, channel)
        or _is_too_old(finding, channel, now, max_entry_age, first)
        or _is_waiting(finding, channel, told)
    )
    if drop:
        return drop
    reason = _news(finding, told)
    if reason is None:
        return _drop(channel, model.Reason.ALREADY_TOLD)
    decision = model.Decision(channel.name, model.Verdict.SEND, reason)
    if finding.entry.first_poll and first is model.FirstPoll.DIGEST:
        decision = _held(decision, model.Reason.FIRST_POLL, now + FIRST_POLL_DELAY, "first")
    elif reason is model.Reason.UPDATE and told.last_update_at and now < told.last_update_at + update_every:
        batch = f"update:{finding.assignment.story_id}"
        decision = _held(decision, model.Reason.GATHERED, told.last_update_at + update_every, batch)
    return _at_its_time(decision, finding.level, channel, now)


def level_of(matches: Sequence[model.Match]) -> model.Level:
    """Return the highest level of rules that may be sent; info when all are experimental."""
    levels = [match.rule.level for match in matches if match.rule.status is not model.RuleStatus.EXPERIMENTAL]
    return max(levels, key=lambda level: level.rank, default=model.Level.INFO)


def count_outlets(story: model.Story, entry: model.Entry) -> int:
    """Return how many different outlets told `story`, `entry`'s included; at least 1."""
    return max(1, len({*story.outlets, entry.outlet} - {""}))


def rises(finding: model.Finding, story: model.Story) -> bool:
    """Whether so many outlets told `story` so soon that it matters more than its rules say. Known stories do not."""
    soon = finding.entry.first_seen_at - story.opened_at <= RISE_WITHIN
    return finding.outlets >= RISE_OUTLETS and soon and not finding.assignment.known


def risen(finding: model.Finding, story: model.Story) -> model.Finding:
    """Return `finding` one level above its story, as the update that says so."""
    level = max(finding.level, story.level, key=lambda level: level.rank).raised()
    news = finding.assignment.news or f"now told by {finding.outlets} outlets"
    return replace(finding, level=level, assignment=replace(finding.assignment, kind=model.Kind.UPDATE, news=news))


def heard(matches: Sequence[model.Match], channel: model.Channel) -> tuple[model.Match, ...]:
    """Return the matches that `channel` may be told of, by their rules alone: status, id, tags and channels."""
    return tuple(m for m in matches if m.rule.status is not model.RuleStatus.EXPERIMENTAL and not _refuses(m, channel))


def find_silence(
    entry: model.Entry,
    matches: Sequence[model.Match],
    story_id: int | None,
    silences: Sequence[model.Silence],
    now: datetime,
) -> model.Silence | None:
    """Return the silence that covers all of `matches` at `now`, or None.

    A silenced rule hides its own match only: an entry that another rule matches, too, is still told. When several
    rules are silenced and nothing is left, the silence of the first match is named.
    """
    active = [silence for silence in silences if silence.starts_at <= now < silence.ends_at]
    for silence in active:
        if silence.kind is not model.SilenceKind.RULE and _covers(silence, entry, story_id):
            return silence
    by_rule = {silence.value: silence for silence in reversed(active) if silence.kind is model.SilenceKind.RULE}
    if matches and all(match.rule.id in by_rule for match in matches):
        return by_rule[matches[0].rule.id]
    return None


def quiet_until(quiet: model.QuietHours, zone: str, at: datetime) -> datetime | None:
    """Return when the quiet time that `at` falls into is over, at most 24 h later; None when it is not quiet.

    Spans are laid out in the channel's zone and compared as instants, so that a night in which the clocks change
    is an hour shorter or longer and nothing is quiet twice. Spans that touch are one.
    """
    cursor = at
    while cursor < at + LONGEST_HOLD:
        ends = [end for begin, end in _spans(quiet, zone, cursor) if begin <= cursor < end]
        if not ends:
            break
        cursor = max(ends)
    return min(cursor, at + LONGEST_HOLD) if cursor > at else None


def next_digest_at(schedule: Collection[time] | model.Cron, zone: str, after: datetime) -> datetime:
    """Return the first time of `schedule` (in `zone`) that comes after the instant `after`.

    schedule: hours of every day, or a cron expression's. Raises ValueError when it never comes.
    """
    hours = schedule.times if isinstance(schedule, model.Cron) else schedule
    today = after.astimezone(_zone(zone)).date()
    for day in (today + timedelta(days=n) for n in range(-1, _FURTHEST_DIGEST)):
        if not isinstance(schedule, model.Cron) or schedule.takes(day):
            later = [at for hour in hours if (at := _instant(day, hour, zone)) > after]
            if later:
                return min(later)
    msg = "a schedule without any time"
    raise ValueError(msg)


def words(reason: model.Reason) -> str:
    """Return a reason in a few words for people: `quiet hours`, `below the channel's level`."""
    return _WORDS[reason]


def describe(decision: model.Decision, zone: str = "UTC") -> str:
    """Return a decision in a few words for people: `held until 07:00 on 22 Nov (Europe/Berlin): quiet hours`."""
    words = _WORDS[decision.reason]
    by = f" ({decision.by})" if decision.by else ""
    if decision.verdict is model.Verdict.SEND:
        return f"sent: {words}{by}"
    if decision.verdict is model.Verdict.HOLD and decision.until_at is not None:
        until = decision.until_at.astimezone(_zone(zone))
        return f"held until {until:%H:%M} on {until.day} {until:%b} ({zone}): {words}{by}"
    return f"not sent: {words}{by}"


# --- may it be sent at all? -------------------------------------------------------------------------------------


def _is_unselected(finding: model.Finding, channel: model.Channel) -> model.Decision | None:
    live = [match for match in finding.matches if match.rule.status is not model.RuleStatus.EXPERIMENTAL]
    if not live:
        return _drop(channel, model.Reason.EXPERIMENTAL, ", ".join(match.rule.id for match in finding.matches))
    entry = finding.entry
    if channel.feeds and not {entry.feed, *entry.feed_tags} & set(channel.feeds):
        return _drop(channel, model.Reason.NOT_SELECTED, "feeds")
    if channel.languages and not _speaks(entry.language, channel.languages):
        return _drop(channel, model.Reason.NOT_SELECTED, "languages")
    refusals = [_refuses(match, channel) for match in live]
    if all(refusals):
        return _drop(channel, model.Reason.NOT_SELECTED, refusals[0])
    return None


def _refuses(match: model.Match, channel: model.Channel) -> str:
    """Return the selector that keeps the match from the channel; empty when none does."""
    rule = match.rule
    if rule.channels and channel.name not in rule.channels:
        return "the rule's channels"
    if channel.rules and rule.id not in channel.rules:
        return "rules"
    if channel.tags and not set(rule.tags) & set(channel.tags):
        return "tags"
    return ""


def _speaks(language: str, wanted: Collection[str]) -> bool:
    """Whether a language is wanted: `pt` wants `pt-BR` as well. An unknown one is let through, lest news be lost."""
    if not language:
        return True
    code = language.casefold().replace("_", "-")
    return any(code == want or code.startswith(want + "-") for want in (w.casefold().replace("_", "-") for w in wanted))


def _is_below_level(finding: model.Finding, channel: model.Channel) -> model.Decision | None:
    if finding.level.rank < channel.min_level.rank:
        return _drop(channel, model.Reason.BELOW_LEVEL, f"{finding.level} is below {channel.min_level}")
    return None


def _is_silenced(
    finding: model.Finding, channel: model.Channel, silences: Sequence[model.Silence], now: datetime
) -> model.Decision | None:
    matches = heard(finding.matches, channel)
    silence = find_silence(finding.entry, matches, finding.assignment.story_id, silences, now)
    return _drop(channel, model.Reason.SILENCED, str(silence.id)) if silence else None


def _is_known(finding: model.Finding, channel: model.Channel) -> model.Decision | None:
    """Whether the entry only retells a seed. The next step of a known story is news."""
    if finding.assignment.known and finding.assignment.kind is model.Kind.DUPLICATE:
        return _drop(channel, model.Reason.KNOWN_STORY)
    return None


def _is_too_old(
    finding: model.Finding, channel: model.Channel, now: datetime, limit: timedelta, first: model.FirstPoll
) -> model.Decision | None:
    """Whether it is history: from a first poll old or undated, or an edit of what was first seen long ago.

    A first poll's entry is as old as it was when we first saw it, so that nothing ages away while the daemon is down.
    """
    entry = finding.entry
    if entry.revision > 1 and now - entry.first_seen_at > limit:
        return _drop(channel, model.Reason.TOO_OLD, "an edit of an old entry")
    if not entry.first_poll:
        return None
    if first is model.FirstPoll.NOTHING:
        return _drop(channel, model.Reason.FIRST_POLL, "first = nothing")
    if entry.published_at is None:
        return _drop(channel, model.Reason.TOO_OLD, "undated")
    if entry.first_seen_at - entry.published_at > limit:
        return _drop(channel, model.Reason.TOO_OLD, f"published {entry.published_at:%Y-%m-%d}")
    return None


def _is_waiting(finding: model.Finding, channel: model.Channel, told: model.Told) -> model.Decision | None:
    """Whether too few outlets tell it for any rule that the channel hears. Decided again at each entry that joins."""
    needed = min(match.rule.min_sources for match in heard(finding.matches, channel))
    if finding.outlets < needed and not told.told:
        return _drop(channel, model.Reason.WAITING, f"{finding.outlets} of {needed} sources")
    return None


# --- is it news here? -------------------------------------------------------------------------------------------


def _news(finding: model.Finding, told: model.Told) -> model.Reason | None:
    """Return why it is news to this channel, None when the channel was told.

    The desk knew a seed's story beforehand: what comes is an update of it, on every channel.
    """
    is_update = finding.assignment.kind is model.Kind.UPDATE
    if not told.told:
        return model.Reason.UPDATE if is_update and finding.assignment.known else model.Reason.NEW_STORY
    if _is_raised(finding, told):
        return model.Reason.RAISED
    return model.Reason.UPDATE if is_update else None


def _is_raised(finding: model.Finding, told: model.Told) -> bool:
    """Whether the level is above what the channel was told, or above the entry's own rules (many outlets tell it)."""
    live = [m.rule.level.rank for m in finding.matches if m.rule.status is not model.RuleStatus.EXPERIMENTAL]
    before = max(live) if told.level is None else told.level.rank
    return finding.level.rank > before


# --- is now the time? -------------------------------------------------------------------------------------------


def _at_its_time(decision: model.Decision, level: model.Level, channel: model.Channel, now: datetime) -> model.Decision:
    """Move a decision to the channel's next digest hour, and out of its quiet hours."""
    if channel.digest:
        after = max(now, decision.until_at or now)
        decision = _held(decision, model.Reason.DIGEST, next_digest_at(channel.digest, channel.zone, after), "digest")
    quiet = channel.quiet
    if quiet is None or level.rank >= quiet.breaks.rank:
        return decision
    end = quiet_until(quiet, channel.zone, decision.until_at or now)
    if end is None:
        return decision
    if decision.batch in {"first", "digest"}:  # stays with its own, later
        return replace(decision, until_at=end)
    return _held(decision, model.Reason.QUIET_HOURS, end, "quiet")


def _spans(quiet: model.QuietHours, zone: str, around: datetime) -> list[tuple[datetime, datetime]]:
    """Return the quiet spans that may hold the instant `around`; one that crosses midnight belongs to its first day."""
    today = around.astimezone(_zone(zone)).date()
    spans = []
    for day in (today - timedelta(days=1), today):
        tomorrow = day + timedelta(days=1)
        if day in quiet.dates:
            spans.append((_instant(day, time.min, zone), _instant(tomorrow, time.min, zone)))
        if quiet.start != quiet.end and (not quiet.days or day.weekday() in quiet.days):
            last = tomorrow if quiet.end < quiet.start else day
            spans.append((_instant(day, quiet.start, zone), _instant(last, quiet.end, zone)))
    return spans


def _instant(day: date, clock: time, zone: str) -> datetime:
    """Return a wall clock's reading as an instant.

    A reading that does not exist comes an hour later; one that exists twice is the first (PEP 495, fold=0).
    """
    return datetime.combine(day, clock.replace(tzinfo=_zone(zone), fold=0)).astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


# --- small words ------------------------------------------------------------------------------------------------


def _drop(channel: model.Channel, reason: model.Reason, by: str = "") -> model.Decision:
    return model.Decision(channel.name, model.Verdict.DROP, reason, by=by)


def _held(decision: model.Decision, reason: model.Reason, until_at: datetime, batch: str) -> model.Decision:
    """Hold a decision; `by` keeps what it would have been."""
    by = decision.by or decision.reason.value
    return replace(decision, verdict=model.Verdict.HOLD, reason=reason, until_at=until_at, batch=batch, by=by)


def _covers(silence: model.Silence, entry: model.Entry, story_id: int | None) -> bool:
    """Whether a silence of a story, a feed, an actor or a term covers the entry."""
    if silence.kind is model.SilenceKind.STORY:
        digits = silence.value.strip().upper().removeprefix("S-")
        return digits.isdecimal() and int(digits) == story_id
    if silence.kind is model.SilenceKind.FEED:
        return silence.value == entry.feed
    names = silence.value.split("|") if silence.kind is model.SilenceKind.ACTOR else [silence.value]
    return any(_stands_in(name, entry, exactly=_is_short(name, silence.kind)) for name in names)


def _is_short(name: str, kind: model.SilenceKind) -> bool:
    """Whether an actor's name is so short that in other letters it is another word: US, IS."""
    return kind is model.SilenceKind.ACTOR and len(name.strip()) <= _ABBREVIATION


def _stands_in(name: str, entry: model.Entry, *, exactly: bool) -> bool:
    """Whether whole words stand in an entry's title or summary; exactly: case and accents count."""
    fold = str if exactly else _folded
    words = r"\s+".join(re.escape(word) for word in fold(name).split())
    text = f"{fold(entry.title)}\n{fold(entry.summary)}"
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", text) is not None


def _folded(text: str) -> str:
    """Fold case, accents and compatibility forms."""
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFKC", "".join(c for c in decomposed if not unicodedata.combining(c))).casefold()


_WORDS = {
    model.Reason.NEW_STORY: "new story",
    model.Reason.UPDATE: "update",
    model.Reason.RAISED: "its level rose",
    model.Reason.FIRST_POLL: "already running when its feed was added",
    model.Reason.GATHERED: "gathered with other updates of its story",
    model.Reason.QUIET_HOURS: "quiet hours",
    model.Reason.DIGEST: "waits for the digest",
    model.Reason.REPLAYED: "of the past, asked for by monitor replay --alert",
    model.Reason.ALREADY_TOLD: "this channel was told the story",
    model.Reason.KNOWN_STORY: "tells a known story",
    model.Reason.WAITING: "waits for more sources",
    model.Reason.SILENCED: "silence",
    model.Reason.BELOW_LEVEL: "below the channel's level",
    model.Reason.NOT_SELECTED: "not selected by",
    model.Reason.EXPERIMENTAL: "experimental rules only",
    model.Reason.TOO_OLD: "too old",
}
