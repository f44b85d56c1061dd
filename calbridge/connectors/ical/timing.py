"""Times written into a file, with the VTIMEZONE they need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from calbridge.connectors.ical import timezones
from calbridge.connectors.ical.moments import UNTIL, BadValue, Zones, stamp, value_at
from calbridge.connectors.ical.text import escape
from calbridge.connectors.ical.tree import Component, Line, line
from calbridge.domain.content import Field, Span
from calbridge.domain.times import TimeKind, When, day, is_iana, utc
from calbridge.errors import Rejected

_OWN_PATH = "/calbridge/"


class Clock:
    """Writes times for one event of one file and adds the zones that are missing."""

    def __init__(self, calendar: Component, blocks: Mapping[str, str], zones: Zones, preferred: Iterable[str]) -> None:
        """``preferred``: zone names the event uses already, which are kept where they mean the same."""
        self._calendar = calendar
        self._blocks = dict(blocks)
        self._zones = zones
        self._preferred = [name for name in preferred if name]

    def line(self, name: str, when: When, *, series: bool = False) -> Line:
        """A property with one time. :raises Rejected: ``not_expressible``: a zone nobody can define."""
        if when.is_date:
            return line(name, stamp(when), {"VALUE": "DATE"})
        if when.kind in (TimeKind.UTC, TimeKind.FLOATING):
            return line(name, stamp(when))
        return line(name, stamp(when), {"TZID": self._tzid(when, series=series)})

    def span(self, span: Span) -> list[Line]:
        """DTSTART and DTEND; the end is never left out (dossier section 5)."""
        series = span.recurring
        return [self.line("DTSTART", span.start, series=series), self.line("DTEND", span.end, series=series)]

    def rules(self, span: Span) -> list[Line]:
        """RRULE and RDATE; of a rule only UNTIL may change. :raises Rejected: ``not_expressible``: other lines."""
        found = []
        for text in span.rule:
            name, _, body = text.partition(":")
            if name.upper().startswith("RDATE"):
                found.append(self._dates(body, span.start))
            elif name.upper() == "RRULE":
                ended = UNTIL.sub(lambda match: self._until(match.group(), span.start), body.strip())
                found.append(line("RRULE", ended))
            else:
                raise Rejected(code="not_expressible", field=Field.TIME)
        return found

    def _until(self, text: str, start: When) -> str:
        """An UNTIL in the type of DTSTART, in UTC where that has a zone (RFC 5545 section 3.3.10).

        A date means that whole day on the start's clock. What is no time stays what it is.
        """
        try:
            until = value_at(text, "", self._zones)
        except BadValue:
            return text
        if start.is_date:
            return stamp(day(until.local))
        local = until.local.replace(hour=23, minute=59, second=59) if until.is_date else until.local
        if start.kind is TimeKind.FLOATING:
            return stamp(start.at(local))
        if until.kind is TimeKind.UTC:
            return stamp(until)
        return stamp(utc(self._zones.instant(start.at(local))))

    def _dates(self, body: str, start: When) -> Line:
        given = self.line("RDATE", start, series=True).parameters
        values = [text.strip() for text in body.upper().split(",") if text.strip()]
        if start.is_date:
            values = [text[:8] for text in values]
        else:
            values = [text if "T" in text else f"{text}T{start.local:%H%M%S}" for text in values]
        if start.kind is TimeKind.UTC:
            values = [text if text.endswith("Z") else f"{text}Z" for text in values]
        elif any(text.endswith("Z") for text in values):
            given = {}
        return line("RDATE", ",".join(values), given)

    def _tzid(self, when: When, *, series: bool) -> str:
        zone = when.zone or ""
        for name in [*self._preferred, *self._blocks, zone]:
            if self._means(name, when):
                return self._defined(name, when)
        if when.kind is TimeKind.ZONED:
            name = zone if zone not in self._blocks else _OWN_PATH + zone
            return self._add(name, timezones.zone_block(zone, when.local.year))
        if when.offset is None or series or zone in self._blocks:
            raise Rejected(code="not_expressible", field=Field.TIME)
        return self._add(zone, timezones.fixed_block(zone, when.offset))

    def _means(self, name: str, when: When) -> bool:
        """Whether this name is in the file, or in use by the event, with this meaning."""
        if name not in self._blocks and name not in self._preferred:
            return False
        if when.kind is TimeKind.UNKNOWN:
            return name == when.zone and self._zones.when(when.local, name).offset == when.offset
        defined = self._zones.definition(name)
        agreed = defined is None or defined.agrees(when.zone or "UTC", (when.local,))
        return agreed and self._zones.resolve(name, when.local) == when.zone

    def _defined(self, name: str, when: When) -> str:
        if name not in self._blocks and when.kind is TimeKind.ZONED and is_iana(name):
            self._add(name, timezones.zone_block(name, when.local.year))
        return name

    def _add(self, name: str, zone: Component) -> str:
        block = zone.block or ""
        block = f"{line('TZID', escape(name)).raw}\n" + block.partition("\n")[2]
        place = next(
            (index for index, item in enumerate(self._calendar.items) if isinstance(item, Component)),
            len(self._calendar.items),
        )
        self._calendar.items.insert(place, Component("VTIMEZONE", block=block))
        self._blocks[name] = block
        self._zones.define(name, block)
        self._preferred.append(name)
        return name
