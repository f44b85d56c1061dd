"""SRV and TXT records of a mail domain (RFC 6764 sections 3 and 4)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

LIFETIME_SECONDS = 5.0
_WELL_KNOWN = "/.well-known/caldav"

Server = tuple[int, int, str, int]
"""Priority, weight, host, port."""


def dns_locator(domain: str) -> list[str]:
    """Context URLs by ``_caldavs._tcp``, best first; empty on any trouble with names.

    Only the encrypted service is asked for. The addresses behind the names are checked by the transport.
    """
    import dns.exception
    import dns.resolver

    if not _has_records(domain):
        return []
    resolver = dns.resolver.Resolver()
    resolver.lifetime = LIFETIME_SECONDS
    name = f"_caldavs._tcp.{domain}"
    try:
        servers = [(r.priority, r.weight, str(r.target), r.port) for r in resolver.resolve(name, "SRV")]
    except (dns.exception.DNSException, OSError, ValueError):
        return []
    try:
        texts = [b"".join(record.strings) for record in resolver.resolve(name, "TXT")]
    except (dns.exception.DNSException, OSError, ValueError):
        texts = []
    return context_urls(servers, texts)


def context_urls(servers: Iterable[Server], texts: Iterable[bytes]) -> list[str]:
    """The lowest priority first, then the greatest weight; the path of the TXT record, else the well-known one.

    A target of ``.`` says that the service is not offered (RFC 2782).
    """
    told = (text.decode("ascii", "replace") for text in texts)
    path = next((text[5:] for text in told if text.startswith("path=/")), _WELL_KNOWN)
    ordered = sorted(servers, key=lambda server: (server[0], -server[1]))
    hosts = ((host.rstrip("."), port) for _, _, host, port in ordered)
    return [f"https://{host}:{port}{path}" for host, port in hosts if host]


def _has_records(domain: str) -> bool:
    """Addresses and names of the local network have no SRV records."""
    try:
        ipaddress.ip_address(domain.strip("[]"))
    except ValueError:
        return "." in domain.strip(".")
    return False
