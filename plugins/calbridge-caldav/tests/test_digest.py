"""A server that takes digest only (dossier 1, auth_type): negotiated once, then remembered as a fact."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from calbridge.connectors.contract import Account
from calbridge.errors import SignInRequired
from calbridge_caldav.connector import CalDavConnector
from tests.servers.reaching import transport

from .support import no_records

_ANSWER = (
    b'<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:response><D:href>/p/</D:href>'
    b"<D:propstat><D:prop><D:resourcetype/><D:current-user-principal><D:href>/p/</D:href></D:current-user-principal>"
    b"<C:calendar-home-set><D:href>/h/</D:href></C:calendar-home-set></D:prop>"
    b"<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class DigestServer(ThreadingHTTPServer):
    """Answers every signed request with the same principal; ``schemes`` are those it was met with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.schemes: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: DigestServer

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = self.headers.get("Authorization", "")
        self.server.schemes.append(told.partition(" ")[0])
        body = _ANSWER if self._signed(told) else b""
        self.send_response(207 if body else 401)
        if not body:
            self.send_header("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
        self.send_header("DAV", "1, calendar-access")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PROPFIND = do_OPTIONS = _answer  # noqa: N815

    def _signed(self, told: str) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', told))
        if not told.startswith("Digest"):
            return False
        proof = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{_md5(f'{self.command}:{self.path}')}"
        return given["response"] == _md5(f"{_md5('alice:r:secret')}:{proof}")

    def log_message(self, format: str, *values: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[DigestServer]:
    with DigestServer() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_digest_is_negotiated_and_then_known(server: DigestServer) -> None:
    given = Account("caldav", server.url, "alice", "secret")
    with transport() as sending:
        owner = CalDavConnector(given, sending, locate=no_records).check()
    assert owner.facts["auth"] == "digest"
    server.schemes.clear()
    with transport() as sending:
        CalDavConnector(replace(given, facts=owner.facts), sending, locate=no_records).calendars()
    assert set(server.schemes) == {"", "Digest"}


def test_a_wrong_password_is_confirmed_by_digest_too(server: DigestServer) -> None:
    with transport() as sending, pytest.raises(SignInRequired) as raised:
        CalDavConnector(Account("caldav", server.url, "alice", "wrong"), sending, locate=no_records).check()
    assert raised.value.confirmed
