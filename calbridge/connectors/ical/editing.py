"""Changing an event where it stands: only the named units (SYNC A2, A6, A9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from calbridge.connectors.ical.fields import (
    ALARM_MARKER,
    BUSY_STATUS,
    MARKER,
    NAMES,
    PLACE_NAMES,
    RULE_NAMES,
    STAMP_NAMES,
    TIME_NAMES,
    index_of,
    write_all_day,
    write_field,
)
from calbridge.connectors.ical.opened import Opened, opened, refusing
from calbridge.connectors.ical.reading import period_units, read_series
from calbridge.connectors.ical.timezones import blocks
from calbridge.connectors.ical.tree import Component, Line, line, serialise
from calbridge.domain.content import HIDDEN_FIELDS, MASTER, Field, Span, Unit, Value, slot_span
from calbridge.domain.series import moved_value
from calbridge.errors import Rejected

_MEANING = frozenset({*TIME_NAMES, *RULE_NAMES, "UID", "RECURRENCE-ID"})
_STAYS_HIDDEN = _MEANING | frozenset({*STAMP_NAMES, "CLASS", "TRANSP", "STATUS", BUSY_STATUS, MARKER})
_OF_UNITS = frozenset(name for names in NAMES.values() for name in names) - frozenset(PLACE_NAMES)
_KNOWN = _MEANING | _OF_UNITS | frozenset({*STAMP_NAMES, MARKER})
_RESCHEDULING = frozenset({Field.TIME, Field.LOCATION, Field.EXISTS})
_HIDDEN = frozenset({"VERSION", "PRODID", "CALSCALE"})


def edit(
    native: bytes,
    *,
    uid: str,
    recurrence_id: str | None,
    units: Mapping[Unit, Value],
    rekeyed: Mapping[str, str | None],
    redact: bool,
    now: datetime,
    own_addresses: frozenset[str] = frozenset(),
) -> bytes:
    """The file with these units changed and all else as it was.

    ``units`` are in new keys, ``rekeyed`` maps old keys to new ones (None: dropped); an occurrence's unit with None is
    inherited again. ``redact`` takes out everything but times, recurrence and what ``units`` say. Answers and
    conferences are never written here. ``now`` (UTC) stamps what changed; SEQUENCE moves only for meetings without an
    organizer or with one of ``own_addresses``.

    :raises VersionConflict: the event is not in the file; :raises Rejected: it can't be read, or a unit not be written.
    """
    event = opened(native, uid, recurrence_id, own_addresses)
    with refusing():
        _change(event, units, rekeyed, redact=redact)
        event.stamp(now, own_addresses)
        return serialise(event.root)


def _change(event: Opened, units: Mapping[Unit, Value], rekeyed: Mapping[str, str | None], *, redact: bool) -> None:
    own = {unit for unit in event.series.content.units if unit[0] != MASTER}
    if redact:
        _redact(event)
        own = {unit for unit in own if unit[1] not in HIDDEN_FIELDS}
    _write_master(event, units, own)
    _move(event, units.get((MASTER, Field.TIME)), rekeyed, own)
    _write_occurrences(event, units)
    event.calendar.put(("METHOD",), [])


def _write_master(event: Opened, units: Mapping[Unit, Value], own: set[Unit]) -> None:
    """Master fields; an override that inherited one gets the new value too (SYNC A2)."""
    for (key, name), value in units.items():
        if key != MASTER or name in (Field.TIME, Field.EXISTS):
            continue
        reschedules = name in _RESCHEDULING
        inherited = _values(event.master, name)
        write_field(event.master, name, value)
        event.touch(event.master, reschedules=reschedules)
        for at, parts in event.overrides.items():
            for part in parts if (at, name) not in own else ():
                # Of a cancelled override the content says only that it is gone: what else it holds is asked here, so
                # that a new status of the series does not bring the occurrence back.
                if _is_cancelled(part) and _values(part, name) != inherited:
                    continue
                write_field(part, name, value)
                event.touch(part, reschedules=reschedules)


def _values(part: Component, name: Field) -> list[tuple[str, str]]:
    return [(one.name, one.value) for one in part.lines(*NAMES.get(name, ()))]


def _is_cancelled(part: Component) -> bool:
    return part.value("STATUS").strip().upper() == "CANCELLED"


def _move(event: Opened, target: Value, rekeyed: Mapping[str, str | None], own: set[Unit]) -> None:
    """The master's time and, with it, the places of its occurrences."""
    span = target if isinstance(target, Span) else event.span
    if not isinstance(target, Span) and not rekeyed:
        return
    if event.alone and span.rule:
        raise Rejected(code="not_expressible", field=Field.TIME)
    excluded = event.excluded() if not event.alone else []
    if isinstance(target, Span):
        _write_master_time(event, target, own)
    event.touch(event.master, reschedules=True)
    if event.alone:
        return
    ended = event.span.recurring and not span.recurring
    fate = {key: None if ended else rekeyed.get(key, key) for key in {*excluded, *event.overrides}}
    if event.has_occurrences or span.recurring:
        event.exclude([new for key in excluded if (new := fate[key]) is not None], span.start)
    old, event.overrides = event.overrides, {}
    for key, parts in old.items():
        new = fate[key]
        for part in parts:
            if new is None:
                event.drop(part)
            else:
                _move_override(event, part, span, key, new, own=(key, Field.TIME) in own)
                event.overrides.setdefault(new, []).append(part)
    event.series = replace(event.series, span=span)


def _write_master_time(event: Opened, span: Span, own: set[Unit]) -> None:
    before = event.span
    event.master.put(("DURATION",), [])
    _write_times(event, event.master, span)
    if span.rule == before.rule and span.start.kind is before.start.kind and span.start.zone == before.start.zone:
        return
    _keep_periods(event, own)
    event.master.put(("RRULE", "RDATE"), event.clock.rules(span))


def _keep_periods(event: Opened, own: set[Unit]) -> None:
    """RDATEs lose their own lengths when they are written anew: they become overrides before that."""
    for key, span in _periods(event).items():
        if (key, Field.TIME) in own and key not in event.overrides:
            _new_override(event, key, span)


def _periods(event: Opened) -> dict[str, Span]:
    """The occurrences whose length an RDATE gives now; after a move the event's content has them in other places."""
    found = period_units(index_of(event.master), event.span, event.zones)
    return {key: span for (key, _), span in found.items() if isinstance(span, Span)}


def _write_times(event: Opened, part: Component, span: Span) -> None:
    part.put(("DURATION",), [])
    start, end = event.clock.span(span)
    part.put(("DTSTART",), [start])
    part.put(("DTEND",), [end])
    write_all_day(part, days=span.start.is_date)


def _move_override(event: Opened, part: Component, span: Span, key: str, new: str, *, own: bool) -> None:
    slot = span.start.at(datetime.fromisoformat(new))
    part.put(("RECURRENCE-ID",), [event.clock.line("RECURRENCE-ID", slot, series=True)])
    if not own:
        _write_times(event, part, slot_span(span, new))
    elif part.first("DTSTART") is not None:
        present = event.series.content.get((key, Field.TIME))
        moved = moved_value(present, key, new)
        if isinstance(moved, Span) and moved != present:
            _write_times(event, part, moved)
    event.touch(part, reschedules=True)


def _write_occurrences(event: Opened, units: Mapping[Unit, Value]) -> None:
    wanted: dict[str, dict[Field, Value]] = {}
    for (key, name), value in units.items():
        if key != MASTER:
            wanted.setdefault(key, {})[name] = value
    if not wanted:
        return
    if event.alone or not (event.span.recurring or wanted.keys() <= event.overrides.keys()):
        raise Rejected(code="not_expressible", field=Field.TIME)
    before, periods = event.excluded(), _periods(event)
    excluded = dict.fromkeys(before)
    lighter = [
        key
        for key, fields in wanted.items()
        if _write_occurrence(event, key, periods.get(key) or slot_span(event.span, key), fields, excluded)
    ]
    if list(excluded) != before:
        event.exclude(list(excluded), event.span.start)
        event.touch(event.master, reschedules=True)
    if lighter:
        _prune(event, lighter)


def _write_occurrence(
    event: Opened, key: str, slot: Span, fields: Mapping[Field, Value], excluded: dict[str, None]
) -> bool:
    """One occurrence; whether something of it was given back to the master.

    ``slot`` is its time as long as it has no override, ``excluded`` are the keys of EXDATEs.
    """
    if fields.get(Field.EXISTS, True) is False:
        for part in event.overrides.pop(key, []):
            event.drop(part)
        excluded[key] = None
        return False
    written = {name: value for name, value in fields.items() if name is not Field.EXISTS}
    if Field.EXISTS in fields or any(value is not None for value in written.values()):
        excluded.pop(key, None)
        _revive(event, key)
    if not event.overrides.get(key) and any(value is not None for value in written.values()):
        _new_override(event, key, slot)
    for part in event.overrides.get(key, []):
        for name, value in written.items():
            _write_own(event, part, key, name, value)
    return Field.EXISTS in fields or None in written.values()


def _write_own(event: Opened, part: Component, key: str, name: Field, value: Value) -> None:
    event.touch(part, reschedules=name in _RESCHEDULING)
    if name is Field.TIME:
        _write_times(event, part, value if isinstance(value, Span) else slot_span(event.span, key))
    elif value is not None:
        write_field(part, name, value)
    else:
        _inherit(event.master, part, name)


def _inherit(master: Component, part: Component, name: Field) -> None:
    """Give one unit the properties of the master."""
    for one in NAMES.get(name, ()):
        part.put((one,), master.lines(one))
    if name is Field.REMINDERS:
        write_field(part, name, ())
        part.items.extend(one.copy() for one in master.parts("VALARM") if one.first(ALARM_MARKER) is not None)


def _revive(event: Opened, key: str) -> None:
    """A cancelled override starts again as what the master says."""
    for part in event.overrides.get(key, []):
        if _is_cancelled(part):
            for name in NAMES:
                _inherit(event.master, part, name)
            _write_times(event, part, slot_span(event.span, key))
            event.touch(part, reschedules=True)


def _new_override(event: Opened, key: str, span: Span) -> None:
    part = event.master.copy()
    slot = event.span.start.at(datetime.fromisoformat(key))
    part.put(RULE_NAMES, [])
    part.put(("RECURRENCE-ID",), [event.clock.line("RECURRENCE-ID", slot, series=True)])
    _write_times(event, part, span)
    event.add(part)
    event.overrides[key] = [part]
    event.touch(part)


def _prune(event: Opened, keys: list[str]) -> None:
    """Take out overrides that say nothing of their own any more, unless something foreign is in them."""
    present = dict(blocks(event.root))
    content = read_series(event.group(), present, frozenset()).content
    for key in keys:
        parts = event.overrides.get(key, [])
        if not any(unit[0] == key for unit in content) and not any(_foreign(part, event.master) for part in parts):
            for part in event.overrides.pop(key, []):
                event.drop(part)
                event.touch(event.master)


def _foreign(part: Component, master: Component) -> bool:
    """Whether a component holds properties or parts unknown to the model that the master does not hold too."""
    same = {item.raw for item in master.items if isinstance(item, Line)}
    below = {serialise(one) for one in master.parts()}
    return any(
        item.name not in _KNOWN and item.raw not in same if isinstance(item, Line) else serialise(item) not in below
        for item in part.items
    )


def _redact(event: Opened) -> None:
    """Leave times, recurrence and what others may see of a hidden event (SYNC A9)."""
    mine = [event.master, *(one for parts in event.overrides.values() for one in parts)]
    for part in mine:
        part.items = [_bare(item) for item in part.items if isinstance(item, Line) and item.name in _STAYS_HIDDEN]
        event.touch(part)
    if all(any(one is part for part in mine) for one in event.calendar.parts() if one.name != "VTIMEZONE"):
        event.calendar.keep(lambda item: isinstance(item, Component) or item.name in _HIDDEN)


def _bare(item: Line) -> Line:
    given = {name: value for name, value in item.parameters.items() if name in ("TZID", "VALUE")}
    return item if len(given) == len(item.parameters) else line(item.name, item.value, given)
