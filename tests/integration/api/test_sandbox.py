"""A PSA developer plays the other side through the API, and sees it arrive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calbridge.service import tenants
from tests.integration.api.conftest import OTHER_TENANT, Api, Caller, caller_of
from tests.integration.service.sandbox_world import SandboxWorld, sandbox_world
from tests.integration.service.world import ALICE, at, visit

ITEMS = f"/v1/users/{ALICE}/items"


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[SandboxWorld]:
    with sandbox_world(tmp_path) as world:
        world.connect()
        world.sync()
        yield world


@pytest.fixture
def developer(linked: SandboxWorld) -> Caller:
    return caller_of(linked.parts)


@pytest.fixture
def events(linked: SandboxWorld) -> str:
    return f"/v1/sandbox/{linked.integration_id}/events"


@pytest.fixture
def faults(linked: SandboxWorld) -> str:
    return f"/v1/sandbox/{linked.integration_id}/faults"


def test_an_event_is_made_moved_and_deleted_there_and_my_calendar_follows(
    linked: SandboxWorld, developer: Caller, events: str
) -> None:
    made = developer.post(events, visit("From the phone"))
    assert made.status_code == 201
    assert made.json["made_by_calbridge"] is False
    path = f"{events}/{made.json['id']}"
    linked.sync()
    assert [item["title"] for item in developer.get(ITEMS).json["data"]] == ["From the phone"]
    moved = developer.patch(path, {"start": at("2027-01-06"), "end": at("2027-01-06", "11:00")})
    assert moved.json == developer.get(path).json
    linked.sync()
    assert developer.get(ITEMS).json["data"][0]["start"] == at("2027-01-06")
    assert developer.delete(path).status_code == 204
    assert developer.get(path).json["code"] == "event_not_found"
    linked.sync()
    assert developer.get(ITEMS).json["data"] == []


def test_what_calbridge_sent_is_listed_there_page_by_page(linked: SandboxWorld, developer: Caller, events: str) -> None:
    for number in range(3):
        developer.put(f"{ITEMS}/ext:{number}", visit(f"Visit {number}"))
    linked.sync()
    first = developer.get(f"{events}?limit=2").json
    second = developer.get(f"{events}?limit=2&cursor={first['next_cursor']}").json
    assert (len(first["data"]), len(second["data"]), second["next_cursor"]) == (2, 1, None)
    assert {each["title"] for each in first["data"] + second["data"]} == {"Visit 0", "Visit 1", "Visit 2"}
    assert {each["made_by_calbridge"] for each in first["data"]} == {True}


def test_a_guest_declines(linked: SandboxWorld, developer: Caller, events: str) -> None:
    guests = {"organizer": {"email": "alice@example.com"}, "attendees": [{"email": "eve@example.com"}]}
    made = developer.post(events, visit(**guests)).json
    answered = developer.post(f"{events}/{made['id']}/answers", {"attendee": "eve@example.com"})
    assert [each["response"] for each in answered.json["attendees"]] == ["declined"]
    stranger = developer.post(f"{events}/{made['id']}/answers", {"attendee": "mallory@example.com"})
    assert (stranger.status_code, stranger.json["code"]) == (409, "not_invited")


def test_a_revoked_password_is_seen_and_restored(linked: SandboxWorld, developer: Caller, faults: str) -> None:
    assert developer.post(faults, {"fault": "revoke", "confirmed": True}).json["revoked"] is True
    linked.sync()
    assert linked.integration().status == "not_connected"
    assert developer.post(faults, {"fault": "restore"}).json["revoked"] is False
    assert developer.get(faults).json["revoked"] is False


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ({"fault": "throttle", "requests": 3, "retry_after": 30}, {"throttled": 3, "retry_after": 30}),
        ({"fault": "lose_reply", "writes": 2}, {"lost_replies": 2}),
        ({"fault": "calendar_gone", "calendar_id": "second"}, {"gone_calendars": ["second"]}),
        ({"fault": "expire_cursor"}, {"revoked": False}),
    ],
)
def test_a_fault_is_shown(developer: Caller, faults: str, fault: dict[str, Any], shown: dict[str, Any]) -> None:
    assert developer.post(faults, fault).status_code == 200
    assert shown.items() <= developer.get(faults).json.items()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fault": "burn"}, "fault"),
        ({"fault": "throttle", "requests": -1}, "requests"),
        ({"fault": "throttle", "requests": "3"}, "requests"),
        ({"fault": "revoke", "confirmed": "yes"}, "confirmed"),
        ({"fault": "revoke", "writes": 1}, "writes"),
        ({"fault": "restore", "mood": 1}, "mood"),
        ({}, "fault"),
    ],
)
def test_a_fault_that_is_none_is_named(developer: Caller, faults: str, body: dict[str, Any], field: str) -> None:
    answer = developer.post(faults, body)
    assert (answer.status_code, answer.json["field"]) == (422, field)


def test_an_event_that_can_not_be_is_named(developer: Caller, events: str) -> None:
    assert developer.post(events, {"title": "x"}).json["field"] == "start"
    assert developer.post(events, visit(record_id="R")).json["field"] == "record_id"
    made = developer.post(events, visit()).json
    assert developer.patch(f"{events}/{made['id']}", {"start": None}).json["field"] == "start"


def test_what_is_not_there_is_not_found(developer: Caller, events: str) -> None:
    for path in (f"{events}/none", f"{events}?calendar_id=none", "/v1/sandbox/none/events"):
        assert developer.get(path).status_code == 404


def test_another_tenant_finds_no_sandbox_and_changes_nothing(
    linked: SandboxWorld, developer: Caller, events: str, faults: str
) -> None:
    made = developer.post(events, visit()).json
    path = f"{events}/{made['id']}"
    tenants.create_tenant(linked.parts, OTHER_TENANT, "Other")
    stranger = caller_of(linked.parts, OTHER_TENANT)
    for method, where, body in (
        ("GET", events, None),
        ("POST", events, visit()),
        ("GET", path, None),
        ("PATCH", path, {"title": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/answers", {"attendee": "eve@example.com"}),
        ("GET", faults, None),
        ("POST", faults, {"fault": "revoke"}),
    ):
        answer = stranger.call(method, where, body)
        assert (answer.status_code, answer.json["code"]) == (404, "integration_not_found")
    assert developer.get(events).json["data"] == [made]
    assert developer.get(faults).json["revoked"] is False


def test_an_ordinary_integration_has_no_other_side(api: Api) -> None:
    view = api.world.connect()
    assert api.as_("backend").get(f"/v1/sandbox/{view.id}/events").json["code"] == "integration_not_found"


def test_without_the_setting_there_is_no_sandbox(tmp_path: Path) -> None:
    with sandbox_world(tmp_path, CALBRIDGE_SANDBOX="0") as world:
        answer = caller_of(world.parts).get("/v1/sandbox/any/events")
        assert (answer.status_code, answer.json["code"]) == (404, "sandbox_off")
