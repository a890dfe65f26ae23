"""A feed document in RSS 2.0, Atom, RDF (RSS 1.0) or JSON Feed. Pure."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from monitor.demo import news

CONTENT_TYPES = {
    news.Format.RSS: "application/rss+xml; charset=utf-8",
    news.Format.ATOM: "application/atom+xml; charset=utf-8",
    news.Format.RDF: "application/rdf+xml; charset=utf-8",
    news.Format.JSON: "application/feed+json",
}

Shown = Sequence[tuple[news.Item, news.Telling]]


def document(outlet: news.Outlet, shown: Shown, started_at: datetime) -> bytes:
    """Return the feed of `outlet` in its format; `shown` in the order in which it is to stand."""
    writers: dict[news.Format, Callable[[news.Outlet, Shown, datetime], str]] = {
        news.Format.RSS: _rss,
        news.Format.ATOM: _atom,
        news.Format.RDF: _rdf,
        news.Format.JSON: _json_feed,
    }
    return writers[outlet.format](outlet, shown, started_at).encode()


def home(outlet: news.Outlet) -> str:
    """Return the address of an outlet that does not exist (RFC 2606: `.example`)."""
    return f"https://{outlet.slug}.example/"


def link(outlet: news.Outlet, item: news.Item) -> str:
    """Return the address of one entry."""
    return f"{home(outlet)}news/{item.key}"


def _rss(outlet: news.Outlet, shown: Shown, started_at: datetime) -> str:
    """RSS 2.0. Source: rssboard.org/rss-specification."""
    items = "".join(
        f"<item><title>{escape(telling.title)}</title><link>{link(outlet, item)}</link>"
        f"<description>{escape(telling.summary)}</description>"
        f'<guid isPermaLink="false">{item.key}</guid>'
        f"<pubDate>{format_datetime(news.told_at(item.tellings[0], started_at), usegmt=True)}</pubDate>"
        f"{_source(outlet, telling)}</item>\n"
        for item, telling in shown
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>'
        f"<title>{escape(outlet.name)}</title><link>{home(outlet)}</link>"
        f"<description>{escape(outlet.name)}</description><language>{outlet.language}</language>\n"
        f"{items}</channel></rss>\n"
    )


def _source(outlet: news.Outlet, telling: news.Telling) -> str:
    """Return whom an aggregator has an entry from: the end of its title, once more, as aggregators do."""
    if outlet.outlet is not None:
        return ""
    name = telling.title.rpartition(" - ")[2]
    return f"<source url={quoteattr(home(outlet))}>{escape(name)}</source>"


def _atom(outlet: news.Outlet, shown: Shown, started_at: datetime) -> str:
    """Atom 1.0. Source: RFC 4287."""
    entries = "".join(
        f"<entry><id>tag:{outlet.slug}.example,2026:{item.key}</id><title>{escape(telling.title)}</title>"
        f"<link href={quoteattr(link(outlet, item))}/>"
        f"<published>{news.told_at(item.tellings[0], started_at).isoformat()}</published>"
        f"<updated>{news.told_at(telling, started_at).isoformat()}</updated>"
        f"<summary>{escape(telling.summary)}</summary></entry>\n"
        for item, telling in shown
    )
    newest = max((news.told_at(telling, started_at) for _, telling in shown), default=started_at)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">'
        f"<id>tag:{outlet.slug}.example,2026:feed</id><title>{escape(outlet.name)}</title>"
        f"<link href={quoteattr(home(outlet))}/><author><name>{escape(outlet.name)}</name></author>"
        f"<updated>{newest.isoformat()}</updated>\n{entries}</feed>\n"
    )


def _rdf(outlet: news.Outlet, shown: Shown, started_at: datetime) -> str:
    """RDF Site Summary 1.0 with Dublin Core dates. Source: web.resource.org/rss/1.0/spec."""
    listed = "".join(f"<rdf:li rdf:resource={quoteattr(link(outlet, item))}/>" for item, _ in shown)
    items = "".join(
        f"<item rdf:about={quoteattr(link(outlet, item))}><title>{escape(telling.title)}</title>"
        f"<link>{link(outlet, item)}</link><description>{escape(telling.summary)}</description>"
        f"<dc:date>{news.told_at(item.tellings[0], started_at).isoformat()}</dc:date></item>\n"
        for item, telling in shown
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns="http://purl.org/rss/1.0/"'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel rdf:about={quoteattr(home(outlet))}><title>{escape(outlet.name)}</title><link>{home(outlet)}</link>"
        f"<description>{escape(outlet.name)}</description><dc:language>{outlet.language}</dc:language>"
        f"<items><rdf:Seq>{listed}</rdf:Seq></items></channel>\n{items}</rdf:RDF>\n"
    )


def _json_feed(outlet: news.Outlet, shown: Shown, started_at: datetime) -> str:
    """JSON Feed 1.1. Source: jsonfeed.org/version/1.1."""
    items = [
        {
            "id": item.key,
            "url": link(outlet, item),
            "title": telling.title,
            "content_text": telling.summary,
            "summary": telling.summary,
            "date_published": news.told_at(item.tellings[0], started_at).isoformat(),
            "date_modified": news.told_at(telling, started_at).isoformat(),
        }
        for item, telling in shown
    ]
    head = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": home(outlet),
        "language": outlet.language,
    }
    return json.dumps({**head, "items": items}, ensure_ascii=False, indent=1) + "\n"
