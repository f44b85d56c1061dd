"""A calendar file to events (SYNC A1, A2, A5; dossier caldav-icloud section 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from calbridge.connectors.ical import people
from calbridge.connectors.ical.fields import MARKER, Index, index_of, read_fields
from calbridge.connectors.ical.moments import BadValue, Zones
from calbridge.connectors.ical.series import (
    Group,
    Unsupported,
    excluded_keys,
    extra_dates,
    groups_of,
    override_key,
    own_key,
    span_of,
    too_fine,
    uid_of,
    zones_for,
)
from calbridge.connectors.ical.text import Undecodable, unescape
from calbridge.connectors.ical.timezones import blocks
from calbridge.connectors.ical.tree import Component, Malformed, TooLarge, parse
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content, slot_span
from calbridge.domain.event import ALL_EDITABLE, Editable, Event
from calbridge.domain.recurrence import MAX_EXCEPTIONS
from calbridge.errors import Rejected

MAX_ATTENDEES = 1_000
MAX_ZONES = 200
MAX_UID = 1_000
_ATTENDING = Editable(time=False, details=False, people=False, existence=True, response=True)


@dataclass(frozen=True, slots=True)
class Readable:
    """An event or series of a file; ``recurrence_id`` only for an override that stands there without its master."""

    uid: str
    recurrence_id: str | None
    event: Event


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that is there but can't be read; ``code`` is in the catalogue."""

    uid: str | None
    code: str


class TooMany(ValueError):
    """More of something than is taken; ``args[0]`` is the code."""


@dataclass(frozen=True, slots=True)
class Series:
    """A group of components as read: where it starts, its zones and content."""

    content: Content
    span: Span
    zones: Zones


def read(body: bytes, *, own_addresses: frozenset[str] = frozenset()) -> list[Readable | Broken]:
    """Every event of a body, by UID. Never raises: what can't be read is :class:`Broken`.

    ``own_addresses``: lower case; they tell whose meetings these are and which answer is the owner's.
    """
    try:
        root = parse(body)
        zones = zone_blocks(root)
        groups = groups_of(root)
    except (Undecodable, Malformed):
        return [Broken(None, "broken_calendar_data")]
    except (TooLarge, TooMany):
        return [Broken(None, "too_large")]
    if not groups:
        return [Broken(None, "no_vevent")]
    return [found for uid, group in groups.items() for found in _group(uid, group, zones, own_addresses)]


def zone_blocks(root: Component) -> Mapping[str, str]:
    """The VTIMEZONEs of a file by name. :raises TooMany: more than anybody needs."""
    found: dict[str, str] = {}
    for name, block in blocks(root):
        found.setdefault(name, block)
        found.setdefault(unescape(name), block)
        if len(found) > MAX_ZONES:
            raise TooMany("too_large")
    return found


def _group(uid: str, group: Group, zones: Mapping[str, str], own: frozenset[str]) -> list[Readable | Broken]:
    if not uid or len(uid) > MAX_UID:
        return [Broken(None, "no_uid")]
    if group.masters:
        return [_guarded(uid, group, zones, own)]
    if len(group.overrides) > MAX_EXCEPTIONS:
        return [Broken(uid, "too_many_overrides")]
    return _once([_guarded(uid, Group([part]), zones, own, alone=True) for part in group.overrides])


def _once(found: list[Readable | Broken]) -> list[Readable | Broken]:
    """Lone overrides of one name can't be told apart: they are set aside together."""
    names = Counter(one.recurrence_id for one in found if isinstance(one, Readable))
    kept = [one for one in found if isinstance(one, Broken) or names[one.recurrence_id] == 1]
    twice = [one for one in found if isinstance(one, Readable) and names[one.recurrence_id] > 1]
    return kept + ([Broken(twice[0].uid, "broken_calendar_data")] if twice else [])


def _guarded(
    uid: str, group: Group, zones: Mapping[str, str], own: frozenset[str], *, alone: bool = False
) -> Readable | Broken:
    """One event; whatever its data makes go wrong stays with it."""
    try:
        series = read_series(group, zones, own, alone=alone)
        name = own_key(group.masters[0], series.zones) if alone else None
        return Readable(uid, name, _event(uid, group, series, own))
    except Rejected as error:
        return Broken(uid, too_fine(error))
    except TooMany as error:
        return Broken(uid, str(error.args[0]))
    except Unsupported:
        return Broken(uid, "unsupported_recurrence")
    except (BadValue, ValueError, OverflowError, KeyError, IndexError, ArithmeticError):
        return Broken(uid, "broken_calendar_data")


def read_series(group: Group, zones: Mapping[str, str], own: frozenset[str], *, alone: bool = False) -> Series:
    """The content of one UID.

    :raises BadValue, Unsupported, TooMany, Rejected: it can't be read; :raises ValueError: likewise.
    """
    if len(group.masters) != 1:
        raise BadValue
    master = group.masters[0]
    index = index_of(master)
    here = zones_for(zones, index)
    _check_counts(index, group)
    if alone and index["RECURRENCE-ID"][0].parameter("RANGE"):
        raise Unsupported
    span = span_of(index, here)
    units: dict[Unit, Value] = {(MASTER, name): value for name, value in read_fields(index, own).items()}
    units[(MASTER, Field.TIME)] = span
    if span.recurring or group.overrides:
        units.update(period_units(index, span, here))
        for part in group.overrides:
            units.update(_override_units(part, span, here, own))
        units.update({(key, Field.EXISTS): False for key in excluded_keys(index, span.start, here)})
    return Series(content(units), span, here)


def _check_counts(index: Index, group: Group) -> None:
    dates = sum(line.value.count(",") + 1 for name in ("RDATE", "EXDATE") for line in index.get(name, ()))
    if dates + len(group.overrides) > MAX_EXCEPTIONS:
        raise TooMany("too_many_overrides")
    attendees = max([len(index.get("ATTENDEE", ())), *(len(part.lines("ATTENDEE")) for part in group.overrides)])
    if attendees > MAX_ATTENDEES:
        raise TooMany("too_large")


def period_units(index: Index, span: Span, zones: Zones) -> dict[Unit, Value]:
    """An RDATE that has a length of its own is an occurrence with a time of its own."""
    found: dict[Unit, Value] = {}
    for begin, end in extra_dates(index, span.start, zones):
        if end is not None:
            found[(begin.key, Field.TIME)] = Span(begin, end)
    return found


def _override_units(part: Component, master: Span, zones: Zones, own: frozenset[str]) -> dict[Unit, Value]:
    key = override_key(part, master.start, zones)
    index = index_of(part)
    if index.get("STATUS") and index["STATUS"][0].value.strip().upper() == "CANCELLED":
        return {(key, Field.EXISTS): False}
    units: dict[Unit, Value] = {(key, name): value for name, value in read_fields(index, own).items()}
    units[(key, Field.TIME)] = own_time(index, master, key, zones)
    return units


def own_time(index: Index, master: Span, key: str, zones: Zones) -> Span:
    """The time of an override; one that gives no start stands at its slot."""
    if "DTSTART" not in index:
        return slot_span(master, key)
    span = span_of(index, zones)
    return Span(span.start, span.end)


def _event(uid: str, group: Group, series: Series, own: frozenset[str]) -> Event:
    master = group.masters[0]
    organizer = master.first("ORGANIZER")
    here = organizer is None or people.is_own(organizer, own)
    parts = [master, *group.overrides]
    stamps = [_stamp(part.value("LAST-MODIFIED")) for part in parts]
    return Event(
        uid=uid,
        content=series.content,
        marker=master.value(MARKER).strip() or None,
        editable=ALL_EDITABLE if here else _ATTENDING,
        modified_at=max((moment for moment in stamps if moment is not None), default=None),
        organised_here=here,
    )


def _stamp(text: str) -> datetime | None:
    text = text.strip().upper()
    if len(text) != 16 or text[-1] != "Z":
        return None
    try:
        date = (int(text[:4]), int(text[4:6]), int(text[6:8]))
        return datetime(*date, int(text[9:11]), int(text[11:13]), int(text[13:15]), tzinfo=UTC)
    except ValueError:
        return None


__all__ = ["Broken", "Readable", "Series", "TooMany", "period_units", "read", "read_series", "uid_of", "zone_blocks"]
