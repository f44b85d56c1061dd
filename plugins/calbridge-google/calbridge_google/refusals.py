"""What Google's refusals mean (guide on errors): classified by status and reason, never by text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from calbridge.connectors.transport import Headers, Response, retry_after
from calbridge.domain.content import Field
from calbridge.errors import (
    CalendarGone,
    ConnectorError,
    CursorExpired,
    NotFound,
    PermissionMissing,
    Rejected,
    SignInRequired,
    Throttled,
    Unavailable,
    VersionConflict,
)
from calbridge_google.limits import QUOTA_PAUSE

_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_SCOPES = frozenset({"insufficientPermissions", "insufficientScopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_NOT_SET_UP = frozenset({"accessNotConfigured", "SERVICE_DISABLED", "CONSUMER_INVALID"})
_NOT_OURS = frozenset({"forbiddenForNonOrganizer"})
_NO_ACCESS = frozenset({"forbidden", "requiredAccessLevel"})
"""Of a listing: this calendar is not shared with the account any more. What else the account reads is not concerned."""
_TIMES = frozenset({"timeRangeEmpty"})


def reasons_of(content: bytes) -> frozenset[str]:
    """All reasons that an error body names, in the older form and the newer one."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return frozenset()
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return frozenset()
    rows = [each for name in ("errors", "details") for each in _rows(error.get(name))]
    return frozenset(str(each["reason"]) for each in rows if isinstance(each.get("reason"), str))


def _rows(told: object) -> list[dict[str, Any]]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []


def refusal_of(status: int, content: bytes, headers: Mapping[str, str], act: str) -> ConnectorError:
    """The error of the contract. ``act``: ``list`` and ``delta`` for listings, ``read``, ``insert`` or ``write``."""
    reasons = reasons_of(content)
    named = ",".join(sorted(reasons))[:100]
    if status == 401:
        return SignInRequired("the access token is refused", confirmed=False, status=status)
    if status in (403, 429):
        return _forbidden(status, reasons, named, headers, act)
    if status >= 500:
        wait = _wait(headers)
        if status == 503 and wait is not None:
            return Throttled("asked to wait", retry_after=wait)
        return Unavailable("Google failed", status=status, reason=named)
    return _refused(status, reasons, named, act)


def _wait(headers: Mapping[str, str]) -> float | None:
    found = {name: value for name, value in headers.items() if name.lower() == "retry-after"}
    return retry_after(Response(503, Headers(found.items()), b"", ""))


def _forbidden(
    status: int, reasons: frozenset[str], named: str, headers: Mapping[str, str], act: str
) -> ConnectorError:
    if status == 429 or reasons & _RATE:
        return Throttled("quota", retry_after=_wait(headers))
    if "quotaExceeded" in reasons:
        return Throttled("general limits", retry_after=_wait(headers) or QUOTA_PAUSE)
    if reasons & _SCOPES:
        return PermissionMissing("a scope is missing", code="consent_incomplete", status=status)
    if reasons & _NOT_SET_UP:
        return PermissionMissing("the API is off for this client", code="app_not_registered", status=status)
    if reasons & _NOT_OURS:
        return Rejected("not the organizer", code="organised_elsewhere")
    if act in ("insert", "write"):
        return Rejected(f"status {status} {named}".strip(), code="read_only_calendar")
    if act in ("list", "delta") and reasons & _NO_ACCESS:
        return CalendarGone(status=status)
    return PermissionMissing(named, status=status)


def _refused(status: int, reasons: frozenset[str], named: str, act: str) -> ConnectorError:
    match status, act:
        case 400 | 410, "delta":
            return CursorExpired(named, status=status)
        case 410, "list":
            return Unavailable("the listing was cut off", status=status, reason=named)
        case 404, "list" | "delta" | "insert":
            return CalendarGone(status=status)
        case 404 | 410, _:
            return NotFound(named, status=status)
        case 412, _:
            return VersionConflict(status=status)
        case 409, "insert" if "conflict" not in reasons:
            return Rejected(f"status {status} {named}", code="uid_conflict")
        case 409, "insert":
            return Throttled("calls of one batch were in each other's way")
        case 409, _:
            return VersionConflict("written at the same time", status=status)
        case _:
            return Rejected(f"status {status} {named}".strip(), field=Field.TIME if reasons & _TIMES else None)
