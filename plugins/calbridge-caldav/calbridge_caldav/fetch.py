"""Reading bodies in batches: multiget, and single GETs for what a multiget leaves open (dossier 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from calbridge.errors import Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.client import OBJECT_BYTES
from calbridge_caldav.collection import Collection
from calbridge_caldav.hrefs import canonical
from calbridge_caldav.listing import list_members, read_state
from calbridge_caldav.multistatus import Row, read_multistatus, usable_etag
from calbridge_caldav.objects import Body

_HALVED = frozenset({413, 500, 502, 504, 507})
"""Too much at once, or one object at which the server, or its worker behind a gateway, breaks down."""
_BAD_GATEWAY = frozenset({502, 504})
_NO_OBJECT = frozenset({"timed_out", "malformed_answer", "login_page"})
_HALVED_CODES = _NO_OBJECT | {"response_too_large"}
_MAX_HALVINGS = 12
"""In a row: as many as a batch of 500 with one bad member needs, and some."""
_MAX_LATE = 3
"""In a row: whoever waits so often for nothing waits for a server that is down."""
_LOOKED_AT_SINGLY = 8
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something is there, but the server does not hand it out; ``code`` is in the catalogue."""

    code: str
    etag: str | None = None


MISSING = None
"""Nothing is there: said twice, or by a GET."""

Found = Mapping[str, Body | Refusal | None]


@dataclass
class _Batch:
    """One call of :func:`fetch_bodies`."""

    collection: Collection
    size: int
    known_gone: Set[str]
    found: dict[str, Body | Refusal | None] = field(default_factory=dict)
    failures: int = 0
    """Halvings and waits in a row, of the part that was cut off last."""


def fetch_bodies(
    collection: Collection, paths: Sequence[str], *, size: int, known_gone: Set[str] = frozenset()
) -> Found:
    """An answer for every canonical path.

    A member that a multiget does not show is looked at a second time before it counts as missing: multigets lag behind
    listings at times (dossier 8, vdirsyncer 225) and some leave rows out (DAViCal). Only a 404 row for one of
    ``known_gone``, which a delta named as deleted, is believed at once. Raises CalendarGone, Unavailable and so on
    where the calendar as a whole does not answer.
    """
    batch = _Batch(collection, size, known_gone)
    unique = list(dict.fromkeys(paths))
    for start in range(0, len(unique), size):
        batch.failures = 0
        _multiget(batch, unique[start : start + size])
    open_paths = [path for path in unique if path not in batch.found]
    if len(open_paths) > _LOOKED_AT_SINGLY:
        open_paths = _listed(batch, open_paths)
    for path in open_paths:
        batch.found[path] = look(collection, path)
    return batch.found


def _multiget(batch: _Batch, paths: Sequence[str]) -> None:
    """Fill in what one request tells; halve it where the server can't bear its size or one of its objects.

    Where halving leads nowhere the rest stays open, for a listing and single reads. An object that fails alone does not
    count as that: many of them side by side say nothing about the server.
    """
    if batch.failures > _MAX_HALVINGS:
        return
    try:
        response = batch.collection.report(bodies.multiget(paths))
        if response.status == 403:
            batch.collection.closed()
        if response.status in _HALVED:
            raise Unavailable("a multiget failed", status=response.status, sent=True)
        rows = read_multistatus(response).rows if response.status == 207 else []
    except Unavailable as error:
        if error.facts.get("status") not in _HALVED and error.code not in _HALVED_CODES:
            raise
        if not batch.failures and (error.code == "login_page" or error.facts.get("status") in _BAD_GATEWAY):
            read_state(batch.collection)  # what stands before a server answers so where that is gone as a whole
        late, half = error.code == "timed_out", len(paths) // 2
        batch.failures += bool(half or late)
        if late and batch.failures > _MAX_LATE:
            raise
        for part in (paths[:half], paths[half:]) if half else ():
            _multiget(batch, part)
        return
    batch.failures = 0
    wanted = set(paths)
    for row in rows:
        path = canonical(row.href)
        if path in wanted:
            _take(batch, path, row)


def _take(batch: _Batch, path: str, row: Row) -> None:
    """A row with a whole body, or a believed deletion; anything else stays open.

    A replacement character says that the server could not put the bytes into XML: writing that back would destroy them.
    """
    if row.data and REPLACEMENT not in row.data and (row.status is None or row.status < 300):
        data = row.data.encode()
        batch.found[path] = Body(row.etag, data) if len(data) <= OBJECT_BYTES else Refusal("too_large", row.etag)
    elif row.status in (404, 410) and path in batch.known_gone:
        batch.found[path] = MISSING


def _listed(batch: _Batch, paths: Iterable[str]) -> list[str]:
    """Those of many open paths that a listing still shows; the others are missing."""
    members = list_members(batch.collection)
    present = []
    for path in paths:
        if path in members:
            present.append(path)
        else:
            batch.found[path] = MISSING
    return present


def look(collection: Collection, path: str) -> Body | Refusal | None:
    """One object by itself. What the server fails at is that object's trouble alone: it never stops the calendar.

    But a server that fails at everything says nothing about single objects: raises Unavailable and so on where the
    calendar does not answer either.
    """
    held = _get(collection, path)
    if isinstance(held, Refusal):
        read_state(collection)
    return held


def _get(collection: Collection, path: str) -> Body | Refusal | None:
    try:
        response = collection.client.get(collection.url_of(path))
    except Unavailable as error:
        if error.code == "response_too_large":
            return Refusal("too_large")
        if error.code in _NO_OBJECT or error.facts.get("status") in _BAD_GATEWAY:
            return Refusal("broken_calendar_data")
        raise
    if response.status in (404, 410):
        return MISSING
    etag = usable_etag(response.headers.get("ETag"))
    if response.status == 200 and response.body.strip():
        return Body(etag, response.body)
    return Refusal("permission_missing" if response.status == 403 else "broken_calendar_data", etag)
