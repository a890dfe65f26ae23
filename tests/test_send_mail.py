"""One message by mail, to a real server on loopback."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from monitor import errors, model, render, send
from monitor.send import mail
from tests import servers
from tests.builders import a_channel, an_alert, an_entry
from tests.sending import KEY, a_message, deliver, failure, mail_url


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
