"""Kept connections of one transport, shared by its threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from calbridge.connectors.transport.connection import Connection
from calbridge.connectors.transport.deadline import Deadline
from calbridge.connectors.transport.dial import Dialler
from calbridge.connectors.transport.urls import Target
from calbridge.connectors.transport.values import Counters
from calbridge.errors import Unavailable

#: Seconds after which an idle connection is not trusted any more; servers commonly close theirs after 60.
MAX_IDLE = 50.0


class Pool:
    """At most ``size`` requests at a time and as many idle connections, the most recently used first."""

    def __init__(self, dialler: Dialler, size: int) -> None:
        self._dialler = dialler
        self._size = size
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[str, str, int], Connection]] = []
        self._closed = False
        self._requests = self._sent = self._received = 0

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """The right to have one request under way. Raises Unavailable (``timed_out``) if none comes free."""
        if not self._slots.acquire(timeout=deadline.remaining()):
            raise Unavailable("all connections are busy", code="timed_out", sent=False)
        try:
            yield
        finally:
            self._slots.release()

    def take(self, target: Target, deadline: Deadline) -> Connection:
        """An idle connection to the target that is still good, else a new one through the guard."""
        while (kept := self._pop(target)) is not None:
            if kept.usable(MAX_IDLE):
                return kept
            kept.close()
        return Connection(self._dialler.open(target, deadline))

    def give_back(self, target: Target, connection: Connection) -> None:
        """Keep a connection for the next request; the oldest idle one makes room."""
        with self._lock:
            self._idle.append((target.origin, connection))
            surplus = self._idle if self._closed else self._idle[: -self._size]
            self._idle = [] if self._closed else self._idle[-self._size :]
        for _, old in surplus:
            old.close()

    def count(self, sent: int, received: int) -> None:
        """Add one request and its bytes to the counters."""
        with self._lock:
            self._requests += 1
            self._sent += sent
            self._received += received

    @property
    def counters(self) -> Counters:
        """What was counted so far."""
        with self._lock:
            return Counters(self._requests, self._sent, self._received)

    def close(self) -> None:
        """Close what is idle now, and what is under way when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _pop(self, target: Target) -> Connection | None:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place][0] == target.origin:
                    return self._idle.pop(place)[1]
        return None
