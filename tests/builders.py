"""Values of `model` for tests: everything has a plain default, and each test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from monitor import model

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def an_entry(**changes: Any) -> model.Entry:
    """Return an entry of a wire about a sanctions threat, first seen at noon."""
    plain: dict[str, Any] = {
        "id": 1,
        "feed": "Wire",
        "key": "entry-1",
        "title": "US warns Pyongyang and Moscow of new sanctions",
        "summary": "Washington will not hesitate to impose sanctions if the arms deal goes ahead, an official said.",
        "url": "https://wire.example/us-warns",
        "outlet": "Reuters",
        "language": "en",
        "first_seen_at": NOON,
        "published_at": NOON,
    }
    return model.Entry(**plain | changes)


def a_rule(**changes: Any) -> model.Rule:
    """Return a rule of high level that goes to every channel."""
    plain: dict[str, Any] = {
        "id": "sanctions-threat",
        "title": "Sanctions threat",
        "level": model.Level.HIGH,
        "tags": ("sanctions",),
    }
    return model.Rule(**plain | changes)


def a_match(rule: model.Rule | None = None, *, evidence: tuple[model.Evidence, ...] | None = None) -> model.Match:
    """Return a match of `rule` with the words that met it in `an_entry()`."""
    if evidence is None:
        evidence = (
            model.Evidence(model.Field.TITLE, 3, 8, "warns", "warn*"),
            model.Evidence(model.Field.TITLE, 37, 46, "sanctions", "sanction*"),
        )
    return model.Match(rule or a_rule(), evidence)


def an_assignment(**changes: Any) -> model.Assignment:
    """Return an assignment to a story of its own, number 12."""
    plain: dict[str, Any] = {"kind": model.Kind.NEW, "story_id": 12, "score": 0.2, "because": "nothing like it before"}
    return model.Assignment(**plain | changes)


def a_finding(**changes: Any) -> model.Finding:
    """Return a finding of high level: one match, one outlet, a new story."""
    plain: dict[str, Any] = {
        "entry": an_entry(),
        "matches": (a_match(),),
        "assignment": an_assignment(),
        "level": model.Level.HIGH,
    }
    return model.Finding(**plain | changes)


def a_channel(**changes: Any) -> model.Channel:
    """Return a channel that takes everything at once."""
    plain: dict[str, Any] = {"name": "desk", "url": "stdout://"}
    return model.Channel(**plain | changes)


def a_story(**changes: Any) -> model.Story:
    """Return story 12, opened at noon by one outlet."""
    plain: dict[str, Any] = {
        "id": 12,
        "title": "US warns Pyongyang and Moscow of new sanctions",
        "level": model.Level.HIGH,
        "opened_at": NOON,
        "last_at": NOON,
        "outlets": ("Reuters",),
    }
    return model.Story(**plain | changes)


def an_alert(**changes: Any) -> model.Alert:
    """Return alert 7: the first of story 12."""
    plain: dict[str, Any] = {
        "id": 7,
        "kind": model.Kind.NEW,
        "level": model.Level.HIGH,
        "sequence": 1,
        "created_at": NOON,
        "entry": an_entry(),
        "matches": (a_match(),),
        "assignment": an_assignment(),
        "story": a_story(),
        "reported_by": (),
    }
    return model.Alert(**plain | changes)


def a_silence(**changes: Any) -> model.Silence:
    """Return silence 3: a rule, for the hour around noon."""
    plain: dict[str, Any] = {
        "id": 3,
        "kind": model.SilenceKind.RULE,
        "value": "sanctions-threat",
        "starts_at": NOON.replace(hour=11),
        "ends_at": NOON.replace(hour=13),
    }
    return model.Silence(**plain | changes)


def a_feed(**changes: Any) -> model.Feed:
    """Return a feed named Wire that was never polled; `url` alone changes the spec's, too."""
    url = changes.get("url", "https://wire.example/rss")
    plain: dict[str, Any] = {"id": 1, "spec": model.FeedSpec("Wire", url), "url": url}
    return model.Feed(**plain | changes)
