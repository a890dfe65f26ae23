"""One message as e-mail: text with an HTML alternative, one Message-ID that repeats keep, threaded by story.

Apprise parses the URL and knows the providers (server, port, security); the connection is its controller's, too. The
message itself is made here: apprise's own has no text part of ours and would carry a second Message-ID.
"""

import hashlib
import re
import smtplib
import ssl
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from typing import Any, Self

from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController

from monitor import errors, model
from monitor.send import address, known

_TIMEOUT = 6  # seconds for each step; the whole send is bounded by whoever calls
# Not every server takes eight bits. Folded at 78, a subject that does not fit begins with a space in some readers.
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=990)
_REMEMBERED = 500  # messages of which we know who has got them


class Mail:
    """Sends to one `mailto://` or `mailtos://` channel; what was accepted is not sent again by a retry."""

    def __init__(self, url: str, *, identity: str = "") -> None:
        """identity: of this installation; makes Message-IDs unique should its database ever begin anew."""
        parts: dict[str, Any] = dict(known.parts(url))
        try:
            self._account: Any = NotifyEmail(**parts)  # type: ignore[no-untyped-call]
        except Exception as error:
            raise errors.DeliveryError(f"this mail address cannot be used: {error}", permanent=True) from error
        self._url = url
        self._identity = identity
        self._accepted: OrderedDict[str, set[str]] = OrderedDict()

    def send(self, channel: model.Channel, message: model.Message) -> None:
        """Send one copy to each recipient that has not got one. Raises DeliveryError when any is left."""
        accepted = self._accepted.setdefault(message.key, set())
        while len(self._accepted) > _REMEMBERED:
            self._accepted.popitem(last=False)
        account = self._account
        try:
            with self._connection() as connection:
                refused: dict[str, tuple[int, bytes]] = {}
                for to, mail in self._copies(channel, message, accepted):
                    left = connection.submit(account.from_addr[1], to, mail)
                    accepted.update(set(to) - set(left))
                    refused |= left
        except (smtplib.SMTPException, OSError, ValueError, UnicodeError) as error:
            raise _failure(error, account.smtp_host, self._url) from error
        if refused:
            raise _refusal(refused, len(accepted))

    def compose(self, channel: model.Channel, message: model.Message) -> EmailMessage:
        """Return the mail as it leaves, without its recipients."""
        name, sender = self._account.from_addr[0], self._account.from_addr[1]
        return compose(message, channel, (name or "", sender), self._identity)

    def _connection(self) -> "_Connection":
        account = self._account
        return _Connection(
            host=account.smtp_host,
            port=account.port,
            secure_mode=account.secure_mode,
            user=account.user,
            password=account.password,
            verify_certificate=account.verify_certificate,
            socket_connect_timeout=_TIMEOUT,
        )

    def _copies(
        self, channel: model.Channel, message: model.Message, accepted: set[str]
    ) -> Iterator[tuple[Sequence[str], EmailMessage]]:
        """Yield each recipient's copy; those in Cc and Bcc share the first one's."""
        account = self._account
        hidden = [_bare(other) for other in (*account.cc, *account.bcc)]
        for n, (name, to) in enumerate(account.targets):
            recipients = [one for one in ([to, *hidden] if n == 0 else [to]) if one not in accepted]
            if recipients:
                mail = self.compose(channel, message)
                mail["To"] = _person(name or "", to)
                self._add_extras(mail)
                yield recipients, mail

    def _add_extras(self, mail: EmailMessage) -> None:
        """Add Cc, Reply-To and the headers that the URL asks for, but none that is there already."""
        account = self._account
        if account.cc:
            mail["Cc"] = ", ".join(_person(account.names.get(cc) or "", cc) for cc in sorted(account.cc))
        if account.reply_to:
            mail["Reply-To"] = ", ".join(sorted(account.reply_to))
        for name, value in account.headers.items():
            if name not in mail and re.fullmatch(r"[A-Za-z0-9-]+", name):
                mail[name] = _one_line(value)


def compose(
    message: model.Message, channel: model.Channel, sender: tuple[str, str], identity: str = ""
) -> EmailMessage:
    """Return the mail, without its recipients.

    Source: RFC 5322 3.6.4 (Message-ID, References), RFC 3834 5 (Auto-Submitted), RFC 2919 (List-Id).
    """
    domain = sender[1].rpartition("@")[2] or "monitor.invalid"
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _person(*sender)
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = message_id(message.key, domain, identity)
    if message.thread and message.thread != message.key:
        first = message_id(message.thread, domain, identity)
        mail["In-Reply-To"] = first
        mail["References"] = first
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Id"] = f"<{_slug(channel.name)}.monitor.{domain}>"
    mail["X-Alert-Id"] = _one_line(message.key)
    if message.level is model.Level.CRITICAL:
        mail["Importance"] = "high"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail


def message_id(key: str, domain: str, identity: str = "") -> str:
    """Return the Message-ID of a notification: the same for each of its repeats, another for any other."""
    digest = hashlib.sha256(f"{identity}\n{key}".encode()).hexdigest()[:16]
    return f"<{_slug(key)}.{digest}@{domain}>"


class _Connection(AppriseSMTPController):
    """Apprise's SMTP session, which tells what the server answered instead of a bare no."""

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def submit(self, sender: str, to: Sequence[str], mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Submit one copy; return those that were refused, with code and reason. Raises SMTPException otherwise."""
        session: Any = self._socket
        try:
            return dict(session.sendmail(sender, to, mail.as_bytes()))
        except smtplib.SMTPRecipientsRefused as error:
            return dict(error.recipients)


def _refusal(refused: dict[str, tuple[int, bytes]], accepted: int) -> errors.DeliveryError:
    """Return the error for refused recipients; it is permanent when all of them are gone for good (5xx)."""
    who = ", ".join(f"{to}: {code} {_reply(reason)}" for to, (code, reason) in sorted(refused.items()))
    others = f"; {accepted} others have it" if accepted else ""
    permanent = all(code >= 500 for code, _ in refused.values())
    message = _one_line(f"the mail server refused {who}{others}")[:300]
    return errors.DeliveryError(message, permanent=permanent, message_only=bool(accepted))


def _failure(error: Exception, host: str, url: str) -> errors.DeliveryError:
    """Return what went wrong with a server, in words, and whether trying again can help."""
    if isinstance(error, smtplib.SMTPResponseException):
        reply = f"{error.smtp_code} {_reply(error.smtp_error)}"
        is_final = error.smtp_code >= 500
        of_message = is_final and isinstance(error, smtplib.SMTPDataError)
        words = address.hidden(f"mail server {host} said {reply}", url)
        return errors.DeliveryError(words, permanent=is_final, message_only=of_message)
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"the certificate of mail server {host} is not trusted: {error.verify_message}; renew it there"
        return errors.DeliveryError(address.hidden(words, url))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return errors.DeliveryError(address.hidden(f"mail server {host}: {error}", url), permanent=True)
    if isinstance(error, UnicodeError | ValueError):
        words = f"this message cannot be mailed: {error}"
        return errors.DeliveryError(address.hidden(words, url), permanent=True, message_only=True)
    return errors.DeliveryError(address.hidden(f"mail server {host}: {str(error) or type(error).__name__}", url))


def _reply(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)


def _person(name: str, to: str) -> str:
    return formataddr((_one_line(name), to), charset="utf-8")


def _bare(to: str) -> str:
    """Return the address of `Name <address>`."""
    found = re.search(r"<([^<>]+)>\s*$", to)
    return found[1] if found else to


def _one_line(text: str) -> str:
    """Fold CR and LF: a header ends where we say."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", ".", text.casefold()).strip(".")[:60] or "channel"
