"""Values of `model` survive the trip into a JSON column and back."""

import dataclasses
import typing
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import errors, model
from monitor.store import codec
from tests import builders

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(str, texts)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(timedelta, st.integers(0, 10**12).map(lambda number: timedelta(microseconds=number)))
json_values = st.recursive(st.none() | st.booleans() | st.integers() | texts, st.lists, max_leaves=5)


@dataclasses.dataclass(frozen=True)
class WithUnion:
    """A noun whose field is of a kind that no column holds."""

    value: typing.Literal[1]


NOUNS = (
    model.FeedSpec,
    model.Entry,
    model.Match,
    model.Assignment,
    model.Decision,
    model.Finding,
    model.QuietHours,
    model.Story,
    model.Alert,
)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_survives_the_trip(noun: type) -> None:
    """Whatever a noun holds, the text that is stored gives it back."""

    @given(st.from_type(noun))
    def survives(value: Any) -> None:
        assert codec.decode(noun, codec.loads(codec.dumps(codec.encode(value)))) == value

    survives()


@given(st.builds(model.Message, data=st.dictionaries(texts, json_values)))
def test_a_messages_data_survives_the_trip(message: model.Message) -> None:
    """What a webhook gets beside the text is kept whatever JSON it is."""
    assert codec.decode(model.Message, codec.loads(codec.dumps(codec.encode(message)))) == message


def test_what_is_stored_is_legible() -> None:
    """A person who opens the database reads plain words in every script."""
    decision = model.Decision("Стол", model.Verdict.HOLD, model.Reason.QUIET_HOURS, until_at=builders.NOON)
    assert codec.dumps(codec.encode(decision)) == (
        '{"channel":"Стол","verdict":"hold","reason":"quiet_hours","by":"","until_at":"2026-11-21T12:00:00+00:00","batch":""}'
    )


def test_sets_durations_and_days_are_plain() -> None:
    """A set is a sorted list, a duration seconds, a day and an hour ISO text."""
    quiet = model.QuietHours(time(22), time(6, 30), frozenset({4, 1}), frozenset({date(2026, 12, 25)}))
    assert codec.encode(quiet) == {
        "start": "22:00:00",
        "end": "06:30:00",
        "days": [1, 4],
        "dates": ["2026-12-25"],
        "breaks": "high",
    }
    assert codec.encode(model.FeedSpec("n", "u", interval=timedelta(minutes=1.5)))["interval"] == 90.0


def test_an_old_row_takes_new_fields_from_their_defaults() -> None:
    """What was stored before a noun had a field is read as if it said nothing about it."""
    old = {"channel": "desk", "verdict": "send", "reason": "new_story"}
    assert codec.decode(model.Decision, old) == model.Decision("desk", model.Verdict.SEND, model.Reason.NEW_STORY)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"verdict": "send", "reason": "new_story"}, "channel"),
        ({"channel": 7, "verdict": "send", "reason": "new_story"}, "not a str: 7"),
        ({"channel": "desk", "verdict": "shout", "reason": "new_story"}, "shout"),
        ({"channel": "desk", "verdict": "send", "reason": "new_story", "colour": "red"}, "has no 'colour'"),
        ({"channel": "desk", "verdict": "send", "reason": "new_story", "until_at": "soon"}, "soon"),
        (["desk"], "not an object"),
        (None, "not an object"),
    ],
)
def test_what_does_not_fit_is_refused(broken: object, complaint: str) -> None:
    """A row that cannot be read is an error that says where it does not fit."""
    with pytest.raises(errors.StoreError, match=f"a Decision that cannot be read.*{complaint}"):
        codec.decode(model.Decision, broken)


@pytest.mark.parametrize(
    ("noun", "broken"),
    [
        (model.FeedSpec, {"name": "n", "url": "u", "tags": "wire"}),
        (model.FeedSpec, {"name": "n", "url": "u", "headers": []}),
        (model.Match, {"rule": {"id": "r", "title": "t", "min_sources": True}}),
    ],
)
def test_containers_and_numbers_are_strict(noun: type, broken: Mapping[str, object]) -> None:
    """A text is no list, a list no mapping, a truth no number."""
    with pytest.raises(errors.StoreError):
        codec.decode(noun, broken)


def test_what_json_cannot_hold_is_a_bug() -> None:
    """Neither bytes nor NaN are stored in silence."""
    with pytest.raises(TypeError, match="bytes"):
        codec.encode({"body": b""})
    with pytest.raises(errors.StoreError, match="no place in a JSON column"):
        codec.decode(WithUnion, {"value": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        codec.dumps(float("nan"))
