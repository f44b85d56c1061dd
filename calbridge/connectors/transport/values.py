"""What goes into a transport and what comes out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from calbridge.errors import AddressRefused

MEBIBYTE = 2**20

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Headers(Mapping[str, str]):
    """Header fields whose names ignore case (RFC 9110 section 5.1); repeated fields are joined by commas."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in fields:
            known = self._fields.get(name.lower())
            self._fields[name.lower()] = (known[0], f"{known[1]}, {value}") if known else (name, value)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``max_bytes`` limits the answer's body after decompression.

    ``calls``: what it counts for in a service's quota, as each call within a batch does. ``packed``: whether the answer
    may be compressed on its way, which on some servers changes its ETag (RFC 9110 section 8.8.3.3).

    Headers and body are not part of the representation: they may hold secrets and people's text.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_bytes: int = 16 * MEBIBYTE
    calls: int = 1
    packed: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """The answer as it came: redirects and errors are visible as ``status``; ``url`` is the request's own."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: str


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user name and password. ``digest`` answers the service's challenge (RFC 7616) instead of sending it."""

    username: str
    password: str = field(repr=False)
    auth: Literal["basic", "digest"] = "basic"


@dataclass(frozen=True, slots=True)
class Counters:
    """What went over the wire: requests, and bytes of heads and bodies as HTTP saw them (TLS not counted)."""

    requests: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


def check_field(name: str, value: str) -> None:
    """Refuse header fields that could start another field or request (RFC 9110 section 5.5).

    Raises AddressRefused (``address_refused``); the value is not repeated.
    """
    if not _TOKEN.fullmatch(name) or _BAD_VALUE.search(value) or any(ord(sign) > 255 for sign in value):
        raise AddressRefused("a header field can't be sent", code="address_refused", reason="malformed_header")
