"""What the connector's tests share: opening it, events, and small readings of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from calbridge.connectors.contract import (
    OPEN_WINDOW,
    Account,
    Answer,
    Create,
    Delete,
    Done,
    Failed,
    Fetched,
    Gone,
    Owner,
    Page,
    Result,
    Seen,
    Update,
)
from calbridge.connectors.transport import Transport
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.times import When, utc, zoned
from calbridge_caldav.connector import CalDavConnector
from tests.doubles.caldav import CalDavDouble
from tests.servers.reaching import transport

VIENNA = "Europe/Vienna"


def no_records(domain: str) -> list[str]:
    """A name server that knows nothing."""
    return []


def account(url: str | None, *, service: str = "caldav", password: str = "secret") -> Account:
    """Alice's account."""
    return Account(service, url, "alice@example.com", password)


@dataclass
class Phone:
    """A connector with a calendar, as the core would hold it after a check."""

    connector: CalDavConnector
    calendar: str
    owner: Owner

    def listing(self, cursor: str | None = None) -> tuple[list[Seen | Gone], Page]:
        """All entries and the last page."""
        pages = list(self.connector.changes(self.calendar, cursor, OPEN_WINDOW))
        return [entry for page in pages for entry in page.entries], pages[-1]  # type: ignore[misc]

    def cursor(self) -> str:
        """The cursor of now."""
        cursor = self.listing()[1].cursor
        assert cursor is not None
        return cursor

    def fetch(self, *remote_ids: str) -> dict[str, Fetched]:
        return {row.remote_id: row for row in self.connector.fetch(self.calendar, remote_ids)}

    def fetch_one(self, remote_id: str) -> Seen:
        row = self.fetch(remote_id)[remote_id]
        assert isinstance(row, Seen), row
        return row

    def create(self, key: str, target: Content) -> Result:
        return self.connector.write(self.calendar, [self.creation(key, target)])[0]

    def creation(self, key: str, target: Content) -> Create:
        place = self.connector.place(self.calendar, key)
        assert place is not None
        return Create(key, target, place.uid, place.remote_id)

    def made(self, key: str, target: Content) -> Done:
        result = self.create(key, target)
        assert isinstance(result, Done), result
        return result

    def update(self, shown: Seen | Done, units: Mapping[Unit, Value], **more: object) -> Result:
        write = Update(shown.remote_id, shown.version, shown.native, units)
        return self.connector.write(self.calendar, [replace(write, **more)])[0]  # type: ignore[arg-type]

    def retitle(self, shown: Seen | Done, title: str) -> Result:
        return self.update(shown, {(MASTER, Field.TITLE): title})

    def answer(self, shown: Seen | Done, answer: str, comment: str | None = None) -> Result:
        given = Answer(shown.remote_id, shown.version, shown.native, answer, comment)
        return self.connector.respond(self.calendar, given)

    def delete(self, shown: Seen | Done) -> Result:
        return self.connector.write(self.calendar, [Delete(shown.remote_id, shown.version, shown.native)])[0]


def opened(
    sending: Transport,
    given: Account,
    calendar: str,
    *,
    checked: bool = True,
    facts: Mapping[str, str] | None = None,
) -> Phone:
    """A connector as the core opens it for a run: with what a check has learned before, and ``facts`` on top."""
    owner = Owner("", "")
    if checked:
        with transport() as patient:
            owner = CalDavConnector(given, patient, locate=no_records).check()
    known = replace(given, facts={**owner.facts, **(facts or {})}, own_addresses=owner.own_addresses)
    return Phone(CalDavConnector(known, sending, locate=no_records), calendar, owner)


def at(hour: int, day: int = 5, *, zone: str | None = VIENNA) -> When:
    moment = datetime(2027, 1, day, hour)
    return zoned(moment, zone) if zone else utc(moment)


def meeting(
    title: str = "Visit",
    *,
    start: When | None = None,
    end: When | None = None,
    rule: Sequence[str] = (),
    **units: Value,
) -> Content:
    """A target: one hour from 10 in Vienna where nothing else is said; more units by their field's name."""
    first = start or at(10)
    span = Span(first, end or first.at(first.local.replace(hour=first.local.hour + 1)), tuple(rule))
    named = {(MASTER, Field[name.upper()]): value for name, value in units.items()}
    return content({(MASTER, Field.TIME): span, (MASTER, Field.TITLE): title, **named})


def ics(*events: str) -> bytes:
    """A calendar file of VEVENT blocks."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//test//EN", *events, "END:VCALENDAR"]
    return ("\r\n".join(lines) + "\r\n").encode()


def vevent(
    uid: str, title: str = "Lunch", *more: str, start: str = "20270105T100000Z", end: str = "20270105T110000Z"
) -> str:
    """One VEVENT block."""
    return "\r\n".join(
        [
            "BEGIN:VEVENT",
            f"UID:{uid}",
            "DTSTAMP:20270101T000000Z",
            f"DTSTART:{start}",
            f"DTEND:{end}",
            f"SUMMARY:{title}",
            *more,
            "END:VEVENT",
        ]
    )


def single(uid: str, title: str = "Lunch", *more: str) -> bytes:
    return ics(vevent(uid, title, *more))


def filled(double: CalDavDouble, count: int) -> list[str]:
    """So many events in ``work``; their addresses."""
    for number in range(count):
        double.put_event("work", f"e{number}.ics", single(f"uid-{number}", f"Title {number}"))
    return [f"/calendars/{double.user}/work/e{number}.ics" for number in range(count)]


def title_of(row: object) -> str:
    assert isinstance(row, Seen | Done), row
    assert row.event is not None
    return row.event.content.title


def error_of(result: object) -> Exception:
    """What a refused write was refused with."""
    assert isinstance(result, Failed), result
    return result.error
