"""One message to one channel, over real connections on loopback."""

import io
import json
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from datetime import timedelta
from typing import Any

import pytest

from monitor import errors, model, render, send
from monitor.send import address, mail, slack, web
from tests import servers
from tests.builders import a_channel, an_alert, an_entry
from tests.servers import Answer

KEY = "alert:7:desk"


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


def a_message(**changes: Any) -> model.Message:
    """Return a message with text alone."""
    plain: dict[str, Any] = {"key": KEY, "subject": "[HIGH] Sanctions threat: US warns", "text": "US warns\n"}
    return model.Message(**plain | changes)


def mail_url(mails: servers.MailReceiver, more: str = "") -> str:
    """Return a channel's URL for the mail receiver."""
    return f"mailto://127.0.0.1:{mails.port}/?from=monitor@desk.example&to=analyst@desk.example{more}"


def json_url(hooks: servers.WebhookReceiver, path: str = "/hook") -> str:
    """Return a channel's URL for the webhook receiver."""
    return f"json://127.0.0.1:{hooks.port}{path}"


def slack_url(hooks: servers.WebhookReceiver) -> str:
    """Return a Slack channel's URL for the webhook receiver."""
    return f"slack+http://127.0.0.1:{hooks.port}/services/T1/B2/secret3"


def deliver(url: str, message: model.Message | None = None) -> None:
    """Send a message to a URL."""
    sender = send.open_sender()
    try:
        sender.send(a_channel(url=url), message or a_message())
    finally:
        sender.close()


def failure(url: str, message: model.Message | None = None) -> errors.DeliveryError:
    """Send a message that will not arrive and return why not."""
    with pytest.raises(errors.DeliveryError) as caught:
        deliver(url, message)
    return caught.value


# --- mail ---


def test_a_mail_has_text_and_html(mails: servers.MailReceiver) -> None:
    """What is rendered for mail arrives as text with an HTML alternative."""
    channel = a_channel(url=mail_url(mails))
    deliver(channel.url, render.alert(an_alert(), channel, key=KEY))
    (got,) = mails.messages
    assert got.subject == "[HIGH] Sanctions threat: US warns Pyongyang and Moscow of new sanctions (Reuters)"
    assert got.recipients == ("analyst@desk.example",)
    assert "monitor explain A-7" in got.text()
    assert "monitor explain A-7" in got.text("html")
    assert got.message.get_content_type() == "multipart/alternative"


def test_a_mail_has_exactly_one_message_id_and_a_repeat_has_the_same(mails: servers.MailReceiver) -> None:
    """Message-ID is made from the key: equal for repeats, different for another message."""
    for key in (KEY, KEY, "alert:8:desk"):
        deliver(mail_url(mails), a_message(key=key))
    ids = [got.message.get_all("Message-ID") for got in mails.messages]
    assert [len(each or ()) for each in ids] == [1, 1, 1]
    assert ids[0] == ids[1] != ids[2]


def test_another_installation_has_other_message_ids() -> None:
    """A database that begins anew does not repeat the Message-IDs of the old one."""
    assert mail.message_id(KEY, "e.example", "one") != mail.message_id(KEY, "e.example", "two")


def test_mails_of_one_story_are_one_thread(mails: servers.MailReceiver) -> None:
    """An update refers to the first message of its story on the channel; the first refers to none."""
    deliver(mail_url(mails), a_message(key="alert:7:desk"))
    deliver(mail_url(mails), a_message(key="alert:9:desk", thread="alert:7:desk"))
    first, update = (got.message for got in mails.messages)
    assert update["References"] == update["In-Reply-To"] == first["Message-ID"]
    assert first["References"] is None


def test_a_mail_says_that_a_program_sent_it(mails: servers.MailReceiver) -> None:
    """Auto-Submitted keeps vacation answers away, List-Id lets people filter, X-Alert-Id is the key."""
    deliver(mail_url(mails), a_message(level=model.Level.CRITICAL))
    message = mails.messages[0].message
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<desk.monitor.desk.example>"
    assert message["X-Alert-Id"] == KEY
    assert message["Importance"] == "high"


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b"])
def test_a_subject_cannot_forge_headers(mails: servers.MailReceiver, break_: str) -> None:
    """Line breaks in a subject, a key or a channel's name end no header."""
    evil = f"Title{break_}Bcc: victim@desk.example{break_}{break_}Body"
    sender = send.open_sender()
    sender.send(a_channel(name=evil, url=mail_url(mails)), a_message(subject=evil, key=evil, thread=evil))
    (got,) = mails.messages
    assert got.message["Bcc"] is None
    assert got.recipients == ("analyst@desk.example",)
    assert got.text().startswith("US warns")


def test_hostile_feed_text_arrives_as_text(mails: servers.MailReceiver) -> None:
    """A headline with surrogates, direction marks and 1 MB of text is mailed."""
    title = "\ud800\u202eevil\r\nX: y <b>" + "x" * 1_000_000
    channel = a_channel(url=mail_url(mails))
    deliver(channel.url, render.alert(an_alert(entry=an_entry(title=title, summary=title)), channel, key=KEY))
    assert mails.messages[0].subject.startswith("[HIGH] Sanctions threat: evil X: y <b>xxx")
    assert len(mails.messages[0].raw) < 100_000


def test_other_scripts_arrive_whole(mails: servers.MailReceiver) -> None:
    """Subject and text survive in any script."""
    deliver(mail_url(mails), a_message(subject="[HIGH] 美国警告 – санкции", text="김정은\n"))
    assert mails.messages[0].subject == "[HIGH] 美国警告 – санкции"
    assert mails.messages[0].text().strip() == "김정은"
    assert mails.messages[0].raw.isascii()  # not every server takes eight bits


def test_each_recipient_gets_a_copy_and_headers_of_the_url_are_added(mails: servers.MailReceiver) -> None:
    """Recipients get one copy each; Cc, Reply-To and own headers come from the URL, but no second Message-ID."""
    more = ",second@desk.example&cc=boss@desk.example&reply=answers@desk.example&+X-Team=asia&+Message-ID=%3Cx@y%3E"
    deliver(mail_url(mails, more))
    assert [got.recipients for got in mails.messages] == [
        ("analyst@desk.example", "boss@desk.example"),
        ("second@desk.example",),
    ]
    message = mails.messages[0].message
    assert (message["To"], message["Cc"]) == ("analyst@desk.example", "boss@desk.example")
    assert (message["Reply-To"], message["X-Team"]) == ("answers@desk.example", "asia")
    assert len(message.get_all("Message-ID") or ()) == 1


def test_mail_is_not_throttled(mails: servers.MailReceiver) -> None:
    """Apprise would wait 5.5 s between two mails."""
    sender = send.open_sender()
    for n in range(5):
        sender.send(a_channel(url=mail_url(mails)), a_message(key=f"alert:{n}:desk"))
    assert len(mails.messages) == 5  # and the test's own time limit is far below 22 s


@pytest.mark.parametrize(
    ("reply", "permanent", "message_only"),
    [("451 try again later", False, False), ("554 looks like spam", True, True), ("421 going away", False, False)],
)
def test_what_the_server_says_decides(
    mails: servers.MailReceiver, reply: str, permanent: bool, message_only: bool
) -> None:
    """4xx is tried again, 5xx to the text is final for this message."""
    mails.refuse(1, reply)
    error = failure(mail_url(mails))
    assert (error.permanent, error.message_only) == (permanent, message_only)
    assert reply in str(error)


def test_a_server_that_is_down_is_tried_again(mails: servers.MailReceiver) -> None:
    """No connection is the channel's failure, not the message's."""
    url = mail_url(mails)
    mails.stop()
    error = failure(url)
    assert (error.permanent, error.message_only) == (False, False)
    assert "refused" in str(error)


class Script:
    """An SMTP server that answers recipients as told; `seen` holds the accepted ones of each message."""

    def __init__(self, refusals: dict[str, str]) -> None:
        self.refusals = refusals
        self.seen: list[list[str]] = []

    async def handle_RCPT(  # noqa: N802 # its name
        self, _server: Any, _session: Any, envelope: Any, address_: str, _options: Any
    ) -> str:
        """Refuse those that are listed."""
        if address_ in self.refusals:
            return self.refusals[address_]
        envelope.rcpt_tos.append(address_)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 # its name
        """Take the message."""
        self.seen.append(list(envelope.rcpt_tos))
        return "250 taken"


@pytest.fixture
def scripted() -> Iterator[tuple[Script, str]]:
    """Return a scripted SMTP server and the URL of a channel with three recipients there."""
    from aiosmtpd.controller import Controller

    script = Script({})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(script, hostname="127.0.0.1", port=port)
    controller.start()
    yield script, f"mailto://127.0.0.1:{port}/?from=m@desk.example&to=a@desk.example,b@desk.example,c@desk.example"
    controller.stop()


def test_a_recipient_that_is_refused_for_good_is_named(scripted: tuple[Script, str]) -> None:
    """The others get their copy; the failure is final, and says who was refused and why."""
    script, url = scripted
    script.refusals = {"b@desk.example": "550 no such user"}
    error = failure(url)
    assert script.seen == [["a@desk.example"], ["c@desk.example"]]
    assert (error.permanent, error.message_only) == (True, True)
    assert "b@desk.example: 550 no such user; 2 others have it" in str(error)


def test_a_retry_reaches_only_those_who_have_not_got_it(scripted: tuple[Script, str]) -> None:
    """After a temporary refusal of one recipient, the repeat goes to that one alone."""
    script, url = scripted
    script.refusals = {"b@desk.example": "450 greylisted"}
    sender = send.open_sender()
    with pytest.raises(errors.DeliveryError) as caught:
        sender.send(a_channel(url=url), a_message())
    assert not caught.value.permanent
    script.refusals = {}
    sender.send(a_channel(url=url), a_message())
    assert script.seen == [["a@desk.example"], ["c@desk.example"], ["b@desk.example"]]


def test_a_certificate_that_is_not_trusted_is_named() -> None:
    """A wrong certificate is told in words, and tried again: certificates are renewed."""
    error = ssl.SSLCertVerificationError("x")
    error.verify_message = "certificate has expired"
    told = mail._failure(error, "mail.desk.example", "mailtos://user:hunter2pass@desk.example")
    assert not told.permanent
    assert str(told) == (
        "the certificate of mail server mail.desk.example is not trusted: certificate has expired; renew it there"
    )


def test_a_password_that_is_refused_is_final() -> None:
    """Wrong credentials are permanent, and are not printed."""
    import smtplib

    error = smtplib.SMTPAuthenticationError(535, b"user hunter2pass refused")
    told = mail._failure(error, "mail.desk.example", "mailtos://user:hunter2pass@desk.example")
    assert told.permanent
    assert "hunter2pass" not in str(told)


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


# --- everything else, by apprise ---


def test_another_service_goes_through_apprise(hooks: servers.WebhookReceiver) -> None:
    """A service that we have no sender for gets title and text by apprise."""
    deliver(f"form://127.0.0.1:{hooks.port}/form", a_message(text="<b> & text"))
    assert b"US+warns" in hooks.messages[0].body


@pytest.mark.parametrize(
    ("status", "permanent", "message_only"), [(401, True, False), (400, True, True), (500, False, False)]
)
def test_what_apprise_logs_decides(
    hooks: servers.WebhookReceiver, status: int, permanent: bool, message_only: bool
) -> None:
    """Apprise tells the HTTP status in its log lines only; it is read there, without the URL's secrets."""
    hooks.script(Answer(status))
    error = failure(f"form://user:hunter2pass@127.0.0.1:{hooks.port}/form")
    assert (error.permanent, error.message_only) == (permanent, message_only)
    assert "hunter2pass" not in str(error)


# --- standard output ---


def test_standard_output_gets_the_text() -> None:
    """`stdout://` prints the message."""
    with redirect_stdout(io.StringIO()) as out:
        deliver("stdout://", render.alert(an_alert(), a_channel(), key=KEY))
    assert out.getvalue().startswith("[HIGH] Sanctions threat\nUS warns Pyongyang")


def test_standard_output_that_cannot_print_a_letter_prints_another() -> None:
    """An ASCII terminal gets question marks, not a failure."""
    raw = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(raw, "ascii")):
        deliver("stdout://", a_message(text="김정은"))
        sys.stdout.flush()
        assert raw.getvalue() == b"???\n\n"


def test_a_closed_pipe_is_a_failure() -> None:
    """When whoever reads standard output has gone, the message stays in the outbox."""
    closed = io.StringIO()
    closed.close()
    with redirect_stdout(closed):
        assert "standard output" in str(failure("stdout://"))


# --- what is wrong with a URL ---


@pytest.mark.parametrize(
    "url",
    [
        "stdout://",
        "mailto://user:pass@example.org",
        "mailtos://desk.example?from=a@b.example&to=c@d.example",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7Q4",
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7Q4",
        "slack+https://chat.example.org/hooks/abc",
        "jsons://example.org/hook",
        "ntfy://topic",
    ],
)
def test_good_urls(url: str) -> None:
    """A URL that can be used raises no complaint."""
    assert send.check(url) is None


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("slak://hunter2pass/b/c", "apprise knows no service slak:// (did you mean slack://?)"),
        ("slack://hunter2pass", "this slack:// address cannot be used: a part is missing or wrong; its form: slack://"),
        ("mailto://", "this mailto:// address cannot be used"),
        ("hunter2pass", "not a channel URL; write one like mailto://"),
        ("slack+https://", "slack+https:// needs a host"),
        ("https://example.org/hunter2pass", "apprise knows no service https://"),
        ("", "not a channel URL"),
    ],
)
def test_bad_urls_are_named_without_their_secrets(url: str, complaint: str) -> None:
    """One line says what is wrong and what was meant; nothing of the URL but its scheme is in it."""
    told = send.check(url)
    assert told is not None
    assert told.startswith(complaint)
    assert "hunter2pass" not in told
    assert "\n" not in told


def test_a_channel_with_a_bad_url_fails_for_good() -> None:
    """Sending to a URL that cannot be used is a permanent failure."""
    for url in ("slak://a/b/c", "slack://a", "json://", "mailto://"):
        assert failure(url).permanent


def test_secrets_are_hidden_wherever_they_stand() -> None:
    """User, password, path and query of a URL are starred in any text, quoted or not."""
    url = "json://me-user:p%40ssw0rd@example.org/hook/s3cr3t?token=abc12345"
    text = address.hidden("me-user p@ssw0rd p%40ssw0rd s3cr3t abc12345 example.org\r\nnext", url)
    assert text == "*** *** *** *** *** example.org next"


def test_a_token_in_the_place_of_the_host_is_hidden() -> None:
    """Many services have their token where other URLs have a host."""
    for url in ("tgram://123456789:abcdefg_hijklmnop/12315544/", "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"):
        parts = url.partition("://")[2].replace("/", " ").replace(":", " ")
        assert set(address.hidden(parts, url).split()) == {"***"}
