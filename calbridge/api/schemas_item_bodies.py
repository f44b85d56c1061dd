"""Items as they are given: what :mod:`calbridge.service.item_json` accepts, which checks every value itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import fields

from calbridge.api.schemas import ID_PATTERN, BodySchema
from calbridge.api.schemas_items import DAY, NULL, OCCURRENCE, WHEN
from calbridge.service.item_fields import (
    LONGEST_REMINDER,
    MAX_ATTENDEES,
    MAX_CATEGORIES,
    MAX_HTML,
    MAX_REMINDERS,
    MAX_TEXT,
    MAX_TITLE,
    ROLES,
    SHOWN_AS,
    STATUSES,
    VISIBILITIES,
)
from calbridge.service.item_json import ASSOCIATED, MAX_ASSOCIATIONS, READ_ONLY
from calbridge.service.item_times import MAX_LINE, MAX_LINES
from calbridge.service.items import TYPES
from calbridge.service.values import MAX_MAIL

LONGEST_SERIES = 2000
CHECKS = ("unknown_time_zone", "recurrence_too_fine", "recurrence_too_large", "too_many_overrides", "too_large")
"""Codes with which a body can be refused, beside ``invalid_value``."""
_ONE_LINE = r"^[^\r\n\u0000]*$"
_LINES = r"^[^\u0000]*$"
_DATE = r"((19|20|21)\d\d|2200)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_HOUR = r"([01]\d|2[0-3]):[0-5]\d"
_OFFSET = rf"(Z|[+-]{_HOUR})"
_TIME = rf"^{_DATE}T{_HOUR}(:[0-5]\d(\.\d{{1,6}})?)?{_OFFSET}?$"
_INSTANT = rf"^{_DATE}T{_HOUR}:[0-5]\d(\.\d{{1,6}})?{_OFFSET}$"
_DAY: dict[str, Any] = DAY | {"properties": {"date": {"type": "string", "format": "date", "pattern": f"^{_DATE}$"}}}
_ZONE: dict[str, Any] = {"type": ["string", "null"], "description": "An IANA zone; null for a time without one."}
_POINT: dict[str, Any] = {"date_time": {"type": "string", "pattern": _TIME}, "time_zone": _ZONE}
_GIVEN: list[dict[str, Any]] = [
    _DAY,
    {"type": "object", "required": ["date_time"], "properties": _POINT, "additionalProperties": False},
    NULL,
]
_MERGED: list[dict[str, Any]] = [
    _DAY,
    {"type": "object", "properties": _POINT, "additionalProperties": False},
    NULL,
]


class CheckedBelow(BodySchema):
    """Documents a body of which the use case checks every value, and names the place of what can't be used."""

    def load(self, data: Any, **_: Any) -> Any:
        """The body as it was sent."""
        return data


def _value(schema: dict[str, Any], description: str = "") -> fields.Raw:
    return fields.Raw(metadata=schema | ({"description": description} if description else {}))


def _line(limit: int, description: str = "", **more: Any) -> fields.Raw:
    """One line of text, or null."""
    return _value({"type": ["string", "null"], "maxLength": limit, "pattern": _ONE_LINE} | more, description)


def _word(words: Iterable[str], *, clears: bool = True) -> fields.Raw:
    return _value({"enum": [*sorted(words), *([None] if clears else [])]})


def _rows(entry: dict[str, Any], limit: int, description: str = "") -> fields.Raw:
    return _value({"type": ["array", "null"], "maxItems": limit, "items": entry}, description)


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_NAME = {"type": ["string", "null"], "maxLength": 500, "pattern": _ONE_LINE}
_PERSON = _object(
    ["email"],
    email={"type": "string", "maxLength": MAX_MAIL, "format": "email"},
    name=_NAME,
    role={"enum": [*sorted(ROLES), None]},
    response={"description": "Ignored: people answer for themselves."},
)
_REMINDER = _object(["minutes_before"], minutes_before={"type": "integer", "minimum": 0, "maximum": LONGEST_REMINDER})
_ASSOCIATION = _object(
    ["type", "id"],
    type={"enum": sorted(ASSOCIATED)},
    id={"type": "string", "maxLength": 200, "pattern": _ONE_LINE},
    name=_NAME,
)
_TEXTS = _object(
    [],
    text={"type": ["string", "null"], "maxLength": MAX_TEXT, "pattern": _LINES},
    html={
        "type": ["string", "null"],
        "maxLength": MAX_HTML,
        "pattern": _LINES,
        "description": "Text is made of it where none is given.",
    },
)


def _event(times: list[dict[str, Any]]) -> dict[str, fields.Field[Any]]:
    """What an item and each of its occurrences can be given."""
    return {
        "title": _line(MAX_TITLE),
        "description": _value({"oneOf": [_TEXTS, NULL]}),
        "location": _line(MAX_TITLE),
        "start": _value({"oneOf": times}, f"Its start. {WHEN}"),
        "end": _value({"oneOf": times}, f"Its end, exclusive; a start alone keeps the length. {WHEN}"),
        "status": _word(STATUSES),
        "show_as": _word(SHOWN_AS),
        "visibility": _word(VISIBILITIES),
        "reminders": _rows(_REMINDER, MAX_REMINDERS),
        "conference_url": _line(2000, pattern=r"^([hH][tT][tT][pP][sS]?://[^\r\n\u0000]*)?$"),
        "categories": _rows({"type": "string", "maxLength": 200, "pattern": _ONE_LINE}, MAX_CATEGORIES),
        "organizer": _value({"oneOf": [_PERSON, NULL]}),
        "attendees": _rows(_PERSON, MAX_ATTENDEES),
    }


def _override() -> dict[str, Any]:
    parts = {name: field.metadata for name, field in _event(_GIVEN).items()}
    key = {"type": "string", "pattern": OCCURRENCE, "description": "The original local start of the occurrence."}
    flag = {"type": ["boolean", "null"], "description": "With true nothing else may be said of it."}
    return _object(["recurrence_id"], recurrence_id=key, cancelled=flag, **parts)


def _series() -> dict[str, fields.Field[Any]]:
    rule = {"type": "string", "maxLength": MAX_LINE, "pattern": _ONE_LINE}
    return {
        "recurrence": _rows(rule, MAX_LINES, "RRULE and RDATE lines of RFC 5545, daily or coarser."),
        "overrides": _rows(_override(), LONGEST_SERIES, "Replace all that were there."),
    }


def _item(times: list[dict[str, Any]]) -> dict[str, fields.Field[Any]]:
    ignored = {name: _value({}, "Ignored: it is only for reading.") for name in sorted(READ_ONLY)}
    return {
        "type": _word(TYPES, clears=False),
        "external_id": _value({"type": ["string", "null"], "pattern": ID_PATTERN}, "The PSA's own id of it."),
        "record_id": _line(200, "What several users' items have in common that stand for one record of the PSA."),
        **_event(times),
        "due": _value({"oneOf": times}, f"When a task or to-do is due. {WHEN}"),
        "completed_at": _value({"type": ["string", "null"], "pattern": _INSTANT}, "When a task or to-do was done."),
        **_series(),
        "associations": _rows(_ASSOCIATION, MAX_ASSOCIATIONS),
        **ignored,
    }


def _new(parts: dict[str, fields.Field[Any]]) -> dict[str, fields.Field[Any]]:
    """A title is all that every new one needs."""
    title = {"type": "string", "minLength": 1, "maxLength": MAX_TITLE, "pattern": _ONE_LINE}
    return parts | {"title": fields.Raw(required=True, metadata=title)}


NewItem = CheckedBelow.from_dict(_new(_item(_GIVEN)), name="NewItem")
"""POST: what is no task and no to-do needs start and end, too."""
ItemBody = CheckedBelow.from_dict(_item(_GIVEN), name="ItemBody")
"""PUT: what is absent is kept, null clears."""
ItemPatch = CheckedBelow.from_dict(_item(_MERGED), name="ItemPatch")
"""PATCH (RFC 7396)."""
NewEvent = CheckedBelow.from_dict(_new(_event(_GIVEN) | _series()), name="NewEvent")
"""An event of the sandbox: the words of an item, without what is the PSA's alone."""
EventPatch = CheckedBelow.from_dict(_event(_MERGED) | _series(), name="EventPatch")
"""PATCH of one (RFC 7396)."""
