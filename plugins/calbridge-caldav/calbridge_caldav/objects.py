"""From the body of a resource to the things that can be linked in it (contract C1).

A resource with one UID and its master is one event under the resource's own path. Every other resource is taken apart:
each UID with a master, and each override without one, has a remote id of its own; the path alone is then ``Gone``, so
that a link which still names it looks for its UID and finds it under the new id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from calbridge.connectors.contract import Fetched, Gone, Seen, Unreadable
from calbridge.connectors.ical import Broken, Readable, read
from calbridge.domain.event import Event
from calbridge_caldav.hrefs import RemoteId, parse_remote_id


@dataclass(frozen=True, slots=True)
class Body:
    """What a resource holds, with the ETag that came with exactly these bytes."""

    etag: str | None
    data: bytes


def rows_of(path: str, body: Body, wanted: Iterable[str], own_addresses: frozenset[str]) -> list[Fetched]:
    """One row for each thing in the resource, and ``Gone`` for every wanted id that is no longer among them.

    An id whose UID is there but can't be read is ``Unreadable``: nobody knows which part of the event that is.
    """
    parts = read(body.data, own_addresses=own_addresses)
    if not parts:
        return [Unreadable(remote_id, body.etag, "no_vevent") for remote_id in sorted({path, *wanted})]
    if len(parts) == 1 and isinstance(parts[0], Broken):
        return [Unreadable(remote_id, body.etag, parts[0].code) for remote_id in sorted({path, *wanted})]
    whole = len(parts) == 1 and _is_whole(parts[0])
    found: list[Fetched] = [_row(_id_of(path, part, whole=whole), part, body) for part in parts]
    present = {row.remote_id for row in found}
    broken = {part.uid: part.code for part in parts if isinstance(part, Broken)}
    return found + [_missing(remote_id, broken, body) for remote_id in sorted(set(wanted) - present)]


def _missing(remote_id: str, broken: Mapping[str | None, str], body: Body) -> Fetched:
    code = broken.get(parse_remote_id(remote_id).uid or "")
    return Gone(remote_id) if code is None else Unreadable(remote_id, body.etag, code)


def part_named(parts: Iterable[Readable | Broken], remote_id: RemoteId) -> Readable | None:
    """The part an id stands for: for a plain path, the only one."""
    readable = [part for part in parts if isinstance(part, Readable)]
    if remote_id.uid is None:
        return readable[0] if len(readable) == 1 else None
    for part in readable:
        if (part.uid, part.recurrence_id) == (remote_id.uid, remote_id.recurrence_id):
            return part
    return None


def _is_whole(part: Readable | Broken) -> bool:
    return isinstance(part, Readable) and part.recurrence_id is None


def _id_of(path: str, part: Readable | Broken, *, whole: bool) -> str:
    if whole:
        return path
    recurrence_id = part.recurrence_id if isinstance(part, Readable) else None
    return RemoteId(path, part.uid or "", recurrence_id).text


def _row(remote_id: str, part: Readable | Broken, body: Body) -> Fetched:
    if isinstance(part, Broken):
        return Unreadable(remote_id, body.etag, part.code)
    event = event_of(part)
    return Seen(remote_id, body.etag, event.uid, event, body.data)


def event_of(part: Readable) -> Event:
    """The event of a part, as it is told in listings, fetches and answers to writes alike.

    An override is an appointment of its own until its master comes: invitations to two dates of one series are not the
    same event, hence their UIDs are told apart.
    """
    if part.recurrence_id is None:
        return part.event
    return replace(part.event, uid=f"{part.uid}#{part.recurrence_id}")
