"""Who tells an entry: its source, an aggregator's suffix, the feed's outlet, or its link's domain. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit

import publicsuffixlist

from monitor.parse import raw

_AGGREGATORS = re.compile(r"(?:^|\.)(?:news\.google\.[a-z.]+|bing\.com|news\.yahoo\.com|msn\.com|newsnow\.co\.uk)$")
_SUFFIX = re.compile(r"^(?P<title>.*\S)\s+[-–—|]\s+(?P<outlet>[^\s\-–—|](?:[^–—|]{0,58}[^\s–—|])?)$")
_SEVERAL = 2


def named(entries: Sequence[raw.Entry], *, feed_url: str, default: str | None) -> list[raw.Entry]:
    """Return the entries with their outlets as `source`; an aggregator's suffix is taken off their titles."""
    collected = _is_aggregator(entries, feed_url)
    return [_named(entry, default, collected=collected) for entry in entries]


def of_link(url: str) -> str:
    """Return the registrable domain of a link (`bbc.co.uk`), its host when there is none, or an empty string."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return (_extract(host) or host) if host else ""


def _named(entry: raw.Entry, default: str | None, *, collected: bool) -> raw.Entry:
    title, suffix = _split(entry.title)
    if entry.source:
        if suffix.casefold() != entry.source.casefold():
            return entry
        outlet = entry.source
    elif collected and suffix:
        outlet = suffix
    else:
        return replace(entry, source=default or of_link(entry.url))
    return replace(entry, title=title, source=outlet, summary=_own_words(entry.summary, title, outlet))


def _own_words(summary: str, title: str, outlet: str) -> str:
    """Return the summary unless it only says the title and the outlet again, as those of aggregators do."""
    rest = summary.replace(title, "").replace(outlet, "")
    return summary if re.search(r"\w", rest) else ""


def _split(title: str) -> tuple[str, str]:
    found = _SUFFIX.match(title)
    return (found["title"], found["outlet"]) if found else (title, "")


def _is_aggregator(entries: Sequence[raw.Entry], feed_url: str) -> bool:
    """Whether the feed collects what others wrote: by its host, or because its entries name several sources."""
    try:
        host = urlsplit(feed_url).hostname or ""
    except ValueError:
        host = ""
    return _AGGREGATORS.search(host) is not None or len({entry.source for entry in entries if entry.source}) >= _SEVERAL


@cache
def _suffixes() -> publicsuffixlist.PublicSuffixList:
    """Return the list of public suffixes that came with the library: nothing is fetched."""
    return publicsuffixlist.PublicSuffixList()


def _extract(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return str(_suffixes().privatesuffix(host) or "")
    return host
