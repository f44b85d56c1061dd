"""Who calls, and the parts of the installation acting on the caller's behalf."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from flask import Flask, current_app, g, request

from calbridge.api.limits import Limits
from calbridge.errors import Refused
from calbridge.service.access import Caller, Role, Scope
from calbridge.service.authentication import authenticate
from calbridge.service.parts import Parts

EXTENSION = "calbridge"
VENDOR_SECONDS = 10.0
"""For what a request asks of calendar services (DESIGN: REST API)."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What the application was made with."""

    parts: Parts
    limits: Limits


@dataclass(frozen=True, slots=True)
class Here:
    """One request of an authenticated caller; ``parts`` act on its behalf."""

    caller: Caller
    parts: Parts

    @property
    def tenant(self) -> str:
        """The caller's tenant. Operations of the platform name theirs in the path."""
        assert self.caller.tenant is not None, "an operation of the platform has no tenant of its own"
        return self.caller.tenant

    def user(self, user_id: str) -> str:
        """A user the caller may see. Raises Refused (``user_not_found``)."""
        if self.caller.user_id not in (None, user_id):
            raise Refused(code="user_not_found", user=user_id)
        return user_id

    def own_user(self, asked: str | None) -> str | None:
        """A filter by user: what was asked for, and with a token never anybody but its user.

        Raises Refused (``user_not_found``).
        """
        if self.caller.user_id is None:
            return asked
        return self.user(asked if asked is not None else self.caller.user_id)


def installed(app: Flask | None = None) -> Installed:
    """The installation behind the application."""
    return cast(Installed, (app or current_app).extensions[EXTENSION])


def enter(scope: Scope) -> Here:
    """The caller, if it may do this. Raises Refused (``unauthenticated``, ``scope_missing``, ``too_many_requests``)."""
    there = installed()
    address = request.remote_addr or ""
    there.limits.before_authentication(address)
    try:
        caller = authenticate(there.parts, _presented())
    except Refused as refused:
        if refused.code == "unauthenticated":
            there.limits.failed_authentication(address)
        raise
    there.limits.authenticated(caller.key_id or f"{caller.tenant} {caller.user_id}")
    if scope not in caller.scopes:
        raise Refused(code="scope_missing", scope=scope.value)
    g.caller = caller
    actor = replace(caller.actor, request=g.request_id)
    return Here(caller, replace(there.parts, actor=actor, vendor_seconds=VENDOR_SECONDS))


def _presented() -> str:
    """The key or token of the header ``Authorization: Bearer`` (RFC 6750)."""
    kind, _, presented = request.headers.get("Authorization", "").partition(" ")
    return presented.strip() if kind.lower() == "bearer" else ""


def by_user(here: Here) -> bool:
    """Whether a user's token calls, not a key."""
    return here.caller.role is Role.USER
