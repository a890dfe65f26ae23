"""One alert in words: every line that a message may hold, cleaned, before any channel's markup. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor import model
from monitor.render import words
from monitor.render.words import Piece

_TITLE = 300
_SNIPPET = 420
_LITTLE = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "into", "of", "on", "over", "the", "to", "with"}
)


@dataclass(frozen=True, slots=True)
class View:
    """What there is to say of an alert.

    ref: `A-7`. url: empty unless http(s). headline: the title as pieces; `title` is the same in one string.
    why: one line a rule, `Sanctions threat (high): warns, sanctions`. commands: what to type, and what for.
    """

    ref: str
    level: model.Level
    subject: str
    rule: str
    title: str
    headline: tuple[Piece, ...]
    url: str
    outlet: str
    published: str
    seen: str
    others: tuple[str, ...]
    snippet: tuple[Piece, ...]
    story: str
    is_update: bool
    why: tuple[str, ...]
    because: str
    commands: tuple[tuple[str, str], ...]


def view(alert: model.Alert, channel: model.Channel, thread: str = "") -> View:
    """Return what there is to say of `alert` on `channel`; `thread` is the key of the story's first message there."""
    entry = alert.entry
    title = words.line(entry.title, _TITLE) or "(no title)"
    outlet = words.line(entry.outlet or entry.feed, 60)
    others = tuple(words.line(other, 60) for other in alert.reported_by)
    rule = _rules(alert)
    return View(
        ref=f"A-{alert.id}",
        level=alert.level,
        subject=_subject(alert, rule, title, _sources(outlet, len(others))),
        rule=rule,
        title=title,
        headline=words.marked(entry.title, _evidence(alert, model.Field.TITLE), _TITLE) or (Piece(title),),
        url=words.link(entry.url),
        outlet=outlet,
        published=instant(entry.published_at, channel.zone) if entry.published_at else "undated",
        seen=instant(entry.first_seen_at, channel.zone),
        others=others,
        snippet=_snippet(alert),
        story=_story(alert, thread),
        is_update=alert.kind is model.Kind.UPDATE,
        why=_why(alert),
        because=words.line(alert.assignment.because, 300),
        commands=_commands(alert),
    )


def instant(at: datetime, zone: str) -> str:
    """Return `21 Nov 2026, 14:02 UTC (23:02 Asia/Seoul)`; the day is repeated where it is another one."""
    utc = f"{at.day} {at:%b %Y, %H:%M} UTC"
    if zone == "UTC":
        return utc
    there = at.astimezone(ZoneInfo(zone))
    day = "" if there.date() == at.date() else f"{there.day} {there:%b}, "
    return f"{utc} ({day}{there:%H:%M} {zone})"


def leading(alert: model.Alert) -> tuple[model.Match, ...]:
    """Return the matches that are told, highest level first."""
    told = [m for m in alert.matches if m.rule.status is not model.RuleStatus.EXPERIMENTAL] or list(alert.matches)
    return tuple(sorted(told, key=lambda match: (-match.rule.level.rank, match.rule.id)))


def _subject(alert: model.Alert, rule: str, title: str, sources: str) -> str:
    """Return `[HIGH] Sanctions threat: US warns of new sanctions (Reuters +2)`, at most 200 characters."""
    update = " (update)" if alert.kind is model.Kind.UPDATE else ""
    head, tail = f"[{alert.level.upper()}] {rule}{update}: ", f" ({sources})"
    return head + words.cut(title, max(200 - len(head) - len(tail), 40)) + tail


def _sources(outlet: str, others: int) -> str:
    return f"{outlet} +{others}" if others else outlet


def _rules(alert: model.Alert) -> str:
    """Return the highest rule's title, and how many there are beside it."""
    matches = leading(alert)
    if not matches:
        return "Alert"
    title = words.line(matches[0].rule.title or matches[0].rule.id, 80)
    return title if len(matches) == 1 else f"{title} +{words.plural(len(matches) - 1, 'rule')}"


def _evidence(alert: model.Alert, field: model.Field) -> list[model.Evidence]:
    return [e for match in leading(alert) for e in match.evidence if e.field is field]


def _snippet(alert: model.Alert) -> tuple[Piece, ...]:
    """Return the passage that matched: of the summary, else of the body, else the beginning of the summary."""
    entry = alert.entry
    in_summary, in_body = _evidence(alert, model.Field.SUMMARY), _evidence(alert, model.Field.BODY)
    if not in_summary and in_body:
        return words.marked(entry.body, in_body, _SNIPPET)
    return words.marked(entry.summary, in_summary, _SNIPPET)


def _story(alert: model.Alert, thread: str) -> str:
    """Return the story line: `new story`, `update to A-123: now 50 killed`, `update to known story "..."`."""
    news = words.line(alert.assignment.news, 200)
    tail = f": {news}" if news else ""
    first = re.match(r"alert:(\d+):", thread)
    of = f"A-{first[1]}" if first else f'"{words.line(alert.story.title, 120)}"'
    if alert.kind is model.Kind.UPDATE and alert.assignment.known:
        return f'update to known story "{words.line(alert.story.title, 120)}"{tail}'
    if alert.kind is model.Kind.UPDATE:
        return f"update to {of}{tail}"
    if thread:
        return f"more on {of}{tail}"
    return "new story"


def _why(alert: model.Alert) -> tuple[str, ...]:
    lines = []
    for match in leading(alert):
        found = dict.fromkeys(words.line(e.text, 60) for e in match.evidence)
        seen = _telling([word for word in found if word])
        title = words.line(match.rule.title or match.rule.id, 80)
        lines.append(f"{title} ({match.rule.level})" + (f": {', '.join(seen)}" if seen else ""))
    return tuple(lines)


def _telling(found: list[str]) -> list[str]:
    """Return what says something by itself: no little words, and nothing that stands within another of them."""
    longer = {word: [f" {other.lower()} " for other in found if len(other) > len(word)] for word in found}
    whole = [word for word in found if not any(f" {word.lower()} " in other for other in longer[word])]
    return [word for word in whole if word.lower() not in _LITTLE] or found


def _commands(alert: model.Alert) -> tuple[tuple[str, str], ...]:
    """Return the exact commands that explain, silence and correct: numbers and rule names, never feed text."""
    commands = [
        ("why this alert", f"monitor explain A-{alert.id}"),
        ("silence this story", f"monitor silence add --story {alert.story.id} --for 24h"),
    ]
    matches = leading(alert)
    if matches and re.fullmatch(r"[\w.-]+", matches[0].rule.id):
        silence = f"monitor silence add --rule {matches[0].rule.id} --for 4h"
        commands.append(("silence this rule", silence))
    if alert.kind is model.Kind.UPDATE:
        commands.append(("not this story", f"monitor stories split {alert.story.id} {alert.entry.id}"))
    return tuple(commands)
