"""Reads documents that are plainly well formed, and gives just what feedparser gives, in a tenth of its time. Pure.

feedparser is the authority. This reader knows some elements and what feedparser makes of each, and steps aside (returns
None) for all else: another element, an attribute that changes meaning, an element that stands twice, a document type,
markup where text should be. A test compares both over all documents that we have, and over mutations of them.

What is quadratic in feedparser (long authors, many attributes) is not even looked at here.
"""

import contextlib
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from feedparser.datetimes import _parse_date
from feedparser.html import _cp1252
from feedparser.mixin import _FeedParserMixin
from feedparser.urls import _urljoin

LARGEST = 2**20

Element = ET.Element
Found = dict[str, Any]

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_QUERY = re.compile("&([A-Za-z0-9_]+);")
_HTML = ("text/html", "application/xhtml+xml")
_TYPES = {"text": "text/plain", "html": "text/html"}

# Elements that change nothing of what we keep, as long as they hold no others.
_NEUTRAL = frozenset(
    {
        "{http://purl.org/dc/elements/1.1/}creator",
        "{http://purl.org/dc/elements/1.1/}rights",
        "{http://purl.org/rss/1.0/modules/slash/}comments",
        "{http://purl.org/rss/1.0/modules/syndication/}updateBase",
        "{http://purl.org/rss/1.0/modules/syndication/}updateFrequency",
        "{http://purl.org/rss/1.0/modules/syndication/}updatePeriod",
        "{http://wellformedweb.org/CommentAPI/}commentRss",
        "{http://search.yahoo.com/mrss/}credit",
        "{http://search.yahoo.com/mrss/}keywords",
    }
)
_NEUTRAL_EMPTY = frozenset({"{http://search.yahoo.com/mrss/}content", "{http://search.yahoo.com/mrss/}thumbnail"})
_RSS_NEUTRAL = _NEUTRAL | {"author", "category", "comments", "copyright", "docs", "generator", "lastBuildDate"}
_RSS_NEUTRAL |= {"managingEditor", "webMaster"}
_RSS_CHANNEL_NEUTRAL = _RSS_NEUTRAL | {"description", "pubDate"}
_ATOM_NEUTRAL = _NEUTRAL | {f"{_ATOM}{name}" for name in ("category", "generator", "icon", "logo", "rights")}
_ATOM_FEED_NEUTRAL = _ATOM_NEUTRAL | {f"{_ATOM}{name}" for name in ("subtitle", "updated")}
_PEOPLE = frozenset({f"{_ATOM}author", f"{_ATOM}contributor"})
_PERSON = frozenset({f"{_ATOM}name", f"{_ATOM}email", f"{_ATOM}uri"})
_FOLDED = frozenset({"image", "skipHours", "skipDays"})  # with children of their own that are plain text
_PARTS = frozenset({"url", "title", "link", "width", "height", "hour", "day"})


class _AsideError(Exception):
    """The document is not plain enough."""


def read(document: bytes) -> Found | None:
    """Return the parts of feedparser's result that `xmlfeed` looks at, or None to leave the document to feedparser.

    document: valid UTF-8, whatever it says of itself.
    """
    lowered = document.lower()
    if len(document) > LARGEST or b"<!doctype" in lowered or b"<!entity" in lowered:
        return None
    try:
        root = ET.XML(document, ET.XMLParser(encoding="utf-8"))  # noqa: S314  no document type
        if root.tag == "rss":
            return _rss(root)
        if root.tag == f"{_ATOM}feed":
            return _atom(root)
    except (ET.ParseError, ValueError, _AsideError):
        return None
    return None


def _rss(root: Element) -> Found:
    children = list(root)
    _need(set(root.attrib) == {"version"} and root.attrib["version"] == "2.0")
    _need(len(children) == 1 and children[0].tag == "channel" and not children[0].attrib)
    feed: Found = {}
    entries: list[Found] = []
    for element in children[0]:
        tag = str(element.tag)
        if tag == "item":
            entries.append(_rss_item(element))
        elif tag in ("title", "link", "language", "ttl"):
            _need(tag not in feed and not element.attrib)
            _RSS_CHANNEL[tag](feed, _text(element))
        elif tag == f"{_ATOM}link":
            _need(element.get("rel") in ("self", "hub") and bool(element.get("href")) and _is_bare(element))
        elif tag in _FOLDED:
            _need(not element.attrib and all(part.tag in _PARTS and _is_plain(part) for part in element))
        else:
            _need(tag in _RSS_CHANNEL_NEUTRAL and len(element) == 0)
    return {"version": "rss20", "feed": feed, "entries": entries}


def _rss_item(item: Element) -> Found:
    _need(not item.attrib)
    entry: Found = {}
    seen: set[str] = set()
    for element in item:
        tag = str(element.tag)
        if tag in _RSS_ITEM:
            _need(tag not in seen and set(element.attrib) <= _RSS_ATTRIBUTES.get(tag, frozenset()))
            seen.add(tag)
            put = _linking_id if tag == "guid" and element.get("isPermaLink", "true") == "true" else _RSS_ITEM[tag]
            put(entry, _text(element))
        else:
            _neutral(element, _RSS_NEUTRAL)
    return entry


def _atom(root: Element) -> Found:
    _need(set(root.attrib) <= {_LANG})
    language = root.get(_LANG)
    feed: Found = {} if not language else {"language": language.replace("_", "-")}
    entries: list[Found] = []
    for element in root:
        tag = str(element.tag)
        if tag == f"{_ATOM}entry":
            entries.append(_atom_entry(element))
        elif tag == f"{_ATOM}title":
            _need("title" not in feed)
            _typed(feed, "title", element, "text/plain")
        elif tag == f"{_ATOM}id":
            _need("id" not in feed and not element.attrib)
            _linking_id(feed, _text(element))
        elif tag == f"{_ATOM}link":
            _atom_link(feed, element)
        elif tag in _PEOPLE:
            _person(element)
        else:
            _need(tag in _ATOM_FEED_NEUTRAL and len(element) == 0)
    return {"version": "atom10", "feed": feed, "entries": entries}


def _atom_entry(item: Element) -> Found:
    _need(not item.attrib)
    entry: Found = {}
    seen: set[str] = set()
    for element in item:
        tag = str(element.tag)
        name = tag.removeprefix(_ATOM) if tag.startswith(_ATOM) else ""
        if name == "link":
            _atom_link(entry, element)
        elif name in ("title", "summary", "content", "id", "published", "updated"):
            _need(name not in seen)
            seen.add(name)
            _atom_part(entry, name, element)
        elif tag in _PEOPLE:
            _person(element)
        else:
            _neutral(element, _ATOM_NEUTRAL)
    return entry


def _atom_part(entry: Found, name: str, element: Element) -> None:
    if name in ("title", "summary"):
        _typed(entry, name, element, "text/plain")
    elif name == "content":
        content: Found = {}
        _typed(content, "content", element, "text/plain")
        _content(entry, content["content"], content["content_detail"]["type"])
    else:
        _need(not element.attrib)
        _ATOM_ENTRY[name](entry, _text(element))


def _typed(found: Found, name: str, element: Element, default: str) -> None:
    """Take a text whose attribute says whether it is markup."""
    _need(set(element.attrib) <= {"type"})
    kind = element.get("type")
    _need(kind is None or kind in _TYPES)
    value = _mended(_text(element))
    if value or name != "title":
        found[name] = value
        found[f"{name}_detail"] = {"type": default if kind is None else _TYPES[kind]}


def _atom_link(found: Found, element: Element) -> None:
    _need(set(element.attrib) <= {"rel", "type", "href", "title", "length"} and bool(element.get("href")))
    _need(_is_bare(element))
    rel = element.get("rel", "alternate").lower()
    kind = element.get("type", "text/html").lower()
    if rel == "alternate" and kind in _HTML:
        found["link"] = _urljoin("", element.attrib["href"])


def _person(element: Element) -> None:
    _need(all(part.tag in _PERSON and _is_plain(part) for part in element))


def _neutral(element: Element, names: frozenset[str]) -> None:
    tag = str(element.tag)
    if tag in names:
        _need(len(element) == 0)
    else:
        _need((tag in _NEUTRAL_EMPTY or tag == "enclosure") and _is_bare(element))


def _title(found: Found, value: str) -> None:
    value = _mended(value)
    if value:
        kind = "text/html" if _FeedParserMixin.looks_like_html(value) else "text/plain"
        found["title"], found["title_detail"] = value, {"type": kind}


def _item_link(found: Found, value: str) -> None:
    value = _mended(_urljoin("", value) if value else "").replace("&amp;", "&")
    found["link"] = _QUERY.sub(r"&\g<1>", value)


def _channel_link(found: Found, value: str) -> None:
    found["link"] = _QUERY.sub(r"&\g<1>", _mended(_urljoin("", value) if value else ""))


def _description(found: Found, value: str) -> None:
    found["summary"], found["summary_detail"] = _mended(value), {"type": "text/html"}


def _content(found: Found, value: str, kind: str) -> None:
    found["content"] = [{"value": value, "type": kind}]
    found.setdefault("summary", value)


def _set(name: str) -> Callable[[Found, str], None]:
    def put(found: Found, value: str) -> None:
        found[name] = _mended(value)

    return put


def _set_date(name: str) -> Callable[[Found, str], None]:
    def put(found: Found, value: str) -> None:
        found[name] = _parse_date(_mended(value))

    return put


def _linking_id(found: Found, value: str) -> None:
    """Take an id that serves as link until there is one; feedparser has those of Atom for such, too."""
    found["id"] = _mended(_urljoin("", value) if value else "")
    found.setdefault("link", found["id"])


def _source(found: Found, value: str) -> None:
    value = _mended(value)
    found["source"] = {"title": value} if value else {}


_RSS_CHANNEL: dict[str, Callable[[Found, str], None]] = {
    "title": _title,
    "link": _channel_link,
    "language": _set("language"),
    "ttl": _set("ttl"),
}
_RSS_ITEM: dict[str, Callable[[Found, str], None]] = {
    "title": _title,
    "link": _item_link,
    "guid": _set("id"),
    "description": _description,
    _CONTENT: lambda found, value: _content(found, _mended(value), "text/html"),
    "pubDate": _set_date("published_parsed"),
    "source": _source,
}
_ATOM_ENTRY: dict[str, Callable[[Found, str], None]] = {
    "id": _linking_id,
    "published": _set_date("published_parsed"),
    "updated": _set_date("updated_parsed"),
}
_RSS_ATTRIBUTES = {"guid": frozenset({"isPermaLink"}), "source": frozenset({"url"})}


def _text(element: Element) -> str:
    _need(len(element) == 0)
    return (element.text or "").strip()


def _is_bare(element: Element) -> bool:
    return len(element) == 0 and not (element.text or "").strip()


def _is_plain(element: Element) -> bool:
    return len(element) == 0 and not element.attrib


def _mended(value: str) -> str:
    """Do what feedparser does with every text: undo UTF-8 that was taken for Latin-1, and map Windows' characters."""
    if value.isascii():
        return value
    with contextlib.suppress(UnicodeEncodeError, UnicodeDecodeError):
        value = value.encode("iso-8859-1").decode("utf-8")
    return value.translate(_cp1252)


def _need(holds: bool) -> None:  # noqa: FBT001  reads as a sentence
    if not holds:
        raise _AsideError
