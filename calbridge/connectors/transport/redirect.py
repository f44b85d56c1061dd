"""Following redirects on purpose: same method, same body, guarded again at each hop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urldefrag, urljoin

from calbridge.connectors.transport.client import Transport
from calbridge.connectors.transport.urls import parse_url
from calbridge.connectors.transport.values import BasicAuth, Request, Response
from calbridge.errors import AddressRefused

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER = 303
_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})


def follow(
    transport: Transport,
    request: Request,
    auth: BasicAuth | None,
    *,
    max_hops: int = 5,
    same_site: Callable[[str, str], bool],
) -> Response:
    """Send and follow at most ``max_hops`` redirects; ``url`` of the answer is where it came from.

    ``same_site(old_url, new_url)`` decides whether credentials go along; once dropped they stay dropped.
    A redirect without Location is returned as it is. Raises AddressRefused (``redirect_refused``) for loops, too
    many hops, https to http, and 303 in answer to a write (it means "done, look there": repeating would
    write twice); and what :meth:`Transport.send` raises.
    """
    seen = {_bare(request.url)}
    for _ in range(max_hops + 1):
        response = transport.send(request, auth)
        location = response.headers.get("Location")
        if response.status not in _REDIRECTS or not location:
            return response
        if response.status == _SEE_OTHER and request.method not in _READING:
            raise _refused("a write is not repeated elsewhere")
        url = _next_url(request.url, location)
        if _bare(url) in seen:
            raise _refused("a loop")
        seen.add(_bare(url))
        if parse_url(url).origin != parse_url(request.url).origin and not same_site(request.url, url):
            auth, request = None, _without_credentials(request)
        request = replace(request, url=url)
    raise _refused("too many hops")


def _next_url(old: str, location: str) -> str:
    try:
        url = urljoin(old, location)
    except ValueError:
        raise _refused("a malformed target") from None
    if parse_url(old).scheme == "https" and parse_url(url).scheme != "https":
        raise _refused("https to http")
    return url


def _bare(url: str) -> str:
    return urldefrag(url).url


def _without_credentials(request: Request) -> Request:
    kept = {name: value for name, value in request.headers.items() if name.lower() not in _CREDENTIALS}
    return replace(request, headers=kept)


def _refused(why: str) -> AddressRefused:
    return AddressRefused("the redirect is not followed", code="redirect_refused", reason=why)
