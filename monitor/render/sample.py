"""A lifelike alert, plainly marked as a test: for trying a channel, a template, a picture. Pure."""

from datetime import UTC, datetime, timedelta

from monitor import model

_TITLE = "TEST: US warns Pyongyang and Moscow of new sanctions"
_SUMMARY = "This is a test of monitor's channel. Washington will not hesitate to impose sanctions, an official said."


def alert(now: datetime) -> model.Alert:
    """Return an alert as it might have come at `now`, published four minutes before."""
    rule = model.Rule("sanctions-threat", "Sanctions threat", model.Level.HIGH, tags=("sanctions",))
    evidence = (
        _word(model.Field.TITLE, "warns", "warn*"),
        _word(model.Field.TITLE, "sanctions", "sanction*"),
        _word(model.Field.SUMMARY, "will not hesitate", "will not hesitate"),
    )
    entry = model.Entry(
        id=0,
        feed="monitor notify test",
        key="test",
        title=_TITLE,
        first_seen_at=now,
        summary=_SUMMARY,
        url="https://example.org/test",
        outlet="Example Wire",
        language="en",
        published_at=now - timedelta(minutes=4),
    )
    return model.Alert(
        id=0,
        kind=model.Kind.NEW,
        level=model.Level.HIGH,
        sequence=1,
        created_at=now.astimezone(UTC),
        entry=entry,
        matches=(model.Match(rule, evidence),),
        assignment=model.Assignment(model.Kind.NEW, 0, 0.0, "a test: nothing like it was told"),
        story=model.Story(0, _TITLE, model.Level.HIGH, now, now, outlets=("Example Wire",)),
    )


def _word(field: model.Field, text: str, term: str) -> model.Evidence:
    start = (_TITLE if field is model.Field.TITLE else _SUMMARY).index(text)
    return model.Evidence(field, start, start + len(text), text, term)
