"""One address of the contract: a single event, or a series as its master with all its exceptions.

Google keeps exceptions as items of their own, with versions of their own; here they are one thing again (SYNC A2).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calbridge.connectors.contract import Gone, Seen, Unreadable
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.event import ALL_EDITABLE, NOTHING_EDITABLE, Editable, Event
from calbridge.domain.recurrence import has_slot
from calbridge.errors import Rejected
from calbridge_google.fields import read_fields
from calbridge_google.limits import ATTENDEES, EXCEPTIONS, MARKER, READABLE_TYPES, WRITABLE_TYPE
from calbridge_google.people import attendees_of, is_organised_here, own_entry
from calbridge_google.rules import Unsupported, excluded_of, read_rule
from calbridge_google.times import times_of, wall, when_of

Resource = Mapping[str, Any]
_HASH = 16
_ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading raises where a value is of no kind that its name promises, :class:`BadValue` among them."""


def is_cancelled(resource: Resource) -> bool:
    """Deleted, or an instance that is taken out of its series."""
    return resource.get("status") == "cancelled"


def series_id(resource: Resource) -> str | None:
    """The series of an instance or exception."""
    found = resource.get("recurringEventId")
    return str(found) if found else None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A master, single event or lone instance, and the exceptions of a series, cancelled instances included."""

    master: Resource
    exceptions: tuple[Resource, ...] = ()

    @property
    def id(self) -> str:
        """The address."""
        return str(self.master.get("id") or "")

    @property
    def uid(self) -> str:
        """All of a series share it."""
        return str(self.master.get("iCalUID") or "")

    @property
    def recurring(self) -> bool:
        """Whether it is a series."""
        return bool(self.master.get("recurrence"))

    @property
    def etag(self) -> str:
        """The master's own."""
        return str(self.master.get("etag") or "")

    @property
    def version(self) -> str | None:
        """See :func:`version_of`."""
        return version_of(self.etag, (mark_of(each) for each in self.exceptions))

    @property
    def native(self) -> bytes:
        """What an edit in place needs: everything as Google told it."""
        return json.dumps([self.master, *self.exceptions], separators=(",", ":"), ensure_ascii=False).encode()

    def with_answers(self, answers: Iterable[Resource]) -> Bundle:
        """With what writes have answered: each replaces the part that has its id."""
        master, parts = self.master, {str(each.get("id")): each for each in self.exceptions}
        for answer in answers:
            if answer.get("id") == self.master.get("id"):
                master = answer
            else:
                parts[str(answer.get("id"))] = answer
        return Bundle(master, tuple(parts.values()) if master.get("recurrence") else ())


def mark_of(exception: Resource) -> str:
    """What a version remembers of an exception; of a cancelled one only that it is."""
    return str(exception.get("id")) + ("" if is_cancelled(exception) else f" {exception.get('etag')}")


def version_of(etag: str, marks: Iterable[str]) -> str | None:
    """A version that covers a whole series: the master's etag, behind a hash of the exceptions where there are some."""
    if not etag:
        return None
    told = sorted(marks)
    if not told:
        return etag
    return f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:_HASH]}:{etag}"


def etag_of(version: str) -> str:
    """The master's etag in a version."""
    head, colon, tail = version.partition(":")
    return tail if colon and len(head) == _HASH and '"' not in head else version


def bundle_of(native: bytes) -> Bundle | None:
    """What :attr:`Bundle.native` stored; None for bytes that are not ours."""
    try:
        told = json.loads(native)
    except ValueError:
        return None
    if not isinstance(told, list) or not told or not all(isinstance(each, dict) for each in told):
        return None
    return Bundle(told[0], tuple(told[1:]))


class Broken(ValueError):
    """An event that can't be understood; ``code`` is in the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def row_of(bundle: Bundle) -> Seen | Gone | Unreadable:
    """The answer about an address."""
    if is_cancelled(bundle.master):
        return Gone(bundle.id, sure=True)
    try:
        event = event_of(bundle)
    except Broken as error:
        return Unreadable(bundle.id, bundle.version, error.code)
    return Seen(bundle.id, bundle.version, event.uid, event, bundle.native)


def event_of(bundle: Bundle) -> Event:
    """The whole event. :raises Broken: with its code."""
    master = bundle.master
    if str(master.get("eventType") or WRITABLE_TYPE) not in READABLE_TYPES:
        raise Broken("no_appointment")
    if not bundle.uid:
        raise Broken("no_uid")
    with _reading():
        return Event(
            uid=_uid_of(bundle),
            content=content_of(bundle),
            marker=marker_of(master),
            editable=_editable(master),
            modified_at=_modified(master),
            organised_here=is_organised_here(master),
            web_link=str(master.get("htmlLink") or "") or None,
            masked=is_masked(master),
        )


def _uid_of(bundle: Bundle) -> str:
    """All instances of a series share one UID; one that stands alone is told apart by its original start (C1.address).

    :raises BadValue: it names none.
    """
    if series_id(bundle.master) is None:
        return bundle.uid
    return f"{bundle.uid}#{when_of(bundle.master.get('originalStartTime')).key}"


def is_masked(resource: Resource) -> bool:
    """Whether this account is shown the times alone: whoever sees more sees at least who made it."""
    private = resource.get("visibility") in ("private", "confidential")
    return private and not any(resource.get(name) for name in ("summary", "creator", "organizer"))


def marker_of(resource: Resource) -> str | None:
    """The stable key found on an event."""
    return private_properties(resource).get(MARKER)


def private_properties(resource: Resource, scope: str = "private") -> dict[str, str]:
    """Extended properties of one scope."""
    told = resource.get("extendedProperties")
    found = told.get(scope) if isinstance(told, Mapping) else None
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}


def _editable(master: Resource) -> Editable:
    if str(master.get("eventType") or WRITABLE_TYPE) != WRITABLE_TYPE:
        return NOTHING_EDITABLE
    if is_masked(master):
        return NOTHING_EDITABLE
    here = is_organised_here(master)
    free = (here or bool(master.get("guestsCanModify"))) and not master.get("locked")
    people = here and not master.get("attendeesOmitted")
    invited = own_entry(master) is not None and not here
    if free and people and not invited:
        return ALL_EDITABLE
    return Editable(time=free, details=free, people=people, existence=True, response=invited)


def _modified(master: Resource) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(master.get("updated")))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever is wrong with one event is told as that event's own: it never stops its calendar. :raises Broken:"""
    try:
        yield
    except Broken:
        raise
    except Unsupported as error:
        raise Broken("unsupported_recurrence") from error
    except Rejected as error:
        code = "too_many_overrides" if error.code == "recurrence_too_large" else error.code
        raise Broken(code) from error
    except _ODD as error:
        raise Broken("broken_calendar_data") from error


def content_of(bundle: Bundle) -> Content:
    """Master, overrides and exclusions as merge units. :raises Broken: with its code."""
    with _reading():
        if any(len(attendees_of(each)) > ATTENDEES for each in (bundle.master, *bundle.exceptions)):
            raise Broken("too_large")
        span = span_of(bundle.master)
        units: dict[Unit, Value] = {(MASTER, name): value for name, value in read_fields(bundle.master).items()}
        units[(MASTER, Field.TIME)] = span
        if span.recurring:
            _add_occurrences(units, bundle, span)
        return content(units)


def span_of(master: Resource) -> Span:
    """The time of a single event or a master. :raises BadValue, Unsupported, Rejected: as :func:`content_of`."""
    lines = master.get("recurrence") or ()
    start, end = times_of(master, recurring=bool(lines))
    return Span(start, end, read_rule(lines, start) if lines else ())


def _add_occurrences(units: dict[Unit, Value], bundle: Bundle, span: Span) -> None:
    excluded = list(excluded_of(bundle.master.get("recurrence") or (), span.start))
    if len(excluded) + len(bundle.exceptions) > EXCEPTIONS:
        raise Broken("too_many_overrides")
    for exception in bundle.exceptions:
        key = key_of(exception, span)
        if is_cancelled(exception):
            excluded.append(key)
            continue
        start, end = times_of(exception, recurring=False)
        units[(key, Field.TIME)] = Span(start, end)
        fields = read_fields(exception)
        units.update({(key, name): value for name, value in fields.items() if name is not Field.REMINDERS})
    # A cancelled instance where the rule has no slot any more takes nothing out.
    units.update({(key, Field.EXISTS): False for key in excluded if has_slot(span, key)})


def key_of(exception: Resource, span: Span) -> str:
    """The original local start that keys an exception. :raises BadValue: there is none."""
    return wall(when_of(exception.get("originalStartTime")), span.start).key


def lone(resource: Resource) -> Bundle:
    """An instance whose series is not in this calendar: an event of its own (C1.address)."""
    return Bundle({key: value for key, value in resource.items() if key != "recurrence"})
