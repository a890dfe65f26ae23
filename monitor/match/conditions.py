"""What a rule asks of an entry beside its words: feed, outlet, language, age. Pure.

What is not known of an entry (a headline typed in by hand has no feed) is not held against it.
"""

from collections.abc import Iterator
from datetime import datetime

from monitor import model
from monitor.rules.nodes import Conditions


def refusals(asked: Conditions, entry: model.Entry, now: datetime) -> Iterator[str]:
    """Yield in words each condition that an entry does not meet."""
    if (asked.feeds or asked.feed_tags) and entry.feed and not _carried(entry, asked):
        wanted = [*asked.feeds, *(f"tag {tag}" for tag in asked.feed_tags)]
        yield f"the feed is {entry.feed}, not one of: {', '.join(wanted)}"
    if asked.outlets and entry.outlet and entry.outlet.casefold() not in asked.outlets:
        yield f"the outlet is {entry.outlet}, not one of: {', '.join(asked.outlets)}"
    if asked.languages and entry.language and not _speaks(entry.language, asked.languages):
        yield f"the language is {entry.language}, not one of: {', '.join(asked.languages)}"
    if asked.max_age is not None and now - entry.told_at > asked.max_age:
        yield f"told at {entry.told_at:%Y-%m-%d %H:%M} UTC, more than {asked.max_age} ago"


def _carried(entry: model.Entry, asked: Conditions) -> bool:
    return entry.feed in asked.feeds or not set(asked.feed_tags).isdisjoint(entry.feed_tags)


def _speaks(language: str, asked: tuple[str, ...]) -> bool:
    """Return whether `language` (`en-GB`) is one of `asked`, or a kind of one (`en`)."""
    tag = language.lower().replace("_", "-")
    return any(tag == each or tag.startswith(f"{each}-") for each in asked)
