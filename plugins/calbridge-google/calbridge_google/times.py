"""Google's times to times of the contract and back (SYNC A1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from calbridge.connectors.zones import named
from calbridge.domain.content import Field
from calbridge.domain.times import TimeKind, When, day, unknown, utc, zone_info, zoned
from calbridge.errors import Rejected

Resource = Mapping[str, Any]


class BadValue(ValueError):
    """A value of Google's that is not what its name promises."""


def when_of(told: object) -> When:
    """A start, an end or an original start.

    The offset is that of the answer's zone, so only the instant counts; the zone is the event's own. Without one, an
    instant is all that is known.
    """
    if not isinstance(told, Mapping):
        raise BadValue
    try:
        if told.get("date"):
            return day(date.fromisoformat(str(told["date"])))
        moment = datetime.fromisoformat(str(told.get("dateTime"))).replace(microsecond=0)
        name = told.get("timeZone")
        if not name:
            return utc(moment)
        zone = named(str(name))
        if zone is None:
            shift = moment.utcoffset()
            return unknown(moment, str(name), int(shift.total_seconds()) if shift is not None else None)
        return zoned(moment.astimezone(zone_info(zone)) if moment.tzinfo is not None else moment, zone)
    except (ValueError, OverflowError) as error:
        raise BadValue from error


def times_of(resource: Resource, *, recurring: bool) -> tuple[When, When]:
    """Start and exclusive end.

    A time in the hour that a change of the clock repeats can't be said on the wall for its second turn: such a single
    event is told in UTC, so that it stays where it is. :raises BadValue: it ends before it starts, or kinds are mixed.
    """
    start, end = when_of(resource.get("start")), when_of(resource.get("end"))
    if start.is_date != end.is_date:
        raise BadValue
    if start.is_date:
        return start, end if end.local > start.local else start.shifted(timedelta(days=1))
    if not recurring and (_repeated(resource["start"], start) or _repeated(resource["end"], end)):
        start, end = utc(_instant(resource["start"])), utc(_instant(resource["end"]))
    if end.instant() < start.instant():
        raise BadValue
    return start, end


def _instant(told: Resource) -> datetime:
    return datetime.fromisoformat(str(told["dateTime"])).replace(microsecond=0)


def _repeated(told: Resource, read: When) -> bool:
    moment = _instant(told)
    return read.kind is TimeKind.ZONED and moment.tzinfo is not None and read.instant() != moment


def moment_of(when: When) -> dict[str, Any]:
    """For a patch: what the other kind would hold is emptied, because objects are merged.

    :raises Rejected: ``not_expressible``: floating times and unknown zones.
    """
    match when.kind:
        case TimeKind.DATE:
            return {"date": f"{when.local:%Y-%m-%d}", "dateTime": None, "timeZone": None}
        case TimeKind.UTC:
            return {"date": None, "dateTime": f"{when.local.isoformat(timespec='seconds')}Z", "timeZone": "UTC"}
        case TimeKind.ZONED:
            return {"date": None, "dateTime": when.local.isoformat(timespec="seconds"), "timeZone": when.zone}
        case _:
            raise Rejected("no zone", code="not_expressible", field=Field.TIME)


def original_start(when: When) -> str:
    """As ``originalStart`` of events.instances takes it."""
    return f"{when.local:%Y-%m-%d}" if when.is_date else when.instant().isoformat().replace("+00:00", "Z")


def wall(moment: When, like: When) -> When:
    """A time on the wall of another one's kind and zone: the original start that keys an occurrence (SYNC A2)."""
    if like.is_date:
        return like.at(moment.local.replace(hour=0, minute=0, second=0))
    if moment.is_date:
        return like.at(datetime.combine(moment.local.date(), like.local.time()))
    if moment.kind is like.kind and moment.zone == like.zone:
        return like.at(moment.local)
    instant = moment.instant()
    if like.kind is TimeKind.ZONED:
        return like.at(instant.astimezone(zone_info(like.zone or "UTC")).replace(tzinfo=None, fold=0))
    return like.at(instant.replace(tzinfo=None) + timedelta(seconds=like.offset or 0))
