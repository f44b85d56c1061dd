"""One kept connection and the exchange of one request and answer on it (HTTP/1.1, RFC 9112)."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import ssl
import time
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING, cast

from calbridge.connectors.transport.body import CHUNK, decoder_for, read_body, too_large
from calbridge.connectors.transport.deadline import Deadline
from calbridge.connectors.transport.values import Headers
from calbridge.errors import Unavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAX_INTERIM = 20
_SWITCHING_PROTOCOLS = 101


class _WireReader(io.RawIOBase):
    """The socket as a byte stream: each read ends at the deadline of the request, each byte is counted."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.deadline: Deadline | None = None
        self.received = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self.deadline is None:
            return None
        self._sock.settimeout(self.deadline.remaining())
        count = self._sock.recv_into(buffer)
        self.received += count
        return count


class _KeptReader(io.BufferedReader):
    """Outlives the answers read from it: http.client closes its file after every one."""

    def close(self) -> None:
        """Left open on purpose; the connection closes the socket."""

    def makefile(self, mode: str) -> io.BufferedReader:
        """What http.client asks its socket for."""
        return self


class Connection:
    """A connected socket that serves one request at a time. ``sent`` and ``received`` count bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._wire = _WireReader(sock)
        self._reader = _KeptReader(self._wire, CHUNK)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.sent = 0
        self.used_at = time.monotonic()

    @property
    def received(self) -> int:
        """Bytes read from the socket so far."""
        return self._wire.received

    def usable(self, max_idle: float) -> bool:
        """Can another request be sent? Not after a long pause, nor where the peer closed or sent unasked bytes."""
        if time.monotonic() - self.used_at > max_idle or self._poll.poll(0):
            return False
        return not self._reader.peek(1)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def exchange(
        self, method: str, head: bytes, body: bytes, max_bytes: int, deadline: Deadline
    ) -> tuple[int, Headers, bytes, bool]:
        """Send once, read the answer: status, headers, body, and whether the connection can be kept.

        Raises Unavailable with the fact ``sent=True`` (the outcome of a write is unknown): ``timed_out``,
        ``malformed_answer``, ``response_too_large``, ``host_unreachable`` where the connection was lost.
        """
        self._wire.deadline = deadline
        try:
            refused_early = self._send(head, body, deadline)
            answer = self._begin(method)
            content = _content(answer, max_bytes)
        except TimeoutError as error:
            raise Unavailable("the request took too long", code="timed_out", sent=True) from error
        except IncompleteRead as error:
            raise Unavailable("the answer is cut off", code="malformed_answer", sent=True) from error
        except ConnectionError as error:  # before HTTPException: RemoteDisconnected is both
            raise Unavailable("the connection was lost", code="host_unreachable", sent=True) from error
        except (HTTPException, ValueError) as error:
            raise Unavailable("the answer is not HTTP", code="malformed_answer", sent=True) from error
        except ssl.SSLError as error:
            raise Unavailable("TLS broke off", code="tls_failed", sent=True) from error
        except OSError as error:
            raise Unavailable("the connection was lost", code="host_unreachable", sent=True) from error
        finally:
            self._wire.deadline = None
            self.used_at = time.monotonic()
        return answer.status, Headers(answer.getheaders()), content, not (answer.will_close or refused_early)

    def _send(self, head: bytes, body: bytes, deadline: Deadline) -> bool:
        """Write all; True where the peer stopped listening, as an answer may stand in the line already."""
        data = memoryview(head + body)
        done = 0
        try:
            while done < len(data):
                self._sock.settimeout(deadline.remaining())
                done += self._sock.send(data[done : done + CHUNK])
        except (BrokenPipeError, ConnectionResetError):
            if done <= len(head):
                raise
            return True
        finally:
            self.sent += done
        return False

    def _begin(self, method: str) -> HTTPResponse:
        """The head of the final answer; 102 and 103 (WebDAV servers, caches) only announce it."""
        for _ in range(_MAX_INTERIM):
            answer = HTTPResponse(cast(socket.socket, self._reader), method=method)
            answer.begin()
            if answer.status == _SWITCHING_PROTOCOLS:
                break
            if answer.status >= 200:
                return answer
        raise HTTPException("no final answer")


def _content(answer: HTTPResponse, max_bytes: int) -> bytes:
    if answer.length is not None and answer.length > max_bytes:
        raise too_large(max_bytes)
    content = read_body(answer.read, decoder_for(answer.getheader("Content-Encoding") or ""), max_bytes)
    if answer.length:
        raise IncompleteRead(b"", answer.length)
    with contextlib.suppress(OSError):
        answer.close()
    return content
