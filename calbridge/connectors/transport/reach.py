"""How far a transport may reach: the public internet over https, and what an operator granted beyond it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from calbridge.connectors.transport.guard import GRANTABLE, IPAddress, IPNetwork, layers, reason_of
from calbridge.connectors.transport.urls import Target
from calbridge.errors import AddressRefused, SettingsInvalid

ANY_PORT = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission for a private place: a host name with a port, or a network with or without one.

    A grant with a port also permits plain http there; a network without a port opens it for the ordinary
    ports over https only.
    """

    host: str | None = None
    network: IPNetwork | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read ``host:port``, ``10.0.0.0/8``, ``10.0.0.0/8:5232``, ``[fd00::1]:443`` or ``[fd00::/8]:8443``.

        Raises SettingsInvalid for anything else.
        """
        place, port = _split_port(text.strip())
        try:
            return cls(network=ipaddress.ip_network(place), port=port)
        except ValueError:
            if port is None or not place or any(sign in place for sign in "/:@[]% "):
                raise SettingsInvalid("a grant is host:port or a network in CIDR form", value=text) from None
        return cls(host=place.lower().removesuffix("."), port=port)

    def names(self, target: Target) -> bool:
        """Is exactly this host and port granted by name?"""
        return self.host is not None and (self.host, self.port) == (target.host, target.port)

    def covers(self, address: IPAddress, port: int) -> bool:
        """Is this address inside the granted network, at this port?"""
        return (
            self.network is not None
            and self.port in (None, port)
            and address.version == self.network.version
            and address in self.network
        )


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        place, _, rest = text[1:].partition("]")
        tail = rest.removeprefix(":") if rest.startswith(":") else rest and "?"
    elif text.count(":") == 1:
        place, _, tail = text.partition(":")
    else:
        return text, None
    if not tail:
        return place, None
    if not (tail.isascii() and tail.isdigit() and 0 < int(tail) < 65536):
        raise SettingsInvalid("a grant has an impossible port", value=text)
    return place, int(tail)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a transport may connect to.

    ``granted`` opens private places, but none outside of ``ceiling``, the networks that the operator lets be
    granted (None: all): a name may lead elsewhere tomorrow, and a grant may be older than the ceiling.
    ``forbidden`` are (address, port) pairs of calbridge's own Redis and database and the like: they stay refused
    whatever is granted; port 0 means every port there, and a forbidden loopback address means all of loopback at
    that port.
    """

    https_only: bool = True
    ports: frozenset[int] = frozenset({443, 8443})
    granted: tuple[Grant, ...] = ()
    forbidden: tuple[tuple[str, int], ...] = ()
    ceiling: tuple[IPNetwork, ...] | None = None

    def check_target(self, target: Target) -> None:
        """Refuse what no address behind the name could make acceptable, before any name is resolved.

        Raises AddressRefused: ``port_refused`` or, for plain http, ``address_refused``.
        """
        if any(grant.names(target) for grant in self.granted):
            return
        if any(grant.network is not None and grant.port == target.port for grant in self.granted):
            return
        self._check_ordinary(target)

    def check_address(self, target: Target, ip: str) -> None:
        """Refuse ``ip``, one of the addresses behind ``target``.

        Raises AddressRefused: ``private_network_needed`` where a grant would help, else ``address_refused``,
        ``port_refused``.
        """
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            raise AddressRefused("no IP address", code="address_refused", reason="no_address") from None
        if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
            raise AddressRefused("an address with a zone", code="address_refused", reason="zone_id")
        named = any(grant.names(target) for grant in self.granted)
        granted_port = named
        for layer in layers(address):
            self._check_layer(layer, target, named=named)
            granted_port = granted_port or any(
                grant.port is not None and grant.covers(layer, target.port) for grant in self.granted
            )
        if not granted_port:
            self._check_ordinary(target)

    def _check_ordinary(self, target: Target) -> None:
        if self.https_only and target.scheme != "https":
            raise AddressRefused("only https", code="address_refused", reason="https_needed", port=target.port)
        if target.port not in self.ports:
            raise AddressRefused("this port is not open to calbridge", code="port_refused", port=target.port)

    def _check_layer(self, layer: IPAddress, target: Target, *, named: bool) -> None:
        if any(_same_place(layer, target.port, ip, port) for ip, port in self.forbidden):
            raise AddressRefused("never allowed", code="address_refused", reason="forbidden", port=target.port)
        reason = reason_of(layer)
        if reason is None:
            return
        if reason not in GRANTABLE:
            raise AddressRefused("never allowed", code="address_refused", reason=reason, port=target.port)
        if not named and not any(grant.covers(layer, target.port) for grant in self.granted):
            raise AddressRefused("a private network", code="private_network_needed", reason=reason, port=target.port)
        if self.ceiling is not None and not any(layer in network for network in self.ceiling):
            beyond = "beyond_private_networks"
            raise AddressRefused("beyond the ceiling", code="private_network_needed", reason=beyond, port=target.port)


def _same_place(address: IPAddress, port: int, forbidden_ip: str, forbidden_port: int) -> bool:
    if forbidden_port not in (ANY_PORT, port):
        return False
    places = layers(ipaddress.ip_address(forbidden_ip))
    return address in places or (address.is_loopback and any(place.is_loopback for place in places))
