"""One event of a file, opened for changing it in place (SYNC A6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from calbridge.connectors.ical import people
from calbridge.connectors.ical.fields import index_of
from calbridge.connectors.ical.moments import BadValue, Zones
from calbridge.connectors.ical.reading import Series, TooMany, read_series, zone_blocks
from calbridge.connectors.ical.series import (
    Group,
    Unsupported,
    excluded_keys,
    groups_of,
    is_named,
    override_key,
)
from calbridge.connectors.ical.text import Undecodable
from calbridge.connectors.ical.timing import Clock
from calbridge.connectors.ical.tree import Component, Malformed, TooLarge, line, parse
from calbridge.domain.content import Span
from calbridge.domain.times import When
from calbridge.errors import Rejected, VersionConflict


@dataclass
class Opened:
    """The tree, the components of one event in it and what they said before the change."""

    root: Component
    calendar: Component
    master: Component
    overrides: dict[str, list[Component]]
    series: Series
    clock: Clock
    alone: bool
    touched: dict[int, Component] = field(default_factory=dict)
    rescheduled: set[int] = field(default_factory=set)

    @property
    def span(self) -> Span:
        """The time of the master as it was."""
        return self.series.span

    @property
    def zones(self) -> Zones:
        """What the zone names of the file mean."""
        return self.series.zones

    def touch(self, part: Component, *, reschedules: bool = False) -> None:
        """Note that a component was changed, and whether guests would have to know."""
        self.touched[id(part)] = part
        if reschedules:
            self.rescheduled.add(id(part))

    @property
    def has_occurrences(self) -> bool:
        """Whether there is more than one event: without that an EXDATE means nothing, and is not even looked at."""
        return self.span.recurring or bool(self.overrides)

    def excluded(self) -> list[str]:
        """The keys of the EXDATEs that stand there now, by the start as it was. :raises BadValue: one is no time."""
        if not self.has_occurrences:
            return []
        return excluded_keys(index_of(self.master), self.span.start, self.zones)

    def exclude(self, keys: list[str], start: When) -> None:
        """Write these keys as EXDATEs, one a line."""
        slots = [start.at(datetime.fromisoformat(key)) for key in dict.fromkeys(keys)]
        self.master.put(("EXDATE",), [self.clock.line("EXDATE", slot, series=True) for slot in slots])

    def add(self, part: Component) -> None:
        """Put a new component behind all others."""
        self.calendar.items.append(part)

    def drop(self, part: Component) -> None:
        """Take a component out of the file."""
        self.calendar.keep(lambda item: item is not part)
        self.touched.pop(id(part), None)

    def stamp(self, now: datetime, own: frozenset[str]) -> None:
        """DTSTAMP and LAST-MODIFIED of what changed; SEQUENCE where the owner reschedules (dossier section 6)."""
        text = f"{now:%Y%m%dT%H%M%SZ}"
        organizer = self.master.first("ORGANIZER")
        ours = organizer is None or people.is_own(organizer, own)
        for part in self.touched.values():
            part.put(("DTSTAMP",), [line("DTSTAMP", text)])
            part.put(("LAST-MODIFIED",), [line("LAST-MODIFIED", text)])
            if ours and id(part) in self.rescheduled:
                part.put(("SEQUENCE",), [line("SEQUENCE", str(_sequence(part) + 1))])

    def group(self) -> Group:
        """Its components as they are now."""
        return Group([self.master], [one for parts in self.overrides.values() for one in parts])


def _sequence(part: Component) -> int:
    text = part.value("SEQUENCE").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def parsed(native: bytes) -> Component:
    """The tree of a body. :raises Rejected: ``broken_calendar_data``, ``too_large``: it can't be changed in place."""
    try:
        return parse(native)
    except (Undecodable, Malformed) as error:
        raise Rejected(code="broken_calendar_data") from error
    except TooLarge as error:
        raise Rejected(code="too_large") from error


def opened(native: bytes, uid: str, recurrence_id: str | None, own: frozenset[str]) -> Opened:
    """One event of a body, by the name that reading gave it.

    :raises VersionConflict: it is not in there (any more); :raises Rejected: it can't be read, hence not be changed.
    """
    root = parsed(native)
    with refusing():
        return _opened(root, uid, recurrence_id, own)


@contextmanager
def refusing() -> Iterator[None]:
    """Data that can't be read make a change of them impossible. :raises Rejected: with the code of what is wrong."""
    try:
        yield
    except Unsupported as error:
        raise Rejected(code="unsupported_recurrence") from error
    except TooMany as error:
        raise Rejected(code=str(error.args[0])) from error
    except (BadValue, ValueError, OverflowError, KeyError, IndexError, ArithmeticError) as error:
        raise Rejected(code="broken_calendar_data") from error


def _opened(root: Component, uid: str, recurrence_id: str | None, own: frozenset[str]) -> Opened:
    blocks = zone_blocks(root)
    group = groups_of(root).get(uid)
    if group is None or (recurrence_id is None) != bool(group.masters):
        raise VersionConflict
    if recurrence_id is not None:
        found = [part for part in group.overrides if is_named(part, recurrence_id, blocks)]
        if not found:
            raise VersionConflict
        if len(found) > 1:
            raise BadValue
        group = Group(found)
    series = read_series(group, blocks, own, alone=recurrence_id is not None)
    master = group.masters[0]
    overrides: dict[str, list[Component]] = {}
    for part in group.overrides:
        overrides.setdefault(override_key(part, series.span.start, series.zones), []).append(part)
    calendar = next((part for part in root.parts() if any(item is master for item in part.items)), root)
    names = [one.parameter("TZID").strip() for one in master.lines("DTSTART", "DTEND", "RECURRENCE-ID")]
    clock = Clock(calendar, blocks, series.zones, names)
    return Opened(root, calendar, master, overrides, series, clock, recurrence_id is not None)
