"""What each of Google's refusals means, by status, reason and what was asked (dossier 8)."""

from __future__ import annotations

import json

import pytest

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
from calbridge_google.client import is_unknown
from calbridge_google.refusals import reasons_of, refusal_of

ACTS = ("list", "delta", "read", "insert", "write")


def body(status: int, *reasons: str) -> bytes:
    """As the guide on errors shows it."""
    rows = [{"domain": "global", "reason": reason, "message": "told to people"} for reason in reasons]
    return json.dumps({"error": {"code": status, "message": "told to people", "errors": rows}}).encode()


def newer(status: int, word: str, reason: str) -> bytes:
    """As newer parts of Google tell it."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return json.dumps({"error": {"code": status, "message": "", "status": word, "details": [info]}}).encode()


def refused(status: int, reason: str, act: str, **headers: str) -> ConnectorError:
    return refusal_of(status, body(status, reason), headers, act)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (403, "dailyLimitExceeded"), (429, "anything")],
)
def test_quota_is_quota_whatever_was_asked(status: int, reason: str, act: str) -> None:
    error = refused(status, reason, act)
    assert isinstance(error, Throttled)
    assert error.retry_after is None
    told = refused(status, reason, act, **{"retry-after": "12"})
    assert isinstance(told, Throttled)
    assert told.retry_after == 12


@pytest.mark.parametrize("act", ACTS)
def test_general_limits_are_waited_for_in_hours(act: str) -> None:
    error = refused(403, "quotaExceeded", act)
    assert isinstance(error, Throttled)
    assert (error.retry_after or 0) >= 3600


@pytest.mark.parametrize(
    ("status", "reason", "act", "expected", "code"),
    [
        # A token that is no good, however Google says it, asks for a full listing; nothing else does.
        (410, "fullSyncRequired", "delta", CursorExpired, "cursor_expired"),
        (410, "updatedMinTooLongAgo", "delta", CursorExpired, "cursor_expired"),
        (400, "badRequest", "delta", CursorExpired, "cursor_expired"),
        (410, "fullSyncRequired", "list", Unavailable, "unavailable"),
        (410, "deleted", "write", NotFound, "not_found"),
        (410, "deleted", "read", NotFound, "not_found"),
        (400, "badRequest", "list", Rejected, "rejected"),
        (400, "invalid", "write", Rejected, "rejected"),
        # The calendar, or something in it.
        (404, "notFound", "list", CalendarGone, "calendar_gone"),
        (404, "notFound", "delta", CalendarGone, "calendar_gone"),
        (404, "notFound", "insert", CalendarGone, "calendar_gone"),
        (404, "notFound", "read", NotFound, "not_found"),
        (404, "notFound", "write", NotFound, "not_found"),
        (403, "forbidden", "list", CalendarGone, "calendar_gone"),
        (403, "requiredAccessLevel", "delta", CalendarGone, "calendar_gone"),
        (403, "requiredAccessLevel", "write", Rejected, "read_only_calendar"),
        (403, "forbidden", "insert", Rejected, "read_only_calendar"),
        (403, "forbidden", "read", PermissionMissing, "permission_missing"),
        (403, "forbiddenForNonOrganizer", "write", Rejected, "organised_elsewhere"),
        (403, "insufficientPermissions", "delta", PermissionMissing, "consent_incomplete"),
        (403, "insufficientPermissions", "write", PermissionMissing, "consent_incomplete"),
        (403, "accessNotConfigured", "insert", PermissionMissing, "app_not_registered"),
        # Twice the same id, twice the same moment.
        (409, "duplicate", "insert", Rejected, "uid_conflict"),
        (409, "conflict", "insert", Throttled, "throttled"),
        (409, "conflict", "write", VersionConflict, "version_conflict"),
        (412, "conditionNotMet", "write", VersionConflict, "version_conflict"),
        (401, "authError", "write", SignInRequired, "sign_in_required"),
        (500, "backendError", "write", Unavailable, "unavailable"),
        (503, "backendError", "list", Unavailable, "unavailable"),
    ],
)
def test_what_a_refusal_means(status: int, reason: str, act: str, expected: type[ConnectorError], code: str) -> None:
    error = refused(status, reason, act)
    assert (type(error), error.code) == (expected, code)
    assert "told to people" not in str(error)


def test_a_range_that_ends_before_it_begins_is_the_times_fault() -> None:
    error = refused(400, "timeRangeEmpty", "write")
    assert isinstance(error, Rejected)
    assert error.field == Field.TIME


def test_a_refused_access_token_is_no_proof_that_the_grant_is_dead() -> None:
    error = refused(401, "authError", "list")
    assert isinstance(error, SignInRequired)
    assert not error.confirmed


def test_a_busy_server_that_says_when_is_waited_for() -> None:
    error = refused(503, "backendError", "write", **{"Retry-After": "30"})
    assert isinstance(error, Throttled)
    assert error.retry_after == 30


@pytest.mark.parametrize(
    ("status", "word", "reason", "expected"),
    [
        (403, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", Throttled),
        (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", PermissionMissing),
        (403, "PERMISSION_DENIED", "SERVICE_DISABLED", PermissionMissing),
    ],
)
def test_the_newer_form_of_errors_is_read_too(
    status: int, word: str, reason: str, expected: type[ConnectorError]
) -> None:
    assert type(refusal_of(status, newer(status, word, reason), {}, "write")) is expected


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"error": 7}', b'{"error": {"errors": [7], "details": 1}}']
)
def test_a_refusal_without_a_reason_is_still_a_refusal(content: bytes) -> None:
    assert reasons_of(content) == frozenset()
    assert isinstance(refusal_of(403, content, {}, "list"), PermissionMissing)
    assert isinstance(refusal_of(410, content, {}, "delta"), CursorExpired)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 410, 412, 418, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("act", ["insert", "write"])
def test_an_answer_of_google_itself_leaves_no_write_unknown(status: int, act: str) -> None:
    assert not is_unknown(refused(status, "somethingNew", act))
