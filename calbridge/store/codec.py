"""Values of the calendar as plain JSON values and back, exactly.

Kinds of values are told apart by tags, tuples become lists. Every function here has its inverse; a property test
holds them together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

from calbridge.connectors.contract import Window
from calbridge.domain.content import EMPTY, Content, Field, People, Person, Span, Text, Unit, Value
from calbridge.domain.event import Editable
from calbridge.domain.times import TimeKind, When

_KEPT_TEXTS = 512
_LAST: dict[int, tuple[Content, str]] = {}
"""What was encoded last, by the identity of the content: contents never change."""
_compact = json.JSONEncoder(separators=(",", ":")).encode
_EDITABLE = ("time", "details", "people", "existence", "response")


def when_out(when: When) -> list[Any]:
    """``[kind, local, zone, offset]``."""
    return [when.kind.value, when.local.isoformat(), when.zone, when.offset]


def when_in(data: list[Any]) -> When:
    """Inverse of :func:`when_out`."""
    return When(TimeKind(data[0]), datetime.fromisoformat(data[1]), data[2], data[3])


def plain(value: object) -> Any:
    """A value of a unit, or of a log line, as plain JSON. What is of no known kind becomes its text."""
    match value:
        case None | bool() | int() | str() | float():
            return value
        case tuple() | list():
            return [plain(part) for part in value]
        case Span():
            return {"span": [when_out(value.start), when_out(value.end), *value.rule]}
        case When():
            return {"when": when_out(value)}
        case Text():
            return {"text": [value.plain, value.html]}
        case People():
            return {"people": [_person_out(value.organizer), *map(_person_out, value.attendees)]}
        case Person():
            return {"person": _person_out(value)}
        case datetime():
            return {"instant": value.isoformat()}
        case _:
            return str(value)


def value_in(data: Any) -> Any:
    """Inverse of :func:`plain`."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return tuple(value_in(part) for part in data)
    if not isinstance(data, dict):
        return data
    ((tag, body),) = data.items()
    match tag:
        case "span":
            return Span(when_in(body[0]), when_in(body[1]), tuple(body[2:]))
        case "when":
            return when_in(body)
        case "text":
            return Text(body[0], body[1])
        case "people":
            first, *others = body
            return People(_person_in(first), tuple(Person(*other) for other in others))
        case "person":
            return Person(*body)
        case _:
            return datetime.fromisoformat(body)


def _person_out(person: Person | None) -> list[str] | None:
    return None if person is None else [person.email, person.name, person.role]


def _person_in(data: list[str] | None) -> Person | None:
    return None if data is None else Person(*data)


def units_out(units: Mapping[Unit, Value]) -> str:
    """Units as JSON text: occurrence key -> field -> value; the master's key is empty."""
    if not units:
        return "{}"
    found: dict[str, dict[str, Any]] = {}
    for (key, name), value in units.items():
        found.setdefault(key, {})[name] = plain(value)
    return _compact(found)


def units_in(text: str) -> dict[Unit, Value]:
    """Inverse of :func:`units_out`."""
    if text == "{}":
        return {}
    return {
        (key, _field(name)): cast(Value, value_in(value))
        for key, fields in json.loads(text).items()
        for name, value in fields.items()
    }


@lru_cache(maxsize=len(Field))
def _field(name: str) -> Field:
    return Field(name)


def content_out(content: Content) -> str:
    """A content as JSON text. An item and its link often hold the very same one."""
    if content is EMPTY:
        return "{}"
    last = _LAST.get(id(content))
    if last is not None and last[0] is content:
        return last[1]
    text = units_out(content.units)
    if len(_LAST) >= _KEPT_TEXTS:
        _LAST.clear()
    _LAST[id(content)] = (content, text)
    return text


def content_in(text: str) -> Content:
    """Inverse of :func:`content_out`."""
    return EMPTY if text == "{}" else Content(units_in(text))


def unit_set_out(units: Iterable[Unit]) -> list[list[str]]:
    """A set of units, in order."""
    return sorted([key, name.value] for key, name in units)


def unit_set_in(data: list[list[str]] | None) -> frozenset[Unit]:
    """Inverse of :func:`unit_set_out`; nothing is the empty set."""
    return frozenset((key, _field(name)) for key, name in data or ())


def editable_out(editable: Editable) -> str:
    """Which parts may be changed, as words."""
    return " ".join(name for name in _EDITABLE if getattr(editable, name))


@lru_cache(maxsize=64)
def editable_in(text: str) -> Editable:
    """Inverse of :func:`editable_out`."""
    words = text.split()
    return Editable(**{name: name in words for name in _EDITABLE})


def undone_out(undone: tuple[tuple[str, datetime], ...]) -> list[list[str]]:
    """Fingerprints with times."""
    return [[print_, moment.isoformat()] for print_, moment in undone]


def undone_in(data: list[list[str]] | None) -> tuple[tuple[str, datetime], ...]:
    """Inverse of :func:`undone_out`; nothing is empty."""
    return tuple((print_, datetime.fromisoformat(moment)) for print_, moment in data or ())


def changes_out(changes: Mapping[str, tuple[object, object]]) -> dict[str, Any]:
    """What a log line tells of changes: unit text -> [before, after]."""
    return {name: [plain(before), plain(after)] for name, (before, after) in changes.items()}


def changes_in(data: Mapping[str, Any] | None) -> dict[str, tuple[object, object]]:
    """Inverse of :func:`changes_out`; names whose values were purged carry None twice."""
    return {
        name: (None, None) if pair is None else (value_in(pair[0]), value_in(pair[1]))
        for name, pair in (data or {}).items()
    }


def window_out(window: Window) -> str:
    """A range of days as an interval: ``2027-01-01/2027-02-01``, an open end as ``..``."""
    return "/".join(".." if end is None else end.isoformat() for end in (window.start, window.end))


def window_in(text: str) -> Window:
    """A range of days of its text."""
    start, end = (None if part == ".." else date.fromisoformat(part) for part in text.split("/"))
    return Window(start, end)
