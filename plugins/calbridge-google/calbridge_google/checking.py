"""Who an account is: OpenID Connect's user info."""

from __future__ import annotations

from calbridge.connectors.contract import Owner
from calbridge.connectors.transport import Request, Response, Transport, idempotent_retry, raise_for_status_class
from calbridge.errors import SignInRequired, Unavailable
from calbridge_google.endpoints import Endpoints
from calbridge_google.tokens import Tokens, check_scopes, json_of

_ATTEMPTS = 2


def owner_of(transport: Transport, endpoints: Endpoints, tokens: Tokens) -> Owner:
    """The id is ``sub``, which never changes; the address may.

    Raises PermissionMissing (``consent_incomplete``), SignInRequired, Throttled, Unavailable.
    """
    check_scopes(tokens.grant.scopes)
    answer = _ask(transport, endpoints, tokens.bearer(False))
    if answer.status == 401:
        answer = _ask(transport, endpoints, tokens.bearer(True))
    raise_for_status_class(answer)
    told = json_of(answer)
    if answer.status >= 300 or not told.get("sub"):
        if answer.status in (400, 403):
            raise SignInRequired("no user info for this grant", confirmed=False, status=answer.status)
        raise Unavailable("user info without a subject", code="malformed_answer", sent=True)
    address = str(told.get("email") or "").strip().lower()
    return Owner(str(told["sub"]), address, frozenset({address} - {""}), {"sub": str(told["sub"])})


def _ask(transport: Transport, endpoints: Endpoints, bearer: str) -> Response:
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    return idempotent_retry(transport.send, Request("GET", endpoints.userinfo, headers), _ATTEMPTS, base=0.2)
