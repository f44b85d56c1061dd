"""What servers make of a body between PUT and the next GET."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from tests.doubles.caldav import ics
from tests.doubles.caldav.ics import Component, Property
from tests.doubles.caldav.quirks import Quirks

_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")
_DURATION = re.compile(r"^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")


def rewritten(body: bytes, quirks: Quirks) -> bytes:
    """The bytes the server will hold; the very same ones if no switch concerns them."""
    calendar = ics.parse(body)
    before = ics.serialise(calendar)
    for event in calendar.children("VEVENT"):
        _event(event, quirks)
    if quirks.replaces_vtimezone:
        for zone in calendar.children("VTIMEZONE"):
            _zone(zone)
    if quirks.sorts_properties:
        _sort(calendar)
    if quirks.refolds:
        return ics.serialise(calendar, width=40)
    after = ics.serialise(calendar)
    return body if after == before else after


def _event(event: Component, quirks: Quirks) -> None:
    if quirks.mixed_end_types:
        _mix_end(event)
    if quirks.adds_missing_end:
        _add_end(event)
    if quirks.swaps_duration:
        _swap_duration(event)
    if quirks.floating_to_utc_zone:
        event.properties = [_anchored(present) for present in event.properties]
    if quirks.title_limit is not None and (title := event.get("SUMMARY")) is not None:
        event.replace("SUMMARY", replace(title, value=title.value[: quirks.title_limit]))
    if quirks.adds_class and event.get("CLASS") is None:
        event.properties.append(Property("CLASS", "", "PUBLIC"))
    if quirks.adds_default_alarm and not list(event.children("VALARM")):
        event.components.append(_default_alarm())


def _default_alarm() -> Component:
    lines = [
        ("X-APPLE-DEFAULT-ALARM", "TRUE"),
        ("ACTION", "DISPLAY"),
        ("DESCRIPTION", "Reminder"),
        ("TRIGGER", "-PT15M"),
    ]
    return Component("VALARM", [Property(name, "", value) for name, value in lines])


def _zone(zone: Component) -> None:
    zone.properties.append(Property("X-LIC-LOCATION", "", zone.value("TZID") or ""))
    for part in zone.components:
        part.replace("TZNAME", Property("TZNAME", "", "ZONE"))
    zone.components.reverse()


def _sort(component: Component) -> None:
    component.properties.sort(key=lambda present: present.name)
    for child in component.components:
        _sort(child)


def _anchored(present: Property) -> Property:
    floating = present.name in _TIMES and not present.value.endswith("Z") and "T" in present.value
    if not floating or present.parameter("TZID") is not None:
        return present
    return replace(present, parameters=present.parameters + ";TZID=Etc/UTC")


def _add_end(event: Component) -> None:
    start = event.get("DTSTART")
    if start is not None and "T" in start.value and event.get("DTEND") is None and event.get("DURATION") is None:
        event.properties.append(Property("DURATION", "", "PT1H"))


def _mix_end(event: Component) -> None:
    start, end = event.get("DTSTART"), event.get("DTEND")
    if start is not None and end is not None and "T" not in start.value and start.value == end.value:
        event.replace("DTEND", Property("DTEND", "", f"{end.value}T000000Z"))


def _swap_duration(event: Component) -> None:
    start, end, duration = event.get("DTSTART"), event.get("DTEND"), event.get("DURATION")
    if start is None or (end is not None and end.parameters != start.parameters):
        return
    if end is not None:
        length = parse_time(end.value) - parse_time(start.value)
        event.replace("DTEND", Property("DURATION", "", _spell(length, days="T" not in start.value)))
    elif duration is not None and (length_or_none := parse_duration(duration.value)) is not None:
        moment = parse_time(start.value) + length_or_none
        text = moment.strftime("%Y%m%d" if "T" not in start.value else "%Y%m%dT%H%M%S")
        zulu = "Z" if start.value.endswith("Z") else ""
        event.replace("DURATION", Property("DTEND", start.parameters, text + zulu))


def parse_time(value: str) -> datetime:
    """A DATE or DATE-TIME value as a wall time."""
    text = value.rstrip("Z")
    return datetime.strptime(text, "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")


def parse_duration(value: str) -> timedelta | None:
    """A positive DURATION, ``None`` for other spellings."""
    match = _DURATION.match(value)
    if match is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _spell(length: timedelta, *, days: bool) -> str:
    return f"P{length.days}D" if days else f"PT{int(length.total_seconds())}S"
