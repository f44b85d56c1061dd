"""One write: what to send, under which condition, and what the answer means (contract C3, dossier 5).

A :class:`Written` is no result yet: what the server made of it is read back for the whole batch (:mod:`.reread`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from calbridge.connectors.contract import Answer, Create, Delete, Done, Failed, Update
from calbridge.connectors.ical import create, digest, edit, read, remove, respond
from calbridge.domain.content import Content, Field, Span, Unit, Value
from calbridge.errors import ConnectorError, EventFailed, NotFound, Rejected, VersionConflict
from calbridge_caldav.collection import Collection
from calbridge_caldav.fetch import Refusal, look
from calbridge_caldav.hrefs import RemoteId, parse_remote_id
from calbridge_caldav.multistatus import usable_etag
from calbridge_caldav.naming import place_of
from calbridge_caldav.objects import Body, part_named
from calbridge_caldav.quirks import MINIMAL_DURATION_SECONDS, look_before_writing
from calbridge_caldav.refusals import is_content_refusal, refusal_of, unknown_outcome


@dataclass(frozen=True, slots=True)
class Written:
    """The server took it: ``etag`` as its answer said, ``sent`` the bytes; ``theirs`` if an earlier try had done it."""

    remote_id: RemoteId
    uid: str
    sent: bytes
    etag: str | None
    conditional: bool
    earlier_try: bool = False


Outcome = Written | Done | Failed


@dataclass(frozen=True, slots=True)
class Terms:
    """How to write here: ``careful`` where the server is known to ignore conditions."""

    careful: bool
    own_addresses: frozenset[str]
    now: datetime


def put_new(collection: Collection, write: Create, terms: Terms) -> Outcome:
    """Create under the address that the key gives, if nothing is there."""
    remote_id = parse_remote_id(write.remote_id or place_of(collection.path, write.key).remote_id)
    if terms.careful and look(collection, remote_id.path) is not None:
        return _occupied(collection, write, remote_id, terms, VersionConflict())
    body = create(write.target, uid=write.uid, marker=write.key, source_url=write.source_url)
    url, condition = collection.url_of(remote_id.path), {"If-None-Match": "*"}
    response = collection.client.put(url, body, condition)
    error = refusal_of(collection, response)
    if is_content_refusal(error) and (longer := _lengthened(write.target.units)) is not None:
        body = create(Content(longer), uid=write.uid, marker=write.key, source_url=write.source_url)
        response = collection.client.put(url, body, condition)
        error = refusal_of(collection, response)
    if error is None:
        return Written(remote_id, write.uid, body, usable_etag(response.headers.get("ETag")), not terms.careful)
    if isinstance(error, VersionConflict) or (isinstance(error, Rejected) and error.code == "uid_conflict"):
        return _occupied(collection, write, remote_id, terms, error)
    if isinstance(error, EventFailed) and look(collection, remote_id.path) is not None:
        # It was stored before something failed: made again under another key it would be there twice (D4).
        return _occupied(collection, write, remote_id, terms, error)
    if isinstance(error, NotFound):
        # Nothing can be missing for a create but the calendar; where that is there, it was a refusal (iCloud, SOGo).
        collection.ensure_there()
        return Failed(Rejected("status 404"))
    return Failed(error)


def _occupied(
    collection: Collection, write: Create, remote_id: RemoteId, terms: Terms, error: ConnectorError
) -> Outcome:
    """After a refusal that something is in the way: our own earlier try, or a stranger, or nobody can say what."""
    held = look(collection, remote_id.path)
    if isinstance(held, Refusal) and held.code is None:
        raise unknown_outcome()
    if isinstance(held, Refusal) and isinstance(error, VersionConflict):
        return Failed(EventFailed("what is there can't be read"))
    if held is None:
        collection.ensure_there()
        return Failed(Rejected("the UID is taken", code="uid_conflict"))
    if isinstance(held, Body):
        part = part_named(read(held.data, own_addresses=terms.own_addresses), RemoteId(remote_id.path))
        if part is not None and part.uid == write.uid and part.event.marker == write.key:
            sent = create(write.target, uid=write.uid, marker=write.key, source_url=write.source_url)
            return Written(remote_id, write.uid, sent, None, conditional=True, earlier_try=True)
    return Failed(error)


def put_changes(collection: Collection, write: Update, terms: Terms) -> Outcome:
    """Edit the stored resource in place and put it back, if it is still the version that was edited."""
    remote_id = parse_remote_id(write.remote_id)
    base = _base(collection, remote_id, write.version, write.native, terms)
    if not isinstance(base, _Base):
        return base
    part = part_named(read(base.native, own_addresses=terms.own_addresses), remote_id)
    if part is None:
        return Failed(VersionConflict("the event is not in its resource"))
    error: ConnectorError | None = None
    for units in (write.units, _lengthened(write.units)):
        if units is None or not (error is None or is_content_refusal(error)):
            break
        body = edit(
            base.native,
            uid=part.uid,
            recurrence_id=part.recurrence_id,
            units=units,
            rekeyed=write.rekeyed,
            redact=write.redact,
            now=terms.now,
            own_addresses=terms.own_addresses,
        )
        response = collection.client.put(collection.url_of(remote_id.path), body, base.condition)
        error = refusal_of(collection, response)
        if error is None:
            return Written(remote_id, part.uid, body, usable_etag(response.headers.get("ETag")), base.conditional)
    return Failed(error or Rejected())


def put_answer(collection: Collection, write: Answer, terms: Terms) -> Outcome:
    """Put the own PARTSTAT into the resource; a server that schedules tells the organiser (RFC 6638 section 3.2.2).

    Some servers take no other change from a guest (``allowed-attendee-scheduling-object-change``), so an answer whose
    comment is refused is given without it.
    """
    remote_id = parse_remote_id(write.remote_id)
    base = _base(collection, remote_id, write.version, write.native, terms)
    if not isinstance(base, _Base):
        return base
    part = part_named(read(base.native, own_addresses=terms.own_addresses), remote_id)
    if part is None:
        return Failed(VersionConflict("the event is not in its resource"))
    error: ConnectorError | None = None
    for comment in dict.fromkeys((write.comment, None)):
        body = respond(
            base.native,
            uid=part.uid,
            recurrence_id=part.recurrence_id,
            answer=write.answer,
            own_addresses=terms.own_addresses,
            now=terms.now,
            comment=comment,
        )
        response = collection.client.put(collection.url_of(remote_id.path), body, base.condition)
        error = refusal_of(collection, response)
        if error is None:
            return Written(remote_id, part.uid, body, usable_etag(response.headers.get("ETag")), base.conditional)
        if not is_content_refusal(error):
            break
    return Failed(error or Rejected())


def take_away(collection: Collection, write: Delete, terms: Terms) -> Outcome:
    """Delete a resource, or take one part out of it. Nobody is told (RFC 6638 section 8.1)."""
    remote_id = parse_remote_id(write.remote_id)
    native = write.native
    if remote_id.uid is None and native is None and not (terms.careful or look_before_writing(write.version)):
        base: _Base | Failed = _Base(b"", {"If-Match": write.version or ""}, conditional=True)
    else:
        base = _base(collection, remote_id, write.version, native, terms)
    if not isinstance(base, _Base):
        return base
    if remote_id.uid is not None:
        body = remove(base.native, uid=remote_id.uid, recurrence_id=remote_id.recurrence_id)
        if body is not None:
            return _put_rest(collection, remote_id, body, base)
    response = collection.client.delete(collection.url_of(remote_id.path), base.condition)
    error = refusal_of(collection, response)
    return Failed(error) if error is not None else Done(write.remote_id, conditional=base.conditional)


def _put_rest(collection: Collection, remote_id: RemoteId, body: bytes, base: _Base) -> Outcome:
    response = collection.client.put(collection.url_of(remote_id.path), body, base.condition)
    error = refusal_of(collection, response)
    return Failed(error) if error is not None else Done(remote_id.text, conditional=base.conditional)


@dataclass(frozen=True, slots=True)
class _Base:
    """The bytes to edit and the condition to send with them."""

    native: bytes
    condition: Mapping[str, str]
    conditional: bool


def _base(
    collection: Collection, remote_id: RemoteId, version: str | None, native: bytes | None, terms: Terms
) -> _Base | Failed:
    """Trust the condition, or look first where it is worth nothing.

    A look finds deletions (SOGo would bring the event back) and changes (weak ETags never match); between the look and
    the write a gap remains, which is why such a write counts as unconditional.
    """
    if native is not None and version is not None and not (terms.careful or look_before_writing(version)):
        return _Base(native, {"If-Match": version}, conditional=True)
    held = look(collection, remote_id.path)
    if held is None:
        collection.ensure_there()
        return Failed(NotFound("nothing at this address"))
    if isinstance(held, Refusal):
        return Failed(EventFailed("the event can't be read"))
    if native is not None and digest(held.data) != digest(native):
        return Failed(VersionConflict("changed since it was read"))
    if native is None and version is not None and held.etag != version:
        return Failed(VersionConflict("changed since it was read"))
    strong = held.etag is not None and not held.etag.startswith("W/")
    condition = {"If-Match": held.etag} if strong and held.etag else {}
    return _Base(held.data, condition, conditional=strong and not terms.careful and not look_before_writing(held.etag))


def _lengthened(units: Mapping[Unit, Value]) -> dict[Unit, Value] | None:
    """The same units with instants a second long; None where there are none (dossier 5: Cyrus refuses them)."""
    changed: dict[Unit, Value] = {
        unit: replace(value, end=value.start.shifted(timedelta(seconds=MINIMAL_DURATION_SECONDS)))
        for unit, value in units.items()
        if unit[1] is Field.TIME and isinstance(value, Span) and value.start == value.end and not value.start.is_date
    }
    return {**units, **changed} if changed else None


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)
