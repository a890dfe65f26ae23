"""The demo's news, web server and mail receiver, each alone."""

import asyncio
import smtplib
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import aiohttp
import feedparser
import pytest

from monitor.demo import formats, mail, news, server

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OUTLETS = news.load()


def test_the_news_is_two_weeks_of_eight_outlets() -> None:
    """About 150 entries of eight outlets, none older than two weeks and none from the future."""
    items = [item for outlet in OUTLETS for item in outlet.items]
    assert len(OUTLETS) == 8
    assert 140 <= len(items) <= 170
    assert all(timedelta(0) < item.ago <= timedelta(days=14) for item in items)


def test_no_text_is_told_twice_by_one_outlet() -> None:
    """Within an outlet every title is told once: repeats come from other outlets."""
    for outlet in OUTLETS:
        titles = [item.tellings[0].title for item in outlet.items]
        assert len(titles) == len(set(titles)), outlet.slug


def test_several_outlets_tell_one_story_and_some_retell_the_known_one() -> None:
    """At least a dozen stories are told by two outlets or more, and the known story by four."""
    tellers: dict[str, set[str]] = {}
    for outlet in OUTLETS:
        for item in outlet.items:
            if item.story:
                tellers.setdefault(item.story, set()).add(outlet.slug)
    assert sum(len(slugs) > 1 for slugs in tellers.values()) >= 12
    assert len(tellers["seed"]) >= 4


def test_releases_are_told_in_order_and_are_the_last_day_and_a_half() -> None:
    """What comes out while the demo runs is younger than `LIVE` and in the order of its telling."""
    found = news.releases(OUTLETS)
    agos = [release.telling.ago for release in found]
    assert agos == sorted(agos, reverse=True)
    assert max(agos) < news.LIVE
    assert len(found) > 70


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13d4h", timedelta(days=13, hours=4)),
        ("30h50m", timedelta(hours=30, minutes=50)),
        ("20m", timedelta(minutes=20)),
    ],
)
def test_a_time_ago_is_read(text: str, expected: timedelta) -> None:
    """Days, hours and minutes stand in that order, each with its unit."""
    assert news.parse_ago(text) == expected


@pytest.mark.parametrize("text", ["", "4", "4h13d", "-3h", "3 h"])
def test_another_time_ago_is_refused(text: str) -> None:
    """What is not a time ago says how to write one."""
    with pytest.raises(ValueError, match="write 13d4h"):
        news.parse_ago(text)


@pytest.mark.parametrize(
    "outlet", [each for each in OUTLETS if each.format is not news.Format.JSON], ids=lambda o: o.slug
)
def test_every_xml_feed_is_well_formed(outlet: news.Outlet) -> None:
    """An independent parser finds every entry, its title, link and date, and nothing to complain of."""
    released = {release.item.key: release.index for release in news.releases([outlet])}
    shown = news.shown(outlet, released)
    found = feedparser.parse(formats.document(outlet, shown, NOON))
    assert not found.bozo
    assert [entry.title for entry in found.entries] == [telling.title for _, telling in shown]
    assert [entry.link for entry in found.entries] == [formats.link(outlet, item) for item, _ in shown]
    assert all("published_parsed" in entry or "updated_parsed" in entry for entry in found.entries)


def test_the_aggregator_names_whom_it_has_an_entry_from() -> None:
    """Each of its titles ends with an outlet, and a source element says the same."""
    outlet = next(outlet for outlet in OUTLETS if outlet.outlet is None)
    found = feedparser.parse(formats.document(outlet, news.shown(outlet, {}), NOON))
    assert found.entries
    assert all(entry.title.endswith(f" - {entry.source.title}") for entry in found.entries)


def test_a_feed_answers_conditional_requests_and_changes_with_a_release() -> None:
    """The same ETag gets 304 until an entry comes out; then the feed starts with it."""

    async def scenario(web: server.NewsServer, client: aiohttp.ClientSession) -> None:
        first = news.releases(OUTLETS)[0]
        url = web.feed_url(first.slug)
        async with client.get(url) as answer:
            etag = answer.headers["ETag"]
            assert first.telling.title not in await answer.text()
        async with client.get(url, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304
        web.release(first)
        async with client.get(url, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 200
            assert feedparser.parse(await answer.read()).entries[0].title == first.telling.title
        assert web.polls == {200: 2, 304: 1}
        assert web.seen == {first.slug}

    _with_server(scenario)


def test_the_json_feed_is_json_feed() -> None:
    """The French daily speaks JSON Feed 1.1, with its accents and its language."""

    async def scenario(web: server.NewsServer, client: aiohttp.ClientSession) -> None:
        async with client.get(web.feed_url("quotidien")) as answer:
            assert answer.content_type == "application/feed+json"
            found = await answer.json(content_type=None)
        assert found["version"] == "https://jsonfeed.org/version/1.1"
        assert found["language"] == "fr"
        assert any("Rhône" in item["title"] for item in found["items"])

    _with_server(scenario)


def test_an_edit_keeps_its_key() -> None:
    """An edited entry is shown once, under its first key, with its new title."""
    outlet = next(outlet for outlet in OUTLETS if outlet.slug == "northlight")
    edit = next(release for release in news.releases([outlet]) if release.index == 1)
    shown = news.shown(outlet, {edit.item.key: 1})
    assert [telling.title for item, telling in shown if item.key == edit.item.key] == [edit.telling.title]


def test_an_unknown_feed_is_not_found() -> None:
    """A feed that no outlet has is answered with 404, and a hook without JSON with 400."""

    async def scenario(web: server.NewsServer, client: aiohttp.ClientSession) -> None:
        async with client.get(web.feed_url("nobody")) as answer:
            assert answer.status == 404
        async with client.post(web.hook_url, data=b"{") as answer:
            assert answer.status == 400
        assert web.hooks == []

    _with_server(scenario)


def test_the_webhook_receiver_keeps_what_it_takes() -> None:
    """A hook is kept with its headers in lower case, after as many refusals as were asked for."""

    async def scenario(web: server.NewsServer, client: aiohttp.ClientSession) -> None:
        web.refuse_hooks = 1
        async with client.post(web.hook_url, json={"title": "one"}) as answer:
            assert answer.status == 503
        async with client.post(web.hook_url, json={"title": "one"}, headers={"X-Alert-Id": "alert:1:desk"}) as answer:
            assert answer.status == 200
        assert [hook.data for hook in web.hooks] == [{"title": "one"}]
        assert web.hooks[0].headers["x-alert-id"] == "alert:1:desk"

    _with_server(scenario)


def test_the_mail_receiver_keeps_what_it_takes() -> None:
    """A mail is kept with its decoded subject, after as many refusals as were asked for."""
    message = EmailMessage()
    message["Subject"] = "[HIGH] Sanctions threat: Erevan, café"
    message["From"], message["To"] = "monitor@desk.example", "desk@desk.example"
    message.set_content("text\n")

    async def scenario() -> mail.MailServer:
        async with mail.MailServer(refuse=1) as postbox:
            with pytest.raises(smtplib.SMTPDataError, match="try again"):
                await asyncio.to_thread(_send, postbox.port, message)
            await asyncio.to_thread(_send, postbox.port, message)
            return postbox

    postbox = asyncio.run(scenario())
    assert [each.subject for each in postbox.mails] == ["[HIGH] Sanctions threat: Erevan, café"]
    assert postbox.mails[0].recipients == ("desk@desk.example",)
    assert postbox.mails[0].sender == "monitor@desk.example"


def _send(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.send_message(message)


def _with_server(scenario: Callable[[server.NewsServer, aiohttp.ClientSession], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with server.NewsServer(OUTLETS, started_at=NOON) as web, aiohttp.ClientSession() as client:
            await scenario(web, client)

    asyncio.run(run())
