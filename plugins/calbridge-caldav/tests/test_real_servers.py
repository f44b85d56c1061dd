"""The main job against real servers: Radicale and Xandikos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Account, Done, Failed, Gone, Seen
from calbridge.domain.content import Field, Span
from calbridge.errors import CalendarGone, CursorExpired, NotFound, Rejected, SignInRequired, VersionConflict
from tests.servers import CalendarServer
from tests.servers.reaching import transport

from .support import Phone, at, ics, meeting, opened, single, title_of, vevent


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> CalendarServer:
    found: CalendarServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def phone(server: CalendarServer) -> Iterator[Phone]:
    """A connector on an empty calendar of its own."""
    url = server.new_calendar()
    with transport() as sending:
        linked = opened(sending, Account("caldav", server.url, server.user, server.password or "any"), "")
        (found,) = (c for c in linked.connector.calendars() if url.endswith(c.id))
        yield replace(linked, calendar=found.id)


def test_create_update_override_and_delete(phone: Phone) -> None:
    made = phone.made("key-1", meeting(rule=["RRULE:FREQ=DAILY;COUNT=5"]))
    assert made.exact
    cursor = phone.cursor()
    assert phone.listing(cursor)[0] == []
    renamed = phone.retitle(made, "Renamed")
    assert isinstance(renamed, Done)
    assert (title_of(renamed), renamed.exact) == ("Renamed", True)
    units = {
        ("2027-01-06T10:00:00", Field.TIME): Span(at(15, 6), at(16, 6)),
        ("2027-01-07T10:00:00", Field.EXISTS): False,
    }
    overridden = phone.update(renamed, units)
    assert isinstance(overridden, Done)
    assert overridden.event is not None
    assert overridden.event.content.keys == ("2027-01-06T10:00:00", "2027-01-07T10:00:00")
    entries, page = phone.listing(cursor)
    assert [(e.remote_id, e.version) for e in entries if isinstance(e, Seen)] == [(made.remote_id, overridden.version)]
    assert isinstance(phone.delete(overridden), Done)
    entries, _ = phone.listing(page.cursor)
    assert entries == [Gone(made.remote_id, sure=True)]
    assert phone.fetch(made.remote_id) == {made.remote_id: Gone(made.remote_id)}


def test_what_others_do_is_seen(server: CalendarServer, phone: Phone) -> None:
    url = server.home.rstrip("/") + "/" + phone.calendar.rstrip("/").rpartition("/")[2] + "/"
    cursor = phone.cursor()
    server.put(url, "a b+c@d.ics", single("a", "Lunch"))
    entries, page = phone.listing(cursor)
    (seen,) = entries
    assert title_of(phone.fetch_one(seen.remote_id)) == "Lunch"
    result = phone.retitle(phone.fetch_one(seen.remote_id), "Dinner")
    assert isinstance(result, Done)
    assert b"SUMMARY:Dinner" in server.get(url + "a%20b+c@d.ics")
    full, last = phone.listing()
    assert [e.remote_id for e in full] == [seen.remote_id]
    assert last.full
    assert page.cursor != cursor


def test_stale_writes_are_refused(phone: Phone) -> None:
    made = phone.made("key-1", meeting())
    newer = phone.retitle(made, "Newer")
    assert isinstance(newer, Done)
    for late in (phone.retitle(made, "Late"), phone.delete(made)):
        assert isinstance(late, Failed)
        assert isinstance(late.error, VersionConflict)
    assert isinstance(phone.delete(newer), Done)
    gone = phone.delete(newer)
    assert isinstance(gone, Failed)
    assert isinstance(gone.error, NotFound | VersionConflict)
    assert title_of(phone.made("key-1", meeting())) == "Visit"


def test_a_create_can_be_repeated_and_a_taken_uid_is_named(server: CalendarServer, phone: Phone) -> None:
    made = phone.made("key-1", meeting())
    assert phone.made("key-1", meeting()).version == made.version
    url = server.home.rstrip("/") + "/" + phone.calendar.rstrip("/").rpartition("/")[2] + "/"
    server.put(url, "other.ics", single(phone.creation("key-2", meeting()).uid))
    refused = phone.create("key-2", meeting())
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, Rejected)
    assert refused.error.code == "uid_conflict"


def test_a_broken_cursor_is_expired(phone: Phone) -> None:
    with pytest.raises(CursorExpired):
        phone.listing('{"kind":"sync","mark":"http://radicale.org/ns/sync/0000"}')


def test_a_lone_override_is_read_edited_and_removed(server: CalendarServer, phone: Phone) -> None:
    url = server.home.rstrip("/") + "/" + phone.calendar.rstrip("/").rpartition("/")[2] + "/"
    server.put(url, "lone.ics", ics(vevent("s", "One day", "RECURRENCE-ID:20270105T090000Z")))
    (entry,) = phone.listing()[0]
    (part,) = (row for row in phone.fetch(entry.remote_id).values() if isinstance(row, Seen))
    result = phone.retitle(part, "That day")
    assert isinstance(result, Done)
    assert title_of(result) == "That day"
    assert isinstance(phone.delete(result), Done)
    assert phone.listing()[0] == []


def test_find_asks_the_server_by_uid(server: CalendarServer, phone: Phone) -> None:
    url = server.home.rstrip("/") + "/" + phone.calendar.rstrip("/").rpartition("/")[2] + "/"
    server.put(url, "odd.ics", single("odd/uid@example.com", "Odd"))
    server.put(url, "even.ics", single("even@example.com", "Even"))
    (seen,) = phone.connector.find(phone.calendar, [], ["odd/uid@example.com", "nobody"])
    assert title_of(seen) == "Odd"


def test_a_deleted_calendar_is_gone(server: CalendarServer, phone: Phone) -> None:
    cursor = phone.cursor()
    url = server.home.rstrip("/") + "/" + phone.calendar.rstrip("/").rpartition("/")[2] + "/"
    server.delete(url)
    with pytest.raises(CalendarGone):
        phone.listing(cursor)


def test_hundreds_are_listed_fetched_and_written_within_their_ceilings(phone: Phone) -> None:
    writes = [phone.creation(f"key-{n}", meeting(f"Visit {n}")) for n in range(60)]
    results = phone.connector.write(phone.calendar, writes)
    assert [title_of(result) for result in results] == [f"Visit {n}" for n in range(60)]
    entries, _ = phone.listing()
    rows = phone.fetch(*(entry.remote_id for entry in entries))
    assert all(isinstance(row, Seen) for row in rows.values())
    assert len(rows) == 60


def test_radicale_confirms_a_wrong_password(radicale_server: CalendarServer) -> None:
    with transport() as sending, pytest.raises(SignInRequired) as raised:
        opened(sending, Account("caldav", radicale_server.url, "alice", "wrong"), "")
    assert raised.value.confirmed


def test_only_radicale_promises_silence(radicale_server: CalendarServer, xandikos_server: CalendarServer) -> None:
    for server, silent in ((radicale_server, True), (xandikos_server, False)):
        with transport() as sending:
            linked = opened(sending, Account("caldav", server.url, "alice", "secret"), "")
            assert linked.connector.capabilities.has(Ability.SILENT_UPDATE) is silent
