"""Readiness as systemd's units of ``Type=notify`` ask for it (sd_notify(3)): ``READY=1`` to a datagram socket."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

VARIABLE = "NOTIFY_SOCKET"
_READY = b"READY=1"


def tell_ready(where: str | None) -> None:
    """Tell the supervisor at ``where`` (a path, or ``@name``) that this process can work; nobody may be there."""
    if not where:
        return
    address = f"\0{where[1:]}" if where.startswith("@") else where
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(_READY, address)


def take_socket() -> str | None:
    """Where to tell it, taken out of the environment so that no child tells it in our name."""
    return os.environ.pop(VARIABLE, None)


class ReadySocket:
    """Hears one child. The folder of ``path`` must be ours alone. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))

    @property
    def environment(self) -> dict[str, str]:
        """What the child must be given."""
        return {VARIABLE: str(self._path)}

    def heard(self) -> bool:
        """Whether the child told it since this was asked last."""
        found = False
        with contextlib.suppress(BlockingIOError):
            while True:
                found |= _READY in self._socket.recv(4096).split(b"\n")
        return found

    def close(self) -> None:
        """Hear nobody any more."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
