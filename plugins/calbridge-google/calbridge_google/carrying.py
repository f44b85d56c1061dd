"""What the vendor's libraries send goes over calbridge's transport (contract C6).

google-api-python-client speaks to an object shaped like ``httplib2.Http``; httplib2 itself is never asked, because it
resends any request whose connection closes early, and is not safe for threads. google-auth speaks to a callable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httplib2

from calbridge.connectors.transport import Request, Response, Transport, idempotent_retry, looks_like_html
from calbridge.errors import Unavailable
from calbridge_google.limits import LISTING_BYTES

_READ_ATTEMPTS = 2
_REFUSED_PART = re.compile(rb"^HTTP/1\.[01] 401\b", re.MULTILINE)
"""At the start of a line; texts of events are JSON, where no line starts within."""
_PART = re.compile(rb"^Content-Type: application/http\s*$", re.MULTILINE | re.IGNORECASE)
"""At the head of each call of a batch; within a body it would be JSON text, where no line starts so."""
Bearer = Callable[[bool], str]
"""The access token to send; True asks for a fresh one because the last was refused."""


class CarryingHttp:
    """``httplib2.Http`` as far as the library uses it. Reads are tried twice, everything else is sent once."""

    def __init__(self, transport: Transport, bearer: Bearer) -> None:
        self._transport = transport
        self._bearer = bearer
        self._stale = False

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> tuple[httplib2.Response, bytes]:
        """Send; a refused access token is renewed once, which is safe because nothing was done.

        In a batch the token is refused part by part: the library sends those parts again, with the renewed token then.
        Raises ConnectorError: what the transport raises, and Unavailable for a page where data was expected.
        """
        data = body.encode() if isinstance(body, str) else body
        answer = self._send(method, uri, data, headers or {}, fresh=self._stale)
        self._stale = _REFUSED_PART.search(answer.body) is not None
        if answer.status == 401:
            answer = self._send(method, uri, data, headers or {}, fresh=True)
        if answer.status < 300 and looks_like_html(answer) and answer.body:
            raise Unavailable("a web page instead of data", code="malformed_answer", sent=True)
        told = {name.lower(): value for name, value in answer.headers.items() if name.lower() != "content-encoding"}
        return httplib2.Response({**told, "status": str(answer.status)}), answer.body

    def close(self) -> None:
        """Nothing to do: connections belong to the transport."""

    def _send(self, method: str, uri: str, data: bytes | None, headers: Mapping[str, str], *, fresh: bool) -> Response:
        told = {**headers, "authorization": f"Bearer {self._bearer(fresh)}"}
        calls = max(1, len(_PART.findall(data or b"")))
        request = Request(method, uri, told, data, LISTING_BYTES, calls)
        return idempotent_retry(self._transport.send, request, _READ_ATTEMPTS, base=0.2)


@dataclass(frozen=True, slots=True)
class AuthAnswer:
    """``google.auth.transport.Response``."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class AuthCarrier:
    """``google.auth.transport.Request``: ``judge`` raises what an answer means, so that nothing is resent inside."""

    def __init__(self, transport: Transport, judge: Callable[[Response], None]) -> None:
        self._transport = transport
        self._judge = judge

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> AuthAnswer:
        """Send once. Raises ConnectorError: of the transport and of ``judge``."""
        answer = self._transport.send(Request(method, url, dict(headers or {}), body))
        self._judge(answer)
        return AuthAnswer(answer.status, answer.headers, answer.body)
