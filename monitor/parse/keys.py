"""The key of each entry: the guid, else the link, else a hash. Pure.

A key that occurs twice in one document is no key (feeds that give every item the guid of the site), and the next one
serves. Entries that are the same in all three are one.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

from monitor.parse import raw

_LONGEST = 500


def keyed(entries: Sequence[raw.Entry]) -> tuple[list[tuple[int, str]], int]:
    """Return (index, key) of the entries to keep, in their order, and how many were left out as doubles."""
    single = _singles(entries)
    guids = Counter(entries[index].guid for index in single)
    urls = Counter(entries[index].url for index in single)
    found: list[tuple[int, str]] = []
    taken: set[str] = set()
    for index in single:
        entry = entries[index]
        candidates = [
            entry.guid if guids[entry.guid] == 1 else "",
            entry.url if urls[entry.url] == 1 else "",
            fingerprint(entry.title, entry.url),
        ]
        key = next((short(each) for each in candidates if each and short(each) not in taken), None)
        if key is not None:
            taken.add(key)
            found.append((index, key))
    return found, len(entries) - len(found)


def fingerprint(title: str, url: str) -> str:
    """Return the key of an entry that has no better one."""
    return "sha256:" + hashlib.sha256(f"{title}\n{url}".encode()).hexdigest()


def short(key: str) -> str:
    """Return `key`, or the hash of one that is too long for an index."""
    return key if len(key) <= _LONGEST else "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def _singles(entries: Sequence[raw.Entry]) -> list[int]:
    seen: set[tuple[str, str, str]] = set()
    found: list[int] = []
    for index, entry in enumerate(entries):
        triple = (entry.guid, entry.url, entry.title)
        if triple not in seen:
            seen.add(triple)
            found.append(index)
    return found
