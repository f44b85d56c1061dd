"""Google's own page as the kit's other door: it speaks to the double without any code of the connector."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Unit, Value, content
from calbridge.domain.event import Event
from calbridge.domain.times import TimeKind, When, day, utc, zoned
from tests.doubles.google import GoogleDouble

Resource = Mapping[str, Any]
FOREIGN = "kit-foreign"


class Page:
    """A person in front of Google Calendar."""

    def __init__(self, double: GoogleDouble, calendar: str | None = None) -> None:
        self._double = double
        self._calendar = calendar

    def create(self, content: Content) -> str:
        span = content.span
        assert span is not None
        foreign = {"colorId": "5", "extendedProperties": {"private": {FOREIGN: "kept"}}}
        body = {**foreign, **_times(span), **_fields(content, MASTER)}
        if span.rule:
            body["recurrence"] = list(span.rule)
        host = content.people.organizer
        if host is not None:
            guests = [
                {**each, "self": True} if each["email"] == self._double.user else each for each in body["attendees"]
            ]
            body["_set"] = {"organizer": {"email": host.email, "self": False}, "attendees": guests}
        master = self._double.insert(body, self._calendar)
        self.edit(master, {unit: value for unit, value in content.units.items() if unit[0] != MASTER})
        return master

    def edit(self, remote_id: str, units: Mapping[Unit, Value]) -> str:
        own: dict[str, Any] = {}
        for (key, name), value in units.items():
            if key == MASTER:
                own |= self._patch(name, value, None)
        if own and not self._double.get(remote_id, self._calendar)["organizer"]["self"]:
            self._double.organizer_changes(remote_id, own, self._calendar)
        elif own:
            self._double.patch(remote_id, own, self._calendar)
        for key in dict.fromkeys(key for key, _ in units if key != MASTER):
            named = {name: value for (other, name), value in units.items() if other == key}
            self._edit_instance(remote_id, key, named)
        return remote_id

    def _edit_instance(self, master_id: str, key: str, named: Mapping[Field, Value]) -> None:
        master = self._double.get(master_id, self._calendar)
        zone = master["start"].get("timeZone")
        found = [
            each
            for each in self._double.instances(master_id, self._calendar)
            if _when(each["originalStartTime"], zone).key == key
        ]
        if not found:
            return
        if named.get(Field.EXISTS, True) is False:
            if found[0]["status"] != "cancelled":
                self._double.delete(found[0]["id"], self._calendar)
            return
        body: dict[str, Any] = {"status": "confirmed"}
        for name, value in named.items():
            if name is Field.TIME and value is None:
                plain = Span(_when(found[0]["originalStartTime"], zone), _when(found[0]["originalStartTime"], zone))
                length = _when(master["end"], zone).local - _when(master["start"], zone).local
                body |= _times(Span(plain.start, plain.start.shifted(length)))
            elif name is not Field.EXISTS:
                body |= self._patch(name, value, master)
        self._double.patch(found[0]["id"], body, self._calendar)

    def _patch(self, name: Field, value: Value, master: Resource | None) -> dict[str, Any]:
        if name is Field.TIME:
            assert isinstance(value, Span)
            rule = {"recurrence": list(value.rule) or None} if master is None else {}
            return {**_times(value), **rule}
        field = {Field.TITLE: "summary", Field.LOCATION: "location", Field.TEXT: "description"}[name]
        told = value.plain if isinstance(value, Text) else value
        return {field: told if told is not None or master is None else master.get(field)}

    def delete(self, remote_id: str) -> None:
        self._double.delete(remote_id, self._calendar)

    def events(self) -> Mapping[str, Event]:
        return {name: self._event(each) for name, each in self._double.events(self._calendar).items()}

    def _event(self, master: Resource) -> Event:
        span = _span(master)
        units: dict[Unit, Value] = {(MASTER, Field.TIME): span, **_units(master, MASTER)}
        zone = master["start"].get("timeZone")
        slots = {each["id"] for each in self._double.instances(master["id"], self._calendar)} if span.rule else set()
        for each in self._double.exceptions(master["id"], self._calendar) if span.rule else []:
            key = _when(each["originalStartTime"], zone).key
            if each["status"] == "cancelled":
                if each["id"] in slots and _is_slot(span, key):
                    units[(key, Field.EXISTS)] = False
                continue
            units |= {(key, Field.TIME): _span(each), **_units(each, key)}
        marker = master.get("extendedProperties", {}).get("private", {}).get("calbridge")
        return Event(master["iCalUID"], content(units), marker)

    def extra(self, remote_id: str) -> Mapping[str, str]:
        told = self._double.get(remote_id, self._calendar)
        private = told.get("extendedProperties", {}).get("private", {})
        found = {FOREIGN: private[FOREIGN]} if FOREIGN in private else {}
        return found | ({"colorId": told["colorId"]} if "colorId" in told else {})


def _is_slot(span: Span, key: str) -> bool:
    """Weekly and daily rules with a count are all that the tests make."""
    found = re.search(r"FREQ=(WEEKLY|DAILY);COUNT=(\d+)", span.rule[0])
    assert found
    step = 7 if found.group(1) == "WEEKLY" else 1
    days = (datetime.fromisoformat(key) - span.start.local).total_seconds() / 86_400
    return days % step == 0 and 0 <= days < step * int(found.group(2))


def _times(span: Span) -> dict[str, Any]:
    return {"start": _moment(span.start), "end": _moment(span.end)}


def _moment(when: When) -> dict[str, Any]:
    if when.is_date:
        return {"date": f"{when.local:%Y-%m-%d}"}
    assert when.kind in (TimeKind.ZONED, TimeKind.UTC), "Google's page has no such time"
    zone = when.zone if when.kind is TimeKind.ZONED else "UTC"
    return {"dateTime": when.local.isoformat(), "timeZone": zone}


def _when(told: Resource, zone: str | None) -> When:
    if "date" in told:
        return day(date.fromisoformat(told["date"]))
    instant = datetime.fromisoformat(told["dateTime"]).astimezone(UTC)
    name = told.get("timeZone") or zone or "UTC"
    return utc(instant) if name == "UTC" else zoned(instant.astimezone(ZoneInfo(name)), name)


def _span(told: Resource) -> Span:
    return Span(_when(told["start"], None), _when(told["end"], None), tuple(told.get("recurrence", ())))


def _fields(given: Content, key: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, field in ((Field.TITLE, "summary"), (Field.LOCATION, "location")):
        if given.get((key, name)) is not None:
            body[field] = given.get((key, name))
    text = given.get((key, Field.TEXT))
    if isinstance(text, Text):
        body["description"] = html.escape(text.plain).replace("\n", "<br>")
    if given.get((key, Field.SHOW_AS)) == "free":
        body["transparency"] = "transparent"
    if given.get((key, Field.VISIBILITY)) is not None:
        body["visibility"] = given.get((key, Field.VISIBILITY))
    people = given.get((key, Field.PEOPLE))
    if isinstance(people, People):
        body["attendees"] = [{"email": person.email} for person in people.attendees]
    return body


def _units(told: Resource, key: str) -> dict[Unit, Value]:
    text = html.unescape(re.sub(r"<[^>]+>", "", told.get("description", "").replace("<br>", "\n")))
    guests = tuple(Person(each["email"]) for each in told.get("attendees", []) if not each.get("organizer"))
    host = None if told["organizer"].get("self") else Person(told["organizer"]["email"])
    found: dict[Unit, Value] = {
        (key, Field.TITLE): told.get("summary", ""),
        (key, Field.LOCATION): told.get("location", ""),
        (key, Field.TEXT): Text(text),
        (key, Field.STATUS): told["status"],
        (key, Field.SHOW_AS): "free" if told.get("transparency") == "transparent" else "busy",
        (key, Field.VISIBILITY): told.get("visibility", "default"),
        (key, Field.PEOPLE): People(host, guests),
    }
    if guests:
        answers = {
            each["email"]: _ANSWERS[each["responseStatus"]] for each in told["attendees"] if not each.get("self")
        }
        found[(key, Field.RESPONSES)] = tuple(sorted(answers.items()))
    return found


_ANSWERS = {
    "needsAction": "needs_action", "accepted": "accepted", "declined": "declined", "tentative": "tentative",
}  # fmt: skip
