"""Mail by SMTP: implicit TLS or STARTTLS, with a login where one is configured, and never a password in the clear."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from calbridge.connectors.transport.tls import tls_context
from calbridge.errors import MailFailed

SECONDS: Final = 10.0
"""For each answer of the server."""
PORTS: Final = {"smtp": 587, "smtps": 465}
OF_SERVER: Final = frozenset({"mail_unreachable", "mail_login_refused", "mail_unencrypted"})
"""Codes of what would meet every mail alike."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes. ``implicit``: TLS from the first byte; ``insist``: nothing is sent without TLS."""

    host: str
    port: int
    implicit: bool
    insist: bool
    username: str | None = None
    password: str = field(default="", repr=False)
    ca_file: str | None = None


def mail_server(url: str) -> MailServer:
    """What SMTP_URL, which :mod:`calbridge.settings` has checked, says."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    username = unquote(parts.username) if parts.username else None
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        implicit=parts.scheme == "smtps",
        insist=username is not None or "starttls" in options,
        username=username,
        password=unquote(parts.password or ""),
        ca_file=options.get("ca_file"),
    )


class Mailer:
    """An open connection to a mail server; made by :func:`connected`."""

    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client

    def send(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> int:
        """Send one mail; how many of its recipients were refused while others were not.

        Raises MailFailed: ``mail_refused``, or ``mail_unreachable`` where the connection broke.
        """
        try:
            return len(self._client.send_message(message, sender, list(recipients)))
        except smtplib.SMTPServerDisconnected as error:
            raise MailFailed(code="mail_unreachable") from error
        except (smtplib.SMTPException, UnicodeError, ValueError) as error:
            raise MailFailed(code="mail_refused", status=_status(error)) from error
        except OSError as error:
            raise MailFailed(code="mail_unreachable") from error


@contextmanager
def connected(server: MailServer) -> Iterator[Mailer]:
    """A connection that is encrypted and signed in as configured.

    Raises MailFailed (``mail_unreachable``, ``mail_login_refused``, ``mail_unencrypted``), and SettingsInvalid for a
    ``ca_file`` that can't be used.
    """
    client = _opened(server)
    try:
        yield Mailer(client)
    finally:
        _close(client)


def _opened(server: MailServer) -> smtplib.SMTP:
    context = tls_context(server.ca_file, protocol=None)
    here = socket.gethostname()
    client: smtplib.SMTP | None = None
    try:
        if server.implicit:
            client = smtplib.SMTP_SSL(server.host, server.port, here, timeout=SECONDS, context=context)
        else:
            client = smtplib.SMTP(server.host, server.port, here, timeout=SECONDS)
            _encrypt(client, server, context)
        _sign_in(client, server)
    except MailFailed:
        _close(client)
        raise
    except (OSError, smtplib.SMTPException) as error:
        _close(client)
        raise MailFailed(code="mail_unreachable", status=_status(error)) from error
    return client


def _encrypt(client: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    client.ehlo_or_helo_if_needed()
    if client.has_extn("starttls"):
        client.starttls(context=context)
    elif server.insist:
        raise MailFailed(code="mail_unencrypted")


def _sign_in(client: smtplib.SMTP, server: MailServer) -> None:
    if server.username is None:
        return
    try:
        client.login(server.username, server.password)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, UnicodeError) as error:
        raise MailFailed(code="mail_login_refused", status=_status(error)) from error


def _close(client: smtplib.SMTP | None) -> None:
    if client is None:
        return
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()


def _status(error: Exception) -> int | None:
    """The server's status alone: its text may quote addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((status for status, _ in error.recipients.values()), default=None)
    return None
