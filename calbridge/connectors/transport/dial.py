"""Opening a connection: resolve, check every address, connect to a checked one, TLS with the name."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass

from calbridge.connectors.transport.deadline import Deadline
from calbridge.connectors.transport.reach import Reach
from calbridge.connectors.transport.resolver import Resolver, resolve
from calbridge.connectors.transport.tls import tls_context
from calbridge.connectors.transport.urls import Target
from calbridge.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Dialler:
    """Opens checked sockets; ``connect_timeout`` in seconds spans names, TCP and TLS together.

    Without a ``context`` of its own it trusts the ordinary authorities, which are loaded for the first TLS connection.
    """

    reach: Reach
    resolver: Resolver
    context: ssl.SSLContext | None
    connect_timeout: float

    def open(self, target: Target, request_deadline: Deadline) -> socket.socket:
        """A connected socket to an address of ``target`` that the guard let pass.

        Raises AddressRefused; Unavailable ``host_unreachable``, ``tls_failed``, ``timed_out``, all with the
        fact ``sent=False``: no part of the request has left.
        """
        deadline = Deadline(min(self.connect_timeout, request_deadline.remaining()))
        try:
            sock = self._connect(target, self._addresses(target, deadline), deadline)
            return self._secured(sock, target, deadline) if target.scheme == "https" else sock
        except TimeoutError as error:
            raise Unavailable("connecting took too long", code="timed_out", host=target.host, sent=False) from error

    def _addresses(self, target: Target, deadline: Deadline) -> list[str]:
        """Checked here and connected to here: a resolver that changes its mind is asked only once a connection."""
        if target.address is not None:
            addresses = [str(target.address)]
        else:
            addresses = resolve(self.resolver, target.host, target.port, deadline)
        for address in addresses:
            self.reach.check_address(target, address)
        return addresses

    def _connect(self, target: Target, addresses: list[str], deadline: Deadline) -> socket.socket:
        failure: OSError | None = None
        for place, address in enumerate(addresses):
            share = deadline.remaining() / (len(addresses) - place)
            try:
                return _tcp(address, target.port, share)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise failure
        raise Unavailable("no connection", code="host_unreachable", host=target.host, sent=False) from failure

    def _secured(self, sock: socket.socket, target: Target, deadline: Deadline) -> socket.socket:
        try:
            sock.settimeout(deadline.remaining())
            context = self.context or tls_context(None)
            return context.wrap_socket(sock, server_hostname=target.host)
        except TimeoutError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            told = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else "handshake failed"
            raise Unavailable(told, code="tls_failed", host=target.host, sent=False) from error


def _tcp(address: str, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET if ipaddress.ip_address(address).version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock
