"""Addresses that programs listen on."""

from __future__ import annotations

import errno
import os
import socket

from calbridge.errors import SettingsInvalid

BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsInvalid (``port_taken``): in use, or not of this machine."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _taken(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def local_address(host: str) -> str:
    """Where a program of this machine reaches what listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def local_url(host: str, port: int) -> str:
    """The same as the root of an address."""
    place = local_address(host)
    return f"http://[{place}]:{port}" if ":" in place else f"http://{place}:{port}"


def _taken(host: str, port: int, error: OSError) -> SettingsInvalid:
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
    return SettingsInvalid(f"{host}:{port}: {why}", code="port_taken", in_use=error.errno == errno.EADDRINUSE)
