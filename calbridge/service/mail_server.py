"""The mail server of ``SMTP_URL``: connected, encrypted and signed in, ready for mails."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

SECONDS = 15.0
PORTS = {"smtp": 587, "smtps": 465}


@contextmanager
def connected(url: str) -> Iterator[smtplib.SMTP]:
    """A session with the server. Certificates are checked; a password never goes over an open line.

    Raises smtplib.SMTPAuthenticationError (the login was refused), smtplib.SMTPException, OSError.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    trusted = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=SECONDS)
    with server:
        if parts.scheme == "smtp":
            insisted = parse_qs(parts.query).get("starttls") == ["required"] or parts.username is not None
            _encrypt(server, trusted, insisted=insisted)
        if parts.username is not None:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server


def _encrypt(server: smtplib.SMTP, trusted: ssl.SSLContext, *, insisted: bool) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=trusted)
        server.ehlo()
    elif insisted:
        raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
