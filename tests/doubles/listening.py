"""A threaded HTTP/1.1 listener on loopback that ends with all its connections and threads."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_POLL_SECONDS = 0.01


class LoopbackListener(ThreadingHTTPServer):
    """Failures of the double itself are kept in ``failures``. A subclass calls ``begin`` when it is furnished."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64
    connection_ids = itertools.count(1)

    def __init__(self, handler: type[BaseHTTPRequestHandler], name: str, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.tls = tls
        self.failures: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL_SECONDS,), name=name)

    def begin(self) -> None:
        """Answer from now on."""
        self._thread.start()

    @property
    def port(self) -> int:
        """The chosen port."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; a TLS handshake happens later, in the connection's own thread."""
        accepted, address = super().get_request()
        if self.tls is not None:
            accepted = self.tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._open.add(accepted)
        return accepted, address

    def shutdown_request(self, request: Any) -> None:
        """Close one connection."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no failure; anything else is a bug of the double."""
        failure = sys.exception()
        if failure is not None and not isinstance(failure, OSError):
            self.failures.append(failure)

    def stop(self) -> None:
        """End all connections and threads."""
        self.shutdown()
        self._thread.join()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
