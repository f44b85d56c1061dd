"""Signing in at Google (contract C11): the consent page, the exchange of its code, and the end of a grant."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from urllib.parse import urlencode

from calbridge.connectors.transport import Request, Transport
from calbridge.errors import PermissionMissing, SignInRequired, Unavailable
from calbridge_google.endpoints import Endpoints
from calbridge_google.limits import SCOPES
from calbridge_google.tokens import Grant, check_scopes, json_of, judge_token_answer

_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def authorize_url(
    endpoints: Endpoints,
    client: tuple[str, str],
    redirect_uri: str,
    state: str,
    code_challenge: str,
    login_hint: str | None,
) -> str:
    """The consent page. ``prompt=consent``, because without it a refresh token comes with the first consent only.

    Raises PermissionMissing (``app_not_registered``) without a client and its secret: nobody is sent away for nothing.
    """
    if not all(client):
        raise PermissionMissing("no client is set", code="app_not_registered")
    query = {
        "client_id": client[0],
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": code_challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
    }
    if login_hint:
        query["login_hint"] = login_hint
    return f"{endpoints.authorize}?{urlencode(query)}"


def exchange(
    transport: Transport,
    endpoints: Endpoints,
    client: tuple[str, str],
    code: str,
    redirect_uri: str,
    code_verifier: str,
    former: tuple[Grant | None, str | None],
) -> Grant:
    """The grant for a code. ``former``: the grant until now, and the ``sub`` whose it is.

    Raises SignInRequired for a code that is used up or expired (unconfirmed: the stored grant is not concerned),
    PermissionMissing (``consent_incomplete``, ``app_not_registered``), Throttled, Unavailable.
    """
    if not all(client):
        raise PermissionMissing("no client is set", code="app_not_registered")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client[0],
        "client_secret": client[1],
        "code_verifier": code_verifier,
    }
    answer = transport.send(Request("POST", endpoints.token, _FORM, urlencode(form).encode()))
    try:
        judge_token_answer(answer)
    except SignInRequired as error:
        raise SignInRequired("the code is used up or expired", confirmed=False) from error
    told = json_of(answer)
    access, scopes = told.get("access_token"), tuple(str(told.get("scope") or "").split())
    if not isinstance(access, str) or not access:
        raise Unavailable("a token answer without a token", code="malformed_answer", sent=True)
    check_scopes(scopes)
    until = time.time() + _seconds(told.get("expires_in"))
    return Grant(_lasting(told, former), access, until, scopes)


def _seconds(told: object) -> float:
    try:
        return max(0.0, float(str(told)))
    except ValueError:
        return 0.0


def _lasting(told: Mapping[str, object], former: tuple[Grant | None, str | None]) -> str:
    """The refresh token; the former one only for the very same person."""
    fresh = told.get("refresh_token")
    if isinstance(fresh, str) and fresh:
        return fresh
    grant, owner = former
    if grant is not None and owner is not None and _subject(told.get("id_token")) == owner:
        return grant.refresh_token
    raise PermissionMissing("no lasting token came", code="consent_incomplete")


def _subject(id_token: object) -> str | None:
    """``sub`` of an id token that came from the token endpoint itself (OpenID Connect Core 3.1.3.7, item 6)."""
    try:
        payload = str(id_token).split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(told["sub"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def revoke(transport: Transport, endpoints: Endpoints, grant: Grant) -> None:
    """End the whole grant. One that is dead already is no error. Raises Throttled, Unavailable."""
    form = urlencode({"token": grant.refresh_token}).encode()
    answer = transport.send(Request("POST", endpoints.revoke, _FORM, form))
    if json_of(answer).get("error") in ("invalid_token", "invalid_grant"):
        return
    judge_token_answer(answer)
