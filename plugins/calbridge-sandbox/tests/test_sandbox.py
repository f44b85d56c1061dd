"""The fake service itself: its bounds, its cursors, and what a person can do there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from calbridge.connectors.contract import OPEN_WINDOW, Answer, Create, Delete, Done, Failed, Seen, Update
from calbridge.connectors.registry import load_registry
from calbridge.domain.content import MASTER, Content, Field, People, Person, Text
from calbridge.errors import CursorExpired, NotFound, Rejected, VersionConflict
from calbridge.testing.conformance.samples import at, single, slot, span, weekly
from calbridge_sandbox.connector import SandboxConnector
from calbridge_sandbox.document import MAIN, MOST_EVENTS, MOST_GONE, Document, Stored
from calbridge_sandbox.events import address_of, place_of
from calbridge_sandbox.keeping import changing

from .harness import OWNER, SandboxHarness
from .memory_storage import MemoryStorage

TODAY = date(2027, 1, 4)
TITLE, TIME = (MASTER, Field.TITLE), (MASTER, Field.TIME)


@pytest.fixture
def harness() -> SandboxHarness:
    return SandboxHarness()


@pytest.fixture
def sandbox(harness: SandboxHarness) -> SandboxConnector:
    found = harness.connector()
    assert isinstance(found, SandboxConnector)
    return found


def made(sandbox: SandboxConnector, content: Content, calendar: str = MAIN) -> Seen:
    event = sandbox.control("create", {"calendar": calendar, "content": content})["event"]
    assert isinstance(event, Seen)
    return event


def creation(key: str, content: Content) -> Create:
    place = place_of(key)
    return Create(key, content, place.uid, place.remote_id)


def cursor(sandbox: SandboxConnector) -> str:
    return list(sandbox.changes(MAIN, None, OPEN_WINDOW))[-1].cursor or ""


def test_there_are_two_calendars_of_which_one_is_the_first(sandbox: SandboxConnector) -> None:
    assert [(each.id, each.primary) for each in sandbox.calendars()] == [("main", True), ("second", False)]
    made(sandbox, single(TODAY), "second")
    assert list(sandbox.changes(MAIN, None, OPEN_WINDOW))[-1].entries == []


def test_an_account_is_whom_its_user_name_says() -> None:
    assert address_of(" Alice@Example.com ") == "alice@example.com"
    assert address_of("Alice") == "alice@sandbox.example"


def test_a_long_listing_comes_in_pages_and_whole(sandbox: SandboxConnector) -> None:
    sandbox.write(MAIN, [creation(f"k{number}", single(TODAY)) for number in range(250)])
    pages = list(sandbox.changes(MAIN, None, OPEN_WINDOW))
    assert [len(page.entries) for page in pages] == [100, 100, 50]
    assert [page.last for page in pages] == [False, False, True]


def test_events_have_a_most(sandbox: SandboxConnector) -> None:
    results = sandbox.write(MAIN, [creation(f"k{number}", single(TODAY)) for number in range(MOST_EVENTS + 1)])
    refused = results[-1]
    assert [isinstance(result, Done) for result in results] == [True] * MOST_EVENTS + [False]
    assert isinstance(refused, Failed)
    assert refused.error.code == "too_large"
    with pytest.raises(Rejected):
        made(sandbox, single(TODAY), "second")
    first = results[0]
    assert isinstance(first, Done)
    kept = sandbox.write(MAIN, [Update(first.remote_id, first.version, first.native, {TITLE: "Still editable"})])
    assert isinstance(kept[0], Done)
    assert isinstance(sandbox.write(MAIN, [Delete(first.remote_id, None)])[0], Done)
    assert made(sandbox, single(TODAY), "second").event is not None


def test_texts_have_a_most_that_the_storage_can_hold(harness: SandboxHarness, sandbox: SandboxConnector) -> None:
    long = single(TODAY, description=Text("\N{GRINNING FACE}\n" * 50_000))
    results = sandbox.write(MAIN, [creation(f"k{number}", long) for number in range(20)])
    taken = [isinstance(result, Done) for result in results]
    assert taken[0]
    assert not taken[-1]
    assert len(harness.storage.read()[0] or b"") < 8_000_000


def test_forgotten_deletions_expire_the_cursors_from_before_them(
    harness: SandboxHarness, sandbox: SandboxConnector
) -> None:
    def churn(document: Document) -> None:
        calendar = document.calendar(MAIN)
        for number in range(MOST_GONE + 1):
            calendar.events[f"e-{number}"] = Stored(f"uid-{number}")
            calendar.remove(f"e-{number}", document.next_number())

    before = cursor(sandbox)
    changing(harness.storage, churn)
    with pytest.raises(CursorExpired):
        list(sandbox.changes(MAIN, before, OPEN_WINDOW))
    told = [entry for page in sandbox.changes(MAIN, "1.1", OPEN_WINDOW) for entry in page.entries]
    assert len(told) == MOST_GONE


def test_occurrences_follow_a_series_that_a_person_moves(sandbox: SandboxConnector) -> None:
    seen = made(sandbox, weekly(TODAY))
    later = span(at(TODAY, 8, 10), rule=("RRULE:FREQ=WEEKLY;COUNT=6",))
    moved = sandbox.control("change", {"remote_id": seen.remote_id, "units": {TIME: later}})["event"]
    assert isinstance(moved, Seen)
    assert moved.event is not None
    assert moved.event.content.excluded(slot(later.start, 2))


def test_an_edit_has_a_time_and_an_answer_is_none(sandbox: SandboxConnector) -> None:
    people = People(Person("boss@example.com"), (Person(OWNER), Person("eve@example.com")))
    seen = made(sandbox, single(TODAY, people=people))
    assert seen.event is not None
    edited = seen.event.modified_at
    assert edited is not None
    answered = sandbox.respond(MAIN, Answer(seen.remote_id, seen.version, seen.native, "declined", "On holiday"))
    assert isinstance(answered, Done)
    assert answered.event is not None
    assert answered.event.content.get((MASTER, Field.MY_RESPONSE)) == "declined"
    assert answered.event.modified_at == edited
    given = {"remote_id": seen.remote_id, "attendee": "EVE@example.com", "answer": "accepted"}
    event = sandbox.control("answer", given)["event"]
    assert isinstance(event, Seen)
    assert event.event is not None
    assert event.event.content.get((MASTER, Field.RESPONSES)) == (("eve@example.com", "accepted"),)


@pytest.mark.parametrize(
    ("action", "arguments", "error"),
    [
        ("fly", {}, Rejected),
        ("create", {}, Rejected),
        ("create", {"content": Content()}, Rejected),
        ("change", {"remote_id": "p-1", "units": "title"}, Rejected),
        ("change", {"remote_id": "p-1", "units": {}, "version": "0"}, VersionConflict),
        ("change", {"remote_id": "nowhere", "units": {}}, NotFound),
        ("delete", {"remote_id": 7}, Rejected),
        ("answer", {"remote_id": "p-1", "attendee": "eve@example.com", "answer": "accepted"}, Rejected),
        ("answer", {"remote_id": "p-1", "attendee": "eve@example.com", "answer": "perhaps"}, Rejected),
        ("fault", {"fault": "earthquake"}, Rejected),
        ("fault", {"fault": "throttle", "requests": True}, Rejected),
        ("fault", {"fault": "throttle", "requests": -1}, Rejected),
        ("fault", {"fault": "throttle", "requests": 1, "retry_after": float("nan")}, Rejected),
        ("fault", {"fault": "lose_reply", "writes": 10**9}, Rejected),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    harness: SandboxHarness,
    sandbox: SandboxConnector,
    action: str,
    arguments: Mapping[str, Any],
    error: type[Exception],
) -> None:
    assert made(sandbox, single(TODAY)).remote_id == "p-1"
    before = harness.storage.read()
    with pytest.raises(error):
        sandbox.control(action, arguments)
    assert harness.storage.read() == before


def test_reading_writes_nothing(harness: SandboxHarness, sandbox: SandboxConnector) -> None:
    made(sandbox, single(TODAY))
    before = harness.storage.read()
    sandbox.check()
    sandbox.fetch(MAIN, ["p-1"])
    cursor(sandbox)
    assert harness.storage.read() == before


def test_a_write_met_by_another_is_decided_anew(harness: SandboxHarness, sandbox: SandboxConnector) -> None:
    seen = made(sandbox, single(TODAY))
    tries = 0

    def slowly(document: Document) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            sandbox.control("change", {"remote_id": seen.remote_id, "units": {TITLE: "Meanwhile"}})
        stored = document.calendar(MAIN).events[seen.remote_id]
        document.calendar(MAIN).remove(seen.remote_id, document.next_number())
        return stored.text

    assert "Meanwhile" in changing(harness.storage, slowly)
    assert (tries, harness.storage.refused) == (2, 1)


def test_the_registry_offers_it_as_one_that_needs_a_storage() -> None:
    registry = load_registry(["calbridge-sandbox"])
    assert [service.name for service in registry.services] == ["sandbox"]
    assert registry.problems == ()
    assert registry.spec_for("sandbox").storage


def test_registering_imports_no_connector_code() -> None:
    code = (
        "import sys, calbridge_sandbox.plugin as p; p.calbridge_register_connectors();"
        "sys.exit(any(m in sys.modules for m in ('calbridge_sandbox.connector', 'icalendar')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_stored_is_read_back_the_same() -> None:
    storage = MemoryStorage()
    assert Document.read(Document().written()) == Document()
    changing(storage, lambda document: document.calendar(MAIN).gone.update(x=document.next_number()))
    assert Document.read(storage.read()[0]).calendars[MAIN].gone == {"x": 1}
