"""A loopback proxy that counts what goes through it and can make each request wait, as a far network does.

It keeps connections to the client alive and serves each in a thread; behind it every request has a connection of its
own, because the answers of Radicale end theirs. Both sides of a comparison pay the same for it.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


@dataclass(frozen=True)
class Traffic:
    """What went through: requests, and bytes of heads and bodies in both directions."""

    requests: int = 0
    bytes: int = 0


class Proxy(ThreadingHTTPServer):
    """Forwards to a port of this machine; ``delay`` in seconds is waited before each request is passed on."""

    daemon_threads = True

    def __init__(self, target_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target_port = target_port
        self.delay = 0.0
        self._lock = threading.Lock()
        self._traffic = Traffic()

    @property
    def url(self) -> str:
        """The address to use instead of the server's."""
        return f"http://127.0.0.1:{self.server_port}/"

    def count(self, size: int) -> None:
        """One more request, this long with its answer."""
        with self._lock:
            self._traffic = Traffic(self._traffic.requests + 1, self._traffic.bytes + size)

    def take(self) -> Traffic:
        """What was counted since the last call."""
        with self._lock:
            taken, self._traffic = self._traffic, Traffic()
        return taken


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def _forward(self) -> None:
        body = self._body()
        time.sleep(self.server.delay)
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=120)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "keep-alive", "transfer-encoding", "content-length", "expect"):
                    upstream.putheader(name, value)
            if body or "Content-Length" in self.headers:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            data = self._answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        finally:
            upstream.close()
        received = len(self.requestline) + 2 + len(self.headers.as_bytes()) + len(body)
        # Counted before it leaves: whoever has the answer may ask for the count at once.
        self.server.count(received + len(data))
        self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, reason: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        kept = [f"{name}: {value}" for name, value in headers if name.lower() not in _HOP_BY_HOP]
        lines = [f"HTTP/1.1 {status} {reason}", *kept]
        if status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written: the traffic is what counts."""

    do_GET = do_PUT = do_DELETE = do_OPTIONS = do_PROPFIND = do_REPORT = do_HEAD = _forward  # noqa: N815
    do_MKCALENDAR = do_MKCOL = do_PROPPATCH = do_POST = _forward  # noqa: N815


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A running proxy in front of that port."""
    proxy = Proxy(port)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
