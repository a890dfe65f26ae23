"""What a message says, in each channel's form."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor import model, render
from tests.builders import a_channel, a_match, a_rule, a_story, an_alert, an_assignment, an_entry
from tests.rendering import (
    ALL,
    DISCORD,
    IN_SUMMARY,
    MAIL,
    SLACK,
    TERMINAL,
    WEBHOOK,
    message,
    slack_texts,
    some_alerts,
    visible,
)

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


def test_the_words_that_matched_say_something() -> None:
    """Little words, and what stands within a longer match, are left out; where nothing else matched they stay."""
    title, telling = model.Field.TITLE, ("will not hesitate", "not hesitate", "with", "sanctions", "Sanctions")
    found = tuple(model.Evidence(title, 0, len(text), text, text) for text in telling)
    assert (
        "(high): will not hesitate, sanctions, Sanctions\n"
        in message(an_alert(matches=(a_match(evidence=found),))).text
    )
    only = (model.Evidence(title, 0, 2, "in", "in"),)
    assert "(high): in\n" in message(an_alert(matches=(a_match(evidence=only),))).text


def test_an_update_says_how_to_correct_it() -> None:
    """What was taken for an update can be taken out of its story by a command that stands in the message."""
    assert "monitor stories split 12 1\n" in message(an_alert(kind=model.Kind.UPDATE)).text
    assert "monitor stories split" not in message().text


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
        beginning = "[monitor] rules are broken\n" if channel is TERMINAL else ""  # which shows no subjects
        assert note.text == f"{beginning}rules/own.yaml:3: unknown key\nmend the file"
    assert "mend the file" in visible(render.operator("x", "a\nmend the file", MAIL, key="o").html)
