"""Whatever a feed writes stays text, in every form."""

import re
from dataclasses import replace
from datetime import UTC
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import model, render
from monitor.render import slack
from tests.builders import NOON, a_match, a_story, an_alert, an_assignment, an_entry
from tests.rendering import (
    ALL,
    DISCORD,
    KEY,
    MAIL,
    SLACK,
    message,
    slack_texts,
    some_alerts,
)

# --- feed text is data ---

HOSTILE = [
    "<!channel> <@U024BE7LH> <https://evil.example|bank>",
    "@everyone @here look",
    "<script>alert(1)</script><img src=https://evil.example/x.png onerror=x>",
    "Title\r\nBcc: victim@example.org\r\n\r\nBody",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200fabc\ufeff",
    "{{ 7 * 7 }}{% raw %} {alert.entry} %s ${HOME} `id`",
    "[click](https://evil.example) **bold** _it_ ~~no~~",
    "\x1b[31mred\x1b[0m \x07\x9b2J",
    "\ud800 lone \udfff",
    "&lt;b&gt; &amp;#x41;",
    "",
    " \n ",
    "x" * 1_000_000,
    "\u0301" * 5_000,
]
ANY_TEXT = st.text(st.characters(), max_size=300) | st.sampled_from(HOSTILE)


def hostile_alert(text: str) -> model.Alert:
    """Return an alert in which everything that a feed can write is `text`."""
    evidence = (
        model.Evidence(model.Field.TITLE, 0, min(5, len(text)), text[:5], "x"),
        model.Evidence(model.Field.SUMMARY, 2, 9, text[2:9], "x"),
        model.Evidence(model.Field.SUMMARY, 10**7, 10**8, text, "x"),
    )
    entry = an_entry(title=text, summary=text, body=text, outlet=text, feed=text, url=text, language=text)
    return an_alert(
        entry=entry,
        matches=(a_match(evidence=evidence),),
        story=a_story(title=text),
        reported_by=(text, text),
        kind=model.Kind.UPDATE,
        assignment=an_assignment(news=text, because=text),
    )


FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff\ud800-\udfff\u2028\u2029]"
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("channel", ALL, ids=lambda channel: channel.url.partition(":")[0])
def test_hostile_text_stays_text(text: str, channel: model.Channel) -> None:
    """No form lets feed text break a line of the subject, mark up, mention, or print what is not printable."""
    check_text_stays_text(hostile_alert(text), channel)


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, st.sampled_from(ALL))
def test_any_text_stays_text(text: str, channel: model.Channel) -> None:
    """The same for whatever hypothesis thinks of."""
    check_text_stays_text(hostile_alert(text), channel)


def check_text_stays_text(alert: model.Alert, channel: model.Channel) -> None:
    """Assert what must hold of every message."""
    rendered = render.alert(alert, channel, key=KEY)
    digest = render.digest([alert, alert], channel, key="k", title="Digest")
    for one in (rendered, digest):
        assert "\n" not in one.subject
        assert len(one.subject) <= 300
        assert len(one.text) < 20_000
        for part in (one.subject, one.text, one.html):
            assert not FORBIDDEN.search(part), FORBIDDEN.search(part)
            part.encode()
        str(one.data).encode()
        assert not re.search(
            r"<(?!/?(mark|b|br|p|h1|h2|ul|li|a|table|tr|td|span|code|style|title|head|meta|html|body|!DOCTYPE)\b)[a-zA-Z!]",
            one.html,
        )
        for text in slack_texts(one.data):
            assert re.fullmatch(r"(?:> )?(?:[^<>]|<https?://[^<>|\s]+\|[^<>]*>)*", text), text
            assert len(text) <= 3_000
        if channel is DISCORD:
            assert not re.search(r"@[\w&!]|<!", one.text)
            assert len(one.text) <= render.limit_of(channel.url)


@pytest.mark.parametrize("text", HOSTILE)
def test_html_is_whole_whatever_is_in_it(text: str) -> None:
    """Every element that is opened is closed, in order."""

    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
            if tag not in {"meta", "br"}:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    alerts = [hostile_alert(text)] * 3
    for one in (message(alerts[0]), render.digest(alerts, MAIL, key="k", title=text)):
        balance = Balance()
        balance.feed(one.html)
        balance.close()
        assert balance.open == []


def test_only_web_addresses_become_links() -> None:
    """`javascript:` and quotes in an address never reach an attribute."""
    assert "javascript" not in message(an_alert(entry=an_entry(url="javascript:alert(1)"))).html
    quoted = message(an_alert(entry=an_entry(url='https://e.example/"onclick="x> <y|z'))).html
    assert 'href="https://e.example/%22onclick=%22x%3E%20%3Cy%7Cz"' in quoted


@pytest.mark.parametrize(
    "url", ["https://e.example/" + "x" * 2_000, "https://[broken", "http://", "ftp://e.example", ""]
)
def test_an_address_that_leads_nowhere_is_left_out(url: str) -> None:
    """An alert without a good link is told all the same."""
    for channel in ALL:
        assert "US warns" in message(an_alert(entry=an_entry(url=url)), channel).text


def test_a_slack_digest_that_is_too_long_says_how_many_are_left() -> None:
    """Beyond Slack's fifty blocks the rest is counted."""
    alerts = [replace(one, entry=an_entry(title=f"{one.id} " + "long headline " * 20)) for one in some_alerts(700)]
    blocks = slack_texts(render.digest(alerts, SLACK, key="k", title="Digest").data)
    assert len(blocks) <= 50
    assert re.fullmatch(r"and \d+ lines more: `monitor alerts list`", blocks[-1])


def test_a_long_text_is_cut_without_half_an_entity() -> None:
    """Slack's sections are cut before an entity or a link that would not fit."""
    for tail in ("&amp;" * 9, "<https://e.example|title>"):
        for length in range(2_870, 2_905):
            cut = slack._capped("x" * length + tail * 20)
            assert re.fullmatch(r"x+(&amp;|<https://e\.example\|title>)*…", cut)


def test_the_same_alert_renders_the_same() -> None:
    """Rendering twice gives the same message: a repeat carries the text of the first."""
    for channel in ALL:
        assert message(channel=channel) == message(channel=channel)
    assert NOON.tzinfo is UTC
