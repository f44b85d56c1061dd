"""Answering an invitation where it stands."""

from __future__ import annotations

from datetime import datetime

from calbridge.connectors.ical import people
from calbridge.connectors.ical.opened import opened
from calbridge.connectors.ical.text import escape
from calbridge.connectors.ical.tree import Component, Line, line, serialise, with_parameters
from calbridge.domain.content import Field
from calbridge.errors import Rejected

OURS = "X-CALBRIDGE-ANSWER"
"""Marks the comment that an answer of ours left, so that the next answer replaces it."""


def respond(
    native: bytes,
    *,
    uid: str,
    recurrence_id: str | None,
    answer: str,
    own_addresses: frozenset[str],
    now: datetime,
    comment: str | None = None,
) -> bytes:
    """The file with the owner's answer to an invitation: PARTSTAT of the own ATTENDEE and nothing else (RFC 6638).

    ``comment`` becomes the COMMENT that a reply may carry (RFC 5546 section 3.2.3).
    :raises Rejected: ``not_invited``: the owner is no attendee; :raises VersionConflict: the event is not there.
    """
    event = opened(native, uid, recurrence_id, own_addresses)
    for part in (event.master, *(one for parts in event.overrides.values() for one in parts)):
        attendees = part.lines("ATTENDEE")
        if any(people.is_own(one, own_addresses) for one in attendees):
            part.put(("ATTENDEE",), [_answered(one, answer, own_addresses) for one in attendees])
            _say(part, comment)
            event.touch(part)
    if not event.touched:
        raise Rejected(code="not_invited", field=Field.MY_RESPONSE)
    event.stamp(now, own_addresses)
    return serialise(event.root)


def _say(part: Component, comment: str | None) -> None:
    """Our former words go, those of others stay."""
    said = part.lines("COMMENT")
    kept = [one for one in said if not one.parameter(OURS)]
    fresh = [line("COMMENT", escape(comment), {OURS: "TRUE"})] if comment else []
    if len(kept) < len(said) or fresh:
        part.put(("COMMENT",), [*kept, *fresh])


def _answered(attendee: Line, answer: str, own: frozenset[str]) -> Line:
    if not people.is_own(attendee, own):
        return attendee
    return with_parameters(attendee, {"RSVP": None, "PARTSTAT": people.PARTSTATS.get(answer, "NEEDS-ACTION")})
