"""Mail to a server whose certificate nobody vouches for."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests import servers
from tests.sending import deliver, failure

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="needs the openssl command to make a certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate that signs itself, for another name; it and its key are in one file."""
    folder = tmp_path_factory.mktemp("tls")
    name = ["-subj", "/CN=mail.desk.example", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = [str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *name]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.fixture
def mails(certificate: Path) -> Iterator[servers.MailReceiver]:
    """Return a mail receiver that offers STARTTLS with that certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    receiver = servers.MailReceiver()
    receiver.port = servers.free_port(receiver.host)
    controller = Controller(receiver, hostname=receiver.host, port=receiver.port, tls_context=context)
    controller.start()
    yield receiver
    controller.stop()


def url(mails: servers.MailReceiver, more: str = "") -> str:
    """Return a channel that asks for STARTTLS."""
    return f"mailtos://127.0.0.1:{mails.port}/?mode=starttls&from=m@desk.example&to=a@desk.example{more}"


def test_a_certificate_that_nobody_vouches_for_is_refused(mails: servers.MailReceiver) -> None:
    """No mail goes out; what is wrong is named, and it is tried again: certificates are renewed."""
    error = failure(url(mails))
    assert (error.permanent, error.message_only) == (False, False)
    assert str(error).startswith("the certificate of mail server 127.0.0.1 is not trusted: self-signed certificate")
    assert mails.messages == []


def test_the_operator_may_trust_it_all_the_same(mails: servers.MailReceiver) -> None:
    """With verify=no in the URL the mail goes out, encrypted."""
    deliver(url(mails, "&verify=no"))
    assert len(mails.messages) == 1


def test_without_encryption_none_is_feigned(mails: servers.MailReceiver) -> None:
    """A server that offers no encryption gets no mail from a channel that asks for it."""
    with servers.MailReceiver() as plain:
        assert "127.0.0.1" in str(failure(url(plain)))
        assert plain.messages == []
