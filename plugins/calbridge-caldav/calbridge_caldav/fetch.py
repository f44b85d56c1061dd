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

_GATEWAY = frozenset({502, 503, 504})
"""What stands before a server says so for it: nobody answered."""
_HALVED = frozenset({413, 500, 507}) | _GATEWAY
"""Too much at once, or one object at which the server, or its worker behind a gateway, breaks down."""
_NO_OBJECT = frozenset({"timed_out", "malformed_answer", "login_page"})
_HALVED_CODES = _NO_OBJECT | {"response_too_large"}
_MAX_HALVINGS = 12
"""In a row: as many as a batch of 500 with one bad member needs, and some."""
_MAX_LATE = 3
"""In a row: whoever waits so often for nothing does not go on with that question."""
_MAX_SILENT = 3
"""In a row: where nobody answered for so many, the rest is not asked for now."""
_LOOKED_AT_SINGLY = 8
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server does not hand it out; ``code`` is in the catalogue, and says that something is there.

    Without a code nobody answered: what is there is not known, and may be asked for again (contract C.fetch).
    """

    code: str | None = None
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
    silent = 0
    for path in open_paths:
        held = look(collection, path) if silent < _MAX_SILENT else Refusal()
        silent = silent + 1 if isinstance(held, Refusal) and held.code is None else 0
        batch.found[path] = held
    if any(batch.found[path] is MISSING for path in open_paths):
        read_state(collection)  # what stands before a server that is gone says 404 of everything
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
        if not at_one_object(error):
            raise
        if not batch.failures and (error.code == "login_page" or _unanswered(error)):
            read_state(batch.collection)  # what stands before a server answers so where that is gone as a whole
        late, half = error.code == "timed_out", len(paths) // 2
        batch.failures += bool(half or late)
        if late and batch.failures > _MAX_LATE:
            read_state(batch.collection)  # raises where the calendar is as silent
            return
        for part in (paths[:half], paths[half:]) if half else ():
            _multiget(batch, part)
        return
    batch.failures = 0
    wanted = set(paths)
    for row in rows:
        path = canonical(row.href)
        if path in wanted:
            _take(batch, path, row)


def at_one_object(error: Unavailable) -> bool:
    """Whether a request may have failed at one of the objects it concerns, while the server is well."""
    return error.facts.get("status") in _HALVED or error.code in _HALVED_CODES or _unanswered(error)


def _unanswered(error: Unavailable) -> bool:
    """Whether nobody answered: a gateway says so, or the connection ended (a worker that broke down)."""
    lost = error.code == "host_unreachable" and error.facts.get("sent") is True
    return lost or error.facts.get("status") in _GATEWAY


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
        if error.code in _NO_OBJECT:
            return Refusal("broken_calendar_data")
        if _unanswered(error):
            return Refusal()
        raise
    if response.status in (404, 410):
        return MISSING
    etag = usable_etag(response.headers.get("ETag"))
    if response.status == 200 and response.body.strip():
        return Body(etag, response.body)
    return Refusal("permission_missing" if response.status == 403 else "broken_calendar_data", etag)
