"""Overrides of a series, read from JSON: ``recurrence_id`` with ``cancelled`` or changed fields (SYNC A2)."""

from __future__ import annotations

from datetime import datetime

from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content, slot_span
from calbridge.domain.recurrence import MAX_EXCEPTIONS, has_slot
from calbridge.service.item_fields import EVENT_FIELDS, read_fields
from calbridge.service.values import Body, flag, invalid, listed, mapping, text, when

NAMES = frozenset(EVENT_FIELDS) | {"recurrence_id", "cancelled", "start", "end", "attendees", "organizer"}
NOT_FOR_ONE = frozenset({Field.REMINDERS})


def read_overrides(series: Content, value: object) -> Content:
    """The series with exactly these overrides; those it had before are replaced whole."""
    base = Content({unit: each for unit, each in series.units.items() if unit[0] == MASTER})
    rows = () if value is None else listed(value, "overrides", MAX_EXCEPTIONS, "too_many_overrides")
    span = base.span
    if rows and (span is None or not span.recurring):
        raise invalid("overrides", "only a series has them")
    units: dict[Unit, Value] = dict(base.units)
    seen: set[str] = set()
    for place, each in enumerate(rows):
        field = f"overrides[{place}]"
        body = mapping(each, field, NAMES)
        assert span is not None
        key = _key(body.get("recurrence_id"), f"{field}.recurrence_id", span, series)
        if key in seen:
            raise invalid(f"{field}.recurrence_id", "stands twice")
        seen.add(key)
        units |= _one(base, body, key, field, span)
    return content(units)


def _key(value: object, field: str, span: Span, before: Content) -> str:
    told = text(value, field, 30)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or span.start.at(moment).key != told:
        raise invalid(field, "must be the original local start, such as 2027-01-05T10:00:00 or 2027-01-05")
    if told not in before.keys and not has_slot(span, told):
        raise invalid(field, "the series has no occurrence there")
    return told


def _one(base: Content, body: Body, key: str, field: str, span: Span) -> dict[Unit, Value]:
    if body.get("cancelled") is not None and flag(body["cancelled"], f"{field}.cancelled"):
        if body.keys() - {"cancelled", "recurrence_id"}:
            raise invalid(field, "a cancelled occurrence has no other fields")
        return {(key, Field.EXISTS): False}
    found = {unit: each for unit, each in read_fields(base, body, key, field).items() if unit[1] not in NOT_FOR_ONE}
    if body.get("start") is not None or body.get("end") is not None:
        found[(key, Field.TIME)] = _time(body, key, field, span)
    return found


def _time(body: Body, key: str, field: str, span: Span) -> Span:
    slot = slot_span(span, key)
    start = slot.start if body.get("start") is None else when(body["start"], f"{field}.start", slot.start)
    given = body.get("end")
    end = start.shifted(slot.duration) if given is None else when(given, f"{field}.end", slot.end)
    if start.is_date != end.is_date or (start.is_date and end.local <= start.local):
        raise invalid(f"{field}.end", "does not fit to start")
    if not start.is_date and end.instant() < start.instant():
        raise invalid(f"{field}.end", "lies before start")
    return Span(start, end)
