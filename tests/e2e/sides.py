"""The two sides of a story, each by its own means: a phone at a raw CalDAV server, and the PSA at calbridge."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from calbridge.service import items
from calbridge.service.parts import Parts
from tests.e2e.runner import TENANT
from tests.e2e.story import CODE, HOUR, WEEKS, Appointment, Entry, Step, next_monday
from tests.servers.calendar_server import CalendarServer, UnexpectedStatus

ZONE = ZoneInfo("Europe/Vienna")
USER = "alice"
KEPT = "X-PHONE-COLOR:tangerine"
_ICS = {"Content-Type": "text/calendar; charset=utf-8"}


def window() -> tuple[datetime, datetime]:
    """All the time in which the story plays."""
    first = datetime.combine(next_monday(), datetime.min.time(), ZONE)
    return first - timedelta(days=7), first + timedelta(weeks=WEEKS + 40)


class Phone:
    """A calendar program that knows nothing of calbridge."""

    def __init__(self, server: CalendarServer, calendar: str) -> None:
        self._server = server
        self._calendar = calendar

    @property
    def folder(self) -> Path:
        """Where the server keeps the calendar's files."""
        return self._server.folder / "collections" / "collection-root" / unquote(urlsplit(self._calendar).path)[1:]

    def codes(self) -> dict[str, list[str]]:
        """Code to the names of the files that hold it."""
        found: dict[str, list[str]] = {}
        for path in self.folder.glob("*.ics"):
            found.setdefault(CODE.findall(path.read_text(encoding="utf-8"))[0], []).append(path.name)
        return found

    def entries(self) -> list[Entry]:
        """All occurrences in the server's files, as libraries other than calbridge's own code read them."""
        found = []
        for path in self.folder.glob("*.ics"):
            for event in recurring_ical_events.of(icalendar.Calendar.from_ical(path.read_bytes())).between(*window()):
                start, end = (event[name].dt.astimezone(ZONE) for name in ("DTSTART", "DTEND"))
                found.append(Entry.of(start, end, str(event["SUMMARY"]), str(event.get("LOCATION", ""))))
        return sorted(found)

    def do(self, step: Step, each: Appointment) -> None:
        """Carry a step out."""
        if step.what == "create":
            self._server.put(self._calendar, f"{each.code}.ics", _file(each))
            return
        url = urljoin(self._calendar, self.codes()[each.code][0])
        if step.what == "delete":
            self._server.delete(url)
        else:
            self._change(url, lambda events: _CHANGES[step.what](events, step, each))

    def _change(self, url: str, change: Callable[[list[Any]], list[Any]]) -> None:
        """Read, change, and write if it is still what was read: a request of a killed run may just be arriving."""
        while True:
            answer = self._server.request("GET", url)
            calendar = icalendar.Calendar.from_ical(answer.body)
            others = [part for part in calendar.subcomponents if part.name != "VEVENT"]
            calendar.subcomponents = others + change(list(calendar.walk("VEVENT")))
            headers = {**_ICS, "If-Match": answer.headers["etag"]}
            status = self._server.request("PUT", url, calendar.to_ical(), headers).status
            if status < 300:
                return
            if status != 412:
                raise UnexpectedStatus("PUT", url, status)


def _file(each: Appointment) -> bytes:
    event = icalendar.Event()
    event.add("UID", f"{each.code}@phone.example")
    event.add("DTSTAMP", datetime(2026, 1, 1, tzinfo=UTC))
    _set(event, "SUMMARY", each.title)
    _set_times(event, each.start)
    event.add(*KEPT.split(":"))
    if each.series:
        event.add("RRULE", {"FREQ": "WEEKLY", "COUNT": WEEKS})
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//Example Phone//Calendar 9//EN")
    calendar.add("VERSION", "2.0")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _set(event: Any, name: str, value: object) -> None:
    event.pop(name, None)
    event.add(name, value)


def _set_times(event: Any, start: datetime) -> None:
    event.pop("DURATION", None)
    _set(event, "DTSTART", start.replace(tzinfo=ZONE))
    _set(event, "DTEND", (start + HOUR).replace(tzinfo=ZONE))


def _everywhere(name: str) -> Callable[[list[Any], Step, Appointment], list[Any]]:
    """Changes a field of the series and of those occurrences that had it from the series."""

    def change(events: list[Any], step: Step, _each: Appointment) -> list[Any]:
        master = next(event for event in events if "RECURRENCE-ID" not in event)
        before = master.get(name)
        for event in events:
            if event.get(name) == before:
                _set(event, name, step.text)
        return events

    return change


def _moved(events: list[Any], step: Step, _each: Appointment) -> list[Any]:
    assert step.start is not None
    _set_times(events[0], step.start)
    return events


def _one(events: list[Any], step: Step, each: Appointment) -> list[Any]:
    master = next(event for event in events if "RECURRENCE-ID" not in event)
    one = copy.deepcopy(master)
    for name in ("RRULE", "EXDATE"):
        one.pop(name, None)
    slot = each.slot(step.week)
    one.add("RECURRENCE-ID", slot.replace(tzinfo=ZONE))
    _set_times(one, step.start or slot)
    if step.text:
        _set(one, "SUMMARY", step.text)
    return [*events, one]


def _cancelled(events: list[Any], step: Step, each: Appointment) -> list[Any]:
    master = next(event for event in events if "RECURRENCE-ID" not in event)
    master.add("EXDATE", each.slot(step.week).replace(tzinfo=ZONE))
    return events


_CHANGES: dict[str, Callable[[list[Any], Step, Appointment], list[Any]]] = {
    "rename": _everywhere("SUMMARY"),
    "place": _everywhere("LOCATION"),
    "move": _moved,
    "move_one": _one,
    "rename_one": _one,
    "cancel_one": _cancelled,
}


class Psa:
    """A PSA that uses calbridge's items."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def codes(self) -> dict[str, list[str]]:
        """Code to the ids of the items that hold it."""
        found: dict[str, list[str]] = {}
        for item in items.list_items(self._parts, TENANT, USER):
            found.setdefault(CODE.findall(item["title"])[0], []).append(item["id"])
        return found

    def entries(self) -> list[Entry]:
        """All occurrences in My Calendar."""
        start, end = window()
        found = items.list_items(self._parts, TENANT, USER, start=start, end=end, expand=True)
        return sorted(
            Entry.of(_wall(each["start"]), _wall(each["end"]), each["title"], each["location"] or "") for each in found
        )

    def do(self, step: Step, each: Appointment) -> None:
        """Carry a step out."""
        if step.what == "create":
            rule = {"recurrence": [f"RRULE:FREQ=WEEKLY;COUNT={WEEKS}"]} if each.series else {}
            body = {"title": each.title, **_times(each.start), **rule}
            items.put_item(self._parts, TENANT, USER, f"ext:{each.code}", body)
            return
        item_id = self.codes()[each.code][0]
        if step.what == "delete":
            items.delete_item(self._parts, TENANT, USER, item_id)
        else:
            items.put_item(self._parts, TENANT, USER, item_id, self._body(item_id, step, each))

    def _body(self, item_id: str, step: Step, each: Appointment) -> dict[str, Any]:
        if step.what in {"rename", "place"}:
            return {"title" if step.what == "rename" else "location": step.text}
        if step.what == "move":
            assert step.start is not None
            return _times(step.start)
        one: dict[str, Any] = {"recurrence_id": each.slot(step.week).isoformat()}
        one |= {"title": step.text} if step.text else {}
        one |= _times(step.start) if step.start else {}
        one |= {"cancelled": True} if step.what == "cancel_one" else {}
        before = items.get_item(self._parts, TENANT, USER, item_id)["overrides"]
        return {"overrides": [*before, one]}


def _times(start: datetime) -> dict[str, Any]:
    moments = {"start": start, "end": start + HOUR}
    return {name: {"date_time": each.isoformat(), "time_zone": str(ZONE)} for name, each in moments.items()}


def _wall(point: Any) -> datetime:
    return datetime.fromisoformat(point["date_time"]).replace(tzinfo=ZoneInfo(point["time_zone"])).astimezone(ZONE)
