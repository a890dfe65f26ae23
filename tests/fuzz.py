"""A mutation fuzzer for `parse`: documents of tests/feeds, cut, doubled, joined and peppered with what hurts parsers.

    python -m tests.fuzz --seconds 60 --seed 1

A document may become a feed or a ParseError, nothing else, and a feed keeps what is promised of it (distinct keys,
clean texts, aware dates). What the fast reader takes, feedparser reads the same. Documents that take longer than a
second are counted, not failed: ending them is the sandbox's work. A failure is written to a file; the exit status is 1.
"""

import argparse
import dataclasses
import random
import signal
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from monitor import errors, model, parse
from monitor.parse import encoding, fast, raw, xmlfeed
from tests.builders import NOON

FOLDER = Path(__file__).parent / "feeds"
LONGEST = 200_000
URL = "https://feeds.example/a/x"

PEPPER = [
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<item>",
    b"</item>",
    b"<entry>",
    b"</entry>",
    b"<title>",
    b"</title>",
    b"&",
    b"&amp;",
    b"&#0;",
    b"&#xD800;",
    b"&#1114112;",
    b"&#" + b"9" * 400 + b";",
    b"&nbsp;",
    b"&bogus;",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"<?x",
    b"?>",
    b"<!DOCTYPE rss [",
    b"<!ENTITY a 'bbbbbbbb'>",
    b"&a;",
    b"]>",
    b"<",
    b">",
    b"'",
    b'"',
    b"<content type='xhtml'>",
    b"<content mode='base64'>",
    b"<gml:pos>1 2</gml:pos>",
    b"<georss:point>nan</georss:point>",
    b"<media:rating>",
    b"<source>",
    b"</source>",
    b"<link href='http://[::1'/>",
    b"<link>http://[x</link>",
    b"xml:base='http://['",
    b"xml:lang='x'",
    b"javascript:alert(1)",
    b"<pubDate>9999999999</pubDate>",
    b"<dc:date>0000-00-00T99:99:99Z</dc:date>",
    b"<guid isPermaLink='true'>x</guid>",
    "\u202e\u200b\ufeff".encode(),
    "é".encode() * 50,
    b"a" * 3000,
    b"<b>" * 300,
    b"</b>" * 300,
    b"{",
    b'{"items":[',
    b"[" * 3000,
    b"<skipHours><hour>99</hour>",
    b"<ttl>-1</ttl>",
    b"<x " + b"y='1' " * 200 + b">",
    b"\x1b[2J",
    b"\r\n\r\n",
]


def mutants(seeds: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Yield mutations of `seeds` without end, the same ones for the same `chance`."""
    changes: list[Callable[[bytearray, random.Random, list[bytes]], None]] = [
        _insert, _insert, _delete, _double, _flip, _join, _swap,
    ]  # fmt: skip
    while True:
        document = bytearray(chance.choice(seeds))
        for _ in range(chance.choice([1, 1, 2, 3, 5, 8])):
            chance.choice(changes)(document, chance, seeds)
        yield bytes(document[:LONGEST])


def check(document: bytes, content_type: str | None) -> str:
    """Parse a document and see that promises are kept. Returns `feed`, `refused` or `slow`; raises for all else."""
    try:
        with _second():
            found = parse.parse(document, content_type=content_type, url=URL, now=NOON)
            same = not is_plain(document) or by(document, is_fast=True) == by(document, is_fast=False)
    except errors.ParseError:
        return "refused"
    except _SlowError:
        return "slow"
    assert same, "the fast reader agrees with feedparser"
    _promises(found)
    return "feed"


def is_plain(document: bytes) -> bool:
    """Whether the fast reader takes a document."""
    mended, kind = encoding.mended(document, None)
    return kind.endswith("utf-8") and fast.read(mended) is not None


def by(document: bytes, *, is_fast: bool) -> raw.Feed | str:
    """Return what the fast or the slow way makes of a document."""
    try:
        found = xmlfeed.read(document, content_type=None, url=URL, now=NOON, is_fast=is_fast)
    except errors.ParseError as error:
        return str(error)
    # What an entry does not say of its language, the feed says: `parse` fills it in, feedparser partly does.
    entries = (dataclasses.replace(entry, language=entry.language or found.language) for entry in found.entries)
    return dataclasses.replace(found, entries=tuple(entries))


def run(seconds: float, seed: int, most: int = 10**9) -> Counter[str]:
    """Fuzz for so long or so many documents. Raises AssertionError that names the file of the first failure."""
    chance = random.Random(seed)
    seeds = [path.read_bytes() for path in sorted(FOLDER.iterdir()) if not path.name.endswith(".expected.json")]
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    for document in mutants(seeds, chance):
        content_type = chance.choice([None, "text/xml", "application/rss+xml; charset=iso-8859-1", "application/json"])
        try:
            counts[check(document, content_type)] += 1
        except Exception as error:
            with tempfile.NamedTemporaryFile(prefix="fuzz-", suffix=".xml", delete=False) as kept:
                kept.write(document)
            message = f"{type(error).__name__}: {error}; seed {seed}, {content_type}; the document is {kept.name}"
            raise AssertionError(message) from error
        if time.monotonic() > end or counts.total() >= most:
            return counts
    raise AssertionError("mutants never end")


def _promises(found: model.ParsedFeed) -> None:
    assert len({entry.key for entry in found.entries}) == len(found.entries), "keys are distinct"
    assert all(0 <= hour < 24 for hour in found.skip_hours), "hours are hours"
    for entry in found.entries:
        assert entry.key, "every entry has a key"
        assert entry.title, "every entry has a title"
        assert not entry.url or entry.url.startswith(("http://", "https://")), "links are http"
        assert entry.published_at is None or entry.published_at.utcoffset() is not None, "dates are aware"
        for words in (entry.key, entry.title, entry.summary, entry.body, entry.url, entry.outlet or ""):
            words.encode()
            assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in words), "no control characters"


class _SlowError(BaseException):
    """A document took longer than its second. Not an Exception: the parser catches those of its library."""


@contextmanager
def _second() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _SlowError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _place(document: bytearray, chance: random.Random) -> int:
    return chance.randint(0, len(document))


def _insert(document: bytearray, chance: random.Random, _seeds: list[bytes]) -> None:
    at = _place(document, chance)
    document[at:at] = chance.choice(PEPPER)


def _delete(document: bytearray, chance: random.Random, _seeds: list[bytes]) -> None:
    at = _place(document, chance)
    del document[at : at + chance.choice([1, 2, 10, 100, 1000])]


def _double(document: bytearray, chance: random.Random, _seeds: list[bytes]) -> None:
    at = _place(document, chance)
    document[at:at] = document[at : at + chance.choice([10, 100, 1000])] * chance.choice([1, 2, 20])


def _flip(document: bytearray, chance: random.Random, _seeds: list[bytes]) -> None:
    if document:
        document[chance.randrange(len(document))] = chance.randrange(256)


def _join(document: bytearray, chance: random.Random, seeds: list[bytes]) -> None:
    other = chance.choice(seeds)
    at = _place(document, chance)
    document[at:] = other[chance.randint(0, len(other)) :]


def _swap(document: bytearray, chance: random.Random, _seeds: list[bytes]) -> None:
    at, size = _place(document, chance), chance.choice([5, 50, 500])
    to = _place(document, chance)
    document[at : at + size], document[to : to + size] = document[to : to + size], document[at : at + size]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    try:
        done = run(options.seconds, options.seed)
    except AssertionError as failure:
        sys.exit(str(failure))
    sys.stdout.write(f"seed {options.seed}: {done.total()} documents, {dict(done)}\n")
