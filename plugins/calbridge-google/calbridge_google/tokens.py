"""The grant that a person gave, and access tokens made from it (google-auth over calbridge's transport)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any, cast

from google.auth.exceptions import GoogleAuthError
from google.auth.transport import Request as AuthRequest
from google.oauth2.credentials import Credentials

from calbridge.connectors.transport import Response, Transport, looks_like_html, retry_after
from calbridge.errors import ConnectorError, PermissionMissing, SignInRequired, Throttled, Unavailable
from calbridge_google.carrying import AuthCarrier
from calbridge_google.endpoints import Endpoints
from calbridge_google.limits import NEEDED_SCOPES, SCOPE_WORDS, SCOPES, STALE_SECONDS, WIDER_SCOPES

_APP = frozenset({"invalid_client", "unauthorized_client", "redirect_uri_mismatch", "deleted_client", "org_internal"})


@dataclass(frozen=True, slots=True)
class Grant:
    """An account's secret. ``expires_at`` is in seconds since 1970."""

    refresh_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    expires_at: float = 0.0
    scopes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As the core stores it, encrypted."""
        told = {"refresh_token": self.refresh_token, "access_token": self.access_token, "expires_at": self.expires_at}
        return json.dumps({**told, "scope": " ".join(self.scopes)}, separators=(",", ":"))

    def usable(self, now: float) -> bool:
        """Whether the access token is good for a while."""
        return self.access_token is not None and now < self.expires_at - STALE_SECONDS


def grant_of(secret: str) -> Grant:
    """Read a stored secret. Raises SignInRequired for what is none."""
    try:
        told = json.loads(secret)
        token = told["refresh_token"]
        if not isinstance(token, str) or not token:
            raise TypeError
        access = told.get("access_token")
        until = float(told.get("expires_at") or 0.0)
        return Grant(token, str(access) if access else None, until, tuple(str(told.get("scope") or "").split()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SignInRequired("not a grant of this connector", confirmed=True, code="grant_ended") from error


def check_scopes(scopes: Iterable[str]) -> None:
    """Raises PermissionMissing (``consent_incomplete``): the user may untick scopes on the consent page."""
    given = frozenset(scopes)
    needed = NEEDED_SCOPES if not given & WIDER_SCOPES else {"openid"}
    if given and not needed <= given:
        missing = [SCOPE_WORDS[each] for each in SCOPES if each in needed - given]
        raise PermissionMissing("scopes were not granted", code="consent_incomplete", missing=missing)


def judge_token_answer(answer: Response) -> None:
    """Raise what a refusal of the token endpoint means (RFC 6749 section 5.2).

    Only ``invalid_grant`` is about the user's grant, and final. A client that is not known is the operator's business;
    everything else passes.
    """
    if 200 <= answer.status < 300 and not looks_like_html(answer):
        return
    error = str(json_of(answer).get("error") or "")
    if error == "invalid_grant":
        raise SignInRequired("the grant is dead", confirmed=True, code="grant_ended", status=answer.status)
    if error in _APP:
        raise PermissionMissing(error, code="app_not_registered", status=answer.status)
    wait = retry_after(answer)
    if answer.status == 429 or (answer.status == 503 and wait is not None):
        raise Throttled("the token endpoint asks to wait", retry_after=wait)
    raise Unavailable("no usable answer to a token request", status=answer.status, reason=error[:60])


def json_of(answer: Response) -> Mapping[str, Any]:
    """The object in a body; empty for anything else."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def refreshed(transport: Transport, endpoints: Endpoints, client: tuple[str, str], grant: Grant) -> Grant:
    """The grant with a fresh access token; its refresh token stays unless Google gives another one.

    Raises SignInRequired (confirmed only for ``invalid_grant``), PermissionMissing (``app_not_registered``),
    Throttled, Unavailable.
    """
    if not all(client):
        raise PermissionMissing("no client is set", code="app_not_registered")
    credentials = Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=grant.refresh_token,
        token_uri=endpoints.token,
        client_id=client[0],
        client_secret=client[1],
    )
    carrier = AuthCarrier(transport, judge_token_answer)
    try:
        credentials.refresh(cast(AuthRequest, carrier))  # type: ignore[no-untyped-call]
    except ConnectorError:
        raise
    except (GoogleAuthError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unavailable("a token answer without a token", code="malformed_answer", sent=True) from error
    expiry = credentials.expiry
    until = expiry.replace(tzinfo=UTC).timestamp() if expiry is not None else time.time() + STALE_SECONDS
    return replace(
        grant,
        refresh_token=credentials.refresh_token or grant.refresh_token,
        access_token=credentials.token,
        expires_at=until,
    )


class Tokens:
    """The access token of a connector. ``keep`` is told of every fresh one. Safe for threads."""

    def __init__(
        self, grant: Callable[[], Grant], renew: Callable[[Grant], Grant], keep: Callable[[Grant], None]
    ) -> None:
        self._load = grant
        self._renew = renew
        self._keep = keep
        self._grant: Grant | None = None
        self._lock = threading.Lock()

    @property
    def grant(self) -> Grant:
        """The grant as it is now. Raises SignInRequired for a secret that is none."""
        if self._grant is None:
            self._grant = self._load()
        return self._grant

    def bearer(self, fresh: bool) -> str:
        """An access token; ``fresh``: the last one was refused. Raises as :func:`refreshed`."""
        with self._lock:
            grant = self.grant
            if fresh or not grant.usable(time.time()):
                grant = self._renew(grant)
                self._grant = grant
                self._keep(grant)
            return grant.access_token or ""
