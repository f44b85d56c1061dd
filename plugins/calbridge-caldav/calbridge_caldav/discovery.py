"""From what a person enters to the principal and its homes (RFC 6764 section 6, RFC 4791 section 6.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from calbridge.connectors.contract import Account
from calbridge.connectors.transport import Response
from calbridge.errors import AddressRefused, CalbridgeError, PermissionMissing, SignInRequired, Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.client import DavClient
from calbridge_caldav.hrefs import absolute, canonical, is_icloud_host, origin_of, same_site
from calbridge_caldav.properties import CALDAV, DAV, Resource, read_resources
from calbridge_caldav.quirks import ICLOUD_URL

Locator = Callable[[str], list[str]]
"""Domain -> context URLs from SRV and TXT records, best first; empty where there are none."""

_WELL_KNOWN = "/.well-known/caldav"


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a server says about the account."""

    principal: str
    homes: tuple[str, ...]
    addresses: frozenset[str]
    dav: str
    server: str


def candidates(account: Account, locate: Locator) -> Iterator[str]:
    """Where to ask, best first: the given URL, SRV records, the well-known address, the bare host."""
    told = (account.url or "").strip()
    if account.service == "icloud":
        yield told or ICLOUD_URL
        return
    if "://" in told:
        yield told
        host, root = urlsplit(told).hostname or "", origin_of(told)
    else:
        host, _, path = told.rpartition("@")[2].partition("/")
        host = host or account.username.rpartition("@")[2]
        if is_icloud_host(host):
            yield ICLOUD_URL
            return
        root = f"https://{host}"
        if path:
            yield f"{root}/{path}"
    yield from (url for url in locate(host) if same_site(root, url))
    yield root + _WELL_KNOWN
    yield root + "/"


def discover(client: DavClient, account: Account, locate: Locator) -> Discovered:
    """The principal behind the first candidate that is a calendar server.

    One that is forbidden is no such server and hides none (RFC 6764 section 6). Raises SignInRequired, Throttled; else
    the most telling failure of all candidates: AddressRefused, PermissionMissing, or Unavailable with ``tls_failed``,
    ``host_unreachable``, ``login_page``, ``not_a_calendar_server``.
    """
    failures: list[CalbridgeError] = []
    asked: set[str] = set()
    for url in candidates(account, locate):
        if url in asked:
            continue
        asked.add(url)
        try:
            principal = _principal_at(client, url)
            if principal is not None:
                return _describe(client, principal)
        except (Unavailable, AddressRefused, PermissionMissing) as error:
            failures.append(error)
    raise _most_telling(failures)


def _principal_at(client: DavClient, url: str) -> str | None:
    response = client.propfind(url, bodies.PRINCIPAL, 0)
    if response.status == 403:
        raise PermissionMissing("the principal is not shown", status=403)
    if response.status in (500, 507):
        raise Unavailable("the server failed", status=response.status)
    if response.status != 207:
        return None
    for resource in read_resources(response):
        hrefs = resource.hrefs(f"{DAV}current-user-principal")
        if hrefs:
            return _safe(response.url, hrefs[0])
        if f"{DAV}unauthenticated" in resource.names(f"{DAV}current-user-principal"):
            raise SignInRequired("the server took us for nobody", confirmed=False)
    return None


def _describe(client: DavClient, principal: str) -> Discovered:
    response = client.propfind(principal, bodies.HOME, 0)
    if response.status == 403:
        raise PermissionMissing("the principal is not shown", status=403)
    resource = next(iter(read_resources(response)), Resource(""))
    told = (_safe(response.url, href) for href in resource.hrefs(f"{CALDAV}calendar-home-set"))
    homes = tuple(origin_of(url) + canonical(url) for url in told)
    if not homes:
        raise Unavailable("the principal has no calendars", code="not_a_calendar_server")
    dav = _dav(client, response, homes[0])
    addresses = frozenset(_address(text) for text in resource.hrefs(f"{CALDAV}calendar-user-address-set"))
    return Discovered(principal, homes, addresses - {""}, dav, response.headers.get("Server", ""))


def _dav(client: DavClient, response: Response, home: str) -> str:
    """The DAV header; repeated ones are joined by the transport. Asked for by OPTIONS where PROPFIND has none."""
    told = response.headers.get("DAV", "")
    return told or client.options(home).headers.get("DAV", "")


def _safe(base: str, href: str) -> str:
    """An href as URL, if our credentials may go there. Raises AddressRefused (``redirect_refused``)."""
    url = absolute(base, href)
    if not same_site(base, url) or (urlsplit(base).scheme == "https" and urlsplit(url).scheme != "https"):
        raise AddressRefused("points to a foreign host", code="redirect_refused")
    return url


def _address(text: str) -> str:
    """In lower case, mail addresses without ``mailto:``. Other kinds (paths, urn:uuid) name a person as well."""
    kind, _, rest = text.partition(":")
    return (rest if kind.lower() == "mailto" else text).strip().lower()


_TELLING = (
    "private_network_needed",
    "address_refused",
    "port_refused",
    "redirect_refused",
    "tls_failed",
    "permission_missing",
    "login_page",
)


def _most_telling(failures: list[CalbridgeError]) -> CalbridgeError:
    for code in _TELLING:
        for failure in failures:
            if failure.code == code:
                return failure
    first = failures[0] if failures else None
    if first is not None and first.code in {"timed_out", "host_unreachable", "unavailable", "response_too_large"}:
        return first
    return Unavailable("no candidate is a calendar server", code="not_a_calendar_server")
