"""The consent page, the token endpoint, revocation and userinfo (dossier 1)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.doubles.google.quirks import Quirks
from tests.doubles.google.refusing import Answer

EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"
_ASKABLE = frozenset(
    {
        "client_id", "redirect_uri", "response_type", "scope", "state", "access_type", "prompt", "login_hint", "nonce",
        "include_granted_scopes", "code_challenge", "code_challenge_method",
    }
)  # fmt: skip
_TESTING_DAYS = 7


@dataclass(frozen=True)
class Client:
    """A registered app."""

    id: str = "calbridge-test.apps.googleusercontent.com"
    secret: str = "client-secret"
    redirect_uris: tuple[str, ...] = ("https://calbridge.example.com/v1/oauth/callback",)


@dataclass(frozen=True)
class User:
    """A person with a Google account; ``sub`` never changes."""

    email: str = "alice@example.com"
    sub: str = "108234567890123456789"
    name: str = "Alice Example"


@dataclass
class Grant:
    """What a user allowed a client: dies as a whole."""

    user: User
    scopes: tuple[str, ...]
    made_at: datetime
    dead: bool = False


@dataclass
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    offline: bool
    with_refresh: bool
    made_at: datetime


@dataclass
class Signing:
    """All grants and tokens."""

    quirks: Quirks
    client: Client
    now: Callable[[], datetime]
    breach: Callable[[str], None]
    user: User = field(default_factory=User)
    others: dict[str, User] = field(default_factory=dict)
    codes: dict[str, _Code] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)
    access: dict[str, tuple[Grant, datetime]] = field(default_factory=dict)
    consented: set[str] = field(default_factory=set)

    def page(self, query: Mapping[str, str]) -> Answer:
        """The consent page for an authorization request."""
        problem = self._problem(query)
        if problem is not None:
            return Answer(400, text=f"<!doctype html><title>Error 400: {html.escape(problem)}</title>")
        boxes = "".join(
            f'<label><input type="checkbox" name="scope" value="{html.escape(scope)}" checked></label>'
            for scope in query["scope"].split()
        )
        hidden = html.escape(json.dumps(dict(query)))
        page = (
            "<!doctype html><title>Sign in</title>"
            f'<form method="post" action="/signin/consent"><input type="hidden" name="request" value="{hidden}">'
            f'<input name="account" value="{html.escape(self.user.email)}">{boxes}'
            '<button name="act" value="allow">Allow</button><button name="act" value="deny">Cancel</button></form>'
        )
        return Answer(200, text=page)

    def _problem(self, query: Mapping[str, str]) -> str | None:
        unknown = set(query) - _ASKABLE
        if unknown:
            self.breach(f"authorization with {sorted(unknown)}")
            return "invalid_request"
        if query.get("client_id") != self.client.id:
            return "invalid_client"
        if query.get("redirect_uri") not in self.client.redirect_uris:
            return "redirect_uri_mismatch"
        if query.get("response_type") != "code" or not query.get("scope"):
            return "invalid_request"
        if query.get("code_challenge_method", "S256") != "S256":
            return "invalid_request"
        return None

    def consent(self, form: Mapping[str, list[str]]) -> Answer:
        """What the user did on the page: a redirect to the app."""
        query = json.loads(form["request"][0])
        back = {"state": query["state"]} if "state" in query else {}
        if form.get("act") != ["allow"]:
            return Answer(302, headers={"Location": _with(query["redirect_uri"], {"error": "access_denied", **back})})
        email = form.get("account", [self.user.email])[0]
        user = self.user if email == self.user.email else self.others[email]
        scopes = tuple(EMAIL_SCOPE if each == "email" else each for each in form.get("scope", []))
        grant = Grant(user, scopes, self.now())
        first = user.email not in self.consented
        self.consented.add(user.email)
        offline = query.get("access_type") == "offline"
        again = "consent" in query.get("prompt", "").split()
        code = f"4/{secrets.token_urlsafe(16)}"
        self.codes[code] = _Code(
            grant,
            query["redirect_uri"],
            query.get("code_challenge"),
            offline,
            first or (again and not self.quirks.refresh_token_withheld) or not self.quirks.refresh_token_only_first,
            self.now(),
        )
        given = {"code": code, "scope": " ".join(scopes), **back}
        return Answer(302, headers={"Location": _with(query["redirect_uri"], given)})

    def token(self, form: Mapping[str, str]) -> Answer:
        """The token endpoint."""
        if (form.get("client_id"), form.get("client_secret")) != (self.client.id, self.client.secret):
            return Answer(401, {"error": "invalid_client", "error_description": "The OAuth client was not found."})
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form)
            case "refresh_token":
                return self._refresh(form)
            case _:
                return Answer(400, {"error": "unsupported_grant_type"})

    def _exchange(self, form: Mapping[str, str]) -> Answer:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or self.now() > code.made_at + timedelta(minutes=10):
            return Answer(400, {"error": "invalid_grant", "error_description": "Malformed auth code."})
        if form.get("redirect_uri") != code.redirect_uri:
            return Answer(400, {"error": "redirect_uri_mismatch"})
        if code.challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
                return Answer(400, {"error": "invalid_grant", "error_description": "Invalid code verifier."})
        told = self._issued(code.grant)
        if code.offline and code.with_refresh:
            told["refresh_token"] = self.new_refresh(code.grant)
        if "openid" in code.grant.scopes:
            claims = {"iss": "https://accounts.google.com", "sub": code.grant.user.sub, "aud": self.client.id}
            told["id_token"] = ".".join((_b64({"alg": "RS256"}), _b64(claims), "signature"))
        return Answer(200, told)

    def _refresh(self, form: Mapping[str, str]) -> Answer:
        grant = self.refresh.get(form.get("refresh_token", ""))
        old = grant is not None and self.now() > grant.made_at + timedelta(days=_TESTING_DAYS)
        if grant is None or grant.dead or (old and self.quirks.testing_state):
            told = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            return Answer(400, told)
        told = self._issued(grant)
        if self.quirks.refresh_rotates:
            told["refresh_token"] = self.new_refresh(grant)
        return Answer(200, told)

    def new_refresh(self, grant: Grant) -> str:
        """One more refresh token of a grant."""
        token = f"1//{secrets.token_urlsafe(24)}"
        self.refresh[token] = grant
        return token

    def _issued(self, grant: Grant) -> dict[str, Any]:
        seconds = self.quirks.access_seconds
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.access[token] = (grant, self.now() + timedelta(seconds=seconds))
        return {
            "access_token": token, "expires_in": seconds, "scope": " ".join(grant.scopes), "token_type": "Bearer",
        }  # fmt: skip

    def revoke(self, form: Mapping[str, str]) -> Answer:
        """All that the user allowed this client goes, whichever token is named (dossier 1)."""
        token = form.get("token", "")
        known = self.refresh.get(token) or next(
            (grant for key, (grant, _) in self.access.items() if key == token), None
        )
        if known is None or known.dead:
            return Answer(400, {"error": "invalid_token", "error_description": "Token expired or revoked"})
        for grant in (*self.refresh.values(), *(each for each, _ in self.access.values())):
            grant.dead = grant.dead or grant.user == known.user
        self.consented.discard(known.user.email)
        return Answer(200, {})

    def grant_of(self, authorization: str) -> Grant | None:
        """The grant behind an Authorization header; None for a dead token."""
        grant, until = self.access.get(authorization.removeprefix("Bearer "), (None, self.now()))
        return grant if grant is not None and not grant.dead and self.now() < until else None

    def userinfo(self, authorization: str) -> Answer:
        """OpenID Connect's userinfo."""
        grant = self.grant_of(authorization)
        if grant is None or "openid" not in grant.scopes:
            return Answer(401, {"error": "invalid_request", "error_description": "Invalid Credentials"})
        told: dict[str, Any] = {"sub": grant.user.sub}
        if EMAIL_SCOPE in grant.scopes:
            told |= {"email": grant.user.email, "email_verified": True}
        return Answer(200, told)


def _with(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _b64(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
