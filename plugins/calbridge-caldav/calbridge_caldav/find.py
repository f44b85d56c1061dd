"""Looking for events by our keys and by UIDs (contract ``find``, D7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from calbridge.connectors.contract import Seen
from calbridge.errors import Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.collection import Collection
from calbridge_caldav.fetch import REPLACEMENT, at_one_object, fetch_bodies, look
from calbridge_caldav.hrefs import canonical, is_event_name
from calbridge_caldav.listing import read_state
from calbridge_caldav.multistatus import Row, read_multistatus
from calbridge_caldav.naming import own_path, place_of
from calbridge_caldav.objects import Body, rows_of
from calbridge_caldav.properties import conditions

_UNKNOWN_QUERY = frozenset({"supported-report", "supported-filter"})
"""What a server says of a query that it does not know (RFC 3253 section 3.6, RFC 4791 section 7.8)."""


def find(
    collection: Collection,
    keys: Sequence[str],
    uids: Sequence[str],
    *,
    size: int,
    known_gone: Set[str],
    own_addresses: frozenset[str],
) -> list[Seen]:
    """Events with one of the keys as marker or one of the UIDs, wherever in the calendar they are.

    Addresses of our own making are fetched in batches; a UID that is not found there costs one calendar-query.
    """
    places = [place_of(collection.path, key) for key in keys]
    wanted = set(uids) | {place.uid for place in places}
    guesses = {place.remote_id for place in places} | {p for uid in uids if (p := own_path(collection.path, uid))}
    found: dict[str, Seen] = {}
    bodies_found = fetch_bodies(collection, sorted(guesses), size=size, known_gone=known_gone)
    for path, body in bodies_found.items():
        if isinstance(body, Body):
            _add(found, path, body, own_addresses)
    missing = wanted - {seen.uid for seen in found.values()}
    for uid in sorted(set().union(*map(_in_files, missing))):
        for path, body in _query(collection, uid):
            _add(found, path, body, own_addresses)
    marked = set(keys)
    return [seen for seen in found.values() if seen.uid in wanted or (seen.event and seen.event.marker in marked)]


def _in_files(uid: str) -> set[str]:
    """What a file may have for a UID as it is told: that of an override without its master has its date at the end."""
    return {uid, uid.rpartition("#")[0] or uid}


def _add(found: dict[str, Seen], path: str, body: Body, own_addresses: frozenset[str]) -> None:
    for row in rows_of(path, body, (), own_addresses):
        if isinstance(row, Seen):
            found[row.remote_id] = row


def _query(collection: Collection, uid: str) -> Iterable[tuple[str, Body]]:
    """Servers may answer more than was asked; the caller compares."""
    for row in _rows(collection, uid):
        path = canonical(row.href)
        if collection.contains(path) and is_event_name(path):
            body = _body(collection, path, row)
            if body is not None:
                yield path, body


def _rows(collection: Collection, uid: str) -> Sequence[Row]:
    """A server that knows no such query finds nothing, nor does one that fails at it while the calendar answers.

    The addresses of our own making were looked at before. Raises what the calendar answers where it does not.
    """
    try:
        response = collection.report(bodies.uid_query(uid), depth=1)
        if response.status == 403 and not conditions(response) & _UNKNOWN_QUERY:
            collection.closed()
        return () if 400 <= response.status < 500 or response.status == 501 else read_multistatus(response).rows
    except Unavailable as error:
        if not at_one_object(error):
            raise
        read_state(collection)
        return ()


def _body(collection: Collection, path: str, row: Row) -> Body | None:
    if row.data and REPLACEMENT not in row.data:
        return Body(row.etag, row.data.encode())
    held = look(collection, path)
    return held if isinstance(held, Body) else None
