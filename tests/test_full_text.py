"""The text of pages that matched entries link to: read once, politely, beside everything else."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import config, errors, sandbox
from monitor.parse import article
from monitor.store import engine, texts
from tests import servers
from tests.commands import monitor, set_up
from tests.e2e import headlines

needs_trafilatura = pytest.mark.skipif(not article.is_installed(), reason="needs the extra full-text")

PARAGRAPH = (
    "<p>The delegation of {place} said on day {day} that talks about the fishing treaty would go on for weeks.</p>"
)
RULES_IN_THE_PAGE = "Washington threatens new sanctions on the port of Vostok."


def a_page(more: str = "") -> bytes:
    """Return a web page with a menu, an article and a footer."""
    text = "".join(PARAGRAPH.format(place="Narvia", day=day) for day in range(8))
    body = f"<nav><a href='/'>Home</a><a href='/sport'>Sport</a></nav><article><h1>Talks</h1>{text}{more}</article>"
    head = "<!doctype html><html><head><title>Talks</title></head>"
    return f"{head}<body>{body}<footer>Imprint</footer></body></html>".encode()


@pytest.fixture
def server() -> Iterator[servers.FeedServer]:
    """Return a server of one feed, which is empty at first, and a page."""
    with servers.FeedServer() as found:
        found.put("/feed.xml", servers.rss("Wire"))
        found.put("/page", a_page(), content_type="text/html")
        yield found


def poll(folder: Path, server: servers.FeedServer, *items: str, feed: str = "full_text = true", poll: str = "") -> None:
    """Poll the feed twice: empty, and with `items`; or with one entry that matches and one that does not."""
    text = f'[poll]\nallow_networks = ["127.0.0.1/32"]\n{poll}\n[rules]\npaths = ["rules"]\n'
    text += f'[[feeds]]\nname = "Wire"\nurl = "{server.url("/feed.xml")}"\n{feed}\n'
    set_up(folder, config=text)
    assert monitor("poll", "--all", folder=folder).status == 0
    matching = servers.item("US warns Pyongyang of new sanctions", guid="1", link=server.url("/page"))
    other = servers.item("Cup tie postponed", guid="2", link=server.url("/other"))
    server.put("/feed.xml", servers.rss("Wire", *(items or (matching, other))))
    assert monitor("poll", "--all", folder=folder).status == 0


def stored(folder: Path, entry_id: int) -> texts.Text | None:
    """Return what is stored of an entry's page."""
    store = engine.open_store(config.load(folder / "config.toml").store_url)
    try:
        with store.read() as tx:
            return texts.find(tx, entry_id)
    finally:
        store.close()


@needs_trafilatura
def test_the_page_of_a_matched_entry_is_read_once(tmp_path: Path, server: servers.FeedServer) -> None:
    """Its article is kept, without menu and footer; further polls do not ask again, and other entries' pages never."""
    poll(tmp_path, server)
    assert monitor("poll", "--all", folder=tmp_path).status == 0
    assert (server.count("/page"), server.count("/other")) == (1, 0)
    shown = monitor("alerts", "show", "1", "--json", folder=tmp_path).rows[0]
    assert shown["page_text"].count("fishing treaty") == 8
    assert "Imprint" not in shown["page_text"]
    assert "Sport" not in shown["page_text"]
    assert "| The delegation of Narvia said on day 0" in monitor("alerts", "show", "1", folder=tmp_path).out


@needs_trafilatura
def test_a_page_is_asked_as_politely_as_a_feed(tmp_path: Path, server: servers.FeedServer) -> None:
    """One request with our name, for HTML; no cookies, no referer. `[poll]` speaks for feeds that say nothing."""
    poll(tmp_path, server, feed="", poll='contact = "desk@example.org"\nfull_text = true')
    (asked,) = server.asked("/page")
    assert "desk@example.org" in asked.headers["user-agent"]
    assert asked.headers["accept"].startswith("text/html")
    assert asked.headers["accept-encoding"] == "gzip"
    assert not {"cookie", "referer", "if-none-match"} & set(asked.headers)


@pytest.mark.parametrize(("feed", "poll_says"), [("", ""), ("full_text = false", "full_text = true")])
def test_no_page_is_read_unless_it_is_wanted(
    tmp_path: Path, server: servers.FeedServer, feed: str, poll_says: str
) -> None:
    """Off by default; a feed's own word goes before the program's."""
    poll(tmp_path, server, feed=feed, poll=poll_says)
    assert server.count("/page") == 0
    assert stored(tmp_path, 1) is None


@needs_trafilatura
def test_a_page_that_cannot_be_read_costs_a_note(tmp_path: Path, server: servers.FeedServer) -> None:
    """The alerts went out all the same, the feed is well, and `alerts show` says why there is no text."""
    answers = {
        "answered 404": servers.Answer(404),
        "not public": servers.Answer(302, headers={"Location": "http://10.0.0.1/"}),
        "not a web page": servers.Answer(body=b"\x89PNG\r\n"),
        "no article was found": servers.Answer(body=b"<html><body><p>Please accept cookies.</p></body></html>"),
        "larger than 4 MiB": servers.Answer(body=b"<html>" + b"x" * 5_000_000),
    }
    happenings = headlines.make(len(answers), random.Random(1))
    items = []
    for number, (answer, headline) in enumerate(zip(answers.values(), happenings, strict=True)):
        server.script(f"/{number}", answer)
        items.append(servers.item(headline.title, guid=headline.actor, link=server.url(f"/{number}")))
    poll(tmp_path, server, *items)
    alerts = monitor("alerts", "list", "--json", folder=tmp_path).rows
    assert len(alerts) == len(answers)
    shown = [monitor("alerts", "show", str(alert["id"]), folder=tmp_path).out for alert in alerts]
    assert all("its page was not read: " in one for one in shown)
    assert [said for said in answers if said not in "".join(shown)] == []
    assert monitor("feeds", "list", "--json", folder=tmp_path).rows[0]["failures"] == 0


@needs_trafilatura
def test_rules_do_not_see_the_page(tmp_path: Path, server: servers.FeedServer) -> None:
    """What the feed gave decides: a page full of another rule's words changes no decision and brings no alert."""
    server.put(
        "/page", a_page(f"<p>{RULES_IN_THE_PAGE} Putin arrives in Hanoi on a visit.</p>"), content_type="text/html"
    )
    poll(tmp_path, server)
    assert monitor("poll", "--all", folder=tmp_path).status == 0
    (alert,) = monitor("alerts", "list", "--json", folder=tmp_path).rows
    assert alert["rules"] == ["sanctions-threat"]


@needs_trafilatura
def test_a_feeds_past_is_not_fetched(tmp_path: Path, server: servers.FeedServer) -> None:
    """Entries of a feed's first poll are the past, and hundreds: their pages are left alone."""
    matching = servers.item("US warns Pyongyang of new sanctions", guid="0", link=server.url("/page"))
    server.put("/feed.xml", servers.rss("Wire", matching))
    text = '[poll]\nallow_networks = ["127.0.0.1/32"]\nfull_text = true\n[rules]\npaths = ["rules"]\n'
    set_up(tmp_path, config=f'{text}[[feeds]]\nname = "Wire"\nurl = "{server.url("/feed.xml")}"\n')
    assert monitor("poll", "--all", folder=tmp_path).status == 0
    assert server.count("/page") == 0


@needs_trafilatura
@pytest.mark.slow
def test_a_hostile_page_is_killed_on_time() -> None:
    """A page that takes the reader for ever, or all its memory, ends with its child; the next one is read."""
    deep = b"<html><body>" + b"<div><b>" * 300_000 + b"text"

    async def go() -> tuple[object, str]:
        reader = sandbox.Sandbox(workers=1, deadline=sandbox.QUICK * 4)
        try:
            (hostile,) = await asyncio.gather(reader.read_page(deep), return_exceptions=True)
            return hostile, await reader.read_page(a_page())
        finally:
            await reader.close()

    hostile, good = asyncio.run(go())
    assert isinstance(hostile, errors.ParseError | str)
    assert "fishing treaty" in good


def test_a_page_is_claimed_once(sqlite_store: engine.Store) -> None:
    """Of two workers that see the same page, one asks for it."""
    from tests import stored as rows
    from tests.builders import NOON

    rows.new_story(sqlite_store, "US warns Pyongyang")
    with sqlite_store.write() as tx:
        assert texts.claim(tx, [1], NOON) == {1}
    with sqlite_store.write() as tx:
        assert texts.claim(tx, [1], NOON) == set()


def test_the_missing_extra_is_named() -> None:
    """What `monitor check` and each start say without it names the command that mends it."""
    assert "pip install 'geopolitical-monitor[full-text]'" in article.MISSING
