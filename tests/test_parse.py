"""A document becomes a feed: formats, keys, outlets, dates."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor import errors, model, parse
from tests import servers
from tests.builders import NOON

URL = "https://news.example/world/feed.xml"


def read(document: bytes | str, content_type: str | None = servers.RSS, **options: str) -> model.ParsedFeed:
    """Parse a document that came from URL at noon."""
    body = document.encode() if isinstance(document, str) else document
    return parse.parse(body, content_type=content_type, url=URL, now=NOON, **options)


def one(**parts: str) -> model.ParsedEntry:
    """Return the only entry of an RSS document with an item of these parts."""
    return read(servers.rss("World", servers.item(**parts))).entries[0]


def complaint(document: bytes | str, content_type: str | None = "text/html") -> str:
    """Return why a document is no feed."""
    with pytest.raises(errors.ParseError) as caught:
        read(document, content_type)
    return str(caught.value)


# --- formats ----------------------------------------------------------------------------------------------------------


def test_rss_is_read() -> None:
    """An RSS 2.0 document gives its title, page, language and entries, in order."""
    found = read(
        servers.rss(
            "World news",
            servers.item(
                "Envoy arrives",
                guid="7",
                link="/envoy?a=1&b=2",
                summary="<p>An <b>envoy</b> came.</p>",
                published="Sat, 21 Nov 2026 10:30:00 +0100",
            ),
            servers.item("Second"),
        )
    )
    assert (found.title, found.url, found.language) == ("World news", "http://news.example/", "en")
    assert found.entries[0] == model.ParsedEntry(
        key="7",
        title="Envoy arrives",
        summary="An envoy came.",
        url="https://news.example/envoy?a=1&b=2",
        outlet="news.example",
        language="en",
        published_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    )
    assert found.entries[1].title == "Second"


def test_atom_is_read() -> None:
    """An Atom document gives titles of all types, links, dates, and the content as body."""
    found = read(
        """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr-FR"><title>Monde</title>
        <link href="https://monde.example/"/>
        <entry><id>urn:1</id><title type="html">L&amp;#8217;accord &lt;i&gt;tient&lt;/i&gt;</title>
          <link rel="enclosure" href="https://monde.example/a.mp3"/><link href="a/1"/>
          <updated>2026-11-20T08:00:00Z</updated><published>2026-11-20T07:00:00+02:00</published>
          <summary>Court</summary><content type="html">&lt;p&gt;Un long texte.&lt;/p&gt;</content></entry>
        <entry xml:lang="de"><id>urn:2</id>
          <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Ein <b>Titel</b></div></title></entry>
        </feed>"""
    )
    first, second = found.entries
    assert (first.title, first.summary, first.body) == ("L’accord tient", "Court", "Un long texte.")
    assert first.url == "https://news.example/world/a/1"
    assert first.published_at == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert (first.language, second.language, second.title) == ("fr", "de", "Ein Titel")


def test_rdf_is_read() -> None:
    """An RSS 1.0 document, as ministries still have them, is read."""
    found = read(
        """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Ministry</title></channel>
        <item rdf:about="http://m.example/1"><title>Decree</title><link>http://m.example/1</link>
        <dc:date>2026-11-20</dc:date></item></rdf:RDF>"""
    )
    entry = found.entries[0]
    assert (found.title, entry.title, entry.url) == ("Ministry", "Decree", "http://m.example/1")
    assert entry.published_at == datetime(2026, 11, 20, tzinfo=UTC)


def test_json_feed_is_read() -> None:
    """A JSON Feed gives the same as its XML sisters."""
    found = read(
        """{"version": "https://jsonfeed.org/version/1.1", "title": "J", "home_page_url": "/", "language": "en-GB",
        "items": [{"id": 12, "url": "a", "title": "T", "content_html": "<p>Some <b>long</b> text",
          "summary": "S", "date_published": "2026-11-20T10:00:00+02:00"},
          {"id": "x", "content_text": "Only text", "language": "cy", "external_url": "http://e.example/"}, 3, {}]}""",
        "application/feed+json",
    )
    assert found.title == "J"
    assert found.url == "https://news.example/"
    assert found.entries == (
        model.ParsedEntry(
            key="12",
            title="T",
            summary="S",
            body="Some long text",
            url="https://news.example/world/a",
            outlet="news.example",
            language="en",
            published_at=datetime(2026, 11, 20, 8, tzinfo=UTC),
        ),
        model.ParsedEntry(
            key="x", title="Only text", summary="Only text", url="http://e.example/", outlet="e.example", language="cy"
        ),
    )
    assert found.dropped == tuple(f"entry {number}: has neither words nor a link" for number in (3, 4))


def test_the_channel_says_when_not_to_poll() -> None:
    """The ttl is in minutes; skipped hours are 0 to 23 (24 is 0), skipped days 0 for Monday."""
    extra = (
        "<ttl>90</ttl><skipHours><hour>1</hour><hour> 24 </hour><hour>99</hour></skipHours>"
        "<skipDays><day>Saturday</day><day>Someday</day></skipDays>"
    )
    found = read(servers.rss("World", extra=extra))
    assert found.ttl == timedelta(minutes=90)
    assert found.skip_hours == {0, 1}
    assert found.skip_days == {5}
    assert read(servers.rss("World", extra="<ttl>soon</ttl>")).ttl is None
    assert read(servers.rss("World", extra="<ttl>99999999</ttl>")).ttl == timedelta(days=7)


# --- what is no feed --------------------------------------------------------------------------------------------------


def test_a_web_page_is_named_with_its_feed() -> None:
    """A page that declares a feed is told with the URL to use instead."""
    page = """<!DOCTYPE html><html><head><base href="https://other.example/x/">
      <link rel="alternate" type="application/rss+xml" href="feed.xml"></head><body>News</body></html>"""
    assert complaint(page) == (
        "a web page, not a feed; it names a feed at https://other.example/x/feed.xml: use that URL"
    )


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "the document is empty"),
        (" \n ", "the document is empty"),
        ("<html><body>Hello", "names none"),
        ("<!doctype html><title>Just a moment...</title>", "bot check"),
        ("<html><body>Please solve this CAPTCHA", "bot check"),
        ("Error: the database\x1b[2J is down", 'text, not a feed; it begins "Error: the database[2J is down"'),
        ("\0\0ftypmp42\0\0", "not a feed, and no text"),
        ('{"error": "no"}', "not a JSON Feed"),
        ("[1]", "not a feed"),
        ("{broken", "JSON that cannot be read"),
        ("<opml version='2.0'><body/></opml>", "feeds import"),
        ("<note><to>you</to></note>", "XML, but not a feed"),
        ("%PDF-1.7 ...", "PDF"),
    ],
)
def test_what_is_no_feed_is_said(document: str, said: str) -> None:
    """An error page with status 200, a bot check, other JSON and other XML are recognised."""
    assert said in complaint(document)


def test_a_picture_is_no_feed() -> None:
    """Bytes of a picture are told as that."""
    assert "picture" in complaint(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def test_pages_are_searched_for_feeds() -> None:
    """`feed_links` gives the feeds that a page declares, absolute, each once, and nothing else."""
    page = b"""<html><head><link rel="Alternate home" type="application/atom+xml; charset=utf-8" href="/a">
      <link rel=alternate type=application/feed+json href=https://j.example/f><link rel=alternate hreflang=de href=/de>
      <link rel=stylesheet type="application/rss+xml" href="/no"><link rel=alternate type=application/rss+xml href="/a">
      <link rel=alternate type=application/rss+xml href="javascript:alert(1)"></head>"""
    assert parse.feed_links(page, URL) == ("https://news.example/a", "https://j.example/f")


def test_an_empty_feed_is_a_feed() -> None:
    """A feed without entries is no mistake."""
    assert read(servers.rss("Quiet")).entries == ()


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_key_is_guid_then_link_then_hash() -> None:
    """The first that an entry has is its key; without any, a hash of title and link."""
    assert one(title="T", guid="g", link="http://a.example/1").key == "g"
    assert one(title="T", link="http://a.example/1").key == "http://a.example/1"
    assert one(title="T").key.startswith("sha256:")
    assert one(title="T").key != one(title="U").key


def test_a_key_does_not_change_when_the_feed_moves() -> None:
    """A guid is kept as it is written, also where it says that it is a link; links are resolved."""
    document = servers.rss("W", "<item><guid>42</guid><title>T</title><link>/a</link></item>")
    there = parse.parse(document, content_type=None, url="https://moved.example/", now=NOON)
    assert (read(document).entries[0].key, there.entries[0].key) == ("42", "42")
    assert there.entries[0].url == "https://moved.example/a"


def test_a_guid_that_occurs_twice_is_no_key() -> None:
    """Where several entries share a guid, their links serve, and then their hashes."""
    entries = read(
        servers.rss(
            "World",
            servers.item("A", guid="site", link="http://a.example/1"),
            servers.item("B", guid="site", link="http://a.example/2"),
            servers.item("C", guid="site", link="http://a.example/3"),
            servers.item("D", guid="site", link="http://a.example/3"),
        )
    ).entries
    assert [entry.key for entry in entries[:2]] == ["http://a.example/1", "http://a.example/2"]
    assert len({entry.key for entry in entries}) == 4
    assert all(entry.key.startswith("sha256:") for entry in entries[2:])


def test_the_same_entry_twice_is_one() -> None:
    """An entry that stands there twice keeps its key and is stored once."""
    twice = servers.item("A", guid="1", link="http://a.example/1")
    found = read(servers.rss("World", twice, twice))
    assert [entry.key for entry in found.entries] == ["1"]
    assert found.dropped == ("1 entries that stand in the document twice",)


def test_a_key_is_never_too_long_for_an_index() -> None:
    """A guid of thousands of characters becomes its hash."""
    assert one(title="T", guid="x" * 5000).key.startswith("sha256:")


# --- outlets ----------------------------------------------------------------------------------------------------------


def test_an_outlet_is_named_by_the_entry_then_the_feed_then_the_link() -> None:
    """The entry's source, else what the operator calls the feed, else the registrable domain of the link."""
    assert one(title="T", source="Daily Post", link="http://www.a.co.uk/1").outlet == "Daily Post"
    assert one(title="T", link="http://www.a.co.uk/1").outlet == "a.co.uk"
    assert one(title="T", link="http://127.0.0.1/1").outlet == "127.0.0.1"
    assert one(title="T").outlet is None
    named = read(servers.rss("World", servers.item("T", link="http://a.example/")), outlet="The Wire")
    assert named.entries[0].outlet == "The Wire"


def test_an_aggregators_suffix_is_the_outlet_and_leaves_the_title() -> None:
    """A title that ends with the entry's own source loses it, and a summary that only repeats both is empty."""
    entry = one(
        title="Envoy arrives in Port Vale - Daily Post",
        source="Daily Post",
        summary='<a href="http://a.example/">Envoy arrives in Port Vale</a>&nbsp;&nbsp;<font>Daily Post</font>',
    )
    assert (entry.title, entry.outlet, entry.summary) == ("Envoy arrives in Port Vale", "Daily Post", "")


def test_an_aggregator_without_sources_is_known_by_its_host() -> None:
    """The suffix names the outlet in feeds of the known aggregators, and stays in others."""
    document = servers.rss("Search", servers.item("Envoy arrives - Daily Post", link="http://a.example/1"))
    collected = document.replace(b"http://news.example/", b"https://news.google.com/search")
    assert (read(collected).entries[0].title, read(collected).entries[0].outlet) == ("Envoy arrives", "Daily Post")
    assert read(document).entries[0].title == "Envoy arrives - Daily Post"


# --- dates and texts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("Sat, 21 Nov 2026 11:00:00 GMT", datetime(2026, 11, 21, 11, tzinfo=UTC)),
        ("2026-11-21T11:00:00+05:30", datetime(2026, 11, 21, 5, 30, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 11:00:00 GMT", datetime(2026, 11, 22, 11, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("9999-99-99", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_dates_are_utc_or_none(written: str, at: datetime | None) -> None:
    """Dates are aware and in UTC; those before 1990 or more than a day ahead are none."""
    assert one(title="T", published=written).published_at == at


def test_an_entry_without_a_title_is_named_by_its_words() -> None:
    """The first words of the text serve as title; an entry of nothing is dropped with a reason."""
    words = "word " * 60
    found = read(servers.rss("W", servers.item("", summary=words, guid="1"), "<item><guid>2</guid></item>"))
    assert found.entries[0].title.endswith("word…")
    assert len(found.entries[0].title) <= 140
    assert found.dropped == ("entry 2: has neither words nor a link",)


def test_texts_are_cut_to_length() -> None:
    """A title has at most 500 characters, a summary 5,000, a body 50,000; the rest of a long summary is the body."""
    entry = one(title="t " * 1000, summary="s " * 100_000)
    assert [len(entry.title) <= 500, len(entry.summary) <= 5000, len(entry.body) <= 50_000] == [True] * 3
    assert entry.title.endswith("…")
    assert len(entry.body) > 40_000


def test_a_document_has_so_many_entries() -> None:
    """Entries beyond the first two thousand are left out, and that is said."""
    found = read(servers.rss("W", *(servers.item(f"T{number}") for number in range(2100))))
    assert len(found.entries) == 2000
    assert found.dropped == ("100 entries beyond the first 2000",)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "mailto:a@b", "http://", "http://[::1"])
def test_a_link_that_leads_nowhere_is_none(link: str) -> None:
    """Only http and https links are kept."""
    assert one(title="T", link=link).url == ""
