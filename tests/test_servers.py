"""The loopback servers that other tests rely on."""

import smtplib
import socket
import urllib.error
import urllib.request
from email.message import EmailMessage

import pytest

from tests import servers


def test_a_feed_is_served_and_its_validators_are_honoured() -> None:
    """A feed that was put answers 200, and 304 to who has it."""
    with servers.FeedServer() as feeds:
        feeds.put("/a.xml", servers.rss("A", servers.item("One", guid="1")), etag='"1"')
        with urllib.request.urlopen(feeds.url("/a.xml")) as answer:
            assert b"<title>One</title>" in answer.read()
        request = urllib.request.Request(feeds.url("/a.xml"), headers={"If-None-Match": '"1"'})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        caught.value.close()
        assert caught.value.code == 304
        assert feeds.count("/a.xml") == 2


def test_a_script_answers_in_turn_and_its_last_for_ever() -> None:
    """Scripted answers come one a request, the last one again and again."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(body=b"1"), servers.Answer(body=b"2"))
        bodies = []
        for _ in range(3):
            with urllib.request.urlopen(feeds.url("/a")) as answer:
                bodies.append(answer.read())
        assert bodies == [b"1", b"2", b"2"]


def test_a_webhook_is_refused_as_often_as_told() -> None:
    """A receiver refuses the next messages as told and takes those after."""
    with servers.WebhookReceiver() as hooks:
        hooks.refuse(1, 429, retry_after="1")
        request = urllib.request.Request(hooks.url("/x"), data=b'{"a": 1}')
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        caught.value.close()
        with urllib.request.urlopen(request):
            pass
        assert [message.json for message in hooks.messages] == [{"a": 1}]
        assert len(hooks.requests) == 2


def test_half_a_request_is_none() -> None:
    """What a killed client sent of a message does not count as taken."""
    with servers.WebhookReceiver() as hooks:
        with socket.create_connection(("127.0.0.1", hooks.port), 5) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
        assert hooks.messages == []


def test_a_stopped_server_comes_back_on_its_port() -> None:
    """A server that was stopped refuses connections until it is started again."""
    with servers.FeedServer() as feeds:
        feeds.script("/a", servers.Answer(body=b"1"))
        feeds.stop()
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(feeds.url("/a"))
        feeds.start()
        with urllib.request.urlopen(feeds.url("/a")) as answer:
            assert answer.read() == b"1"


def test_mail_is_recorded_and_refused_as_told() -> None:
    """A mail receiver takes messages and refuses as many as it is told."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Hé", "a@example.org", "b@example.org"
    message.set_content("body")
    with servers.MailReceiver() as mail:
        mail.refuse(1)
        with smtplib.SMTP(mail.host, mail.port) as client:
            with pytest.raises(smtplib.SMTPDataError):
                client.send_message(message)
            client.send_message(message)
        assert [(taken.subject, taken.recipients, taken.text().strip()) for taken in mail.messages] == [
            ("Hé", ("b@example.org",), "body")
        ]
        assert mail.attempts == 2
