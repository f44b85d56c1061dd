"""The calendar of the demo: what Alice has on her phone, and what a calendar program would read of it.

Reading goes by other libraries than calbridge's own code, so that the comparison at the end proves something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from tests.servers.calendar_server import CalendarServer

ZONE = ZoneInfo("Europe/Vienna")
KEPT = ("X-PHONE-COLOR:tangerine", "BEGIN:VALARM", "TRIGGER:-PT45M", "X-PHONE-SNOOZE:1")
"""Lines of the series that only the phone understands."""

_SHELL = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example Phone//Calendar 9//EN
BEGIN:VTIMEZONE
TZID:Europe/Vienna
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
END:DAYLIGHT
END:VTIMEZONE
{events}END:VCALENDAR
"""

_SERIES = """\
BEGIN:VEVENT
UID:team-meeting@phone.example
DTSTAMP:20260101T080000Z
SUMMARY:Team meeting
LOCATION:Room 2
DTSTART;TZID=Europe/Vienna:{first}
DTEND;TZID=Europe/Vienna:{first_end}
RRULE:FREQ=WEEKLY;COUNT=4
X-PHONE-COLOR:tangerine
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Team meeting
TRIGGER:-PT45M
X-PHONE-SNOOZE:1
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:team-meeting@phone.example
RECURRENCE-ID;TZID=Europe/Vienna:{second}
DTSTAMP:20260101T080000Z
SUMMARY:Team meeting (in the garden)
LOCATION:Garden
DTSTART;TZID=Europe/Vienna:{second_moved}
DTEND;TZID=Europe/Vienna:{second_moved_end}
END:VEVENT
"""

_HOLIDAY = """\
BEGIN:VEVENT
UID:holiday@phone.example
DTSTAMP:20260101T080000Z
SUMMARY:Holiday
DTSTART;VALUE=DATE:{day}
DTEND;VALUE=DATE:{day_after}
TRANSP:TRANSPARENT
END:VEVENT
"""

_REVIEW = """\
BEGIN:VEVENT
UID:review@phone.example
DTSTAMP:20260101T080000Z
SUMMARY:Contract review
DTSTART;TZID=Europe/Vienna:{start}
DTEND;TZID=Europe/Vienna:{end}
ORGANIZER;CN=Bob:mailto:bob@example.com
ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.com
ATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:mailto:alice@example.com
END:VEVENT
"""

_SINGLE = """\
BEGIN:VEVENT
UID:{uid}@phone.example
DTSTAMP:20260101T080000Z
SUMMARY:{title}
DTSTART;TZID=Europe/Vienna:{start}
DTEND;TZID=Europe/Vienna:{end}
END:VEVENT
"""


@dataclass(frozen=True, order=True)
class Entry:
    """One occurrence as a person sees it: start and end as text of the wall clock in Vienna, and the title."""

    start: str
    end: str
    title: str

    @classmethod
    def of(cls, start: date | datetime, end: date | datetime, title: str) -> Entry:
        """From the times of either side; the end of whole days is the last one."""
        if isinstance(start, datetime):
            return cls(_wall(start), _wall(end), title)
        return cls(start.isoformat(), (end - timedelta(days=1)).isoformat(), title)


def _wall(moment: date) -> str:
    assert isinstance(moment, datetime)
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


def _stamp(day: date, hour: int, minute: int = 0) -> str:
    return datetime.combine(day, time(hour, minute)).strftime("%Y%m%dT%H%M%S")


def file_of(events: str) -> str:
    """A calendar file with the line ends of RFC 5545."""
    return _SHELL.format(events=events).replace("\n", "\r\n")


def single(uid: str, title: str, day: date, hour: int) -> str:
    """The file of an event of one hour."""
    return file_of(_SINGLE.format(uid=uid, title=title, start=_stamp(day, hour), end=_stamp(day, hour + 1)))


def fill(server: CalendarServer, calendar: str, monday: date) -> Iterator[str]:
    """Put Alice's events into a calendar; gives what each of them is."""
    week = timedelta(days=7)
    series = _SERIES.format(
        first=_stamp(monday, 10),
        first_end=_stamp(monday, 11),
        second=_stamp(monday + week, 10),
        second_moved=_stamp(monday + week, 15),
        second_moved_end=_stamp(monday + week, 16),
    )
    server.put(calendar, "team-meeting.ics", file_of(series))
    yield "Team meeting: four Mondays at 10:00, the second one moved to 15:00; with an alarm and a colour of the phone"
    day = monday + timedelta(days=3)
    holiday = _HOLIDAY.format(day=f"{day:%Y%m%d}", day_after=f"{day + timedelta(days=2):%Y%m%d}")
    server.put(calendar, "holiday.ics", file_of(holiday))
    yield "Holiday: two whole days"
    day = monday + timedelta(days=1)
    review = _REVIEW.format(start=_stamp(day, 9), end=_stamp(day, 9, 30))
    server.put(calendar, "review.ics", file_of(review))
    yield "Contract review: a meeting that Bob organises, with two attendees"
    server.put(calendar, "dentist.ics", single("dentist", "Dentist", monday + timedelta(days=2), 8))
    yield "Dentist: an hour"


def entries(server: CalendarServer, calendar: str, first: date, last: date) -> list[Entry]:
    """All occurrences in a calendar between two days, as another program reads them."""
    found = []
    for path in server.list(calendar):
        read = icalendar.Calendar.from_ical(server.get(path))
        for event in recurring_ical_events.of(read).between(first, last):
            found.append(Entry.of(event["DTSTART"].dt, event["DTEND"].dt, str(event["SUMMARY"])))
    return sorted(found)
