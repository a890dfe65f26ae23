"""Messages as data for webhooks: plain JSON values, instants in ISO 8601. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitor import model
from monitor.render import view as views
from monitor.render import words
from monitor.render.report import Report


def alert(alert: model.Alert) -> dict[str, Any]:
    """Return all that a program may want to know of an alert."""
    entry, assignment = alert.entry, alert.assignment
    return {
        "id": f"A-{alert.id}",
        "kind": alert.kind.value,
        "level": alert.level.value,
        "sequence": alert.sequence,
        "created_at": _iso(alert.created_at),
        "title": words.line(entry.title, 1_000),
        "summary": words.line(entry.summary, 2_000),
        "url": words.link(entry.url),
        "feed": words.line(entry.feed, 200),
        "outlet": words.line(entry.outlet, 200),
        "language": words.line(entry.language, 20),
        "published_at": _iso(entry.published_at),
        "first_seen_at": _iso(entry.first_seen_at),
        "reported_by": [words.line(outlet, 200) for outlet in alert.reported_by],
        "rules": [_rule(match) for match in views.leading(alert)],
        "story": {
            "id": alert.story.id,
            "title": words.line(alert.story.title, 1_000),
            "known": alert.story.known or assignment.known,
            "news": words.line(assignment.news, 500),
            "score": round(assignment.score, 4),
            "because": words.line(assignment.because, 500),
        },
    }


def digest(alerts: Sequence[model.Alert], title: str, silenced: int) -> dict[str, Any]:
    """Return a digest with every one of its alerts."""
    return {"title": words.line(title, 200), "silenced": silenced, "alerts": [alert(one) for one in alerts]}


def report(found: Report) -> dict[str, Any]:
    """Return a channel's daily report."""
    return {
        "since_at": _iso(found.since_at),
        "until_at": _iso(found.until_at),
        "entries": found.entries,
        "matched": found.matched,
        "told": [{"level": one.level.value, "title": words.line(one.title, 1_000)} for one in found.told],
        "known": [{"story": words.line(title, 1_000), "entries": count} for title, count in found.known],
        "held_back": dict(found.others),
        "waiting": found.waiting,
        "unconfirmed": [words.line(title, 1_000) for title in found.unconfirmed],
        "down": [
            {
                "feed": words.line(one.feed, 200),
                "since_at": _iso(one.since_at),
                "until_at": _iso(one.until_at),
                "error": words.line(one.error, 300),
            }
            for one in found.down
        ],
    }


def _rule(match: model.Match) -> dict[str, Any]:
    rule = match.rule
    matched = dict.fromkeys(words.line(evidence.text, 100) for evidence in match.evidence)
    return {
        "id": rule.id,
        "title": words.line(rule.title, 200),
        "level": rule.level.value,
        "tags": list(rule.tags),
        "matched": list(matched),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
