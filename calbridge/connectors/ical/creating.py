"""A content to a new calendar file."""

from __future__ import annotations

from datetime import UTC, datetime

import calbridge
from calbridge.connectors.ical.fields import MARKER, NAMES, write_field
from calbridge.connectors.ical.moments import ENDLESS_YEARS, Zones
from calbridge.connectors.ical.reading import Readable, read
from calbridge.connectors.ical.text import escape
from calbridge.connectors.ical.timing import Clock
from calbridge.connectors.ical.tree import Component, Line, line, serialise
from calbridge.domain.content import MASTER, Content, Field, Span
from calbridge.domain.times import When
from calbridge.errors import Rejected

WRITTEN = (*NAMES, Field.REMINDERS)
"""The units a file can be given; answers and conferences belong to the calendar."""


def create(
    target: Content,
    *,
    uid: str,
    marker: str | None,
    sequence: int = 0,
    now: datetime | None = None,
    source_url: str | None = None,
) -> bytes:
    """A whole VCALENDAR: CRLF, folded, with its VTIMEZONEs, always with DTEND, without METHOD.

    ``now`` stamps it (the clock by default); ``source_url`` is its URL property (RFC 5545, 3.8.4.6).

    :raises Rejected: ``not_expressible``: no time, or one nobody can write.
    """
    span = target.span
    if span is None:
        raise Rejected(code="not_expressible", field=Field.TIME)
    calendar = Component(
        "VCALENDAR",
        (line("VERSION", "2.0"), line("PRODID", f"-//calbridge//calbridge {calbridge.__version__}//EN")),
    )
    last = span.start.local.year + (ENDLESS_YEARS if span.recurring else 0)
    clock = Clock(calendar, {}, Zones({}, span.start.local.year, last), ())
    head = [line("UID", escape(uid)), line("DTSTAMP", f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}")]
    if sequence:
        head.append(line("SEQUENCE", str(sequence)))
    tail = [line(MARKER, marker)] if marker else []
    excluded = [clock.line("EXDATE", _slot(span, key), series=True) for key in target.keys if target.excluded(key)]
    source = [line("URL", source_url)] if source_url else []
    master = [*head, *clock.span(span), *clock.rules(span), *excluded, *source, *tail]
    parts = [_event(master, target, MASTER)]
    for key in target.keys:
        if not target.excluded(key):
            own = target.of(Field.TIME, key)
            times = clock.span(own) if isinstance(own, Span) else []
            lines = [*head, clock.line("RECURRENCE-ID", _slot(span, key), series=True), *times, *tail]
            parts.append(_event(lines, target, key))
    calendar.items.extend(parts)
    return serialise(calendar)


def _slot(span: Span, key: str) -> When:
    return span.start.at(datetime.fromisoformat(key))


def _event(lines: list[Line], target: Content, key: str) -> Component:
    part = Component("VEVENT", lines)
    for name in WRITTEN:
        value = target.of(name, key)
        if value is not None:
            write_field(part, name, value)
    return part


def normalise_content(content: Content) -> Content:
    """What iCalendar makes of a content: exactly what is read back from the file it is written to.

    What no new file can hold (a series in a zone that nobody can define) is returned as it is: it only exists where a
    calendar program wrote it, and there it is edited in place, never made anew.
    """
    try:
        found = read(create(content, uid="normalise", marker=None, now=datetime(2000, 1, 1, tzinfo=UTC)))
    except Rejected:
        return content
    return found[0].event.content if len(found) == 1 and isinstance(found[0], Readable) else content
