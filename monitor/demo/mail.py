"""A loopback SMTP receiver: takes every mail and keeps it. Shell."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from monitor import clock


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived. message: parsed under the modern policy, so that headers are decoded."""

    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The decoded subject on one line."""
        return " ".join(str(self.message["Subject"] or "").split())


class MailServer:
    """Takes mail on 127.0.0.1 at a free port; an async context manager.

    mails: what arrived, in order. refuse: how many are still to be turned away with 451 before they are taken.
    """

    def __init__(self, *, refuse: int = 0) -> None:
        self.mails: list[Mail] = []
        self.refuse = refuse
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 aiosmtpd's name
        """Keep a mail, or turn it away for now; called by aiosmtpd."""
        if self.refuse > 0:
            self.refuse -= 1
            return "451 4.3.0 not now, try again"
        content = cast("bytes", envelope.original_content)
        message = message_from_bytes(content, policy=policy.default)
        self.mails.append(Mail(clock.now(), envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        return "250 2.0.0 taken"

    def _protocol(self) -> SMTP:
        return SMTP(self, hostname="localhost", enable_SMTPUTF8=True)
