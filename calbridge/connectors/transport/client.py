"""The one way out: every request of connectors, webhooks and sign-in goes through a :class:`Transport`."""

from __future__ import annotations

import base64
import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from calbridge.connectors.transport.deadline import Deadline
from calbridge.connectors.transport.dial import Dialler
from calbridge.connectors.transport.digest import Challenge, authorization, parse_challenge
from calbridge.connectors.transport.pool import Pool
from calbridge.connectors.transport.reach import Reach
from calbridge.connectors.transport.resolver import Resolver, system_resolver
from calbridge.connectors.transport.tls import tls_context
from calbridge.connectors.transport.urls import Target, parse_url
from calbridge.connectors.transport.values import BasicAuth, Counters, Request, Response, check_field
from calbridge.errors import Unavailable

DEFAULT_USER_AGENT = "calbridge"

# Set by the transport alone: a caller's own would contradict what is really sent.
_OWN_FIELDS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade", "expect"}
)
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class Transport:
    """HTTP over guarded connections, for any number of threads.

    Nothing is read from the environment (no proxies, no .netrc), nothing is redirected, no cookies are kept and
    nothing is sent twice, with one exception: a ``digest`` challenge, which a service gives before it acts.
    ``timeout`` in seconds covers a whole :meth:`send` with waiting for a connection, names, TLS and body;
    ``budget`` in seconds from its making covers all requests together: somebody waits for the answer of them all.
    ``before_request`` is called with each request before it leaves and may raise to stop it (lease, budget).
    """

    def __init__(
        self,
        reach: Reach,
        *,
        timeout: float = 30.0,
        budget: float | None = None,
        connect_timeout: float = 10.0,
        resolver: Resolver = system_resolver,
        ca_file: str | None = None,
        user_agent: str = DEFAULT_USER_AGENT,
        pool_size: int = 8,
        before_request: Callable[[Request], None] | None = None,
    ) -> None:
        """Raises SettingsInvalid for a ``ca_file`` that can't be used; it replaces the ordinary authorities."""
        check_field("User-Agent", user_agent)
        self._reach = reach
        self._timeout = timeout
        self._until = None if budget is None else time.monotonic() + budget
        self._user_agent = user_agent
        self._before_request = before_request
        context = tls_context(ca_file) if ca_file is not None else None
        self._pool = Pool(Dialler(reach, resolver, context, connect_timeout), pool_size)
        self._challenges: dict[tuple[tuple[str, str, int], str], Challenge] = {}
        self._lock = threading.Lock()

    def send(self, request: Request, auth: BasicAuth | None = None) -> Response:
        """The service's answer, whatever its status.

        Raises AddressRefused (``address_refused``, ``port_refused``, ``private_network_needed``), and
        Unavailable (``timed_out``, ``tls_failed``, ``host_unreachable``, ``response_too_large``,
        ``malformed_answer``) whose fact ``sent`` says whether any of the request may have reached the service.
        """
        target = parse_url(request.url)
        self._reach.check_target(target)
        deadline = Deadline(self._seconds(target))
        if auth is None or auth.auth == "basic":
            return self._exchange(request, target, _basic(auth) if auth else None, deadline)
        return self._negotiate(request, target, auth, deadline)

    def check(self, url: str) -> None:
        """Refuse what no address behind the name could make acceptable; nothing is resolved or sent.

        Raises AddressRefused as :meth:`send`.
        """
        target = parse_url(url)
        self._reach.check_target(target)
        if target.address is not None:
            self._reach.check_address(target, str(target.address))

    def _seconds(self, target: Target) -> float:
        """For one request, waiting included."""
        left = math.inf if self._until is None else self._until - time.monotonic()
        if left <= 0:
            raise Unavailable("the time for all requests is used up", code="timed_out", host=target.host, sent=False)
        return min(self._timeout, left)

    @property
    def counters(self) -> Counters:
        """Requests and bytes so far, failed ones included."""
        return self._pool.counters

    def close(self) -> None:
        """Close all kept connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _negotiate(self, request: Request, target: Target, auth: BasicAuth, deadline: Deadline) -> Response:
        """Answer a challenge once; a password that was refused for a fresh nonce is not offered again."""
        key = (target.origin, auth.username)
        with self._lock:
            known = self._challenges.get(key)
        told = authorization(known, auth, request.method, target.path) if known else None
        response = self._exchange(request, target, told, deadline)
        if response.status != 401:
            return response
        fresh = parse_challenge(response.headers.get("WWW-Authenticate", ""))
        with self._lock:
            self._challenges.pop(key, None)
        if fresh is None or (known is not None and not fresh.stale):
            return response
        response = self._exchange(request, target, authorization(fresh, auth, request.method, target.path), deadline)
        if response.status != 401:
            with self._lock:
                self._challenges[key] = fresh
        return response

    def _ask_before(self, request: Request, deadline: Deadline) -> None:
        """Our own lease and budget: what they take is not the service's time, or a slow database looked like an outage
        of the service. Where somebody waits for everything together, it counts."""
        if self._before_request is not None:
            begun = time.monotonic()
            self._before_request(request)
            if self._until is None:
                deadline.postpone(time.monotonic() - begun)

    def _exchange(self, request: Request, target: Target, authorized: str | None, deadline: Deadline) -> Response:
        head = self._head(request, target, authorized)
        self._ask_before(request, deadline)
        try:
            with self._pool.slot(deadline):
                return self._on_connection(request, target, head, deadline)
        except TimeoutError as error:
            raise Unavailable("no time left to send it", code="timed_out", host=target.host, sent=False) from error

    def _on_connection(self, request: Request, target: Target, head: bytes, deadline: Deadline) -> Response:
        connection = self._pool.take(target, deadline)
        sent, received = connection.sent, connection.received
        keep = False
        try:
            status, headers, body, keep = connection.exchange(
                request.method, head, request.body or b"", request.max_bytes, deadline
            )
        finally:
            self._pool.count(connection.sent - sent, connection.received - received)
            if keep:
                self._pool.give_back(target, connection)
            else:
                connection.close()
        return Response(status, headers, body, request.url)

    def _head(self, request: Request, target: Target, authorized: str | None) -> bytes:
        check_field(request.method, "")
        coding = "gzip, deflate" if request.packed else "identity"
        fields = {"Host": target.host_header, "User-Agent": self._user_agent, "Accept-Encoding": coding}
        if request.body or request.method not in _BODILESS:
            fields["Content-Length"] = str(len(request.body or b""))
        for name, value in request.headers.items():
            if name.lower() in _OWN_FIELDS or (authorized and name.lower() == "authorization"):
                continue
            check_field(name, value)
            fields["User-Agent" if name.lower() == "user-agent" else name] = value
        if authorized is not None:
            check_field("Authorization", authorized)
            fields["Authorization"] = authorized
        lines = [f"{request.method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _basic(auth: BasicAuth) -> str:
    """RFC 7617 with UTF-8."""
    return "Basic " + base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode("ascii")
