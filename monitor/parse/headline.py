"""What a web page of news says of itself: headline, lead, outlet and date. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from selectolax.lexbor import LexborHTMLParser

from monitor import errors
from monitor.parse import text

_LONGEST = 1_000_000
_LONGEST_TITLE, _LONGEST_LEAD = 300, 2_000
_TITLES = ("meta[property='og:title']", "meta[name='twitter:title']")
_LEADS = ("meta[property='og:description']", "meta[name='description']", "meta[name='twitter:description']")
_OUTLETS = ("meta[property='og:site_name']",)
_DATES = ("meta[property='article:published_time']", "meta[itemprop='datePublished']", "meta[name='date']")


@dataclass(frozen=True, slots=True)
class Headline:
    """A page's news. outlet, published_at: empty and None where it does not say."""

    title: str
    lead: str
    outlet: str = ""
    published_at: datetime | None = None


def read(page: bytes) -> Headline:
    """Return what `page` says of itself; ParseError where it has no headline."""
    tree = LexborHTMLParser(page[:_LONGEST].decode("utf-8", "replace"))
    title = _said(tree, _TITLES) or _text(tree, ("h1", "title"))
    if not title:
        raise errors.ParseError("no headline was found on the page")
    lead = _said(tree, _LEADS) or _text(tree, ("article p", "p"))
    return Headline(
        text.cut(title, _LONGEST_TITLE),
        text.cut(lead, _LONGEST_LEAD),
        _said(tree, _OUTLETS),
        _date(_said(tree, _DATES)),
    )


def _said(tree: LexborHTMLParser, selectors: Iterable[str]) -> str:
    nodes = (node for selector in selectors for node in tree.css(selector))
    return next((words for node in nodes if (words := text.clean(node.attributes.get("content") or ""))), "")


def _text(tree: LexborHTMLParser, selectors: Iterable[str]) -> str:
    nodes = (node for selector in selectors for node in tree.css(selector))
    return next((words for node in nodes if (words := text.clean(node.text()))), "")


def _date(words: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
