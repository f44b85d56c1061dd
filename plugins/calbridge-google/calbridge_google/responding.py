"""Answering invitations (contract C9): a patch of one's own entry alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calbridge.connectors.contract import Answer, Done, Failed, Result
from calbridge.errors import ConnectorError, NotFound, Rejected, VersionConflict
from calbridge_google.bundle import Broken, Bundle, bundle_of, etag_of, event_of, is_cancelled
from calbridge_google.client import Call, is_unknown
from calbridge_google.naming import is_event_id
from calbridge_google.people import STATUSES, is_organised_here, own_entry
from calbridge_google.series import Reader


def respond(reader: Reader, answer: Answer) -> Result:
    """The result of answering; the organiser learns it by Google, nobody else does."""
    try:
        bundle = _base(reader, answer)
        after = bundle.with_answers([reader.client.one(_call(reader, answer, bundle))])
        after = _with_exceptions(reader, answer, after)
        return Done(after.id, after.version, event_of(after), after.native, conditional=answer.version is not None)
    except Broken as error:
        return Failed(Rejected("the event can't be read", code=error.code))
    except ConnectorError as error:
        return None if is_unknown(error) else Failed(error)


def _base(reader: Reader, answer: Answer) -> Bundle:
    """The meeting as it was shown, or as it is where the core keeps no copy."""
    stored = bundle_of(answer.native) if answer.native is not None else None
    if stored is not None and stored.id == answer.remote_id:
        return stored
    if not is_event_id(answer.remote_id):
        raise NotFound("no id of an event")
    found = reader.read([answer.remote_id])[answer.remote_id]
    if found.bundle is None or is_cancelled(found.bundle.master):
        raise NotFound("nothing at this address")
    if answer.version not in (None, found.bundle.version):
        raise VersionConflict("changed since it was read")
    return found.bundle


def _with_exceptions(reader: Reader, answer: Answer, bundle: Bundle) -> Bundle:
    """Exceptions have answers of their own; one that could not be given now is shown as it is."""
    wanted = STATUSES[answer.answer]
    calls = [
        _patch(reader, answer, each, own, str(each.get("etag") or ""))
        for each in bundle.exceptions
        if not is_cancelled(each) and (own := own_entry(each)) is not None and own.get("responseStatus") != wanted
    ]
    outcomes = reader.client.all(calls) if calls else []
    return bundle.with_answers(outcome for outcome in outcomes if not isinstance(outcome, ConnectorError))


def _call(reader: Reader, answer: Answer, bundle: Bundle) -> Call:
    own = own_entry(bundle.master)
    if own is None or is_organised_here(bundle.master):
        raise Rejected("no guest of this meeting", code="not_invited")
    return _patch(reader, answer, bundle.master, own, etag_of(answer.version) if answer.version else bundle.etag)


def _patch(reader: Reader, answer: Answer, resource: Mapping[str, Any], own: Mapping[str, Any], etag: str) -> Call:
    entry: dict[str, Any] = {"email": own["email"], "self": True, "responseStatus": STATUSES[answer.answer]}
    if answer.comment is not None:
        entry["comment"] = answer.comment
    # With attendeesOmitted the list that is sent replaces only what it names.
    body = {"attendees": [entry], "attendeesOmitted": True}
    parameters = {"calendarId": reader.calendar, "eventId": resource["id"], "sendUpdates": "all"}
    return Call("patch", parameters, "write", if_match=etag, body=body)
