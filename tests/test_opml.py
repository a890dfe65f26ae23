"""OPML lists in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import errors, model, opml

LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="World">
    <outline text="Wires"><outline type="rss" text="North Wire" xmlUrl="https://north.example/rss"/></outline>
    <outline type="rss" text="North Wire" xmlUrl="https://other.example/rss" category="/press/asia,daily"/>
  </outline>
  <outline type="rss" title="Plain" xmlUrl="http://plain.example/"/>
  <outline type="rss" xmlUrl="https://nameless.example/feed"/>
</body></opml>"""


def test_folders_become_tags_and_clashing_names_are_numbered() -> None:
    """Feeds come in order, tagged by their folders and categories; the second of a name gets a number."""
    assert opml.read(LIST) == (
        model.FeedSpec("North Wire", "https://north.example/rss", tags=("World", "Wires")),
        model.FeedSpec("North Wire 2", "https://other.example/rss", tags=("World", "press", "asia", "daily")),
        model.FeedSpec("Plain", "http://plain.example/"),
        model.FeedSpec("nameless.example", "https://nameless.example/feed"),
    )


def test_what_is_left_out_is_said() -> None:
    """A URL that is not http, and one that stands there twice, are left out with a reason; their tags are joined."""
    found = opml.read_all(
        b'<opml><body><outline text="A" xmlUrl="http://a.example/"/><outline text="F" xmlUrl="file:///etc/passwd"/>'
        b'<outline text="later"><outline text="B" xmlUrl="http://a.example/"/></outline></body></opml>'
    )
    assert found.specs == (model.FeedSpec("A", "http://a.example/", tags=("later",)),)
    assert found.skipped == ("file:///etc/passwd: not an http or https URL", "A: stands in the list twice")


def test_a_broken_list_names_the_line() -> None:
    """A list that is cut off says at which line."""
    with pytest.raises(errors.ConfigError, match=r"broken at line 2: .*"):
        opml.read(b"<opml>\n<body><outline")


def test_entities_are_refused_before_they_grow() -> None:
    """A list that declares entities is refused, so that nested ones cannot fill the memory."""
    entities = b'<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
    bomb = b"<!DOCTYPE opml [" + entities + b']><opml><body><outline text="&b;"/></body></opml>'
    with pytest.raises(errors.ConfigError, match="declares entities"):
        opml.read(bomb)
    with pytest.raises(errors.ConfigError, match="declares entities"):
        opml.read(bomb.decode().encode("utf-16"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"<rss version='2.0'/>", "no OPML list"),
        (b"", "broken at line 1"),
        (b"not xml", "broken at line 1"),
        (b"<?xml version='1.0' encoding='klingon'?><opml/>", "broken|encoding"),
        (b"<opml><body>" + b"<outline text='x'>" * 60, "more than 50 deep"),
        (b" " * (opml.LARGEST + 1), "larger than 20 MiB"),
    ],
)
def test_what_is_no_list_is_said(text: bytes, complaint: str) -> None:
    """Everything that is not a list of feeds is refused in one sentence."""
    with pytest.raises(errors.ConfigError, match=complaint):
        opml.read(text)


def test_ten_thousand_feeds_are_read_in_time() -> None:
    """A list of 10,000 feeds of the same name is read, each under a name of its own."""
    outlines = b"".join(b'<outline text="same" xmlUrl="http://h%d.example/"/>' % i for i in range(10_000))
    specs = opml.read(b"<opml><body>" + outlines + b"</body></opml>")
    assert len({spec.name for spec in specs}) == 10_000


_WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12).filter(
    lambda word: not set(word) & set(",/")
)


@given(
    st.lists(
        st.tuples(_WORDS, st.lists(_WORDS, max_size=3, unique=True)), max_size=6, unique_by=lambda p: p[0].casefold()
    )
)
def test_what_is_written_is_read_again(feeds: list[tuple[str, list[str]]]) -> None:
    """Names, URLs and tags survive writing and reading; only the order goes by folders."""
    specs = [
        model.FeedSpec(name, f"https://h{number}.example/?a=1&b=2", tags=tuple(tags))
        for number, (name, tags) in enumerate(feeds)
    ]
    assert sorted(opml.read(opml.write(specs).encode()), key=lambda spec: spec.url) == specs


def test_a_number_that_is_taken_is_passed_over() -> None:
    """A numbered name does not clash with one that is written like it; a URL that cannot be read is left out."""
    outlines = "".join(
        f'<outline text="{name}" xmlUrl="http://h{number}.example/"/>' for number, name in enumerate(["A", "A 2", "A"])
    )
    found = opml.read_all(f'<opml><body>{outlines}<outline text="B" xmlUrl="http://[x"/></body></opml>'.encode())
    assert [spec.name for spec in found.specs] == ["A", "A 2", "A 3"]
    assert found.skipped == ("http://[x: not an http or https URL",)
