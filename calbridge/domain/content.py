"""What an event or an item says, cut into merge units (SYNC D3).

A :class:`Content` is a map from :data:`Unit` to a value. The unit ``("", field)`` belongs to the event or the master
of a series; ``(key, field)`` to the occurrence whose original local start is ``key`` (SYNC A2). What is absent on the
master is empty; what is absent on an occurrence is inherited. ``(key, EXISTS) = False`` is an excluded occurrence: an
EXDATE and a cancelled override are the same thing.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from calbridge.domain.times import TimeKind, When, offsets


class Field(enum.StrEnum):
    """The merge units of one event or occurrence."""

    TIME = "time"
    TITLE = "title"
    TEXT = "description"
    LOCATION = "location"
    STATUS = "status"
    SHOW_AS = "show_as"
    VISIBILITY = "visibility"
    PEOPLE = "people"
    CATEGORIES = "categories"
    REMINDERS = "reminders"
    CONFERENCE = "conference_url"
    RESPONSES = "responses"
    MY_RESPONSE = "my_response"
    EXISTS = "exists"


HIDDEN_FIELDS = frozenset(
    {Field.TITLE, Field.TEXT, Field.LOCATION, Field.PEOPLE, Field.CATEGORIES, Field.CONFERENCE, Field.RESPONSES}
)
"""What the privacy level ``busy_only`` hides (SYNC A9)."""
NO_EDIT_FIELDS = frozenset({Field.RESPONSES, Field.MY_RESPONSE, Field.REMINDERS, Field.CONFERENCE})
"""Changes of these are no edits: they never conflict and never beat a deletion (SYNC D3)."""

Unit = tuple[str, Field]
MASTER = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The time unit: start, exclusive end and, for a series, its rule lines (``RRULE:...``, ``RDATE...``)."""

    start: When
    end: When
    rule: tuple[str, ...] = ()

    @property
    def duration(self) -> timedelta:
        """Length on the wall clock."""
        return self.end.local - self.start.local

    @property
    def recurring(self) -> bool:
        """Whether this is the time of a series."""
        return bool(self.rule)


@dataclass(frozen=True, slots=True)
class Text:
    """A description; ``html`` is the raw form where the source had one, ``plain`` what it says."""

    plain: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """An organizer or attendee, without the answer. ``email`` is lower case, without ``mailto:``."""

    email: str
    name: str = ""
    role: str = "required"


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part: the merge unit ``people``."""

    organizer: Person | None = None
    attendees: tuple[Person, ...] = ()

    def __bool__(self) -> bool:
        return self.organizer is not None or bool(self.attendees)


Responses = tuple[tuple[str, str], ...]
Value = Span | Text | People | Responses | tuple[str, ...] | tuple[int, ...] | str | bool | None

_DEFAULTS: Mapping[Field, str] = {Field.STATUS: "confirmed", Field.SHOW_AS: "busy", Field.VISIBILITY: "default"}


@dataclass(frozen=True, slots=True)
class Content:
    """An immutable set of units. Build it with :func:`content`; equal content compares equal by :meth:`same`."""

    units: Mapping[Unit, Value] = field(default_factory=dict)

    def get(self, unit: Unit) -> Value:
        """The stored value of a unit; None where empty or inherited."""
        return self.units.get(unit)

    def of(self, name: Field, key: str = MASTER) -> Value:
        """The value in force: an occurrence's own, else the master's."""
        own = self.units.get((key, name))
        if own is not None or key == MASTER:
            return own
        if name is Field.TIME:
            master = self.span
            return slot_span(master, key) if master else None
        return self.units.get((MASTER, name))

    @property
    def span(self) -> Span | None:
        """The time of the event or the master."""
        value = self.units.get((MASTER, Field.TIME))
        return value if isinstance(value, Span) else None

    @property
    def title(self) -> str:
        """The master's title."""
        value = self.units.get((MASTER, Field.TITLE))
        return value if isinstance(value, str) else ""

    @property
    def people(self) -> People:
        """The master's people."""
        value = self.units.get((MASTER, Field.PEOPLE))
        return value if isinstance(value, People) else People()

    @property
    def status(self) -> str:
        """The master's status: confirmed, tentative or cancelled."""
        return str(self.units.get((MASTER, Field.STATUS)) or "confirmed")

    @property
    def visibility(self) -> str:
        """The master's visibility: default, public, private or confidential."""
        return str(self.units.get((MASTER, Field.VISIBILITY)) or "default")

    @property
    def private(self) -> bool:
        """Whether the level for private items applies: one private occurrence makes its whole series private."""
        visibility = Field.VISIBILITY
        told = [value for (_, name), value in self.units.items() if name is visibility]
        return "private" in told or "confidential" in told

    @property
    def guests(self) -> bool:
        """Whether anybody is invited, to all of it or to one occurrence."""
        return any(isinstance(value, People) and bool(value.attendees) for value in self.units.values())

    @property
    def keys(self) -> tuple[str, ...]:
        """The occurrences that differ from their master, in order."""
        return tuple(sorted({key for key, _ in self.units if key != MASTER}))

    def excluded(self, key: str) -> bool:
        """Whether this occurrence is taken out of the series."""
        return self.units.get((key, Field.EXISTS)) is False

    def with_units(self, changed: Mapping[Unit, Value]) -> Content:
        """A copy with these units set; None empties (master) or inherits (occurrence)."""
        return content({**self.units, **changed})

    def without(self, fields: Iterable[Field]) -> Content:
        """A copy without these fields, on master and occurrences."""
        gone = frozenset(fields)
        if all(unit[1] not in gone for unit in self.units):
            return self
        return Content({unit: value for unit, value in self.units.items() if unit[1] not in gone})

    def same(self, other: Content) -> bool:
        """Whether both mean the same, unit by unit."""
        return not differing(self, other)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units)


EMPTY = Content()


def content(units: Mapping[Unit, Value]) -> Content:
    """Content in canonical form: no empty master units, no occurrence unit that equals what it would inherit."""
    master = {unit: value for unit, value in units.items() if unit[0] == MASTER and not _is_default(unit[1], value)}
    keyed = {unit: value for unit, value in units.items() if unit[0] != MASTER and value is not None}
    if not keyed:
        return Content(master)
    base = Content(master)
    excluded = {key for (key, name), value in keyed.items() if name is Field.EXISTS and value is False}
    kept = {
        (key, name): value
        for (key, name), value in keyed.items()
        if (name is Field.EXISTS and value is False)
        or (key not in excluded and name is not Field.EXISTS and not _inherits(base, key, name, value))
    }
    return Content({**master, **kept})


def _is_default(name: Field, value: Value) -> bool:
    if not value:
        return value is not False
    if isinstance(value, Text):
        return not value.plain
    return value == _DEFAULTS.get(name)


def _inherits(base: Content, key: str, name: Field, value: Value) -> bool:
    inherited = base.of(name, key)
    if inherited is None and _is_default(name, value):
        return True
    return same_value(inherited, value)


_LAST = datetime(9999, 12, 30)
"""A day before the end of all times, so that it can be told in every zone."""


def slot_span(master: Span, key: str) -> Span:
    """The time an occurrence has when nobody touched it; it lasts no longer than times can be told."""
    start = master.start.at(datetime.fromisoformat(key))
    try:
        return Span(start, start.shifted(master.duration))
    except OverflowError:
        return Span(start, start.at(max(start.local, _LAST)))


def same_value(one: Value, other: Value) -> bool:
    """Whether two values of a unit mean the same (SYNC A7): no zone names, no HTML bytes, no white space noise."""
    if one == other:
        return True
    return canonical(one) == canonical(other)


def same_unit(name: Field, one: Value, other: Value) -> bool:
    """:func:`same_value` that knows the field's default, so that an absent status is a confirmed one."""
    default = _DEFAULTS.get(name)
    return same_value(one if one is not None else default, other if other is not None else default)


_SPACES = re.compile(r"[ \t\u00a0]+")


def canonical(value: Value) -> object:
    """The meaning of a value as something comparable and hashable."""
    match value:
        case Span():
            return _canonical_span(value)
        case Text():
            return normal_text(value.plain) or None
        case People():
            if not value:
                return None
            organizer = value.organizer.email if value.organizer else None
            return (organizer, tuple(sorted((person.email, person.role) for person in value.attendees)))
        case str():
            return normal_text(value) or None
        case tuple():
            return tuple(sorted(value, key=repr)) or None
        case _:
            return value


def normal_text(text: str) -> str:
    """Text without differences that services make by themselves: line ends, runs of blanks, trailing white space."""
    if "\n" not in text and "\r" not in text:
        return _SPACES.sub(" ", text).strip()
    lines = [_SPACES.sub(" ", line).strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return "\n".join(lines).strip()


def _canonical_span(span: Span) -> object:
    return (
        span.start.key,
        span.end.key,
        _zone_class(span.start, span),
        _zone_class(span.end, span) if span.end.zone != span.start.zone else None,
        tuple(sorted(canonical_rule(line) for line in span.rule)),
    )


ENDLESS_YEARS = 6
"""How far the offsets of an endless series are compared."""
_LAST_YEAR = 9998
"""Of which all instants can be told in every zone."""


def _zone_class(moment: When, span: Span) -> object:
    if moment.kind is not TimeKind.ZONED:
        return (moment.kind.value, moment.offset if moment.kind is TimeKind.UNKNOWN else None)
    first = span.start.local.year
    last = max(first, span.end.local.year)
    if span.rule:
        last = max(last, min(_last_year(span.rule, first), first + ENDLESS_YEARS))
        return ("zoned", offsets(moment.zone or "UTC", min(first, _LAST_YEAR), min(last, _LAST_YEAR)))
    shift = moment.instant() - moment.local.replace(tzinfo=moment.instant().tzinfo)
    return ("zoned", shift)


_UNTIL = re.compile(r"UNTIL=(\d{4})")


def _last_year(rule: tuple[str, ...], first: int) -> int:
    found = [int(match.group(1)) for line in rule for match in [_UNTIL.search(line)] if match]
    return max(found) if found else first + ENDLESS_YEARS


def canonical_rule(line: str) -> str:
    """A recurrence line with its parts sorted and what means nothing left out (INTERVAL=1, order, case)."""
    name, _, body = line.partition(":")
    if not name.upper().startswith("RRULE"):
        return f"{name.upper()}:{','.join(sorted(body.upper().split(',')))}"
    parts = [part for part in body.upper().split(";") if part and part != "INTERVAL=1"]
    weekly = any(part == "FREQ=WEEKLY" for part in parts)
    interval = any(part.startswith("INTERVAL=") for part in parts)
    kept = [part for part in parts if part != "WKST=MO" and not (part.startswith("WKST=") and weekly and not interval)]
    return "RRULE:" + ";".join(sorted(_sorted_values(part) for part in kept))


def _sorted_values(part: str) -> str:
    name, _, values = part.partition("=")
    return f"{name}={','.join(sorted(values.split(',')))}" if name.startswith("BY") else part


def differing(one: Content, other: Content) -> frozenset[Unit]:
    """The units in which two contents differ in meaning."""
    if one.units == other.units:
        return frozenset()
    return frozenset(
        unit
        for unit in one.units.keys() | other.units.keys()
        if not _same_for(unit, one.units.get(unit), other.units.get(unit))
    )


def _same_for(unit: Unit, one: Value, other: Value) -> bool:
    if unit[0] == MASTER:
        return same_unit(unit[1], one, other)
    if (one is None) != (other is None):
        return False
    return same_value(one, other)
