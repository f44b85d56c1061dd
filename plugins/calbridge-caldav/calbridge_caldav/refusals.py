"""What an answer to PUT or DELETE means (dossier 5: 412 handling, UID conflict, refusals)."""

from __future__ import annotations

from calbridge.connectors.transport import Response
from calbridge.errors import ConnectorError, EventFailed, NotFound, Rejected, Unavailable, VersionConflict
from calbridge_caldav.collection import Collection
from calbridge_caldav.listing import read_state
from calbridge_caldav.properties import conditions
from calbridge_caldav.quirks import (
    NOT_EXPRESSIBLE_CONDITIONS,
    QUOTA_CONDITIONS,
    READ_ONLY_CONDITIONS,
    TOO_LARGE_CONDITIONS,
    UID_CONFLICT_CONDITIONS,
)

WRITTEN = frozenset({200, 201, 204})


def refusal_of(collection: Collection, response: Response) -> ConnectorError | None:
    """None for success; else the error. 404 means nothing there, 412 another version, whatever was written.

    A server that fails at a body says nothing about the calendar: where that still answers, the event alone has failed,
    or its outcome is unknown, as the server may go on with what its gateway does not wait for. Raises what the calendar
    answers where it does not.
    """
    error = _meaning(response)
    if isinstance(error, EventFailed) or response.status == 504:
        read_state(collection)
    if response.status == 504:
        raise unknown_outcome()
    return error


def unknown_outcome() -> Unavailable:
    """Nobody knows whether a write happened: its result is None, and the others go on."""
    return Unavailable("nobody knows what became of it", code="timed_out", sent=True)


def _meaning(response: Response) -> ConnectorError | None:
    status = response.status
    if status in WRITTEN:
        return None
    named = conditions(response)
    by_name = _by_condition(named)
    if by_name is not None:
        return by_name
    match status:
        case 404 | 410:
            return NotFound(status=status)
        case 412:
            return VersionConflict(status=status)
        case 409:
            return Rejected("conflict", code="uid_conflict")
        case 413:
            return Rejected("too large", code="too_large")
        case 423:
            return EventFailed("locked", code="locked_by_server", status=status)
        case 500 | 501 | 502 | 503:
            return EventFailed("the write failed", status=status)
        case 507:
            return Unavailable("no space left", code="quota_exceeded", status=status)
        case _ if 400 <= status < 500:
            return Rejected(f"status {status} {' '.join(sorted(named))}".strip()[:200])
        case _:
            return Unavailable("the write failed", status=status, sent=True)


def is_content_refusal(error: ConnectorError | None) -> bool:
    """Whether another body might be taken: the server named no better reason."""
    return isinstance(error, Rejected) and error.code == "rejected"


def _by_condition(named: frozenset[str]) -> ConnectorError | None:
    if named & UID_CONFLICT_CONDITIONS:
        return Rejected("another event has this UID", code="uid_conflict")
    if named & READ_ONLY_CONDITIONS:
        return Rejected("no right to write", code="read_only_calendar")
    if named & TOO_LARGE_CONDITIONS:
        return Rejected("too large", code="too_large")
    if named & NOT_EXPRESSIBLE_CONDITIONS:
        return Rejected("outside of what the server takes", code="not_expressible")
    if named & QUOTA_CONDITIONS:
        return Unavailable("no space left", code="quota_exceeded")
    return None
