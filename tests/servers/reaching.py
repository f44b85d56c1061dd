"""Transports of tests: they find every name on this machine, and may reach it at any port."""

from __future__ import annotations

from collections.abc import Callable

from calbridge.connectors.transport import Grant, Reach, Request, Transport


def loopback(host: str, port: int) -> list[str]:
    """A resolver that finds every name on this machine."""
    return ["127.0.0.1"]


def transport(
    *, timeout: float = 10.0, ca_file: str | None = None, before_request: Callable[[Request], None] | None = None
) -> Transport:
    """A transport that may reach loopback, at any port."""
    reach = Reach(https_only=False, ports=frozenset(range(1, 65536)), granted=(Grant.parse("127.0.0.0/8"),))
    return Transport(reach, timeout=timeout, ca_file=ca_file, resolver=loopback, before_request=before_request)
