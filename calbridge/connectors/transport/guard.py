"""Which addresses calbridge never opens a connection to by itself: a pure table over IP addresses.

The table is our own because ``ipaddress.is_global`` passes several dangerous ranges (6to4, NAT64, site-local,
cloud metadata on public numbers). Sources: the IANA special-purpose address registries (RFC 6890), RFC 6598
(CGNAT), RFC 3879 (site-local), RFC 3056 (6to4), RFC 6052 and 8215 (NAT64), RFC 4380 (Teredo).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = "metadata"

#: Reasons which an operator's grant can lift; every other reason stands whatever is granted.
GRANTABLE = frozenset(
    {"private", "loopback", "link_local", "carrier_nat", "site_local", "documentation", "benchmarking", "local_nat64"}
)

_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, OpenStack and most others
        "169.254.170.2",  # AWS container credentials
        "169.254.170.23",  # AWS pod identity
        "169.254.0.23",  # Tencent
        "169.254.42.42",  # Scaleway
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure's host agent, on a public number
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd00:42::42",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
    )
)

# First match wins.
_TABLE: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/32", "unspecified"),
        ("0.0.0.0/8", "reserved"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier_nat"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link_local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "local_nat64"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link_local"),
        ("fec0::/10", "site_local"),
        ("ff00::/8", "multicast"),
        ("2001:2::/48", "benchmarking"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("2001::/23", "reserved"),  # protocol assignments; Teredo in it is judged by what it embeds
    )
)

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SIXTOFOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")

# Prefixes whose last 32 bits are the IPv4 address that the packet really goes to.
_EMBEDDING = tuple(
    ipaddress.IPv6Network(text)
    for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48")
)


def layers(address: IPAddress) -> tuple[IPAddress, ...]:
    """The address and every IPv4 address inside it; a translated form is replaced by what it stands for.

    Teredo has two (server and client), and a local NAT64 address counts as itself and as its inner address.
    """
    if isinstance(address, ipaddress.IPv4Address) or int(address) in (0, 1):  # :: and ::1 embed nothing
        return (address,)
    return tuple(_unwrapped(address)) or (address,)


def _unwrapped(address: ipaddress.IPv6Address) -> Iterator[IPAddress]:
    packed = address.packed
    if address in _SIXTOFOUR:
        yield ipaddress.IPv4Address(packed[2:6])
    elif address in _TEREDO:
        yield ipaddress.IPv4Address(packed[4:8])
        yield ipaddress.IPv4Address(bytes(byte ^ 0xFF for byte in packed[12:16]))
    else:
        for prefix in _EMBEDDING:
            if address in prefix:
                if _listed(address) is not None:
                    yield address
                yield ipaddress.IPv4Address(packed[12:16])
                return


def reason_of(address: IPAddress) -> str | None:
    """Why this one address (already unwrapped by :func:`layers`) is refused, or None for a public one."""
    if address in _METADATA_ADDRESSES:
        return METADATA
    listed = _listed(address)
    if listed is None and address.version == 6 and address not in _GLOBAL_UNICAST:
        return "reserved"
    return listed


def _listed(address: IPAddress) -> str | None:
    return next(
        (reason for network, reason in _TABLE if address.version == network.version and address in network), None
    )


def refusal(ip: str, port: int) -> str | None:
    """Why a connection to ``ip``:``port`` is refused without any grant, or None where it is allowed.

    Whether the port is one of those in use for a service is a question for :class:`Reach`; here only ports
    that do not exist are refused.
    """
    if not 0 < port < 65536:
        return "port"
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "no_address"
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return "zone_id"
    return next((reason for layer in layers(address) if (reason := reason_of(layer)) is not None), None)
