"""What the connector's tests share: opening it, events, and small readings of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from calbridge.connectors.contract import (
    OPEN_WINDOW,
    Account,
    Create,
    Delete,
    Done,
    Failed,
    Fetched,
    Gone,
    Page,
    Result,
    Seen,
    Update,
)
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.times import When, utc, zoned
from calbridge.errors import ConnectorError
from calbridge_google.connector import GoogleConnector
from calbridge_google.tokens import Grant as SignIn
from tests.doubles.google import GoogleDouble

VIENNA = "Europe/Vienna"


def settings(double: GoogleDouble) -> dict[str, str]:
    """What an operator would set."""
    return {
        "client_id": double.client.id,
        "client_secret": double.client.secret,
        "api_url": double.url,
        "oauth_url": double.url,
    }


def account(double: GoogleDouble, secret: str | None = None) -> Account:
    """Alice's account after a sign-in."""
    given = secret if secret is not None else SignIn(double.grant()).text
    return Account("google", None, double.user, given, settings=settings(double))


@dataclass
class Client:
    """A connector with a calendar, as the core would hold it."""

    connector: GoogleConnector
    calendar: str

    def listing(self, cursor: str | None = None) -> tuple[list[Any], Page]:
        """All entries and the last page."""
        pages = list(self.connector.changes(self.calendar, cursor, OPEN_WINDOW))
        return [entry for page in pages for entry in page.entries], pages[-1]

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

    def find(self, keys: Sequence[str] = (), uids: Sequence[str] = ()) -> list[Seen]:
        return list(self.connector.find(self.calendar, keys, uids))

    def creation(self, key: str, target: Content) -> Create:
        place = self.connector.place(self.calendar, key)
        assert place is not None
        return Create(key, target, place.uid, place.remote_id)

    def create(self, key: str, target: Content) -> Result:
        return self.connector.write(self.calendar, [self.creation(key, target)])[0]

    def made(self, key: str, target: Content) -> Done:
        result = self.create(key, target)
        assert isinstance(result, Done), result
        return result

    def update(self, shown: Seen | Done, units: Mapping[Unit, Value], **more: Any) -> Result:
        write = Update(shown.remote_id, shown.version, shown.native, units)
        return self.connector.write(self.calendar, [replace(write, **more)])[0]

    def retitle(self, shown: Seen | Done, title: str) -> Result:
        return self.update(shown, {(MASTER, Field.TITLE): title})

    def delete(self, shown: Seen | Done) -> Result:
        return self.connector.write(self.calendar, [Delete(shown.remote_id, shown.version, shown.native)])[0]


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


def single(title: str = "Lunch", day: int = 5, hour: int = 10, **more: Any) -> dict[str, Any]:
    """An event as Google's own page makes it."""
    return {"summary": title, "start": moment(day, hour), "end": moment(day, hour + 1), **more}


def weekly(title: str = "Weekly", count: int = 6, **more: Any) -> dict[str, Any]:
    """A series as Google's own page makes it."""
    return single(title, recurrence=[f"RRULE:FREQ=WEEKLY;COUNT={count}"], **more)


def moment(day: int, hour: int) -> dict[str, str]:
    return {"dateTime": f"2027-01-{day:02}T{hour:02}:00:00", "timeZone": VIENNA}


def title_of(row: object) -> str:
    assert isinstance(row, Seen | Done), row
    assert row.event is not None
    return row.event.content.title


def error_of(result: object) -> ConnectorError:
    """What a refused write was refused with."""
    assert isinstance(result, Failed), result
    return result.error


def ids(entries: Sequence[object]) -> set[str]:
    """Addresses at which something was told to live."""
    return {entry.remote_id for entry in entries if isinstance(entry, Seen)}


def gone(entries: Sequence[object]) -> set[str]:
    """Addresses at which nothing was told to live."""
    return {entry.remote_id for entry in entries if isinstance(entry, Gone)}
