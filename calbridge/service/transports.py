"""Transports that reach what a tenant may reach: the public internet, and what was granted within the ceiling."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from functools import cached_property
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from calbridge.connectors.transport import Grant, Reach, Request, Transport
from calbridge.settings import Settings
from calbridge.store.database import Database


class Transports:
    """Makes a transport for one tenant. Every run gets its own, so a grant that was revoked ends with the run."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    def __call__(
        self, tenant: str, before_request: Callable[[Request], None] | None = None, budget: float | None = None
    ) -> Transport:
        """A transport with the grants of ``tenant``."""
        with self._database.read(tenant) as work:
            hosts = work.grants.list()
        granted = tuple(Grant.parse(host) for host in hosts)
        reach = Reach(granted=granted, forbidden=self._own_places, ceiling=tuple(self._settings.private_networks))
        return Transport(reach, timeout=self._settings.request_timeout, budget=budget, before_request=before_request)

    @cached_property
    def _own_places(self) -> tuple[tuple[str, int], ...]:
        """The addresses of our own database and Redis stay closed whatever is granted (DESIGN: Security)."""
        database, redis = make_url(self._settings.database_url), urlsplit(self._settings.redis_url or "")
        places = [(database.host, database.port or 5432), (redis.hostname, redis.port or 6379)]
        return tuple((address, port) for host, port in places if host for address in addresses_of(host, port))


def addresses_of(host: str, port: int) -> list[str]:
    """The IP addresses behind a name; none where it can't be resolved."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(row[4][0]).partition("%")[0] for row in found})
