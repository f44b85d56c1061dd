"""Loopback servers that answer with the bytes they are told to, and count what reaches them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Protocol

from calbridge.connectors.transport import Grant, Reach


@dataclass(frozen=True)
class Heard:
    """One request as it came over the wire, with the number of the connection that it came on."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Heard, socket.socket], bool | None]


@dataclass
class Server:
    """Reads requests strictly, lets ``script`` write the answer; a script that returns False ends the connection."""

    script: Script
    context: ssl.SSLContext | None = None
    heard: list[Heard] = field(default_factory=list)
    address: str = "127.0.0.1"
    port: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server((self.address, self.port))
        self.port = self._listener.getsockname()[1]
        self.stop = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://{self.address}:{self.port}"

    @property
    def reach(self) -> Reach:
        return Reach(granted=(Grant.parse(f"{self.address}:{self.port}"),))

    def close(self) -> None:
        self.stop.set()
        for sock in (self._listener, *self._open):
            # A thread that waits in accept keeps a listener open that is only closed.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb") as stream:
                while (heard := self._read(stream, number)) is not None:
                    self.heard.append(heard)
                    if self.script(heard, sock) is False:
                        return
        except OSError:
            return

    def _read(self, stream: IO[bytes], number: int) -> Heard | None:
        lines: list[str] = []
        while True:
            line = stream.readline().decode("latin-1")
            if not line.endswith("\r\n"):
                return None
            if line == "\r\n":
                break
            lines.append(line[:-2])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        body = stream.read(int(headers.get("content-length", "0")))
        return Heard(number, lines[0], headers, body)


def say(status: str = "200 OK", body: bytes = b"", **fields: str) -> bytes:
    """The bytes of an answer with its length."""
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{told}\r\n".encode() + body


def always(answer: bytes, *, keep: bool = True) -> Script:
    """A script that gives the same answer to every request."""

    def script(heard: Heard, sock: socket.socket) -> bool:
        sock.sendall(answer)
        return keep

    return script


class ServerMaker(Protocol):
    """Starts a server that ends with the test."""

    def __call__(
        self, script: Script, context: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> Server: ...
