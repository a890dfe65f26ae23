"""One message to a webhook, to Slack and as a bot, over loopback."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from monitor import errors, render
from monitor.send import address, slack, web
from tests import servers
from tests.builders import a_channel, an_alert, an_entry
from tests.sending import KEY, a_message, deliver, failure, json_url, slack_url
from tests.servers import Answer


@pytest.fixture
def hooks() -> Iterator[servers.WebhookReceiver]:
    """Return a webhook receiver."""
    with servers.WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
def mails() -> Iterator[servers.MailReceiver]:
    """Return a mail receiver."""
    with servers.MailReceiver() as receiver:
        yield receiver


# --- webhooks ---


def test_a_webhook_gets_text_data_and_keys(hooks: servers.WebhookReceiver) -> None:
    """JSON with apprise's keys, the alert's data and the key; the key is in the headers, too."""
    channel = a_channel(url=json_url(hooks))
    deliver(channel.url, render.alert(an_alert(), channel, key=KEY, thread="alert:3:desk"))
    (got,) = hooks.messages
    assert got.path == "/hook"
    assert got.headers["idempotency-key"] == got.headers["x-alert-id"] == KEY
    assert got.headers["content-type"] == "application/json"
    body = got.json
    assert (body["key"], body["thread"], body["type"]) == (KEY, "alert:3:desk", "failure")
    assert body["alert"]["id"] == "A-7"
    assert body["title"].startswith("[HIGH] Sanctions threat")
    assert "monitor explain A-7" in body["message"]


def test_the_url_of_a_webhook_is_apprises(hooks: servers.WebhookReceiver) -> None:
    """User, headers, parameters, method and payload keys are taken from the URL as apprise takes them."""
    url = (
        f"json://me:pass@127.0.0.1:{hooks.port}/a/b?+X-Token=t1&-team=asia&:site=berlin&:message=text&:type=&method=PUT"
    )
    deliver(url)
    (got,) = hooks.messages
    assert (got.method, got.path) == ("PUT", "/a/b?team=asia")
    assert got.headers["x-token"] == "t1"
    assert got.headers["authorization"].startswith("Basic ")
    assert got.json["site"] == "berlin"
    assert got.json["text"] == "US warns\n"
    assert "type" not in got.json
    assert "message" not in got.json


def test_slack_gets_blocks_and_text_escaped(hooks: servers.WebhookReceiver) -> None:
    """A feed's `<!channel>` is shown, not obeyed, in the blocks and in the text."""
    channel = a_channel(url=slack_url(hooks))
    alert = an_alert(entry=an_entry(title="<!channel> A & B", url="https://wire.example/?a=1&b=2"))
    deliver(channel.url, render.alert(alert, channel, key=KEY))
    (got,) = hooks.messages
    assert got.path == "/services/T1/B2/secret3"
    body = got.json
    assert "<!" not in body["text"]
    first = body["blocks"][0]["text"]["text"]
    assert "<https://wire.example/?a=1&amp;b=2|&lt;!channel&gt; A &amp; B>" in first
    assert body["link_names"] is False


def test_a_service_that_knows_no_blocks_gets_the_text(hooks: servers.WebhookReceiver) -> None:
    """When blocks are refused with 400, the text is sent alone."""
    hooks.refuse(1, status=400)
    channel = a_channel(url=slack_url(hooks))
    deliver(channel.url, render.alert(an_alert(), channel, key=KEY))
    assert list(hooks.messages[0].json) == ["text"]


def test_where_slack_webhooks_lead() -> None:
    """`slack://A/B/C` and Slack's own address lead to the same place."""
    tokens = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7Q4"
    native = f"https://hooks.slack.com/services/{tokens}"
    assert slack.target(f"slack://{tokens}").url == slack.target(native).url == native


BOT = "slack://xoxb-1234567890-abcdefghijklmnopqrst0123/#desk"


@pytest.fixture
def bot(hooks: servers.WebhookReceiver) -> Iterator[slack.Bot]:
    """Return a bot that posts to two channels at the webhook receiver."""
    with closing(slack.Bot(f"{BOT}/+C024BE7LH", api=hooks.url("/api/chat.postMessage"))) as bot:
        yield bot


def slack_said(**said: Any) -> Answer:
    """Return an answer of Slack's API."""
    return Answer(200, json.dumps(said).encode(), {"Content-Type": "application/json"})


def test_a_bot_posts_to_each_channel_and_answers_in_the_thread(hooks: servers.WebhookReceiver, bot: slack.Bot) -> None:
    """An update goes under its story's first message, in each Slack channel; the key is in the metadata."""
    hooks.script(*[slack_said(ok=True, ts=f"17.{n}") for n in range(4)])
    first = render.alert(an_alert(), a_channel(url=BOT), key=KEY)
    bot.send(a_channel(url=BOT), first)
    bot.send(a_channel(url=BOT), render.alert(an_alert(), a_channel(url=BOT), key="alert:9:desk", thread=KEY))
    bodies = [got.json for got in hooks.messages]
    assert [body["channel"] for body in bodies] == ["#desk", "C024BE7LH"] * 2
    assert [body.get("thread_ts") for body in bodies] == [None, None, "17.0", "17.1"]
    assert bodies[0]["blocks"] == first.data["blocks"]
    assert bodies[0]["metadata"]["event_payload"] == {"key": KEY}
    assert hooks.messages[0].headers["authorization"] == "Bearer xoxb-1234567890-abcdefghijklmnopqrst0123"


def test_a_bot_tells_where_a_message_stands_and_is_told_later(hooks: servers.WebhookReceiver, bot: slack.Bot) -> None:
    """What a bot returns lets another one, after a restart, answer in the same threads."""
    hooks.script(*[slack_said(ok=True, ts=f"17.{n}") for n in range(4)])
    places = bot.send(a_channel(url=BOT), a_message())
    assert places == {"#desk": "17.0", "C024BE7LH": "17.1"}
    update = a_message(key="alert:9:desk", thread=KEY, places=places)
    with closing(slack.Bot(f"{BOT}/+C024BE7LH", api=hooks.url("/api/chat.postMessage"))) as restarted:
        restarted.send(a_channel(url=BOT), update)
    assert [got.json.get("thread_ts") for got in hooks.messages] == [None, None, "17.0", "17.1"]


def test_a_bots_retry_leaves_out_who_has_it(hooks: servers.WebhookReceiver, bot: slack.Bot) -> None:
    """When the second of two Slack channels fails, the repeat goes there alone."""
    hooks.script(
        slack_said(ok=True, ts="1.0"), Answer(429, headers={"Retry-After": "30"}), slack_said(ok=True, ts="2.0")
    )
    with pytest.raises(errors.DeliveryError) as caught:
        bot.send(a_channel(url=BOT), a_message())
    assert caught.value.retry_after == timedelta(seconds=30)
    bot.send(a_channel(url=BOT), a_message())
    assert [got.json["channel"] for got in hooks.messages] == ["#desk", "C024BE7LH"]


@pytest.mark.parametrize(
    ("said", "permanent", "message_only"),
    [
        (slack_said(ok=False, error="token_revoked"), True, False),
        (slack_said(ok=False, error="invalid_auth"), True, False),
        (slack_said(ok=False, error="channel_not_found"), True, False),
        (slack_said(ok=False, error="msg_too_long"), True, True),
        (slack_said(ok=False, error="internal_error"), False, False),
        (Answer(200, b"<html>captive portal"), False, False),
        (Answer(500), False, False),
    ],
)
def test_what_slack_says_of_a_bots_message(
    hooks: servers.WebhookReceiver, bot: slack.Bot, said: Answer, permanent: bool, message_only: bool
) -> None:
    """A revoked token is final, a text that is too long is final for the message, the rest is tried again."""
    hooks.script(said)
    with pytest.raises(errors.DeliveryError) as caught:
        bot.send(a_channel(url=BOT), a_message())
    assert (caught.value.permanent, caught.value.message_only) == (permanent, message_only)
    assert "xoxb" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "door"),
    [
        (BOT, address.Door.BOT),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7Q4/#desk", address.Door.SLACK),
        ("slack://xoxb-1234567890-abcdefghijklmnopqrst0123/ann@desk.example", address.Door.SERVICE),
        ("slack://nonsense", address.Door.SERVICE),
        ("mailto://a:b@desk.example?pgp=sign", address.Door.SERVICE),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", address.Door.SERVICE),
    ],
)
def test_which_way_a_url_takes(url: str, door: address.Door) -> None:
    """What we do better than apprise goes by our own ways, everything else by apprise."""
    assert address.door(url) is door


@pytest.mark.parametrize(
    ("status", "permanent", "message_only"),
    [
        (301, True, False),
        (302, False, False),
        (400, True, True),
        (401, True, False),
        (403, True, False),
        (404, False, False),
        (408, False, False),
        (410, True, False),
        (413, True, True),
        (429, False, False),
        (500, False, False),
        (503, False, False),
    ],
)
def test_what_a_status_means(hooks: servers.WebhookReceiver, status: int, permanent: bool, message_only: bool) -> None:
    """Gone and unauthorised are final for the channel, unfit for the message; all else is tried again."""
    hooks.script(Answer(status, b"why not"))
    error = failure(json_url(hooks))
    assert (error.permanent, error.message_only) == (permanent, message_only)
    assert f"answered {status}: why not" in str(error)


def test_slack_says_404_when_a_webhook_is_gone(hooks: servers.WebhookReceiver) -> None:
    """`no_service` is final; a plain webhook that is not found may be back in a minute."""
    hooks.script(Answer(404, b"no_service"))
    error = failure(slack_url(hooks))
    assert error.permanent
    assert "no_service" in str(error)
    assert "secret3" not in str(error)


def test_retry_after_is_obeyed(hooks: servers.WebhookReceiver) -> None:
    """429 with Retry-After says how long to wait, in seconds or as a date against the server's own."""
    hooks.refuse(1, status=429, retry_after="17")
    assert failure(json_url(hooks)).retry_after == timedelta(seconds=17)
    date = {"Retry-After": "Sat, 21 Nov 2026 12:01:00 GMT", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"}
    hooks.script(Answer(503, headers=date))
    assert failure(slack_url(hooks)).retry_after == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("header", "date", "wait"),
    [
        (None, None, None),
        ("", None, None),
        ("soon", None, None),
        ("-5", None, None),
        ("1.5", None, timedelta(seconds=1.5)),
        ("99999999999999", None, timedelta(days=1)),
        ("Sat, 21 Nov 2026 12:01:00 GMT", None, None),
        ("Sat, 21 Nov 2026 11:00:00 GMT", "Sat, 21 Nov 2026 12:00:00 GMT", timedelta()),
        ("Sat, 99 Nov 2026 11:00:00 GMT", "Sat, 21 Nov 2026 12:00:00 GMT", None),
        ("٣", None, None),
    ],
)
def test_odd_retry_after(header: str | None, date: str | None, wait: timedelta | None) -> None:
    """What cannot be read says nothing; nobody can ask for more than a day."""
    assert web.retry_after(header, date) == wait


def test_a_webhook_that_is_down_or_hangs_up_is_tried_again(hooks: servers.WebhookReceiver) -> None:
    """No connection and a broken one are the channel's failures."""
    hooks.script(Answer(drop=True))
    assert not failure(json_url(hooks)).permanent
    url = json_url(hooks, "/secret-path-0123")
    hooks.stop()
    error = failure(url)
    assert (error.permanent, error.message_only) == (False, False)
    assert "secret-path-0123" not in str(error)


def test_a_huge_answer_is_not_read(hooks: servers.WebhookReceiver) -> None:
    """Of a refusal only the beginning is looked at."""
    hooks.script(Answer(500, b"no " * 1_000_000))
    assert len(str(failure(json_url(hooks)))) <= 300
