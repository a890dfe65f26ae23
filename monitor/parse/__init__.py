"""A document from outside -> ParsedFeed, or ParseError. Pure, but costly and at the mercy of its input.

Nothing outside a child process (`sandbox`) may call `parse` on bytes that a stranger chose: the parser below is
quadratic on some of them and holds the interpreter's lock.

```
sniff     is it a web page, empty, JSON?                  webpage.py
read      feedparser, or our own reader for JSON Feed     xmlfeed.py  jsonfeed.py
clean     markup, control and bidi characters out         text.py
name      keys and outlets, over the whole document       keys.py  outlets.py
```
"""

from datetime import datetime

from monitor import errors, model
from monitor.parse import jsonfeed, keys, outlets, raw, webpage
from monitor.parse.webpage import feed_links

__all__ = ["MAX_ENTRIES", "feed_links", "parse"]

MAX_ENTRIES = 2000

_MOST_NOTES = 20


def parse(
    body: bytes, *, content_type: str | None, url: str, now: datetime, outlet: str | None = None
) -> model.ParsedFeed:
    """Return the feed in `body`, or raise ParseError that says what it is instead.

    content_type: the HTTP header. url: where the body came from; relative links resolve against it.
    outlet: what to call the source of entries that name none; None means their link's registrable domain.
    now: dates more than a day after it are absurd.
    """
    if not body.strip():
        raise errors.ParseError("the document is empty")
    if webpage.is_page(body):
        raise errors.ParseError(webpage.complaint(body, url))
    if jsonfeed.is_json(body, content_type):
        feed = jsonfeed.read(body, url=url, now=now)
    else:
        from monitor.parse import xmlfeed  # with feedparser, which only parser children need

        feed = xmlfeed.read(body, content_type=content_type, url=url, now=now)
    return _finished(feed, outlet)


def _finished(feed: raw.Feed, outlet: str | None) -> model.ParsedFeed:
    dropped = list(feed.dropped)
    entries = feed.entries
    if len(entries) > MAX_ENTRIES:
        dropped.append(f"{len(entries) - MAX_ENTRIES} entries beyond the first {MAX_ENTRIES}")
        entries = entries[:MAX_ENTRIES]
    named = outlets.named(entries, feed_url=feed.url, default=outlet)
    keyed, doubles = keys.keyed(entries)
    if doubles:
        dropped.append(f"{doubles} entries that stand in the document twice")
    if len(dropped) > _MOST_NOTES:
        dropped = [*dropped[:_MOST_NOTES], f"and {len(dropped) - _MOST_NOTES} more"]
    return model.ParsedFeed(
        title=feed.title,
        entries=tuple(_entry(key, named[index], feed.language) for index, key in keyed),
        url=feed.url,
        language=feed.language,
        ttl=feed.ttl,
        skip_hours=feed.skip_hours,
        skip_days=feed.skip_days,
        dropped=tuple(dropped),
    )


def _entry(key: str, entry: raw.Entry, language: str | None) -> model.ParsedEntry:
    return model.ParsedEntry(
        key=key,
        title=entry.title,
        summary=entry.summary,
        body=entry.body,
        url=entry.url,
        outlet=entry.source or None,
        language=entry.language or language,
        published_at=entry.published_at,
    )
