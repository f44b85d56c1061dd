"""A real mail server on loopback (aiosmtpd) that remembers what it took."""

from __future__ import annotations

import email
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.process import free_port

USERNAME, PASSWORD = "calbridge", "p@ss:canary-smtp"
QUOTED = "calbridge:p%40ss%3Acanary-smtp"


@dataclass(frozen=True)
class Taken:
    """A mail as it arrived."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=default)
        assert isinstance(found, EmailMessage)
        return found

    def part(self, kind: str) -> str:
        """The text of the part ``plain`` or ``html``."""
        found = self.message.get_body((kind,))
        assert isinstance(found, EmailMessage)
        return str(found.get_content())


@dataclass
class Post:
    """``tls``: of STARTTLS, or from the first byte with ``implicit``. ``password``: whose bearer is let in.
    ``refuse``: the answer for a recipient, or None."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    password: str | None = None
    refuse: Callable[[str], str | None] = lambda recipient: None
    port: int = field(default_factory=free_port)
    mails: list[Taken] = field(default_factory=list)
    logins: int = 0
    sessions: int = 0

    def start(self) -> None:
        options: dict[str, Any] = {}
        if self.tls is not None and not self.implicit:
            options = {"tls_context": self.tls, "require_starttls": True}
        if self.password is not None:
            options |= {"authenticator": self._let_in, "auth_required": True, "auth_require_tls": not self.implicit}
        context = self.tls if self.implicit else None
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ssl_context=context, **options)
        self._lock = threading.Lock()
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    @property
    def tos(self) -> list[tuple[str, ...]]:
        return [each.recipients for each in self.mails]

    @property
    def subjects(self) -> list[str]:
        # Python's parser keeps the blank of a folded first line.
        return [str(each.message["Subject"]).strip() for each in self.mails]

    def _let_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        self.logins += 1
        assert isinstance(data, LoginPassword)
        good = (data.login, data.password) == (USERNAME.encode(), (self.password or "").encode())
        return AuthResult(success=good, handled=False)

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = self.refuse(address)
        if refused is not None:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        with self._lock:
            self.mails.append(Taken(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return "250 OK"
