"""The fields that an event and each of its occurrences have, read from JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from calbridge.connectors.ical.fields import plain_of
from calbridge.domain.content import Content, Field, People, Person, Text, Unit, Value
from calbridge.service.values import Body, choice, invalid, listed, mail_address, mapping, number, text

MAX_TITLE = 1000
MAX_TEXT = 100_000
MAX_HTML = 400_000
MAX_ATTENDEES = 1000
MAX_CATEGORIES = 100
MAX_REMINDERS = 20
LONGEST_REMINDER = 366 * 24 * 60
"""Minutes."""
STATUSES = frozenset({"confirmed", "tentative", "cancelled"})
SHOWN_AS = frozenset({"free", "busy", "tentative", "oof", "elsewhere"})
VISIBILITIES = frozenset({"default", "public", "private", "confidential"})
ROLES = frozenset({"required", "optional", "none", "resource"})
ITEM_FIELDS = frozenset({"record_id", "external_id", "completed_at", "associations"})


def _title(value: object, field: str) -> Value:
    return text(value, field, MAX_TITLE)


def _description(value: object, field: str) -> Value:
    """``{text, html}``; of HTML alone the text is derived."""
    body = mapping(value, field, {"text", "html"})
    plain, markup = body.get("text"), body.get("html")
    html = None if markup is None else text(markup, f"{field}.html", MAX_HTML, lines=True)
    if plain is not None:
        return Text(text(plain, f"{field}.text", MAX_TEXT, lines=True), html or None)
    return Text(plain_of(html), html) if html else None


def _word(among: frozenset[str]) -> Callable[[object, str], Value]:
    return lambda value, field: choice(value, field, among)


def _categories(value: object, field: str) -> Value:
    found = [text(each, f"{field}[{place}]", 200) for place, each in enumerate(listed(value, field, MAX_CATEGORIES))]
    return tuple(dict.fromkeys(name.strip() for name in found if name.strip()))


def _reminders(value: object, field: str) -> Value:
    found = set()
    for place, each in enumerate(listed(value, field, MAX_REMINDERS)):
        body = mapping(each, f"{field}[{place}]", {"minutes_before"})
        found.add(number(body.get("minutes_before"), f"{field}[{place}].minutes_before", 0, LONGEST_REMINDER))
    return tuple(sorted(found))


def _url(value: object, field: str) -> Value:
    told = text(value, field, 2000)
    if told and not told.lower().startswith(("https://", "http://")):
        raise invalid(field, "must be an http address")
    return told


EVENT_FIELDS: Mapping[str, tuple[Field, Callable[[object, str], Value]]] = {
    "title": (Field.TITLE, _title),
    "description": (Field.TEXT, _description),
    "location": (Field.LOCATION, _title),
    "status": (Field.STATUS, _word(STATUSES)),
    "show_as": (Field.SHOW_AS, _word(SHOWN_AS)),
    "visibility": (Field.VISIBILITY, _word(VISIBILITIES)),
    "reminders": (Field.REMINDERS, _reminders),
    "conference_url": (Field.CONFERENCE, _url),
    "categories": (Field.CATEGORIES, _categories),
}


def read_fields(content: Content, body: Body, key: str, field: str) -> dict[Unit, Value]:
    """The units that a body names for the master or an occurrence; ``null`` empties or inherits."""
    found: dict[Unit, Value] = {}
    for name, (unit, read) in EVENT_FIELDS.items():
        if name in body:
            place = f"{field}.{name}" if field else name
            found[(key, unit)] = None if body[name] is None else read(body[name], place)
    if "attendees" in body or "organizer" in body:
        found[(key, Field.PEOPLE)] = _people(content, body, key, field)
    return found


def _people(content: Content, body: Body, key: str, field: str) -> People:
    before = content.of(Field.PEOPLE, key)
    people = before if isinstance(before, People) else People()
    prefix = f"{field}." if field else ""
    organizer, attendees = people.organizer, people.attendees
    if "organizer" in body:
        told = body["organizer"]
        organizer = None if told is None else _person(told, f"{prefix}organizer")
    if "attendees" in body:
        rows = [] if body["attendees"] is None else listed(body["attendees"], f"{prefix}attendees", MAX_ATTENDEES)
        found = [_person(each, f"{prefix}attendees[{place}]") for place, each in enumerate(rows)]
        attendees = tuple({person.email: person for person in found}.values())
    return People(organizer, attendees)


def _person(value: object, field: str) -> Person:
    body = mapping(value, field, {"email", "name", "role", "response"})
    named, role = body.get("name"), body.get("role")
    return Person(
        mail_address(body.get("email"), f"{field}.email"),
        "" if named is None else text(named, f"{field}.name", 500),
        "required" if role is None else choice(role, f"{field}.role", ROLES),
    )
