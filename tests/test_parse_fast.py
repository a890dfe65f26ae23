"""The fast reader gives what feedparser gives, or steps aside."""

import random
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.parse import fast, raw
from tests import fuzz, servers
from tests.test_feeds import DOCUMENTS

NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)


# --- documents that a machine makes up --------------------------------------------------------------------------------

_WORDS = st.lists(
    st.sampled_from(
        [
            "word",
            "Ünï",
            "a & b",
            "<b>bold</b>",
            "&amp;amp;",
            "&#8217;",
            "&lt;i&gt;",
            "5 < 6",
            "\u0093quoted\u0094",
            "Ã©tÃ©",
            "東京",
            "<p>one</p><p>two</p>",
            "<img src='x'/>",
            "&nbsp;",
            "&copy;",
            "\n ",
            "\u200b",
            "<script>x</script>",
            "</b>",
            "AT&T;",
            "http://a.example/?a=1&b=2",
            "/rel?x=1&copy=2",
            "<!-- no -->",
            "&#xD800;",
            "x" * 30,
        ]
    ),
    max_size=4,
).map(" ".join)
_DATES = st.sampled_from(
    ["Sat, 21 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00Z", "2026-11-20", "20 Nov 2026", "tomorrow", "", "1 Jan 1970"]
)


def _element(name: str, words: str, *, cdata: bool = False, attributes: str = "") -> str:
    inner = f"<![CDATA[{words.replace(']]>', '')}]]>" if cdata else escape(words)
    return f"<{name}{attributes}>{inner}</{name}>"


_TEXTS = st.builds(
    _element,
    st.sampled_from(["title", "description", "link", "content:encoded", "source", "author", "dc:creator", "category"]),
    _WORDS,
    cdata=st.booleans(),
)
_GUIDS = st.builds(
    _element,
    st.just("guid"),
    _WORDS | st.just("http://a.example/1"),
    attributes=st.sampled_from(
        ["", ' isPermaLink="false"', ' isPermaLink="true"', ' isPermaLink="TRUE"', ' ispermalink="x"']
    ),
)
_OTHERS = st.sampled_from(
    [
        "<enclosure url='a' type='b'/>",
        "<media:content url='a' medium='image'/>",
        "<media:title>M</media:title>",
        "<comments>http://c.example</comments>",
        "<itunes:summary>I</itunes:summary>",
        "<dc:date>2026-11-01</dc:date>",
        "<atom:link rel='self' href='x'/>",
        "<atom:updated>2026-11-02T00:00:00Z</atom:updated>",
        "<x>y</x>",
        "loose text",
        "<title><b>nested</b></title>",
        "<media:content><media:title>N</media:title></media:content>",
        "<!-- comment -->",
        "<slash:comments>3</slash:comments>",
        "<source url='http://s.example/'>S</source>",
        "<link href='http://l.example/'/>",
        "<description xml:lang='de'>D</description>",
        "<description/>",
        "<title/>",
        "<link/>",
        "<guid/>",
        "<?pi x?>",
    ]
)
_PUBLISHED = st.builds(_element, st.just("pubDate"), _DATES)
_ITEMS = st.lists(st.one_of(_TEXTS, _TEXTS, _GUIDS, _PUBLISHED, _OTHERS), max_size=6).map(
    lambda parts: f"<item>{''.join(parts)}</item>"
)
_CHANNEL = st.lists(
    st.sampled_from(
        [
            "<title>T &amp; U</title>",
            "<link>http://h.example/?a=1&amp;b=2</link>",
            "<language>en-GB</language>",
            "<ttl>5</ttl>",
            "<image><url>u</url><title>Logo</title><link>l</link></image>",
            "<atom:link rel='self' href='http://self/'/>",
            "<atom:link rel='self'/>",
            "<atom:link rel='hub' href=''/>",
            "<pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate>",
            "<description>about</description>",
            "<title>again</title>",
            "<atom:link href='http://alternate/'/>",
            "<itunes:summary>x</itunes:summary>",
            "<dc:language>fr</dc:language>",
            "<skipHours><hour>3</hour></skipHours>",
            "<generator>g</generator>",
            "<managingEditor>a@b</managingEditor>",
        ]
    ),
    max_size=5,
).map("".join)
_RSS = st.builds(
    lambda before, items, after: (
        f'<rss version="2.0" {NAMESPACES}><channel>{before}{"".join(items)}{after}</channel></rss>'.encode(
            "utf-8", "replace"
        )
    ),
    _CHANNEL,
    st.lists(_ITEMS, max_size=3),
    _CHANNEL | st.just(""),
)

_ATOM_PARTS = st.one_of(
    st.builds(
        _element,
        st.sampled_from(["title", "summary", "content", "id"]),
        _WORDS,
        attributes=st.sampled_from(
            ["", " type='html'", " type='text'", " type='xhtml'", " type='text/html'", " xml:lang='de'"]
        ),
    ),
    st.builds(_element, st.sampled_from(["title", "summary", "content", "id"]), _WORDS),
    st.builds(_element, st.sampled_from(["published", "updated", "created"]), _DATES),
    st.sampled_from(
        [
            "<link href='http://a.example/1'/>",
            "<link rel='alternate' type='text/html' href='/2?a&amp;b'/>",
            "<link href=''/>",
            "<link rel='enclosure' href='e.mp3'/>",
            "<link rel='self' href='s'/>",
            "<link>http://text.example/</link>",
            "<author><name>N</name><email>e@x</email></author>",
            "<author>N</author>",
            "<category term='t'/>",
            "<rights>r</rights>",
            "<source><title>S</title></source>",
            "<content src='http://c.example/' type='text'/>",
            "<summary/>",
            "<title/>",
            "<content type='application/json'>{}</content>",
            "<summary type='xhtml'><div>x</div></summary>",
        ]
    ),
)
_ATOM_ENTRIES = st.lists(_ATOM_PARTS, max_size=6).map(lambda parts: f"<entry>{''.join(parts)}</entry>")
_ATOM = st.builds(
    lambda lang, parts: f'<feed xmlns="http://www.w3.org/2005/Atom"{lang}>{"".join(parts)}</feed>'.encode(
        "utf-8", "replace"
    ),
    st.sampled_from(["", " xml:lang='en_US'", " xml:lang=''", " xml:base='http://b.example/'"]),
    st.lists(_ATOM_ENTRIES | _ATOM_PARTS, max_size=5),
)


@settings(max_examples=300)
@given(_RSS | _ATOM)
def test_both_ways_agree_on_documents_that_are_made_up(document: bytes) -> None:
    """Elements in any order, known and unknown, single and double: the same feed comes out both ways."""
    assert fuzz.by(document, is_fast=True) == fuzz.by(document, is_fast=False)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_both_ways_agree_on_documents_as_feeds_have_them(path: object) -> None:
    """The collection of documents is read the same both ways."""
    document = DOCUMENTS[DOCUMENTS.index(path)].read_bytes()  # type: ignore[arg-type]
    assert fuzz.by(document, is_fast=True) == fuzz.by(document, is_fast=False)


def test_both_ways_agree_on_mutations() -> None:
    """Mutations of the collection that are still well formed are read the same both ways."""
    seeds = [path.read_bytes() for path in DOCUMENTS]
    mutants = fuzz.mutants(seeds, random.Random(5))
    for document in (next(mutants) for _ in range(400)):
        if fuzz.is_plain(document):
            assert fuzz.by(document, is_fast=True) == fuzz.by(document, is_fast=False)


# --- what it takes and what it leaves ---------------------------------------------------------------------------------


def test_plain_documents_are_taken() -> None:
    """Common feeds go the fast way: the collection's RSS, Atom and aggregator documents among them."""
    taken = {path.name for path in DOCUMENTS if fuzz.is_plain(path.read_bytes())}
    assert {"rss20.xml", "atom10.xml", "aggregator.xml"} <= taken


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<rss version='2.0'><channel><item></channel></rss>",
        b"<rss version='0.91'><channel/></rss>",
        b"<rss version='2.0' xml:base='http://a.example/'><channel/></rss>",
        b"<rss version='2.0'><channel><item><title>a</title><title>b</title></item></channel></rss>",
        b"<rss version='2.0'><channel><item><title>a <b>c</b></title></item></channel></rss>",
        b"<!DOCTYPE rss><rss version='2.0'><channel/></rss>",
        b"<html/>",
        b"<rss version='2.0'>" + b" " * fast.LARGEST + b"<channel/></rss>",
    ],
)
def test_it_steps_aside(document: bytes) -> None:
    """Whatever is not plain is left to feedparser."""
    assert fast.read(document) is None


def test_a_quadratic_author_costs_nothing_here() -> None:
    """An author of 80 kB, which holds feedparser up for a minute, is passed over."""
    document = servers.rss("W", f"<item><author>{'a' * 80_000}</author><title>T</title></item>")
    found = fuzz.by(document, is_fast=True)
    assert isinstance(found, raw.Feed)
    assert [entry.title for entry in found.entries] == ["T"]
