"""The edge: one account's requests over the given transport, with what every answer has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from calbridge.connectors.contract import Account
from calbridge.connectors.transport import (
    BasicAuth,
    Request,
    Response,
    Transport,
    follow,
    idempotent_retry,
    looks_like_html,
    raise_for_status_class,
    retry_after,
)
from calbridge.errors import AddressRefused, SignInRequired, Unavailable
from calbridge_caldav.hrefs import same_site

MEBIBYTE = 2**20
LISTING_BYTES = 64 * MEBIBYTE
OBJECT_BYTES = 24 * MEBIBYTE
"""iCloud allows 20 MB an event with attachments (dossier 5, sizes)."""

_READ_ATTEMPTS = 2
_JUDGED_BY_CALLER = frozenset({500, 501, 507})
_JUDGED_OF_WRITES = _JUDGED_BY_CALLER | {502, 503, 504}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_XML = "application/xml; charset=utf-8"
CALENDAR_TYPE = "text/calendar; charset=utf-8"

_Send = Callable[[], Response]


class DavClient:
    """Sends for one account. Safe for threads."""

    def __init__(self, transport: Transport, account: Account) -> None:
        self._transport = transport
        self._icloud = account.service == "icloud"
        digest = account.facts.get("auth") == "digest"
        self._auth = BasicAuth(account.username, account.secret, "digest" if digest else "basic")

    @property
    def auth_kind(self) -> str:
        """``basic`` or ``digest``: what this server was met with."""
        return self._auth.auth

    def propfind(self, url: str, body: bytes, depth: int) -> Response:
        """A PROPFIND, redirects followed by hand with method and body kept (dossier 1, redirects)."""
        headers = {"Depth": str(depth), "Content-Type": _XML}
        return self._read(Request("PROPFIND", url, headers, body, LISTING_BYTES))

    def report(self, url: str, body: bytes, *, depth: int | None = None) -> Response:
        """A REPORT."""
        headers = {"Content-Type": _XML} | ({} if depth is None else {"Depth": str(depth)})
        return self._read(Request("REPORT", url, headers, body, LISTING_BYTES))

    def get(self, url: str) -> Response:
        """The bytes of one object, not compressed: Apache and nginx change the ETag of what they compress."""
        return self._read(Request("GET", url, {"Accept": "text/calendar"}, None, OBJECT_BYTES, packed=False))

    def options(self, url: str) -> Response:
        """What the server says it can do."""
        return self._read(Request("OPTIONS", url))

    def put(self, url: str, body: bytes, condition: Mapping[str, str]) -> Response:
        """Store bytes as they are. Sent once; a redirect or a page for people is an error, never a success."""
        return self._write(Request("PUT", url, {"Content-Type": CALENDAR_TYPE, **condition}, body))

    def delete(self, url: str, condition: Mapping[str, str]) -> Response:
        """Remove an object without a reply to its organizer (RFC 6638 section 8.1)."""
        return self._write(Request("DELETE", url, {"Schedule-Reply": "F", **condition}))

    def _read(self, request: Request) -> Response:
        def once(asked: Request) -> Response:
            return follow(self._transport, asked, self._auth, same_site=same_site)

        response = self._signed_in(request, lambda: idempotent_retry(once, request, _READ_ATTEMPTS, base=0.2))
        return _usable(response)

    def _write(self, request: Request) -> Response:
        response = self._signed_in(request, lambda: self._transport.send(request, self._auth))
        if response.status in _REDIRECTS:
            raise AddressRefused("a write is not redirected", code="redirect_refused", status=response.status)
        return _usable(response, _JUDGED_OF_WRITES)

    def _signed_in(self, request: Request, send: _Send) -> Response:
        """The answer to a request that was let in.

        iCloud refuses good credentials at times, so one 401 proves nothing there (dossier 2, failed login). Elsewhere
        a second refusal, again with a challenge that fits a password, is certain.
        """
        response = send()
        if response.status != 401:
            return response
        if self._icloud:
            raise SignInRequired("iCloud refused", confirmed=False, code="app_password_required")
        if not same_site(request.url, response.url):
            raise AddressRefused("redirected to a foreign host", code="redirect_refused")
        if _offers(response) == {"digest"}:
            self._auth = replace(self._auth, auth="digest")
        first = _offers(response)
        response = send()
        if response.status != 401:
            return response
        raise SignInRequired("refused twice", confirmed=bool(first and _offers(response)), status=401)


def _offers(response: Response) -> set[str]:
    """The password schemes of a challenge."""
    told = response.headers.get("WWW-Authenticate", "").lower()
    return {scheme for scheme in ("basic", "digest") if scheme in told}


def _usable(response: Response, judged: frozenset[int] = _JUDGED_BY_CALLER) -> Response:
    """Raises SignInRequired, Throttled, Unavailable for what means the same everywhere (``login_page`` included)."""
    if response.status not in judged or (response.status == 503 and retry_after(response) is not None):
        raise_for_status_class(response)
    # An answer without a body, as PUT and DELETE have it, is labelled text/html by PHP's default.
    if 200 <= response.status < 300 and response.body.strip() and looks_like_html(response):
        raise Unavailable("a web page instead of data", code="login_page", sent=True)
    return response
