"""One operator's message a day about feeds that fail, ended, or fell silent against their own rhythm. Shell."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlmodel import Session

from monitor import model
from monitor.deliver import notices
from monitor.store import entries, feeds

AT_HOUR = 7  # UTC; not at midnight, when the day begins
_DAY = timedelta(days=1)
_RHYTHM = timedelta(days=28)  # four weeks: nights and weekends are in it
_TIMES_GAP = 3
_TIMES_LONGEST = 1.25
_FEWEST = 8  # entries, below which nobody knows a rhythm
_LISTED = 40


def topic(now: datetime) -> str:
    """Return what this day's message is about, `feeds:2026-11-21`; empty before its hour."""
    return f"feeds:{now:%Y-%m-%d}" if now.hour >= AT_HOUR else ""


def tell(tx: Session, channels: Sequence[model.Channel], now: datetime) -> int:
    """Tell the operator of the feeds that are not well; return how many messages are new, 0 when all are well."""
    lines = [line for feed in feeds.list_feeds(tx) if (line := _complaint(tx, feed, now))]
    if not lines or not topic(now):
        return 0
    more = [f"... and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return notices.tell_operator(
        tx,
        channels,
        topic=topic(now),
        subject="1 feed is not well" if len(lines) == 1 else f"{len(lines)} feeds are not well",
        text="\n".join([*lines[:_LISTED], *more, "Look: monitor feeds list; try one: monitor feeds check NAME"]),
        now=now,
    )


def is_silent(seen: Sequence[datetime], now: datetime) -> bool:
    """Whether a feed is silent against its own rhythm.

    seen: when its entries of the last four weeks came, the earliest first. Silent is what has brought nothing for
    a day, for three times its mean gap, and for longer than ever in these weeks: so no weekend is an alarm.
    """
    if len(seen) < _FEWEST:
        return False
    gaps = [later - earlier for earlier, later in pairwise(seen)]
    mean = (seen[-1] - seen[0]) / len(gaps)
    return now - seen[-1] > max(_DAY, mean * _TIMES_GAP, max(gaps) * _TIMES_LONGEST)


def _complaint(tx: Session, feed: model.Feed, now: datetime) -> str:
    """Return what is wrong with a feed, in a line; empty when nothing is."""
    if feed.status is model.FeedStatus.GONE and feed.last_polled_at and now - feed.last_polled_at < _DAY:
        return f"{feed.name}: ended for good (410 Gone); remove it: monitor feeds remove"
    if feed.status is not model.FeedStatus.ACTIVE:
        return ""
    since = feed.failing_since_at
    if since and now - since >= _DAY:
        return f"{feed.name}: fails since {since:%Y-%m-%d %H:%M} UTC: {feed.last_error}"
    if since or feed.last_new_at is None or now - feed.last_new_at < _DAY:
        return ""
    if is_silent(entries.list_arrivals(tx, feed.id, now - _RHYTHM), now):
        return f"{feed.name}: brings nothing new since {feed.last_new_at:%Y-%m-%d %H:%M} UTC, longer than ever lately"
    return ""
