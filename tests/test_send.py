"""One message to any other service, or to standard output; and what is wrong with a URL."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
import structlog
from apprise.manager_plugins import NotificationManager

from monitor import log, render, send
from monitor.send import address, known
from tests import servers
from tests.builders import a_channel, an_alert
from tests.sending import KEY, a_message, deliver, failure
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


def test_what_apprise_logs_is_read_whatever_is_logged(hooks: servers.WebhookReceiver) -> None:
    """The program's own log settings do not hide from us what apprise says, and show nobody else."""
    log.configure(as_json=False, level="debug")
    hooks.script(Answer(401))
    try:
        assert failure(f"form://127.0.0.1:{hooks.port}/form").permanent
    finally:
        structlog.reset_defaults()


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


def test_apprise_logs_nothing_of_a_url() -> None:
    """What apprise complains about goes into our errors, cleaned, and into no log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    try:
        assert send.check("slack://hunter2pass") is not None
        assert failure("slak://hunter2pass/b/c").permanent
    finally:
        logging.getLogger().removeHandler(handler)
    assert written.getvalue() == ""


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


def test_a_channel_imports_its_own_service_alone() -> None:
    """Of apprise's services, of which each start would import all, those are imported that a channel names."""
    looks = "import sys; print(sum(name.startswith('apprise.plugins.') for name in sys.modules))"
    program = f"from monitor.send import known; assert known.load('ntfy://127.0.0.1/desk'); {looks}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10


def test_every_service_is_found_by_its_scheme() -> None:
    """A scheme of apprise's is looked for in the module that holds its service, or in all of them."""
    assert known.complaint("nosuch://host", "nosuch", ()) is not None  # now all are imported
    services: Any = NotificationManager()  # type: ignore[no-untyped-call]
    held = {scheme: services[scheme].__module__.split(".")[2] for scheme in services.schemas()}
    said = known.declared()
    assert len(held) > 200
    assert [scheme for scheme, module in held.items() if scheme in said and module not in said[scheme]] == []
