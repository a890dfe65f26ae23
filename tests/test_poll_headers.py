"""What the headers of an answer say."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import model
from monitor.poll import headers
from tests.builders import NOON

HTTP_NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
HTTP_ONE = "Sat, 21 Nov 2026 13:00:00 GMT"
HOUR = timedelta(hours=1)
TEXTS = st.text(st.characters(codec="latin-1"), max_size=40)


@pytest.mark.parametrize(
    ("found", "fresh"),
    [
        ({"cache-control": "max-age=3600"}, model.Freshness(max_age=HOUR)),
        ({"cache-control": 'public, MAX-AGE="3600"'}, model.Freshness(max_age=HOUR)),
        ({"cache-control": "max-age=3600", "age": "600"}, model.Freshness(max_age=timedelta(minutes=50))),
        ({"cache-control": "max-age=60", "age": "600"}, model.Freshness(max_age=timedelta(0))),
        ({"cache-control": "max-age=60", "expires": HTTP_ONE}, model.Freshness(max_age=timedelta(minutes=1))),
        ({"cache-control": "no-cache, max-age=3600"}, model.Freshness()),
        ({"cache-control": "no-store"}, model.Freshness()),
        ({"cache-control": "s-maxage=3600"}, model.Freshness()),
        ({"cache-control": "max-age=soon"}, model.Freshness()),
        ({"expires": HTTP_ONE}, model.Freshness(expires_at=NOON + HOUR)),
        ({"expires": HTTP_ONE, "date": HTTP_NOON}, model.Freshness(expires_at=NOON + HOUR)),
        ({"expires": HTTP_ONE, "date": HTTP_ONE}, model.Freshness(expires_at=NOON)),
        ({"expires": "0"}, model.Freshness()),
        ({}, model.Freshness()),
    ],
)
def test_freshness_is_a_floor_that_the_server_states(found: dict[str, str], fresh: model.Freshness) -> None:
    """max-age wins over Expires, no-cache over both; a cache's Age is taken off, Expires goes by the server's clock."""
    assert headers.freshness(found, NOON) == fresh


def test_a_year_without_end_is_cut() -> None:
    """A number of seconds beyond all calendars is ten years."""
    assert headers.freshness({"cache-control": "max-age=" + "9" * 30}, NOON).max_age == timedelta(days=3650)
    assert headers.retry_after({"retry-after": "9" * 5000}, NOON) == timedelta(days=3650)
    endless = {"expires": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert headers.freshness(endless, NOON) == model.Freshness()
    assert headers.retry_after({}, NOON) is None


@pytest.mark.parametrize("value", ["", "a\x00b", "a\nb", "x" * 1025, "\udce9", "a\u202eb"])
def test_a_validator_that_cannot_go_back_as_it_came_is_none(value: str) -> None:
    """Rather no validator than another one: control characters, bytes that are no UTF-8, endless ones."""
    assert headers.validators({"etag": value, "last-modified": value}) == model.Validators()


def test_nothing_to_compare_with_asks_for_nothing() -> None:
    """Only the validators that there are become conditions."""
    assert headers.conditions(model.Validators()) == {}
    assert headers.conditions(model.Validators(etag='"1"')) == {"If-None-Match": '"1"'}
    assert headers.conditions(model.Validators(last_modified="then")) == {"If-Modified-Since": "then"}


@given(st.dictionaries(st.sampled_from(["cache-control", "expires", "age", "date", "retry-after", "etag"]), TEXTS))
def test_no_header_raises(found: dict[str, str]) -> None:
    """Whatever a server writes there, it is read or passed over."""
    fresh = headers.freshness(found, NOON)
    assert fresh.max_age is None or fresh.max_age >= timedelta()
    asked = headers.retry_after(found, NOON)
    assert asked is None or asked >= timedelta()
    headers.validators(found)
