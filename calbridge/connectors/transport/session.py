"""The same guard for vendor libraries that bring their own ``requests`` (C6)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from calbridge.connectors.transport.client import Transport
from calbridge.connectors.transport.values import Request


class TransportAdapter(BaseAdapter):
    """Carries what ``requests`` prepared over a :class:`Transport`.

    Time-outs, certificates and proxies given to ``requests`` have no effect; the transport's own rules apply.
    Errors are those of :meth:`Transport.send`. Connection-bound sign-in (NTLM) can't work over it.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send by the transport; the whole body is read already, also where ``stream`` is asked for."""
        headers = {_text(name): _text(value) for name, value in request.headers.items()}
        answer = self._transport.send(
            Request(request.method or "GET", request.url or "", headers, _bytes(request.body))
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(
            # The body is unpacked already.
            (name, value)
            for name, value in answer.headers.items()
            if name.lower() != "content-encoding"
        )
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        response.raw = io.BytesIO(answer.body)
        response.url = answer.url
        response.request = request
        return response

    def close(self) -> None:
        """Nothing to do: the transport belongs to its maker."""


class GuardedSession(requests.Session):
    """A session that reads nothing from the environment, follows nothing, and reaches out by a transport only."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self.trust_env = False
        self.adapters.clear()
        self.mount("https://", TransportAdapter(transport))
        self.mount("http://", TransportAdapter(transport))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: a redirect stays visible as its status."""
        return None


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes | None:
    """A body as ``requests`` may hold it: nothing, text, bytes, a file, or pieces."""
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(body)
