"""User tokens: what a PSA's page presents for one of its users (RFC 7519, signed HS256).

A token lives for minutes and is stored nowhere. It names the user's epoch, which ends with the user, and when calendar
sync is switched off for them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from calbridge.errors import Refused
from calbridge.service.access import GRANTABLE, SCOPES, Caller, Role, Scope
from calbridge.service.parts import Parts
from calbridge.service.values import invalid, number
from calbridge.store.columns import micros
from calbridge.store.secrets import derive
from calbridge.store.users import User

LONGEST_SECONDS: Final = 900
_ALGORITHM: Final = "HS256"
_MUST: Final = ("aud", "tenant", "sub", "scope", "exp", "epoch")


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token that was just made, and what it may be used for until when."""

    token: str
    expires_at: datetime
    scopes: tuple[str, ...]


def issue_token(
    parts: Parts, tenant: str, user_id: str, *, scopes: Collection[str] = (), seconds: int = LONGEST_SECONDS
) -> TokenView:
    """A token of one user, for at most 15 minutes; ``scopes`` adds ``items:write`` and ``confirm`` where asked for.

    Raises Refused (``user_not_found``, ``calendar_sync_off``, ``invalid_value``).
    """
    own = SCOPES[Role.USER]
    if unknown := sorted(set(scopes) - own - GRANTABLE):
        raise invalid("scopes", f"{unknown[0][:30]} can't be granted to a user")
    number(seconds, "seconds", 1, LONGEST_SECONDS)
    with parts.database.read(tenant) as work:
        user = work.users.require(user_id)
    if not user.calendar_sync:
        raise Refused(code="calendar_sync_off", user=user_id)
    granted = tuple(sorted(own | {Scope(each) for each in scopes}))
    # Whole seconds, as NumericDate of RFC 7519 is best understood.
    expires_at = parts.clock.now().replace(microsecond=0) + timedelta(seconds=seconds)
    claims = {
        "aud": _audience(parts),
        "tenant": tenant,
        "sub": user_id,
        "scope": " ".join(granted),
        "exp": int(expires_at.timestamp()),
        "epoch": _epoch(user),
    }
    kid, key = next(iter(_keys(parts).items()))
    return TokenView(jwt.encode(claims, key, _ALGORITHM, {"kid": kid}), expires_at, granted)


def caller_of_token(parts: Parts, presented: str) -> Caller | None:
    """Whose token this is; None for whatever is not a valid one (one query)."""
    claims = _claims(parts, presented)
    if claims is None:
        return None
    with parts.database.read(claims["tenant"]) as work:
        user = work.users.get(claims["sub"])
    if user is None or not user.calendar_sync or claims["epoch"] != _epoch(user):
        return None
    scopes = SCOPES[Role.USER] | (GRANTABLE & set(claims["scope"].split()))
    return Caller(Role.USER, scopes, tenant=claims["tenant"], user_id=user.id)


def _claims(parts: Parts, presented: str) -> dict[str, Any] | None:
    """What a token says that we signed and that has not expired by our clock."""
    try:
        key = _keys(parts).get(jwt.get_unverified_header(presented).get("kid", ""))
        if key is None:
            return None
        claims = jwt.decode(
            presented,
            key,
            [_ALGORITHM],
            {"require": list(_MUST), "verify_exp": False},
            audience=_audience(parts),
        )
    except (jwt.InvalidTokenError, ValueError):
        return None
    return claims if datetime.fromtimestamp(claims["exp"], UTC) > parts.clock.now() else None


def _audience(parts: Parts) -> str:
    """This installation: another one with the same keys, made for trying out, takes no token of it."""
    return f"calbridge/{parts.database.installation.name}"


def _epoch(user: User) -> str:
    """Different for a user who was deleted and made anew under the same id."""
    return f"{micros(user.created_at) if user.created_at else 0}.{user.epoch}"


def _keys(parts: Parts) -> dict[str, bytes]:
    """Key id to signing key; the first one signs, and all are taken, as SECRET_KEYS are for secrets."""
    return {derive(key, "token key id", 6).hex(): derive(key, "user tokens") for key in parts.settings.secret_keys}
