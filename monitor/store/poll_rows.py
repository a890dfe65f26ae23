"""What a poll leaves behind, as rows of the tables. Pure.

A poll holds the lease of its feed, so nobody else has changed the feed's row since it was claimed: the whole new row
follows from the record, and any number of feeds is one statement.
"""

from collections.abc import Callable, Iterator

from monitor import model
from monitor.store import codec, hosts

FORGOTTEN: dict[str, object] = {
    "status": model.FeedStatus.ACTIVE,
    "etag": None,
    "last_modified": None,
    "fingerprint": None,
    "first_polled_at": None,
    "last_ok_at": None,
    "last_new_at": None,
    "failing_since_at": None,
    "gap_seconds": None,
    "schedule": None,
    "failures": 0,
    "last_error": None,
    "lease": None,
    "leased_until_at": None,
}
"""A feed of which nothing was learned."""

EDITED = ("fingerprint", "title", "summary", "body", "url", "outlet", "language")
"""The columns of an entry that an edit replaces."""

_UNKNOWN = model.Schedule()
_FAILED = (model.Polled.FAILED, model.Polled.GONE)


def has_failed(record: model.PollRecord) -> bool:
    """Whether the feed is to blame. When our own network is down, it is not."""
    return record.polled in _FAILED


def has_succeeded(record: model.PollRecord) -> bool:
    """Whether the server gave an answer that counts."""
    return record.polled not in (*_FAILED, model.Polled.OFFLINE)


def feed_row(record: model.PollRecord) -> dict[str, object]:
    """Return the feed's row after the poll; `this_id` names it."""
    row = _schedule(record)
    feed = record.feed
    if has_failed(record):
        row["failures"] = feed.failures + 1
        row["failing_since_at"] = feed.failing_since_at or record.at
        row["last_error"] = legible(record.error or "failed")
        row["last_polled_at"] = record.at
        row["status"] = model.FeedStatus.GONE if record.polled is model.Polled.GONE else feed.status
    elif has_succeeded(record):
        row["failures"] = 0
        row["failing_since_at"] = row["last_error"] = None
        row["first_polled_at"] = feed.first_polled_at or record.at
        row["last_polled_at"] = row["last_ok_at"] = record.at
        row["last_new_at"] = record.at if record.entries else feed.last_new_at
    return row


def outage_row(record: model.PollRecord) -> dict[str, object]:
    """Return the outage that a failed poll opens, if none is open."""
    return {"feed_id": record.feed.id, "began_at": record.at, "error": legible(record.error or "failed"), "polls": 1}


def entry_rows(record: model.PollRecord, fingerprint: Callable[[str, str], str]) -> Iterator[dict[str, object]]:
    """Yield a row for each new entry."""
    status = model.EntryStatus.PROCESSED if record.quiet else model.EntryStatus.PENDING
    for entry in record.entries:
        yield {
            "feed_id": record.feed.id,
            "key": entry.key,
            "fingerprint": fingerprint(entry.title, entry.summary),
            "revision": 1,
            "title": entry.title,
            "summary": entry.summary,
            "body": entry.body,
            "url": entry.url,
            "outlet": entry.outlet or "",
            "language": entry.language or "",
            "published_at": entry.published_at,
            "first_seen_at": record.at,
            "first_poll": record.feed.first_polled_at is None,
            "status": status.value,
            "attempts": 0,
        }


def edit_row(record: model.PollRecord, edit: model.Edit, fingerprint: Callable[[str, str], str]) -> dict[str, object]:
    """Return what an edit writes; `this_id` and `this_feed` name the entry, `again` whether it is decided once more."""
    parsed = edit.parsed
    return {
        "this_id": edit.entry_id,
        "this_feed": record.feed.id,
        "fingerprint": fingerprint(parsed.title, parsed.summary),
        "title": parsed.title,
        "summary": parsed.summary,
        "body": parsed.body,
        "url": parsed.url,
        "outlet": parsed.outlet or "",
        "language": parsed.language or "",
        "published_at": parsed.published_at,
        "again": edit.again,
    }


def legible(text: str) -> str:
    """Return `text` as every database takes it: without NUL and lone surrogates, of bounded length."""
    return text[:2000].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _schedule(record: model.PollRecord) -> dict[str, object]:
    """Return the feed's row with what a poll changes whatever it came to."""
    feed = record.feed
    validators = record.validators or feed.validators
    gap = record.gap or feed.gap
    schedule = feed.schedule if record.schedule is None else record.schedule
    return {
        "this_id": feed.id,
        "url": record.moved_to or feed.url,
        "host": hosts.host_of(record.moved_to or feed.url),
        "status": feed.status,
        "etag": validators.etag,
        "last_modified": validators.last_modified,
        "fingerprint": record.fingerprint or feed.fingerprint,
        "next_poll_at": record.plan.next_poll_at,
        "first_polled_at": feed.first_polled_at,
        "last_polled_at": feed.last_polled_at,
        "last_ok_at": feed.last_ok_at,
        "last_new_at": feed.last_new_at,
        "failing_since_at": feed.failing_since_at,
        "gap_seconds": gap.total_seconds() if gap else None,
        "schedule": None if schedule == _UNKNOWN else codec.encode(schedule),
        "failures": feed.failures,
        "last_error": feed.last_error,
        "why": record.plan.why,
    }
