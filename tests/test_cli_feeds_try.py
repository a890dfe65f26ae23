"""`feeds check` and `feeds discover` against a loopback server."""

import email.utils
from pathlib import Path

import pytest

from monitor import clock
from monitor.cli import feeds_try
from tests import servers
from tests.commands import SMALL_CONFIG, monitor, set_up

LOOPBACK = SMALL_CONFIG + '[poll]\nallow_networks = ["127.0.0.1/32"]\n'
WARNED = "US warns Pyongyang of new sanctions"


def test_a_feed_is_looked_at(tmp_path: Path) -> None:
    """What is in it, how fresh it is, and what the rules would match; nothing is stored."""
    set_up(tmp_path, config=LOOPBACK)
    now = email.utils.format_datetime(clock.now())
    with servers.FeedServer() as server:
        server.put("/rss", servers.rss("Wire", servers.item(WARNED, published=now), servers.item("Cup tie postponed")))
        shown = monitor("feeds", "check", server.url("/rss"), folder=tmp_path).out
        (row,) = monitor("feeds", "check", server.url("/rss"), "--json", folder=tmp_path).rows
    assert shown.startswith("Wire: 2 entries\n")
    assert f"    {WARNED}  (sanctions-threat)\n" in shown
    assert (row["entries"], row["undated"], row["language"]) == (2, 1, "en")
    assert row["matched"] == [{"title": WARNED, "rules": ["sanctions-threat"]}]
    assert not (tmp_path / "monitor.db").exists()


def test_what_is_no_feed_is_told(tmp_path: Path) -> None:
    """A page that is no feed, and a server that refuses, are one line and status 1."""
    set_up(tmp_path, config=LOOPBACK)
    with servers.FeedServer() as server:
        server.put("/page", b"<!doctype html><title>News</title>", content_type="text/html")
        server.script("/gone", servers.Answer(status=410))
        for path in ("/page", "/gone", "/none"):
            found = monitor("feeds", "check", server.url(path), folder=tmp_path)
            assert found.status == 1
            assert found.err.count("\n") == 1


def test_a_private_address_is_refused(tmp_path: Path) -> None:
    """Without `allow_networks`, loopback is not reached from here either."""
    set_up(tmp_path)
    with servers.FeedServer() as server:
        server.put("/rss", servers.rss("Wire"))
        assert monitor("feeds", "check", server.url("/rss"), folder=tmp_path).status == 1
        assert server.count("/rss") == 0


@pytest.mark.parametrize("verb", ["check", "discover"])
def test_what_is_neither_address_nor_name_is_told(tmp_path: Path, verb: str) -> None:
    """The nearest name is offered."""
    set_up(tmp_path)
    found = monitor("feeds", verb, "Wyre", folder=tmp_path)
    assert found.status == 2
    assert found.err == (
        "Wyre is neither an address that can be polled nor the name of a feed (did you mean 'Wire'?)\n"
    )


def test_a_page_names_its_feeds(tmp_path: Path) -> None:
    """The feeds that a page names, with absolute addresses, each once."""
    set_up(tmp_path, config=LOOPBACK)
    page = b"""<html><head><link rel="alternate" type="application/rss+xml" title="All" href="/rss">
    <link rel="ALTERNATE home" type="application/atom+xml; charset=utf-8" href="https://other.example/atom">
    <link rel="alternate" type="application/rss+xml" href="/rss"><link rel="alternate" hreflang="de" href="/de">
    <link rel="stylesheet" type="text/css" href="/x.css"></head></html>"""
    with servers.FeedServer() as server:
        server.put("/", page, content_type="text/html")
        rows = monitor("feeds", "discover", server.url("/"), "--json", folder=tmp_path).rows
        assert rows == [
            {"url": server.url("/rss"), "title": "All"},
            {"url": "https://other.example/atom", "title": ""},
        ]


def test_a_page_without_feeds_says_so(tmp_path: Path) -> None:
    """A page that names none is told as that."""
    set_up(tmp_path, config=LOOPBACK)
    with servers.FeedServer() as server:
        server.put("/", b"<p>nothing", content_type="text/html")
        assert monitor("feeds", "discover", server.url("/"), folder=tmp_path).out.endswith(" names no feed\n")


def test_a_feed_is_its_own_discovery(tmp_path: Path) -> None:
    """Asked for the feeds of an address that is a feed, it names that address."""
    set_up(tmp_path, config=LOOPBACK)
    with servers.FeedServer() as server:
        server.put("/rss", b'<rss version="2.0"><channel><title>All</title></channel></rss>', content_type="text/xml")
        rows = monitor("feeds", "discover", server.url("/rss"), "--json", folder=tmp_path).rows
        assert rows == [{"url": server.url("/rss"), "title": "All"}]


def test_an_address_that_is_none_is_passed_over() -> None:
    """A link that is no address does not stop the others."""
    link = '<link rel=alternate type=application/rss+xml href="{}">'
    page = link.format("http://[x") + link.format("a")
    assert [row["url"] for row in feeds_try.links(page.encode(), "https://a.example/")] == ["https://a.example/a"]


PAGE = """<!doctype html><html><head><title>Wire | Kim invites Putin</title>
<meta property="og:title" content="Kim invites Putin: &quot;come&quot;">
<meta property="og:site_name" content="The Wire">
<meta name="description" content="The leader asked the president to Pyongyang.">
<meta property="article:published_time" content="2026-11-20T08:30:00+01:00"></head><body><p>Menu</p></body></html>"""


def test_a_page_becomes_a_known_story(tmp_path: Path) -> None:
    """Its headline, lead, outlet, date and address are kept; it is asked for once."""
    set_up(tmp_path, config=LOOPBACK)
    with servers.FeedServer() as server:
        server.put("/story", PAGE.encode(), content_type="text/html")
        found = monitor("seeds", "add", server.url("/story"), folder=tmp_path)
        assert (found.status, server.count("/story")) == (0, 1)
        (row,) = monitor("seeds", "list", "--json", folder=tmp_path).rows
        assert (row["title"], row["source"], row["url"]) == (
            'Kim invites Putin: "come"',
            "The Wire",
            server.url("/story"),
        )
    assert row["published_at"].startswith("2026-11-20T07:30")
    written = (tmp_path / "seeds" / row["name"]).read_text(encoding="utf-8")
    assert written.endswith('\nKim invites Putin: "come"\n\nThe leader asked the president to Pyongyang.\n')


def test_a_page_without_a_headline_becomes_none(tmp_path: Path) -> None:
    """A page that says nothing, and one that is not there, are one line each, and nothing is written."""
    set_up(tmp_path, config=LOOPBACK)
    with servers.FeedServer() as server:
        server.put("/empty", b"<html></html>", content_type="text/html")
        for path, said in (("/empty", "no headline was found on the page"), ("/none", "404")):
            found = monitor("seeds", "add", server.url(path), folder=tmp_path)
            assert (found.status, found.err.count("\n")) == (1, 1)
            assert said in found.err
    assert list((tmp_path / "seeds").iterdir()) == []
