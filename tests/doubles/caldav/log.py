"""The log of requests: what tests count."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from tests.doubles.caldav.messages import Request


@dataclass
class Logged:
    """One request. ``at_once`` counts the requests being answered when it came, itself included.

    ``status`` is 0 as long as, or if, no answer left; lengths are of bodies as transferred, in bytes.
    """

    method: str
    operation: str
    path: str
    target: str
    host: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    at_once: int
    status: int = 0
    answer_length: int = 0

    @property
    def body_length(self) -> int:
        return len(self.body)


class RequestLog:
    """Requests in the order of their arrival, over all hosts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self._entries: list[Logged] = []

    @property
    def entries(self) -> list[Logged]:
        """A copy of the log."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forget what was logged so far."""
        with self._lock:
            self._entries.clear()

    def begin(self, request: Request, connection: int) -> Logged:
        """Note an arrival."""
        with self._lock:
            self._active += 1
            entry = Logged(
                method=request.method,
                operation=request.operation,
                path=request.path,
                target=request.target,
                host=request.host,
                headers=request.headers,
                body=request.body,
                connection=connection,
                at_once=self._active,
            )
            self._entries.append(entry)
            return entry

    def end(self) -> None:
        """Note that an answer left, or never will."""
        with self._lock:
            self._active -= 1
