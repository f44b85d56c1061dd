"""Items as they are answered: the shape that :mod:`calbridge.service.item_out` makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import fields, validate

from calbridge.api.schemas import ID_PATTERN, AnswerSchema, moment
from calbridge.service.item_fields import ROLES, SHOWN_AS, STATUSES, VISIBILITIES
from calbridge.service.item_json import ASSOCIATED
from calbridge.service.item_out import LINK_STATES, RESPONSES
from calbridge.service.items import TYPES

DATE = r"^\d{4}-\d\d-\d\d$"
LOCAL = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"
OCCURRENCE = r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$"
NULL = {"type": "null"}
DAY: dict[str, Any] = {
    "type": "object",
    "required": ["date"],
    "properties": {"date": {"type": "string", "format": "date", "pattern": DATE}},
    "additionalProperties": False,
}
_POINT = {
    "type": "object",
    "required": ["date_time", "time_zone"],
    "properties": {"date_time": {"type": "string", "pattern": LOCAL}, "time_zone": {"type": ["string", "null"]}},
    "additionalProperties": False,
}
WHEN = "A day, or a time on the wall clock of a time zone, which is null for a time without one."


def choice(words: Iterable[str], **options: Any) -> fields.Str:
    """One of these words."""
    return fields.Str(validate=validate.OneOf(sorted(words)), **options)


def _id() -> fields.Str:
    return fields.Str(required=True, validate=validate.Regexp(ID_PATTERN))


def when(text: str, **options: Any) -> fields.Raw:
    """A start, an end or a due time."""
    return fields.Raw(metadata={"oneOf": [DAY, _POINT, NULL], "description": f"{text} {WHEN}"}, **options)


def _text(description: str = "", **options: Any) -> fields.Str:
    return fields.Str(allow_none=True, metadata={"description": description} if description else {}, **options)


def _rows(inner: Any, **options: Any) -> fields.List[Any]:
    return fields.List(inner if isinstance(inner, fields.Field) else fields.Nested(inner), **options)


class DescriptionSchema(AnswerSchema):
    """A text."""

    text = fields.Str(required=True)
    html = _text("Sanitised by an allow-list; null where the text has no other form.", required=True)


class OrganizerSchema(AnswerSchema):
    """Who invited."""

    email = fields.Str(required=True)
    name = fields.Str(required=True)


class AttendeeSchema(AnswerSchema):
    """Who is invited, and what they answered."""

    email = fields.Str(required=True)
    name = fields.Str(required=True)
    role = choice(ROLES, required=True)
    response = choice(RESPONSES, required=True)


class ReminderSchema(AnswerSchema):
    """A reminder."""

    minutes_before = fields.Int(required=True, validate=validate.Range(min=0))


class AssociationSchema(AnswerSchema):
    """A record of the PSA that the item is about."""

    type = choice(ASSOCIATED, required=True)
    id = fields.Str(required=True)
    name = fields.Str(required=True)


class EditableSchema(AnswerSchema):
    """What the linked calendars let be changed; anything else is refused with organised_elsewhere."""

    time = fields.Bool(required=True)
    details = fields.Bool(required=True)
    people = fields.Bool(required=True)
    existence = fields.Bool(required=True)
    response = fields.Bool(required=True)


class ItemLinkSchema(AnswerSchema):
    """Where the item stands with one integration."""

    integration_id = _id()
    state = choice(LINK_STATES, required=True)
    reason = _text("A code of the list of errors, or why it stands there.", required=True)
    since = moment(required=True)
    remote_id = _text("Its address at the service.", required=True)
    web_link = _text("Where a person can open it.", required=True)
    synced_version = fields.Int(
        required=True, metadata={"description": "The version of the item that the calendar has; 0 for none."}
    )


class OverrideSchema(AnswerSchema):
    """An occurrence that is cancelled or differs from its series; what is absent is the series' own."""

    recurrence_id = fields.Str(
        required=True, metadata={"pattern": OCCURRENCE, "description": "The original local start of the occurrence."}
    )
    cancelled = fields.Bool()
    title = _text()
    description = fields.Nested(DescriptionSchema, allow_none=True)
    location = _text()
    start = when("Its start.")
    end = when("Its end.")
    status = choice(STATUSES)
    show_as = choice(SHOWN_AS)
    visibility = choice(VISIBILITIES)
    organizer = fields.Nested(OrganizerSchema, allow_none=True)
    attendees = _rows(AttendeeSchema)
    categories = _rows(fields.Str())
    conference_url = _text()


class SandboxEventSchema(AnswerSchema):
    """An event of a sandbox, in the words of items."""

    id = _id()
    ical_uid = _text(required=True)
    made_by_calbridge = fields.Bool(required=True)
    modified_at = moment(required=True)
    version = _text("As the fake service gives it.", required=True)
    title = _text(required=True)
    description = fields.Nested(DescriptionSchema, required=True, allow_none=True)
    location = _text(required=True)
    status = choice(STATUSES, required=True)
    show_as = choice(SHOWN_AS, required=True)
    visibility = choice(VISIBILITIES, required=True)
    reminders = _rows(ReminderSchema, required=True)
    conference_url = _text(required=True)
    categories = _rows(fields.Str(), required=True)
    start = when("Its start.", required=True)
    end = when("Its end, exclusive.", required=True)
    recurrence = _rows(fields.Str(), required=True)
    overrides = _rows(OverrideSchema, required=True)
    organizer = fields.Nested(OrganizerSchema, required=True, allow_none=True)
    attendees = _rows(AttendeeSchema, required=True)
    my_response = _text(required=True)


class ItemSchema(AnswerSchema):
    """An entry of My Calendar; a series is one item."""

    id = _id()
    user_id = _id()
    external_id = _text("The PSA's own id of it, unique for the user.", required=True)
    record_id = _text("What several users' items have in common that stand for one record of the PSA.", required=True)
    type = choice(TYPES, required=True)
    title = _text(required=True)
    description = fields.Nested(DescriptionSchema, required=True, allow_none=True)
    location = _text(required=True)
    status = choice(STATUSES, required=True)
    show_as = choice(SHOWN_AS, required=True)
    visibility = choice(VISIBILITIES, required=True)
    reminders = _rows(ReminderSchema, required=True)
    conference_url = _text(required=True)
    categories = _rows(fields.Str(), required=True)
    start = when("Its start; null for a task or to-do that has only a due time.", required=True)
    end = when("Its end, exclusive.", required=True)
    due = when("When a task or to-do is due.", required=True)
    completed_at = moment("When a task or to-do was done.", required=True)
    recurrence = _rows(fields.Str(), required=True, metadata={"description": "RRULE and RDATE lines of RFC 5545."})
    overrides = _rows(OverrideSchema, required=True)
    organizer = fields.Nested(OrganizerSchema, required=True, allow_none=True)
    attendees = _rows(AttendeeSchema, required=True)
    my_response = _text("What the user answered to an invitation.", required=True)
    attachments = _rows(fields.Dict(), required=True)
    associations = _rows(AssociationSchema, required=True)
    hidden = fields.Bool(required=True, metadata={"description": "Its text is hidden here: it is private elsewhere."})
    editable = fields.Nested(EditableSchema, required=True)
    origin = _text("The integration that retrieved it; null if it was made here.", required=True)
    links = _rows(ItemLinkSchema, required=True)
    ical_uid = _text(required=True)
    version = fields.Int(required=True, metadata={"description": "Rises with every change of meaning."})
    created_at = moment(required=True)
    updated_at = moment(required=True)
    deleted_at = moment("Set only in the answer to its deletion.", required=True)
    recurrence_id = fields.Str(
        metadata={"pattern": OCCURRENCE, "description": "Of an occurrence in a list with expand: which one it is."}
    )


def _at(hour: str) -> dict[str, str]:
    return {"date_time": f"2027-01-05T{hour}:00", "time_zone": "Europe/Vienna"}


_EVENTS_OWN = frozenset({"id", "ical_uid", "version"})
GIVEN: dict[str, Any] = {
    "type": "service_call",
    "title": "Replace the switch",
    "description": {"text": "Third floor, ask at the desk.", "html": None},
    "location": "Main street 1",
    "start": _at("10:00"),
    "end": _at("11:30"),
    "reminders": [{"minutes_before": 30}],
    "associations": [{"type": "ticket", "id": "T-17", "name": "Switch is down"}],
}
"""A body as an example."""
ITEM: dict[str, Any] = {
    "id": "itm_5f0c3a9d2b71",
    "user_id": "alice",
    "external_id": "T-17",
    "record_id": None,
    **GIVEN,
    "status": "confirmed",
    "show_as": "busy",
    "visibility": "default",
    "conference_url": None,
    "categories": [],
    "due": None,
    "completed_at": None,
    "recurrence": [],
    "overrides": [],
    "organizer": None,
    "attendees": [],
    "my_response": None,
    "attachments": [],
    "hidden": False,
    "editable": {"time": True, "details": True, "people": True, "existence": True, "response": False},
    "origin": None,
    "links": [
        {
            "integration_id": "int_1d2e3f4a5b6c",
            "state": "synced",
            "reason": None,
            "since": "2027-01-04T08:00:02Z",
            "remote_id": "/alice/work/itm-17.ics",
            "web_link": None,
            "synced_version": 1,
        }
    ],
    "ical_uid": None,
    "version": 1,
    "created_at": "2027-01-04T08:00:00Z",
    "updated_at": "2027-01-04T08:00:00Z",
    "deleted_at": None,
}
"""An answer as an example."""
EVENT: dict[str, Any] = {
    "id": "event-17",
    "ical_uid": "event-17@sandbox.example",
    "made_by_calbridge": False,
    "modified_at": "2027-01-04T08:00:00Z",
    "version": "3",
    **{name: ITEM[name] for name in SandboxEventSchema._declared_fields if name in ITEM and name not in _EVENTS_OWN},
}
"""An event of a sandbox as an example."""
