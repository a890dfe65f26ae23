"""Web pages where a feed should be: recognised, said, and searched for the feeds that they name. Pure."""

import re

from selectolax.lexbor import LexborHTMLParser

from monitor.parse import raw, text

_HEAD = 4096
_LONGEST = 1_000_000
_MOST_LINKS = 20
_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_FEED = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel)[\s>]", re.IGNORECASE)
_BOT_CHECK = re.compile(
    rb"captcha|challenge-platform|cf-chl|just a moment\.\.\.|are you (?:a )?(?:human|robot)|"
    rb"verify (?:that )?you are human|ddos-guard|access denied|enable javascript and cookies|unusual traffic",
    re.IGNORECASE,
)
_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")


def is_page(body: bytes) -> bool:
    """Whether `body` begins as a web page and not as a feed."""
    head = body[:_HEAD].replace(b"\0", b"")
    page, feed = _PAGE.search(head), _FEED.search(head)
    return page is not None and (feed is None or page.start() < feed.start())


def complaint(body: bytes, url: str) -> str:
    """Return what to say of a page: what it is, and which feeds it names."""
    if _BOT_CHECK.search(body[:200_000]):
        return "a bot check or a refusal, not a feed: ask the publisher to let feed readers through"
    links = feed_links(body, url)
    if links:
        return f"a web page, not a feed; it names a feed at {', '.join(links[:3])}: use that URL"
    return "a web page, not a feed, and it names none: look for its feed's URL"


def feed_links(body: bytes, url: str) -> tuple[str, ...]:
    """Return the feeds that a page declares with <link rel="alternate">, in its order, each once."""
    tree = LexborHTMLParser(body[:_LONGEST].decode("utf-8", "replace"))
    base = tree.css_first("base[href]")
    root = raw.a_link(base.attributes.get("href"), url) if base is not None else ""
    found: dict[str, None] = {}
    for link in tree.css("link[rel][href]"):
        rels = (link.attributes.get("rel") or "").lower().split()
        kind = text.clean(link.attributes.get("type") or "").lower().partition(";")[0].strip()
        target = raw.a_link(link.attributes.get("href"), root or url)
        if target and "alternate" in rels and kind in _TYPES:
            found[target] = None
    return tuple(found)[:_MOST_LINKS]
