"""gunicorn's worker, whose refusals of what is no HTTP are problem details like all other errors (RFC 9457)."""

from __future__ import annotations

import json
import re
import secrets
from http import HTTPStatus
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class ProblemWorker(ThreadWorker):  # type: ignore[misc]
    """Answers in threads; what never reaches the application is refused in the application's words."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Called by gunicorn for what it can't read, and for what broke around the application."""
        heard = _Heard()
        super().handle_error(req, heard, addr, exc)
        try:
            client.settimeout(1.0)
            client.sendall(refusal(heard.status))
        except OSError:
            self.log.debug("Failed to send error message.")


class _Heard:
    """In the place of the client's socket: hears which status gunicorn would answer with."""

    def __init__(self) -> None:
        self.status = 500

    def gettimeout(self) -> float:
        """Never waits."""
        return 0.0

    def sendall(self, data: bytes) -> None:
        """gunicorn's own answer, a page of HTML."""
        told = STATUS.match(data)
        self.status = int(told[1]) if told else 500


def refusal(status: int) -> bytes:
    """A whole HTTP answer of this status, after which the connection is closed."""
    # Not before the fork: what the application is made of is loaded by each process that answers.
    from calbridge.api.problems import PROBLEM, problem

    request_id = f"req_{secrets.token_hex(6)}"
    code = "malformed_request" if 400 <= status < 500 else "internal_error"
    body = json.dumps(problem(code, status) | {"request_id": request_id}).encode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        f"Content-Type: {PROBLEM}",
        f"Content-Length: {len(body)}",
        f"X-Request-Id: {request_id}",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
