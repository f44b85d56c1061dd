"""Reading a URL strictly: what is not plainly an http(s) address of a host is refused."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote, urlsplit

import idna

from calbridge.connectors.transport.guard import IPAddress
from calbridge.errors import AddressRefused

DEFAULT_PORTS = {"https": 443, "http": 80}

# Kept as they are in a request target; everything else is percent-encoded (RFC 3986 sections 2.2, 2.3).
_KEPT = "!#$%&'()*+,/:;=?@[]~"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. ``address`` is set where the host is an IP address and no name."""

    scheme: str
    host: str
    port: int
    path: str
    address: IPAddress | None

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a kept connection belongs to."""
        return self.scheme, self.host, self.port

    @property
    def host_header(self) -> str:
        """The Host field (RFC 9110 section 7.2): the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def _refuse(reason: str) -> NoReturn:
    raise AddressRefused("the URL can't be used", code="address_refused", reason=reason)


def parse_url(url: str) -> Target:
    """The target of ``url``.

    Raises AddressRefused (``address_refused``) for anything but http and https, for user names in the URL,
    control characters, and hosts that are neither a name nor an address; ``port_refused`` for impossible ports.
    """
    if _CONTROL.search(url):
        _refuse("control_character")
    try:
        parts = urlsplit(url)
        hostname, netloc = parts.hostname or "", parts.netloc
    except ValueError:
        _refuse("malformed_url")
    if parts.scheme not in DEFAULT_PORTS:
        _refuse("scheme")
    if "@" in netloc or "\\" in netloc:
        _refuse("user_in_url")
    try:
        port = parts.port if parts.port is not None else DEFAULT_PORTS[parts.scheme]
    except ValueError:
        port = 0
    if port == 0:
        raise AddressRefused("no such port", code="port_refused")
    host, address = _host(hostname, bracketed="[" in netloc)
    path = quote(parts.path or "/", safe=_KEPT.replace("#", "").replace("?", ""))
    query = f"?{quote(parts.query, safe=_KEPT.replace('#', ''))}" if parts.query else ""
    return Target(parts.scheme, host, port, path + query, address)


def _host(hostname: str, *, bracketed: bool) -> tuple[str, IPAddress | None]:
    if bracketed:
        return _ipv6(hostname)
    name = _ascii_name(hostname).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        address = ipv4_of(name)
        if address is None:
            _refuse("malformed_host")
        return str(address), address
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse("malformed_host")
    return name, None


def _ipv6(text: str) -> tuple[str, IPAddress]:
    if "%" in text:
        _refuse("zone_id")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        _refuse("malformed_host")
    return str(address), address


def _ascii_name(hostname: str) -> str:
    """Lower case; international names in their ASCII form (RFC 5891, with the mappings of UTS 46)."""
    if not hostname:
        _refuse("no_host")
    if hostname.isascii():
        return hostname.lower()
    try:
        return idna.encode(hostname, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        _refuse("malformed_host")


def ipv4_of(name: str) -> ipaddress.IPv4Address | None:
    """The IPv4 address in any of the forms which resolvers accept: 1 to 4 parts, decimal, octal or hexadecimal."""
    parts = name.split(".")
    if len(parts) > 4:
        return None
    numbers = [_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    *heads, last = (number for number in numbers if number is not None)
    if any(head > 255 for head in heads) or last >= 256 ** (4 - len(heads)):
        return None
    value = last + sum(head << (8 * (3 - place)) for place, head in enumerate(heads))
    return ipaddress.IPv4Address(value)


def _number(part: str) -> int | None:
    if not _NUMBER.fullmatch(part) or len(part) > 40:
        return None
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    if len(part) > 1 and part.startswith("0"):
        return int(part, 8) if not set(part) & {"8", "9"} else None
    return int(part)
