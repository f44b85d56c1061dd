"""Private places that a tenant may reach, within the operator's ceiling (DESIGN: Security)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from calbridge.connectors.transport import Grant
from calbridge.connectors.transport.guard import IPNetwork
from calbridge.errors import Refused, SettingsInvalid
from calbridge.service.parts import Parts
from calbridge.service.transports import addresses_of
from calbridge.service.values import invalid, text
from calbridge.service.views_accounts import HostView


def grant_host(parts: Parts, tenant: str, grant: str) -> HostView:
    """Let a tenant reach ``host:port``, a network in CIDR form or one with a port.

    A name is granted only while all its addresses lie within the ceiling. Raises Refused (``tenant_not_found``,
    ``invalid_value``, ``beyond_private_networks``).
    """
    told = _checked(parts, grant, "host")
    with parts.database.write(tenant) as work:
        work.settings.get()
        work.grants.add(told)
        work.audit.add(str(parts.actor), "host_granted", host=told)
    return HostView(told)


def checked_grants(parts: Parts, grants: Sequence[str]) -> set[str]:
    """Grants as they are stored. Raises Refused as :func:`grant_host`."""
    return {_checked(parts, grant, f"private_hosts[{place}]") for place, grant in enumerate(grants)}


def _checked(parts: Parts, grant: str, field: str) -> str:
    told = text(grant, field, 300).strip().lower()
    try:
        parsed = Grant.parse(told)
    except SettingsInvalid:
        raise invalid(field, "must be host:port or a network such as 10.0.0.0/8") from None
    if not within(parsed, parts.settings.private_networks):
        raise Refused("the operator's PRIVATE_NETWORKS do not hold it", code="beyond_private_networks", host=told)
    return told


def list_hosts(parts: Parts, tenant: str) -> list[HostView]:
    """All grants of a tenant. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        work.settings.get()
        return [HostView(host) for host in work.grants.list()]


def revoke_host(parts: Parts, tenant: str, host: str) -> HostView:
    """Take a grant back. Raises Refused (``host_not_found``)."""
    told = host.strip().lower()
    with parts.database.write(tenant) as work:
        if not work.grants.remove(told):
            raise Refused(code="host_not_found", host=told)
        work.audit.add(str(parts.actor), "host_revoked", host=told)
    return HostView(told)


def beyond_ceiling(parts: Parts, tenant: str) -> list[str]:
    """Grants of a tenant that open nothing, because the operator's ceiling does not hold them (any more)."""
    ceiling = parts.settings.private_networks
    with parts.database.read(tenant) as work:
        told = work.grants.list()
    return [host for host in told if not within(Grant.parse(host), ceiling)]


def within(grant: Grant, ceiling: Sequence[IPNetwork]) -> bool:
    """Whether a grant lies within the ceiling; a name, whether all addresses that it has now do."""
    if grant.network is not None:
        return any(_inside(grant.network, network) for network in ceiling)
    places = [ipaddress.ip_network(each) for each in addresses_of(grant.host or "", grant.port or 443)]
    return bool(places) and all(any(_inside(place, network) for network in ceiling) for place in places)


def _inside(one: IPNetwork, other: IPNetwork) -> bool:
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.subnet_of(other)
    return False
