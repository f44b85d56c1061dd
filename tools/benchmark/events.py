"""The calendar that is measured: plain appointments with a zone, a text, an alarm and a foreign property."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.calendar_server import CalendarServer

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
_SYNC = """\
<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"""
FIRST = datetime(2027, 1, 4, 8)
_SLICE = 500


def begins(number: int) -> datetime:
    """When appointment ``number`` begins: eight a day, all within what any server can show."""
    return FIRST + timedelta(days=number // 8, hours=number % 8)


def uid_of(number: int) -> str:
    """The UID of appointment ``number``."""
    return f"visit-{number}@phone.example"


def component(number: int, title: str | None = None) -> str:
    """The VEVENT."""
    start = begins(number)
    return _EVENT.format(
        uid=uid_of(number),
        number=number,
        title=title or f"Visit {number}",
        room=number % 17,
        start=f"{start:%Y%m%dT%H%M%S}",
        end=f"{start + timedelta(minutes=45):%Y%m%dT%H%M%S}",
    )


def calendar_file(components: Iterable[str]) -> str:
    """A whole file with these components."""
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example Phone//Calendar 9//EN\n"
    return f"{head}{_ZONE}{''.join(components)}END:VCALENDAR\n".replace("\n", "\r\n")


def name_of(number: int) -> str:
    """The last part of the address of appointment ``number``."""
    return f"visit-{number}.ics"


def fill_calendar(server: CalendarServer, name: str, count: int) -> str:
    """A new calendar on a Radicale with ``count`` appointments; answers its address.

    They are written into its storage folder, and listed slice by slice in both ways, so that the server has them in its
    own caches: it needs some milliseconds for each that it has not read yet, and for the first sync-token it writes a
    file for each to the disk, which on a busy one takes longer than a request may.
    """
    address = server.make_calendar(name)
    folder = server.folder / "collections" / "collection-root" / server.user / name
    for start in range(0, count, _SLICE):
        for number in range(start, min(start + _SLICE, count)):
            (folder / name_of(number)).write_text(calendar_file([component(number)]), newline="")
        server.list(address)
        server.request("REPORT", address, _SYNC, {"Depth": "0"})
    if len(server.list(address)) != count:
        raise LookupError(f"{name} does not hold {count} appointments")
    return address


def copy_calendar(server: CalendarServer, name: str, new: str) -> str:
    """The same calendar once more, what the server cached of it included; answers its address."""
    root = server.folder / "collections" / "collection-root" / server.user
    shutil.copytree(root / name, root / new)
    return f"{server.home}{new}/"


def edit_on_server(server: CalendarServer, calendar: str, numbers: Iterable[int], title: str) -> None:
    """Give some appointments another title, as a phone would."""
    for number in numbers:
        server.put(calendar, name_of(number), calendar_file([component(number, f"{title} {number}")]))
