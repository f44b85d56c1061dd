"""The sandbox's other side as use cases: who may use it, and which input it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from calbridge.errors import Refused
from calbridge.service import connectors, exports, integrations, sandbox, users
from calbridge.service.parts import open_parts
from calbridge.service.storage import AccountStorage
from calbridge.store.integrations import StoredIntegration
from tests.integration.service.sandbox_world import ACCOUNT, SandboxWorld, sandbox_world
from tests.integration.service.world import ALICE, TENANT, at, settings_for, visit

CALLS: dict[str, Callable[[Any, str], object]] = {
    "list": lambda parts, name: sandbox.list_events(parts, TENANT, name),
    "get": lambda parts, name: sandbox.get_event(parts, TENANT, name, "x"),
    "create": lambda parts, name: sandbox.create_event(parts, TENANT, name, visit()),
    "change": lambda parts, name: sandbox.change_event(parts, TENANT, name, "x", {}),
    "delete": lambda parts, name: sandbox.delete_event(parts, TENANT, name, "x"),
    "answer": lambda parts, name: sandbox.answer_event(parts, TENANT, name, "x", "eve@example.com"),
    "faults": lambda parts, name: sandbox.list_faults(parts, TENANT, name),
    "fault": lambda parts, name: sandbox.set_fault(parts, TENANT, name, {"fault": "revoke"}),
}


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[SandboxWorld]:
    """A linked sandbox that was never run."""
    with sandbox_world(tmp_path) as world:
        world.connect()
        yield world


def test_an_export_of_its_user_holds_the_fake_calendar(linked: SandboxWorld) -> None:
    linked.create(title="Birthday of Bob", start={"date": "2027-01-05"}, end={"date": "2027-01-06"})
    told = exports.export_user(linked.parts, TENANT, ALICE)
    (account,) = told["accounts"]
    (kept,) = account["kept_by_connector"]["calendars"]["main"]["events"].values()
    assert "SUMMARY:Birthday of Bob" in kept["text"]


def refusal(call: Callable[[], object]) -> tuple[str, object]:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code, refused.value.facts.get("field")


def test_the_service_is_offered_where_the_installation_says_so(linked: SandboxWorld) -> None:
    (view,) = [each for each in connectors.list_connectors(linked.parts) if each.service == "sandbox"]
    assert (view.needs_url, view.problem, view.capabilities["controls"]) == (False, None, "full")
    assert [each.id for each in integrations.list_calendars(linked.parts, TENANT, linked.integration_id)] == [
        "main",
        "second",
    ]


@pytest.mark.parametrize("call", CALLS)
def test_without_the_setting_nothing_of_it_is_there(linked: SandboxWorld, tmp_path: Path, call: str) -> None:
    name = linked.integration_id
    with open_parts(settings_for(tmp_path)) as parts:
        assert refusal(lambda: CALLS[call](parts, name))[0] == "sandbox_off"
        assert "sandbox" not in {each.service for each in connectors.list_connectors(parts)}
        assert refusal(lambda: integrations.list_calendars(parts, TENANT, name))[0] == "service_unknown"
        with pytest.raises(Refused) as refused:
            integrations.add_integration(parts, TENANT, user_id=ALICE, service="sandbox", account=ACCOUNT)
        assert refused.value.code == "service_unknown"


@pytest.mark.parametrize("call", CALLS)
def test_only_a_sandbox_that_is_signed_in_has_another_side(linked: SandboxWorld, call: str) -> None:
    with linked.parts.database.write(TENANT) as work:
        work.integrations.add(StoredIntegration("real", ALICE, "caldav"))
        work.integrations.add(StoredIntegration("fresh", ALICE, "sandbox"))
    codes = [refusal(lambda name=name: CALLS[call](linked.parts, name))[0] for name in ("real", "fresh", "nowhere")]  # type: ignore[misc]
    assert codes == ["integration_not_found", "not_connected", "integration_not_found"]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"start": at("2027-01-05")}, ("invalid_value", "end")),
        (visit(title=""), ("invalid_value", "title")),
        (visit() | {"colour": "red"}, ("invalid_value", "colour")),
        (visit() | {"type": "task"}, ("invalid_value", "type")),
        (visit() | {"attendees": [{"email": "nobody"}]}, ("invalid_value", "attendees[0].email")),
        (visit() | {"recurrence": ["RRULE:FREQ=SECONDLY"]}, ("recurrence_too_fine", "recurrence")),
        (visit() | {"title": "x" * 1001}, ("too_large", "title")),
        ("text", ("invalid_value", "body")),
    ],
)
def test_what_does_not_fit_into_an_event_is_refused(
    linked: SandboxWorld, body: Any, refused: tuple[str, object]
) -> None:
    assert refusal(lambda: sandbox.create_event(linked.parts, TENANT, linked.integration_id, body)) == refused
    assert linked.events() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "fault"),
        ({"fault": "earthquake"}, "fault"),
        ({"fault": "revoke", "requests": 1}, "requests"),
        ({"fault": "revoke", "confirmed": "yes"}, "confirmed"),
        ({"fault": "throttle", "requests": 1001}, "requests"),
        ({"fault": "throttle", "retry_after": -1}, "retry_after"),
        ({"fault": "lose_reply", "writes": True}, "writes"),
        ({"fault": "calendar_gone", "calendar_id": 7}, "calendar_id"),
        ({"fault": "restore", "whatever": 1}, "whatever"),
    ],
)
def test_what_does_not_fit_to_a_fault_is_refused(linked: SandboxWorld, body: Any, field: str) -> None:
    assert refusal(lambda: sandbox.set_fault(linked.parts, TENANT, linked.integration_id, body)) == (
        "invalid_value",
        field,
    )
    assert sandbox.list_faults(linked.parts, TENANT, linked.integration_id) == {
        "revoked": False,
        "confirmed": False,
        "throttled": 0,
        "retry_after": None,
        "lost_replies": 0,
        "gone_calendars": [],
    }


def test_events_are_listed_a_page_at_a_time_and_by_calendar(linked: SandboxWorld) -> None:
    parts, name = linked.parts, linked.integration_id
    made = [linked.create(**visit(f"Visit {number}"))["id"] for number in range(3)]
    sandbox.create_event(parts, TENANT, name, visit("Elsewhere"), calendar_id="second")
    first = sandbox.list_events(parts, TENANT, name, limit=2)
    rest = sandbox.list_events(parts, TENANT, name, limit=2, after=first[-1]["id"])
    assert [each["id"] for each in first + rest] == sorted(made)
    assert [each["title"] for each in sandbox.list_events(parts, TENANT, name, calendar_id="second")] == ["Elsewhere"]
    assert refusal(lambda: sandbox.list_events(parts, TENANT, name, calendar_id="third"))[0] == "calendar_not_found"


def test_an_event_is_shown_in_the_words_of_items(linked: SandboxWorld) -> None:
    body = visit("Lunch", location="Café", description={"text": "Soup"}, categories=["Food"], show_as="free")
    shown = linked.create(**body)
    assert {name: shown[name] for name in ("title", "start", "end", "location", "categories", "show_as")} == {
        name: body[name] for name in ("title", "start", "end", "location", "categories", "show_as")
    }
    assert shown["description"]["text"] == "Soup"
    assert sandbox.get_event(linked.parts, TENANT, linked.integration_id, shown["id"]) == shown
    changed = linked.change(shown["id"], location=None, title="Dinner")
    assert (changed["title"], changed["location"], changed["categories"]) == ("Dinner", None, ["Food"])
    assert changed["version"] != shown["version"]
    assert refusal(lambda: linked.change(shown["id"], start=None)) == ("invalid_value", "start")
    assert refusal(lambda: linked.change("nowhere", title="x"))[0] == "event_not_found"
    assert refusal(lambda: linked.change(shown["id"], id="x")) == ("invalid_value", "id")


def test_only_guests_answer(linked: SandboxWorld) -> None:
    event = linked.create(**visit("Lunch"))["id"]
    given = (linked.parts, TENANT, linked.integration_id, event)
    assert refusal(lambda: sandbox.answer_event(*given, "eve@example.com"))[0] == "not_invited"
    assert refusal(lambda: sandbox.answer_event(*given, "eve", "accepted")) == ("invalid_value", "attendee")
    assert refusal(lambda: sandbox.answer_event(*given, "eve@example.com", "maybe")) == ("invalid_value", "response")


def test_what_happens_there_makes_the_integration_due(linked: SandboxWorld) -> None:
    def due() -> int:
        with linked.parts.database.read(TENANT) as work:
            return work.integrations.require(linked.integration_id).due_no

    before = due()
    event = linked.create(**visit("Lunch"))["id"]
    linked.change(event, title="Dinner")
    sandbox.delete_event(linked.parts, TENANT, linked.integration_id, event)
    assert due() == before + 3


def test_the_fake_calendar_ends_with_its_integration_and_its_user(linked: SandboxWorld) -> None:
    linked.create(**visit("Lunch"))
    with linked.parts.database.read(TENANT) as work:
        account_id = work.integrations.require(linked.integration_id).account_id or ""
    storage = AccountStorage(linked.parts.database, TENANT, account_id)
    assert storage.read()[0] is not None
    integrations.delete_integration(linked.parts, TENANT, linked.integration_id)
    assert storage.read() == (None, 0)
    linked.connect()
    linked.create(**visit("Lunch"))
    assert users.delete_user(linked.parts, TENANT, ALICE).counts["connector_states"] == 1
