"""Contents that the tests write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Unit, Value, content
from calbridge.domain.times import When, day, floating, utc, zoned

ZONE = "Europe/Vienna"


def at(today: date, days: int = 7, hour: int = 9) -> When:
    """A zoned time some days ahead."""
    return zoned(datetime.combine(today + timedelta(days=days), time(hour)), ZONE)


def span(start: When, hours: int = 1, rule: tuple[str, ...] = ()) -> Span:
    """A time of some hours."""
    return Span(start, start.shifted(timedelta(hours=hours)), rule)


def single(today: date, title: str = "Fix the printer", days: int = 7, **more: Value) -> Content:
    """An ordinary event; ``more`` are further master fields by name."""
    units: dict[Unit, Value] = {(MASTER, Field.TIME): span(at(today, days)), (MASTER, Field.TITLE): title}
    units.update({(MASTER, Field(name)): value for name, value in more.items()})
    return content(units)


def rich(today: date) -> Content:
    """An event with every field that is sent."""
    return single(
        today,
        "Server room: cooling, door lock and cables, second floor",
        description=Text("First line\nÄ & <b>"),
        location="Room 7",
        categories=("Field service", "Urgent"),
        visibility="private",
        show_as="free",
    )


def weekly(today: date, changed: Mapping[Unit, Value] | None = None) -> Content:
    """A series of six weeks with the third visit cancelled and the fourth at another hour with another title."""
    start = at(today)
    units: dict[Unit, Value] = {
        (MASTER, Field.TIME): span(start, rule=("RRULE:FREQ=WEEKLY;COUNT=6",)),
        (MASTER, Field.TITLE): "Weekly visit",
        (slot(start, 2), Field.EXISTS): False,
        (slot(start, 3), Field.TIME): span(start.shifted(timedelta(weeks=3, hours=5))),
        (slot(start, 3), Field.TITLE): "Visit in the afternoon",
        **(changed or {}),
    }
    return content(units)


def slot(start: When, week: int) -> str:
    """The key of one of the weekly visits."""
    return start.shifted(timedelta(weeks=week)).key


def meeting(today: date) -> Content:
    """An event with a guest; the account's owner organises it."""
    return single(today, people=People(None, (Person("alice@example.com"),)))


def kinds(today: date) -> dict[str, Span]:
    """A time of each kind that can be written, with one across the change to summer time in two zones."""
    local = datetime.combine(today + timedelta(days=8), time(13))
    spring = datetime(today.year + (today > date(today.year, 3, 1)), 3, 28, 1, 30)
    first = day(today + timedelta(days=9))
    return {
        "date": Span(first, first.shifted(timedelta(days=2))),
        "zoned": span(zoned(local, ZONE)),
        "utc": span(utc(local)),
        "floating": span(floating(local)),
        "summer time in Vienna": span(zoned(spring, ZONE), hours=3),
        "summer time in New York": span(zoned(spring - timedelta(days=14), "America/New_York"), hours=3),
    }
