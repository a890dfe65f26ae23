"""What is in force, beside what the tests of the daemon show."""

from datetime import timedelta

from monitor.daemon import inforce
from tests.builders import NOON


def test_new_feeds_are_spread() -> None:
    """Twenty begin a second; where that takes too long, all come evenly within the time, not the rest at its end."""
    few = inforce.spread(NOON, 100, timedelta(minutes=5))
    assert [few(number) - NOON for number in (0, 20, 99)] == [timedelta(seconds=at) for at in (0, 1, 4.95)]
    many = inforce.spread(NOON, 20_000, timedelta(minutes=5))
    assert [many(number) - NOON for number in (0, 10_000, 20_000)] == [timedelta(minutes=at) for at in (0, 2.5, 5)]
    assert inforce.spread(NOON, 0, timedelta(minutes=5))(0) == NOON
