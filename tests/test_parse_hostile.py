"""What a hostile document may try, as far as one process can show it; deadlines and memory are `test_sandbox`."""

import os
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import errors, model, parse
from monitor.parse import encoding, split, text
from tests import fuzz, servers
from tests.builders import NOON
from tests.test_parse import one, read

GML = 'xmlns:gml="http://www.opengis.net/gml"'


def titles(document: bytes | str, content_type: str | None = servers.RSS) -> list[str]:
    """Return the titles of the entries of a document."""
    return [entry.title for entry in read(document, content_type).entries]


# --- one bad entry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        f"<gml:pos {GML}>1 2</gml:pos>",
        f'<gml:Point {GML} srsName="EPSG:none"><gml:pos>1 2</gml:pos></gml:Point>',
        f'<gml:Polygon {GML}><gml:LinearRing><gml:posList>x</gml:posList></gml:LinearRing></gml:Polygon>',
    ],
)  # fmt: skip
def test_an_entry_that_makes_the_parser_raise_costs_itself_alone(bad: str) -> None:
    """Values in extensions that the library raises on lose their entry, not its neighbours; it is said which."""
    document = servers.rss("W", servers.item("One"), f"<item><title>Two</title>{bad}</item>", servers.item("Three"))
    found = read(document)
    assert [entry.title for entry in found.entries] == ["One", "Three"]
    assert found.title == "W"
    assert len(found.dropped) == 1
    assert found.dropped[0].startswith("entry 2: cannot be read")


@pytest.mark.parametrize("reference", ["&#1114112;", "&#xD800;", "&#55296", f"&#{'9' * 5000};", f"&#x{'F' * 5000};"])
def test_a_reference_to_no_character_is_left_out(reference: str) -> None:
    """Character references beyond Unicode, to surrogates, and of thousands of digits cost nothing but themselves."""
    document = servers.rss("W", f"<item><title>One {reference} two</title></item>", servers.item("Three"))
    assert titles(document) == ["One two", "Three"]
    cdata = servers.rss("W", f"<item><title><![CDATA[One {reference} <b>two</b>]]></title></item>")
    assert titles(cdata) == ["One two"]
    escaped = servers.rss("W", servers.item(f"One {reference} <b>two</b>"))
    assert "two" in titles(escaped)[0]


def test_references_to_characters_stay() -> None:
    """Good references, decimal and hexadecimal, are the characters that they name."""
    document = servers.rss("W", "<item><title>caf&#233; &#x20AC;5 &#128512; &#0065;</title></item>")
    assert titles(document) == ["café €5 😀 A"]


def test_a_document_that_cannot_be_read_at_all_is_a_parse_error() -> None:
    """Where the head itself makes the parser raise and there is no entry, the feed is told to be unreadable."""
    with pytest.raises(errors.ParseError, match="cannot be read"):
        read(f"<rss version='2.0'><channel><gml:pos {GML}>1 2</gml:pos></channel></rss>")


def test_entries_survive_a_head_that_cannot_be_read() -> None:
    """A bad value in the channel costs the channel's words, not its entries."""
    bad = f"<gml:pos {GML}>1 2</gml:pos>"
    assert titles(servers.rss("W", servers.item("One"), servers.item("Two"), extra=bad)) == ["One", "Two"]


@pytest.mark.parametrize(
    "name", ["undefined", "punycode", "idna", "klingon", "utf-7", "unicode_escape", "base64", "\x00"]
)
def test_an_encoding_that_is_none_costs_nothing(name: str) -> None:
    """Whatever a document or its server call the encoding, good UTF-8 is read."""
    document = servers.rss("W", servers.item("Zoë")).replace(b'encoding="utf-8"', f'encoding="{name}"'.encode())
    assert titles(document) == ["Zoë"] or name == "utf-7"
    assert titles(servers.rss("W", servers.item("Zoë")), f"application/rss+xml; charset={name}") == ["Zoë"]


@pytest.mark.parametrize("name", ["iso-8859-1", "windows-1252", "utf-16", "shift_jis", "koi8-r", "gb2312", "utf-32"])
def test_encodings_of_the_world_are_read(name: str) -> None:
    """A document in a declared encoding comes out right, by its own word or its server's."""
    word = {"shift_jis": "東京", "koi8-r": "Москва", "gb2312": "北京"}.get(name, "Zoë")
    rss = f"<rss version='2.0'><channel><item><title>{word}</title></item></channel></rss>"
    document = f'<?xml version="1.0" encoding="{name}"?>{rss}'
    assert titles(document.encode(name), None) == [word]
    if not name.startswith("utf"):
        assert titles(document.replace(f' encoding="{name}"', "").encode(name), f"text/xml; charset={name}") == [word]


# --- what a document may reach ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_no_local_file_is_opened(tmp_path: Path, scheme: str) -> None:
    """A document that is the name of a feed on this machine is a text, not that feed."""
    path = tmp_path / "secret.xml"
    path.write_bytes(servers.rss("Secret", servers.item("Secret")))
    with pytest.raises(errors.ParseError, match="not a feed"):
        read(scheme + os.fspath(path))


def test_no_address_is_asked() -> None:
    """A document that is a URL, or declares an external one, makes no request."""
    with servers.FeedServer() as feeds:
        feeds.put("/a", servers.rss("W", servers.item("T")))
        with pytest.raises(errors.ParseError):
            read(feeds.url("/a"))
        doctype = (
            f'<!DOCTYPE rss [<!ENTITY % x SYSTEM "{feeds.url("/a")}"> %x; <!ENTITY y SYSTEM "{feeds.url("/a")}">]>'
        )
        read(f"{doctype}<rss version='2.0'><channel><item><title>&y;</title></item></channel></rss>")
        assert feeds.requests == []


def test_entities_do_not_grow() -> None:
    """Nested entities are not expanded into gigabytes."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    rss = "<rss version='2.0'><channel><item><title>&e9;</title></item></channel></rss>"
    document = f'<!DOCTYPE rss [<!ENTITY e0 "boom">{entities}]>{rss}'
    found = read(document)
    assert sum(len(entry.title) for entry in found.entries) < 1000


# --- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("a\x1b[31mb\x9bc\x07", "a[31mbc"),
        ("a\r\n\tb\u2028c\u00a0d\u3000e", "a b c d e"),
        ("e\u0301", "é"),
        ("a" + "\u0301" * 500, unicodedata.normalize("NFC", "a" + "\u0301" * 8)),
        ("co\u00adop \U000e0041", "coop"),
        ("\ud83d\ude00 lone \udfff", "lone"),
    ],
)
def test_text_is_cleaned(written: str, shown: str) -> None:
    """Control, bidi, zero-width and tag characters and lone surrogates go, white space is folded, the rest is NFC."""
    assert text.clean(written) == shown


@pytest.mark.parametrize("stack", ["\u0301", "\u0f71\u0f72\u0f74", "\u059a\u05b0", "\u0345\u0327\u059a"])
def test_stacked_accents_are_normalised_in_time(stack: str) -> None:
    """A hundred thousand accents on one letter, which take minutes to put in order, become eight."""
    began = time.process_time()
    assert len(text.clean("a" + stack * 100_000 + " b")) < 20
    assert time.process_time() - began < 2


def test_emoji_and_signs_in_a_row_stay() -> None:
    """Only accents are cut, not other runs of signs."""
    assert text.clean("€" * 20 + " " + "😀" * 20 + "—…—…—…—…—…") == "€" * 20 + " " + "😀" * 20 + "—…—…—…—…—…"


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<p>One</p><p>Two</p>three<br>four", "One Two three four"),
        ("in<b>line</b>", "inline"),
        ("<script>alert(1)</script><style>x{}</style>Text<!-- no -->", "Text"),
        ("A &amp; B &lt;c&gt; &#8217;&nbsp;d", "A & B <c> ’ d"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<img alt='x' onerror=y>pic <a href='javascript:z'>link", "pic link"),
        ("&#x202e;hidden", "hidden"),
        ("", ""),
    ],
)
def test_markup_becomes_the_text_that_people_see(markup: str, shown: str) -> None:
    """Blocks are set apart, inline tags are not, and nothing that is not shown is kept."""
    assert text.from_html(markup) == shown


@given(st.text(max_size=300))
def test_no_text_deceives(words: str) -> None:
    """Whatever comes, what goes on is NFC, has no line breaks, and can be written as UTF-8 and to a terminal."""
    for found in (text.clean(words), text.from_html(words), text.from_html(f"<p>{words}</p>")):
        found.encode()
        assert found == " ".join(found.split())
        assert not any(unicodedata.category(char) in ("Cc", "Cs") or char in "\u202e\u2066\u200b" for char in found)


def test_keys_and_links_are_cleaned() -> None:
    """A guid or a link with control characters is stored without them."""
    entry = one(title="T", guid="a\u202eb", link="http://a.example/x\u200by z")
    assert (entry.key, entry.url) == ("ab", "http://a.example/xy%20z")


# --- parts ------------------------------------------------------------------------------------------------------------


def test_a_document_is_cut_at_its_entries() -> None:
    """Head, entries and tail make up the whole; entries inside comments and CDATA are text."""
    document = b"<rss><!-- <item> --><item>1<![CDATA[</item>]]></item> <atom:entry a='b'>2</atom:entry></rss>"
    head, items, tail = split.split(document)
    assert (head, tail) == (b"<rss><!-- <item> -->", b"</rss>")
    assert items == [b"<item>1<![CDATA[</item>]]></item>", b"<atom:entry a='b'>2</atom:entry>"]


def test_entries_that_never_end_are_cut_where_the_next_begins() -> None:
    """An item without an end is cut at the next one; one that is cut off is left out."""
    assert split.split(b"<rss><item>1<item>2</item></rss>")[1] == [b"<item>1", b"<item>2</item>"]
    assert split.split(b"<rss><item>1")[1] == []
    assert split.split(b"<rss><item>1<![CDATA[ x")[1] == []


@given(st.binary(max_size=300))
def test_any_bytes_can_be_mended_and_cut(document: bytes) -> None:
    """No bytes make these parts raise."""
    encoding.mended(document, "text/xml; charset=" + document[:20].decode("latin-1"))
    split.split(document)


_PIECES = st.sampled_from(["<", ">", "]>", "{", '"items":', "\ufeff", "x" * 50]) | st.sampled_from(
    """<rss version='2.0'>
<channel>
<item>
</item>
<entry>
</entry>
<title>
</title>
<link>
<link href='a'/>
</link>
<guid>
</guid>
<description>
</description>
<![CDATA[
]]>
<!--
-->
&amp;
&#xD800;
&#99999999;
&bad;
<pubDate>
Sat, 21 Nov 2026
</pubDate>
<feed xmlns='http://www.w3.org/2005/Atom'>
<content type='xhtml'>
<source>
é
<?xml version='1.0' encoding='undefined'?>
<!DOCTYPE x [<!ENTITY a 'b'>
&a;
<gml:pos xmlns:gml='http://www.opengis.net/gml'>
</gml:pos>""".splitlines()
)


@given(
    st.lists(_PIECES, max_size=30).map("".join), st.sampled_from([None, "text/xml", "application/json", "text/html"])
)
def test_any_document_is_a_feed_or_a_parse_error(document: str, content_type: str | None) -> None:
    """Pieces of feeds in any order give a feed of clean entries with distinct keys, or ParseError, and nothing else."""
    try:
        found = parse.parse(document.encode(), content_type=content_type, url="http://a.example/", now=NOON)
    except errors.ParseError:
        return
    assert isinstance(found, model.ParsedFeed)
    assert len({entry.key for entry in found.entries}) == len(found.entries)
    for entry in found.entries:
        assert entry.key
        assert entry.title
        assert text.clean(entry.title) == entry.title


def test_mutated_documents_keep_the_promises() -> None:
    """A few hundred mutations of whole feeds become feeds or ParseErrors; `python -m tests.fuzz` goes on for longer."""
    counts = fuzz.run(seconds=5.0, seed=20261121, most=300)
    assert counts["feed"] > 50
