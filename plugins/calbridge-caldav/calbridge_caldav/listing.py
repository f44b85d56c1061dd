"""All members of a calendar by PROPFIND depth 1: in place of sync-collection, or to check it (dossier 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from calbridge.errors import Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.collection import Collection
from calbridge_caldav.hrefs import canonical, is_event_name
from calbridge_caldav.multistatus import Multistatus, Row, read_multistatus


@dataclass(frozen=True, slots=True)
class State:
    """Marks of a collection: what a later poll can be compared with."""

    ctag: str | None
    token: str | None


def read_state(collection: Collection) -> State:
    """The marks now. To be read before a listing they are stored after: what changes between is listed again."""
    own = _own_row(collection, read_multistatus(collection.propfind(bodies.STATE, 0)))
    return State(own.props.get("ctag") or None, own.props.get("token") or None)


def list_members(collection: Collection) -> dict[str, str | None]:
    """Canonical path to ETag of every event resource; None for one whose row failed, as it is there all the same.

    Raises Unavailable (``malformed_answer``) for an answer that does not even hold the calendar itself, because an
    empty 207 is no empty calendar (dossier 3), and for one that the server has cut (507): absence means nothing.
    """
    answer = read_multistatus(collection.propfind(bodies.MEMBERS, 1))
    if any(row.status == 507 for row in answer.rows):
        raise Unavailable("a listing that was cut", code="malformed_answer", sent=True)
    _own_row(collection, answer)
    members: dict[str, str | None] = {}
    for row in answer.rows:
        path = canonical(row.href)
        if collection.contains(path) and is_event_name(path) and row.status not in (404, 410):
            members[path] = row.etag
    return members


def _own_row(collection: Collection, answer: Multistatus) -> Row:
    for row in answer.rows:
        if canonical(row.href).rstrip("/") == collection.path.rstrip("/"):
            if row.status is not None and row.status >= 400:
                collection.ensure_there()  # Xandikos answers 207 with a 404 row for what is not there
                break
            return row
    raise Unavailable("a listing without its calendar", code="malformed_answer", sent=True)
