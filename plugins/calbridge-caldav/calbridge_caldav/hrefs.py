"""Addresses on a CalDAV server: two spellings of one resource are one key (dossier 4.3).

The remote id of a resource is its canonical path. Where a resource holds more than one thing that can be linked
(several UIDs, or overrides without their master), each part gets ``path#uid`` or ``path#uid#recurrence-id``; a
canonical path holds no ``#`` of its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes, urljoin, urlsplit

_PLAIN = "@+:!$&'()*,;=~"
_MULTI_LABEL = frozenset({"ac", "co", "com", "edu", "gob", "gov", "ne", "net", "nom", "or", "org"})
_ICLOUD = "icloud.com"


@lru_cache(maxsize=2048)
def canonical(href: str) -> str:
    """The path of an href, percent-encoded in one way only. ``%2F`` stays what it is, as quoting brings it back."""
    path = href if href.startswith("/") and not href.startswith("//") else urlsplit(href).path
    if _CANONICAL.fullmatch(path):
        return path
    path = path.partition("?")[0].partition("#")[0]
    return "/".join(quote_from_bytes(unquote_to_bytes(part), safe=_PLAIN) for part in path.split("/"))


_CANONICAL = re.compile(rf"[A-Za-z0-9/._{re.escape(_PLAIN)}-]*")
"""A path that is spelled as all are in the end."""


class RemoteId(NamedTuple):
    """A remote id taken apart. ``uid`` and ``recurrence_id`` are set for parts of a resource only."""

    path: str
    uid: str | None = None
    recurrence_id: str | None = None

    @property
    def text(self) -> str:
        """The id as the core stores it."""
        parts = [quote(part, safe="") for part in (self.uid, self.recurrence_id) if part is not None]
        return "#".join([self.path, *parts])


def parse_remote_id(text: str) -> RemoteId:
    """The parts of a remote id of ours."""
    path, *parts = text.split("#")
    told = [unquote(part) for part in parts[:2]]
    return RemoteId(path, *told)


def is_event_name(path: str) -> bool:
    """Whether a listed child may be a calendar object: collections and children with foreign extensions are not."""
    name = path.rpartition("/")[2].lower()
    return bool(name) and name.endswith((".ics", ".eml"))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def absolute(base: str, href: str) -> str:
    """An href as a whole URL."""
    return urljoin(base, href)


def same_site(one: str, other: str) -> bool:
    """Whether credentials for one URL may go to the other: the same registrable domain, or both under iCloud.

    Without a public suffix list two labels are taken for the domain, three below a country's ``co.uk`` and the like.
    """
    first, second = (urlsplit(url).hostname or "" for url in (one, other))
    return first == second or ("." in first and _domain(first) == _domain(second))


def _domain(host: str) -> str:
    labels = host.rstrip(".").lower().split(".")
    if labels[-1].isdigit() or ":" in host:
        return host
    country = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in _MULTI_LABEL
    return ".".join(labels[-3:] if country else labels[-2:])


def is_icloud_host(host: str) -> bool:
    """Whether a mail or server domain belongs to iCloud (dossier 2)."""
    return host.lower() in {_ICLOUD, "me.com", "mac.com"} or host.lower().endswith("." + _ICLOUD)
