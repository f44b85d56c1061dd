"""The calendar that is measured: plain appointments with a zone, a text, an alarm and a foreign property."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.servers.calendar_server import CalendarServer, UnexpectedStatus

_ZONE = """\
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
"""

_EVENT = """\
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20270101T080000Z
SUMMARY:{title}
DESCRIPTION:What has to be brought along to visit {number}\\, and why
LOCATION:Room {room}
DTSTART;TZID=Europe/Vienna:{start}
DTEND;TZID=Europe/Vienna:{end}
X-PHONE-COLOR:tangerine
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
TRIGGER:-PT15M
END:VALARM
END:VEVENT
"""
FIRST = datetime(2027, 1, 4, 8)


def begins(number: int) -> datetime:
    """When appointment ``number`` begins: eight a day, all within what any server can show."""
    return FIRST + timedelta(days=number // 8, hours=number % 8)


def uid_of(number: int) -> str:
    """The UID of appointment ``number``."""
    return f"visit-{number}@phone.example"


def component(number: int, title: str | None = None) -> str:
    """The VEVENT."""
    start = begins(number)
    text = _EVENT.format(
        uid=uid_of(number),
        number=number,
        title=title or f"Visit {number}",
        room=number % 17,
        start=f"{start:%Y%m%dT%H%M%S}",
        end=f"{start + timedelta(minutes=45):%Y%m%dT%H%M%S}",
    )
    return text


def calendar_file(components: Iterable[str]) -> str:
    """A whole file with these components."""
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example Phone//Calendar 9//EN\n"
    return f"{head}{_ZONE}{''.join(components)}END:VCALENDAR\n".replace("\n", "\r\n")


def fill_calendar(server: CalendarServer, name: str, count: int) -> str:
    """A new calendar on a Radicale with ``count`` appointments; answers its address.

    One PUT of the whole calendar, which Radicale takes apart by UID; no other server does that.
    """
    if not count:
        return server.make_calendar(name)
    address = f"{server.home}{name}/"
    file = calendar_file(component(number) for number in range(count))
    answer = server.request("PUT", address, file, {"Content-Type": "text/calendar; charset=utf-8"})
    if answer.status != 201:
        raise UnexpectedStatus("PUT", address, answer.status)
    return address


def edit_on_server(server: CalendarServer, calendar: str, numbers: Iterable[int], title: str) -> None:
    """Give some appointments another title, as a phone would."""
    wanted = {uid_of(number): number for number in numbers}
    for path in server.list(calendar):
        body = server.get(path).decode()
        found = next((line[4:].strip() for line in body.splitlines() if line.startswith("UID:")), "")
        if found in wanted:
            new = calendar_file([component(wanted[found], f"{title} {wanted[found]}")])
            name = path.rpartition("/")[2]
            server.put(calendar, name, new)
            del wanted[found]
        if not wanted:
            return
    raise LookupError(f"not on the server: {sorted(wanted)}")
