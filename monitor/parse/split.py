"""Cuts a feed document into what stands before, the entries, and what stands behind. Pure, linear in the document."""

import re

BARE = (b"<rss version='2.0'><channel>", b"</channel></rss>")

_MARK = re.compile(rb"<!\[CDATA\[|<!--|<(/?)((?:[A-Za-z_][\w.-]{0,40}:)?(?:item|entry))(?=[\s>/])", re.IGNORECASE)
_MOST = 5000


def split(document: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return head, entries and tail; no entries when none is found. Comments and CDATA are passed over."""
    spans = _spans(document)
    if not spans:
        return document, [], b""
    items = [document[start:end] for start, end in spans]
    return document[: spans[0][0]], items, document[spans[-1][1] :]


def _spans(document: bytes) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start = -1
    at = 0
    while len(spans) < _MOST and (mark := _MARK.search(document, at)):
        at = mark.end()
        if mark.group(2) is None:
            end = document.find(b"]]>" if mark.group().startswith(b"<![") else b"-->", at)
            if end < 0:
                break
            at = end + 3
        elif not mark.group(1):
            if start >= 0:  # the one before never ended
                spans.append((start, mark.start()))
            start = mark.start()
        elif start >= 0:
            end = document.find(b">", at)
            at = end + 1 if end >= 0 else len(document)
            spans.append((start, at))
            start = -1
    return spans
