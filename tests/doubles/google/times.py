"""Times of events, and where the instances of a series lie. Written apart from calbridge's own on purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rruleset, rrulestr

from tests.doubles.google.refusing import bad

_ZONES = available_timezones()
_UNTIL = re.compile(r"UNTIL=(\d{8})(T\d{6})?(Z)?")

Resource = dict[str, Any]


def check_zone(name: object) -> None:
    """Raises ApiError 400 for what is no IANA name."""
    if name not in _ZONES:
        raise bad(f"Invalid time zone definition: {name}", "timeZone")


def kept(given: Mapping[str, Any], name: str) -> Resource:
    """A start or end as it is kept: a date, or an instant in UTC with the zone's name where one was given.

    Raises ApiError 400: both kinds or none, no offset and no zone, a foreign zone.
    """
    moment = {key: value for key, value in given.items() if value is not None}
    if ("date" in moment) == ("dateTime" in moment):
        raise bad(f"{name} needs either date or dateTime", name)
    zone = moment.get("timeZone")
    if zone is not None:
        check_zone(zone)
    if "date" in moment:
        date.fromisoformat(moment["date"])
        return {"date": moment["date"]}
    local = datetime.fromisoformat(moment["dateTime"])
    if local.tzinfo is None:
        if zone is None:
            raise bad(f"Missing time zone definition for {name} time.", name, "required")
        local = local.replace(tzinfo=ZoneInfo(zone))
    stamp = f"{local.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"dateTime": stamp, **({"timeZone": zone} if zone is not None else {})}


def shown(moment: Mapping[str, Any], zone: str) -> Resource:
    """A kept time as it is sent: the offset is that of the response's zone, the zone the event's own."""
    if "date" in moment:
        return dict(moment)
    local = instant(moment).astimezone(ZoneInfo(zone))
    text = local.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {**moment, "dateTime": text}


def instant(moment: Mapping[str, Any]) -> datetime:
    """As an aware time; a date is its midnight in UTC."""
    if "date" in moment:
        return datetime.fromisoformat(moment["date"]).replace(tzinfo=UTC)
    return datetime.fromisoformat(moment["dateTime"])


def check_order(resource: Mapping[str, Any]) -> None:
    """Raises ApiError 400 where the end is before the start, or kinds are mixed."""
    start, end = resource["start"], resource["end"]
    if ("date" in start) != ("date" in end):
        raise bad("start and end must both be date or dateTime")
    early = instant(end) <= instant(start) if "date" in start else instant(end) < instant(start)
    if early:
        raise bad("The specified time range is empty.", "timeMax", "timeRangeEmpty")


def wall(moment: Mapping[str, Any], zone: str | None) -> datetime:
    """The naive time on the wall of a zone."""
    if "date" in moment:
        return datetime.fromisoformat(moment["date"])
    return instant(moment).astimezone(ZoneInfo(zone or "UTC")).replace(tzinfo=None)


def from_wall(local: datetime, like: Mapping[str, Any]) -> Resource:
    """A kept time of the kind and zone of another."""
    if "date" in like:
        return {"date": f"{local:%Y-%m-%d}"}
    aware = local.replace(tzinfo=ZoneInfo(like.get("timeZone") or "UTC"))
    zone = {"timeZone": like["timeZone"]} if "timeZone" in like else {}
    return {"dateTime": f"{aware.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", **zone}


def check_recurrence(resource: Mapping[str, Any]) -> None:
    """Raises ApiError 400 for lines that are none, and for timed series without a zone."""
    if not resource.get("recurrence"):
        return
    timed = "dateTime" in resource["start"]
    if timed and not (resource["start"].get("timeZone") and resource["end"].get("timeZone")):
        raise bad("Missing time zone definition for start time.", "start", "required")
    for line in resource["recurrence"]:
        if not re.match(r"(RRULE|EXRULE|RDATE|EXDATE)[:;]", line):
            raise bad("Invalid recurrence rule.", "recurrence")
        until = _UNTIL.search(line)
        if until is not None and timed != bool(until.group(2)):
            raise bad("Invalid recurrence rule: UNTIL is of another kind than the start.", "recurrence")
        if until is not None and timed and not until.group(3):
            raise bad("Invalid recurrence rule: UNTIL must be in UTC.", "recurrence")
    try:
        slots(resource, 2)
    except (ValueError, TypeError) as error:
        raise bad(f"Invalid recurrence rule: {error}", "recurrence") from error


def slots(master: Mapping[str, Any], most: int) -> list[datetime]:
    """The starts of a series on its own wall, at most so many."""
    start = master["start"]
    zone = start.get("timeZone")
    first = wall(start, zone)
    rules = rruleset()
    rules.rdate(first)
    for line in master["recurrence"]:
        head, _, body = line.partition(":")
        name = head.partition(";")[0]
        if name == "RRULE":
            rules.rrule(rrulestr(_UNTIL.sub(lambda match: _until(match, zone), body), dtstart=first))
        elif name == "EXRULE":
            rules.exrule(rrulestr(_UNTIL.sub(lambda match: _until(match, zone), body), dtstart=first))
        else:
            for text in body.split(","):
                moment = _moment(head, text, zone, first)
                (rules.rdate if name == "RDATE" else rules.exdate)(moment)
    return list(islice(rules, most))


def _until(match: re.Match[str], zone: str | None) -> str:
    day, time, zulu = match.groups()
    if time is None:
        return f"UNTIL={day}T235959"
    moment = datetime.strptime(day + time, "%Y%m%dT%H%M%S")
    if zulu:
        moment = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone or "UTC")).replace(tzinfo=None)
    return f"UNTIL={moment:%Y%m%dT%H%M%S}"


def _moment(head: str, text: str, zone: str | None, first: datetime) -> datetime:
    if "T" not in text:
        day = datetime.strptime(text, "%Y%m%d")
        return datetime.combine(day.date(), first.time())
    moment = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
    own = re.search(r"TZID=([^;:]+)", head)
    if text.endswith("Z") or own:
        aware = moment.replace(tzinfo=UTC if text.endswith("Z") else ZoneInfo(own.group(1) if own else "UTC"))
        return aware.astimezone(ZoneInfo(zone or "UTC")).replace(tzinfo=None)
    return moment


def instance_id(master: str, original: Mapping[str, Any]) -> str:
    """Identifier of an instance (obs)."""
    if "date" in original:
        return f"{master}_{original['date'].replace('-', '')}"
    return f"{master}_{instant(original).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def span(resource: Mapping[str, Any], original: Mapping[str, Any], *, exact: bool) -> tuple[Resource, Resource]:
    """Start and end of an untouched instance."""
    start, end = resource["start"], resource["end"]
    if exact and "dateTime" in start:
        last = instant(original) + (instant(end) - instant(start))
        return dict(original), {**end, "dateTime": f"{last.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    length: timedelta = wall(end, end.get("timeZone")) - wall(start, start.get("timeZone"))
    local = wall(original, start.get("timeZone"))
    return dict(original), from_wall(local + length, end)
