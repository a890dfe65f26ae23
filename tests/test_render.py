"""What a message says, and that feed text stays text."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import model, render
from monitor.render import slack
from tests.builders import NOON, a_channel, a_match, a_rule, a_story, an_alert, an_assignment, an_entry

MAIL = a_channel(url="mailto://desk@example.org")
SLACK = a_channel(url="slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7Q4")
WEBHOOK = a_channel(url="json://localhost/hook")
TERMINAL = a_channel()
DISCORD = a_channel(url="discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
ALL = (MAIL, SLACK, WEBHOOK, TERMINAL, DISCORD)
KEY = "alert:7:desk"

IN_SUMMARY = (
    model.Evidence(model.Field.SUMMARY, 32, 48, "impose sanctions", "sanction*"),
    model.Evidence(model.Field.SUMMARY, 56, 65, "arms deal", "arms deal"),
)


def message(alert: model.Alert | None = None, channel: model.Channel = MAIL, thread: str = "") -> model.Message:
    """Render with plain defaults."""
    return render.alert(alert or an_alert(), channel, key=KEY, thread=thread)


def visible(html: str) -> str:
    """Return the text that a reader of an HTML document sees."""

    class Reader(HTMLParser):
        seen = ""
        hidden = False

        def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
            self.hidden = tag in {"style", "title"}

        def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
            self.hidden = False

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                self.seen += data

    reader = Reader()
    reader.feed(html)
    return " ".join(reader.seen.split())


def slack_texts(data: Any) -> list[str]:
    """Return every text object of a Slack payload."""
    if isinstance(data, dict):
        own = [data["text"]] if data.get("type") in {"mrkdwn", "plain_text"} else []
        return own + [text for value in data.values() for text in slack_texts(value)]
    return [text for value in data for text in slack_texts(value)] if isinstance(data, list) else []


# --- the subject tells the news ---


def test_the_subject_alone_tells_the_news() -> None:
    """Level, rule, headline, outlet and how many others tell it."""
    alert = an_alert(reported_by=("AP", "BBC"))
    expected = "[HIGH] Sanctions threat: US warns Pyongyang and Moscow of new sanctions (Reuters +2)"
    assert message(alert).subject == expected


def test_of_several_rules_the_subject_names_the_highest() -> None:
    """Other rules are counted; experimental ones are not."""
    arms = a_match(a_rule(id="arms-deal", title="Arms deal", level=model.Level.CRITICAL))
    trial = a_match(a_rule(id="trial", status=model.RuleStatus.EXPERIMENTAL, level=model.Level.CRITICAL))
    subject = message(an_alert(level=model.Level.CRITICAL, matches=(a_match(), arms, trial))).subject
    assert subject.startswith("[CRITICAL] Arms deal +1 rule: US warns")


def test_an_update_is_called_one() -> None:
    """The subject of an update says so."""
    assert message(an_alert(kind=model.Kind.UPDATE)).subject.startswith("[HIGH] Sanctions threat (update): US warns")


def test_a_long_headline_is_cut_at_a_word() -> None:
    """A subject has at most 200 characters and keeps its source."""
    subject = message(an_alert(entry=an_entry(title="sanctions and more " * 50))).subject
    assert len(subject) <= 200
    assert subject.endswith("… (Reuters)")
    assert re.search(r" (sanctions|and|more)… ", subject)


# --- the text stands alone ---


def test_the_text_holds_everything() -> None:
    """Headline, link, outlet, both times, others, the story, the words that matched, the reason and the commands."""
    alert = an_alert(reported_by=("AP",), entry=an_entry(published_at=datetime(2026, 11, 21, 11, 5, tzinfo=UTC)))
    text = message(alert, replace(MAIL, zone="Asia/Seoul")).text
    for part in (
        "US warns Pyongyang and Moscow of new sanctions",
        "https://wire.example/us-warns",
        "Reuters · published 21 Nov 2026, 11:05 UTC (20:05 Asia/Seoul)",
        "first seen 21 Nov 2026, 12:00 UTC (21:00 Asia/Seoul)",
        "also reported by AP",
        "Story: new story",
        "Matched: Sanctions threat (high): warns, sanctions",
        "Because: nothing like it before",
        "Alert A-7",
        "monitor explain A-7\n",
        "monitor silence add --story 12 --for 24h\n",
        "monitor silence add --rule sanctions-threat --for 4h\n",
    ):
        assert part in text, part


def test_another_day_elsewhere_is_named() -> None:
    """Where it is tomorrow already in the channel's zone, the day is said."""
    entry = an_entry(published_at=datetime(2026, 11, 21, 23, 5, tzinfo=UTC))
    text = message(an_alert(entry=entry), replace(MAIL, zone="Asia/Seoul")).text
    assert "21 Nov 2026, 23:05 UTC (22 Nov, 08:05 Asia/Seoul)" in text


def test_what_has_no_date_is_undated() -> None:
    """An entry without a date says so; when we saw it is known."""
    assert "published undated\nfirst seen 21 Nov 2026" in message(an_alert(entry=an_entry(published_at=None))).text


def test_the_matched_words_are_marked() -> None:
    """In text with asterisks, in HTML with <mark>, in Slack in bold."""
    alert = an_alert(matches=(a_match(evidence=IN_SUMMARY),))
    assert "not hesitate to *impose sanctions* if the *arms deal* goes" in message(alert).text
    assert "<mark><b>impose sanctions</b></mark>" in message(alert).html
    assert any("*impose sanctions*" in text for text in slack_texts(message(alert, SLACK).data))


def test_in_a_long_text_the_passage_that_matched_is_shown() -> None:
    """The snippet is the part around the match, cut at words on both sides."""
    summary = "word " * 300 + "sanctions are near " + "tail " * 300
    evidence = (model.Evidence(model.Field.SUMMARY, 1500, 1509, "sanctions", "sanction*"),)
    text = message(an_alert(entry=an_entry(summary=summary), matches=(a_match(evidence=evidence),))).text
    snippet = next(line for line in text.splitlines() if line.startswith("> "))
    assert "*sanctions* are near" in snippet
    assert re.fullmatch(r"> …word .* tail…", snippet)
    assert len(snippet) < 440


def test_a_match_in_the_body_shows_the_body() -> None:
    """What matched in the full text only is quoted from there."""
    evidence = (model.Evidence(model.Field.BODY, 4, 13, "sanctions", "sanction*"),)
    text = message(an_alert(entry=an_entry(body="New sanctions."), matches=(a_match(evidence=evidence),))).text
    assert "> New *sanctions*.\n" in text


@pytest.mark.parametrize(
    ("changes", "thread", "line"),
    [
        ({}, "", "new story"),
        ({"kind": model.Kind.UPDATE}, "alert:123:desk", "update to A-123: now 50 killed"),
        ({"kind": model.Kind.UPDATE}, "", 'update to "US warns Pyongyang and Moscow of new sanctions": now 50 killed'),
        ({"kind": model.Kind.UPDATE}, "digest:desk:quiet:4", 'update to "US warns Pyongyang'),
        ({"kind": model.Kind.DUPLICATE}, "alert:123:desk", "more on A-123"),
        ({"kind": model.Kind.DUPLICATE}, "", "new story"),
    ],
)
def test_the_story_line(changes: dict[str, Any], thread: str, line: str) -> None:
    """A message says whether its story is new on this channel, or which alert it follows and what is new."""
    news = "now 50 killed" if changes.get("kind") is model.Kind.UPDATE else ""
    alert = an_alert(**changes, assignment=an_assignment(news=news))
    assert f"Story: {line}" in message(alert, thread=thread).text


def test_the_next_step_of_a_known_story_names_it() -> None:
    """An update of a seed's story says which one."""
    alert = an_alert(
        kind=model.Kind.UPDATE,
        assignment=an_assignment(kind=model.Kind.UPDATE, known=True, news="arrives"),
        story=a_story(title="Putin accepts an invitation", seeds=("000.txt",)),
    )
    assert 'Story: update to known story "Putin accepts an invitation": arrives' in message(alert).text


# --- each channel gets its form ---


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("mailtos://user:pass@example.org", render.Form.MAIL),
        ("slack://a/b/c", render.Form.SLACK),
        ("https://hooks.slack.com/services/a/b/c", render.Form.SLACK),
        ("slack+http://127.0.0.1:8080/hook", render.Form.SLACK),
        ("jsons://example.org/hook", render.Form.WEBHOOK),
        ("stdout://", render.Form.TERMINAL),
        ("tgram://token/chat", render.Form.SHORT),
        ("nonsense", render.Form.SHORT),
    ],
)
def test_the_url_decides_the_form(url: str, form: render.Form) -> None:
    """Mail, Slack, JSON webhook and terminal have their own forms; every other service gets the short one."""
    assert render.form_of(url) is form


def test_a_webhook_gets_data() -> None:
    """A JSON webhook gets the alert's fields beside the text."""
    alert = message(an_alert(reported_by=("AP",)), WEBHOOK).data["alert"]
    assert isinstance(alert, dict)
    assert (alert["id"], alert["level"], alert["title"]) == (
        "A-7",
        "high",
        "US warns Pyongyang and Moscow of new sanctions",
    )
    assert alert["rules"][0]["matched"] == ["warns", "sanctions"]
    assert alert["published_at"] == "2026-11-21T12:00:00+00:00"
    assert alert["story"]["because"] == "nothing like it before"


def test_the_short_form_keeps_link_and_number() -> None:
    """Whatever is cut, the link and the alert's number stay whole."""
    alert = an_alert(entry=an_entry(title="long " * 400, summary="text " * 2000))
    for url in ("discord://a/b", "twilio://a:b@c", "tgram://a/b"):
        text = message(alert, a_channel(url=url)).text
        assert len(text) <= render.limit_of(url)
        assert text.endswith("https://wire.example/us-warns\nA-7 · monitor explain A-7")


def test_html_is_one_column_without_anything_remote() -> None:
    """No image, script, form, remote style or font; dark mode and narrow screens are provided for."""
    html = message().html
    assert not re.search(r"<(img|script|form|iframe|link|object)\b|url\(|@import", html)
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html
    assert "max-width:600px" in html


def test_html_tells_what_the_text_tells() -> None:
    """Both parts of a mail hold the same facts."""
    both = message(an_alert(reported_by=("AP", "BBC"), matches=(a_match(evidence=IN_SUMMARY),)))
    seen = visible(both.html)
    for part in ("Reuters", "also reported by AP, BBC", "new story", "monitor explain A-7", "impose sanctions"):
        assert part in seen, part
    assert 'href="https://wire.example/us-warns"' in both.html


# --- digests ---


def some_alerts(count: int) -> list[model.Alert]:
    """Return alerts of two rules, the third of each four an update."""
    arms = (a_match(a_rule(id="arms-deal", title="Arms deal", level=model.Level.MEDIUM)),)
    return [
        an_alert(
            id=n,
            entry=an_entry(title=f"Headline number {n}."),
            kind=model.Kind.UPDATE if n % 4 == 3 else model.Kind.NEW,
            **({"matches": arms, "level": model.Level.MEDIUM} if n % 2 else {}),
        )
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("channel", [MAIL, SLACK, WEBHOOK, TERMINAL])
def test_a_digest_lists_every_alert(channel: model.Channel) -> None:
    """However many there are, each is named with its headline."""
    digest = render.digest(some_alerts(120), channel, key="digest:desk:quiet:1", title="Quiet hours are over")
    places = {"text": digest.text, "html": visible(digest.html) or None, "blocks": str(digest.data) or None}
    for place in filter(None, places.values() if channel is not SLACK else [places["text"], places["blocks"]]):
        if place != "{}":
            assert all(f"Headline number {n}." in place for n in range(1, 121))


def test_a_digest_says_what_it_is_and_what_is_in_it() -> None:
    """The subject has the highest level, the reason, the number, and how many of each rule."""
    digest = render.digest(some_alerts(4), MAIL, key="k", title="Quiet hours are over", silenced=2)
    assert digest.subject == (
        "[HIGH] Quiet hours are over: 4 alerts; 2 more silenced · Sanctions threat (2), Arms deal (2)"
    )
    assert digest.level is model.Level.HIGH


def test_in_a_digest_new_stories_come_before_updates() -> None:
    """Within a rule an update stands behind the new stories."""
    text = render.digest(some_alerts(8), MAIL, key="k", title="Digest").text
    assert text.index("A-5 Headline") < text.index("A-3 update: Headline")


def test_a_short_digest_says_how_many_it_could_not_list() -> None:
    """Where a service's limit is too small for all, the rest is counted and the command to list them is given."""
    text = render.digest(some_alerts(120), DISCORD, key="k", title="Digest").text
    assert len(text) <= render.limit_of(DISCORD.url)
    assert re.search(r"… and \d+ lines more: monitor alerts list$", text)


def test_an_operator_message_keeps_its_lines() -> None:
    """What happened, where and what to do, in every form."""
    for channel in ALL:
        note = render.operator("rules are broken", "rules/own.yaml:3: unknown key\nmend the file", channel, key="o")
        assert note.subject == "[monitor] rules are broken"
        assert note.text == "rules/own.yaml:3: unknown key\nmend the file"
    assert "mend the file" in visible(render.operator("x", "a\nmend the file", MAIL, key="o").html)


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
