"""The merge units of one event, instance or master, to Google's fields and back (SYNC D3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calbridge.domain.content import MASTER, Content, Field, People, Span, Text, Unit, Value, content
from calbridge.domain.recurrence import has_slot
from calbridge_google.limits import REMINDER_MINUTES, REMINDERS
from calbridge_google.people import (
    answer_of,
    attendees_json,
    attendees_of,
    own_entry,
    people_of,
    responses_of,
)
from calbridge_google.rules import written_rule
from calbridge_google.text import clean, description_of, text_of

Resource = Mapping[str, Any]
HIDING = ("private", "confidential")
WRITTEN = (
    Field.TITLE,
    Field.TEXT,
    Field.LOCATION,
    Field.STATUS,
    Field.SHOW_AS,
    Field.VISIBILITY,
    Field.PEOPLE,
    Field.REMINDERS,
)
"""Units that an event can be given, besides its time."""


def read_fields(resource: Resource) -> dict[Field, Value]:
    """Every unit but time, said out loud: what is absent is empty, because an exception without it has none."""
    own = own_entry(resource)
    kind = resource.get("eventType")
    shown = "free" if resource.get("transparency") == "transparent" else "oof" if kind == "outOfOffice" else "busy"
    return {
        Field.TITLE: clean(str(resource.get("summary") or "")),
        Field.TEXT: text_of(resource.get("description")),
        Field.LOCATION: clean(str(resource.get("location") or "")),
        Field.STATUS: "tentative" if resource.get("status") == "tentative" else "confirmed",
        Field.SHOW_AS: shown,
        Field.VISIBILITY: _visibility(resource),
        Field.PEOPLE: people_of(resource),
        Field.REMINDERS: _reminders(resource),
        Field.CONFERENCE: _conference(resource),
        Field.RESPONSES: responses_of(resource),
        Field.MY_RESPONSE: answer_of(own) if own is not None else None,
    }


def _visibility(resource: Resource) -> str:
    told = str(resource.get("visibility") or "default")
    return told if told in ("default", "public", *HIDING) else "private"


def _overrides(resource: Resource) -> list[Mapping[str, Any]]:
    told = resource.get("reminders")
    found = told.get("overrides") if isinstance(told, Mapping) and not told.get("useDefault") else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _reminders(resource: Resource) -> tuple[int, ...]:
    """Pop-ups, as ours are; mails are the user's alone."""
    popups = [each for each in _overrides(resource) if each.get("method") == "popup"]
    minutes = {each["minutes"] for each in popups if isinstance(each.get("minutes"), int)}
    return tuple(sorted(minutes))


def _conference(resource: Resource) -> str:
    told = resource.get("conferenceData")
    points = told.get("entryPoints") if isinstance(told, Mapping) else None
    for point in points if isinstance(points, list) else ():
        if isinstance(point, Mapping) and point.get("entryPointType") == "video":
            return _web(point.get("uri"))
    return _web(resource.get("hangoutLink"))


def _web(url: object) -> str:
    text = str(url or "").strip()
    return text if text[:8].lower().startswith(("https://", "http://")) else ""


def field_json(name: Field, value: Value, present: Resource) -> dict[str, Any]:
    """The part of a patch that sets one unit; empty where nothing has to be sent. ``present``: the event as it is."""
    match name:
        case Field.TITLE:
            return {"summary": clean(value) or None if isinstance(value, str) else None}
        case Field.LOCATION:
            return {"location": clean(value) or None if isinstance(value, str) else None}
        case Field.TEXT:
            return {"description": description_of(value) or None if isinstance(value, Text) else None}
        case Field.STATUS:
            # Never "cancelled": that would delete the event.
            return {"status": "tentative" if value == "tentative" else "confirmed"}
        case Field.SHOW_AS:
            return {"transparency": "transparent" if value == "free" else "opaque"}
        case Field.VISIBILITY:
            return {"visibility": "private" if value in HIDING else str(value or "default")}
        case Field.PEOPLE:
            guests = value.attendees if isinstance(value, People) else ()
            return {"attendees": attendees_json(guests, attendees_of(present)) or None}
        case Field.REMINDERS:
            return {"reminders": _reminders_json(value, present)}
        case _:
            return {}


def _reminders_json(value: Value, present: Resource) -> dict[str, Any]:
    """Ours are pop-ups; mails that the user wants for the event stay. Without any, the calendar's own apply."""
    wanted = [minutes for minutes in value if isinstance(minutes, int)] if isinstance(value, tuple) else []
    mails = [dict(each) for each in _overrides(present) if each.get("method") != "popup"]
    overrides = [{"method": "popup", "minutes": minutes} for minutes in _held(wanted)]
    overrides += mails[: REMINDERS - len(overrides)]
    if not overrides:
        return {"useDefault": True, "overrides": None}
    return {"useDefault": False, "overrides": overrides}


def _held(minutes: list[int]) -> list[int]:
    return sorted({each for each in minutes if 0 <= each <= REMINDER_MINUTES})[:REMINDERS]


def normalise(given: Content, own: frozenset[str] = frozenset()) -> Content:
    """What Google is known to make of a content; the same when applied twice. ``own``: the owner's addresses.

    Categories have no place, busy is the only way to be not free, one private instance makes its series private, an
    instance has no reminders of ours, and an occurrence that the rule does not have can't be changed. What only
    Google itself sets stays as it is.
    """
    span = given.span
    units: dict[Unit, Value] = {
        (key, name): _normal(name, value, own)
        for (key, name), value in given.units.items()
        if name is not Field.CATEGORIES
        and not (key and name in (Field.VISIBILITY, Field.REMINDERS))
        and not (key and span is not None and not has_slot(span, key))
    }
    if given.private:
        units[(MASTER, Field.VISIBILITY)] = "private"
    return content(units)


def _normal(name: Field, value: Value, own: frozenset[str]) -> Value:
    match name, value:
        case Field.TIME, Span():
            rule = tuple(written_rule(line, value.start) for line in value.rule)
            return Span(value.start, value.end, rule)
        case Field.SHOW_AS, _:
            return "free" if value == "free" else "busy"
        case Field.STATUS, _:
            return "tentative" if value == "tentative" else "confirmed"
        case Field.VISIBILITY, _:
            return "private" if value in HIDING else value
        case Field.TITLE | Field.LOCATION, str():
            return clean(value)
        case Field.TEXT, Text():
            return Text(clean(value.plain), value.html)
        case Field.REMINDERS, tuple():
            return tuple(_held([minutes for minutes in value if isinstance(minutes, int)]))
        case Field.PEOPLE, People():
            foreign = value.organizer is not None and value.organizer.email not in own
            return People(value.organizer if foreign else None, value.attendees)
        case _:
            return value
