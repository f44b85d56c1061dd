"""TLS in front of a plain server on this machine, as a proxy has it in the field; bytes pass as they are."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer

_PIECE = 65_536


class _Pump(BaseRequestHandler):
    server: _Front

    def handle(self) -> None:
        """One connection, until either side ends it."""
        with (
            contextlib.suppress(OSError),
            self.server.context.wrap_socket(self.request, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", self.server.behind), timeout=30) as inner,
        ):
            back = threading.Thread(target=_pass, args=(inner, outer))
            back.start()
            _pass(outer, inner)
            back.join()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class _Front(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False

    def __init__(self, port: int, behind: int, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", port), _Pump)
        self.behind, self.context = behind, context


@contextmanager
def tls_front(port: int, behind: int, context: ssl.SSLContext) -> Iterator[None]:
    """Listens on ``port`` and passes on to ``behind``. Clients must close their connections before the end."""
    with _Front(port, behind, context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
