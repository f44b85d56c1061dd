"""From a host name to addresses, within a time limit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from calbridge.connectors.transport.deadline import Deadline
from calbridge.errors import Unavailable

#: (host, port) -> addresses as text, in the order to be tried. Raises OSError where there are none.
Resolver = Callable[[str, int], list[str]]


def system_resolver(host: str, port: int) -> list[str]:
    """The operating system's answer."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve(resolver: Resolver, host: str, port: int, deadline: Deadline) -> list[str]:
    """Ask ``resolver``, but not for longer than the deadline: the system's own look-up knows no time limit.

    Raises TimeoutError when time is up, Unavailable (``host_unreachable``) for a name without addresses.
    """
    answer: list[str] = []
    failure: list[Exception] = []

    def ask() -> None:
        try:
            answer.extend(resolver(host, port))
        except Exception as error:
            failure.append(error)

    asking = threading.Thread(target=ask, name="calbridge-resolve", daemon=True)
    asking.start()
    asking.join(deadline.remaining())
    if asking.is_alive():
        raise TimeoutError("name resolution")
    if failure and not isinstance(failure[0], OSError | UnicodeError):
        raise failure[0]
    if failure or not answer:
        cause = failure[0] if failure else None
        raise Unavailable("the name has no address", code="host_unreachable", host=host, sent=False) from cause
    return answer
