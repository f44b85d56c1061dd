"""A PSA developer's day with the sandbox, on both databases: both sides, an attendee's answer, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from calbridge.errors import Refused, SignInRequired
from calbridge.service import accounts, responses, sandbox
from tests.integration.service.sandbox_world import SandboxWorld, sandbox_world
from tests.integration.service.world import ALICE, TENANT, at, visit

BOSS = {"email": "boss@example.com", "name": "Boss"}
GUESTS = [{"email": "alice@example.com"}, {"email": "eve@example.com", "name": "Eve"}]


@pytest.fixture
def linked(database_url: str, tmp_path: Path) -> Iterator[SandboxWorld]:
    """A linked sandbox whose first run is over."""
    with sandbox_world(tmp_path, database_url) as world:
        world.connect()
        assert world.sync().status == "succeeded"
        yield world


def test_both_sides_follow_each_other(linked: SandboxWorld) -> None:
    lunch = linked.create(**visit("Lunch"))
    assert (lunch["title"], lunch["made_by_calbridge"]) == ("Lunch", False)
    linked.put("call-1", **visit("Repair", type="service_call"))
    assert linked.sync().status == "succeeded"
    assert linked.titles() == (["Lunch", "Repair"], ["Lunch", "Repair"])
    assert [each["made_by_calbridge"] for each in linked.events() if each["title"] == "Repair"] == [True]

    linked.put("call-1", start=at("2027-01-06", "14:00"), end=at("2027-01-06", "15:00"))
    linked.change(lunch["id"], title="Late lunch", start=at("2027-01-05", "13:00"), end=at("2027-01-05", "14:00"))
    linked.sync()
    starts = {each["title"]: each["start"]["date_time"] for each in linked.items()}
    assert starts == {"Late lunch": "2027-01-05T13:00:00", "Repair": "2027-01-06T14:00:00"}
    assert {each["title"]: each["start"]["date_time"] for each in linked.events()} == starts

    sandbox.delete_event(linked.parts, TENANT, linked.integration_id, lunch["id"])
    linked.sync()
    assert linked.titles() == (["Repair"], ["Repair"])


def test_a_series_is_moved_and_thinned_on_the_fake_phone(linked: SandboxWorld) -> None:
    made = linked.create(**visit("Weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"]))
    thinned = {"recurrence_id": "2027-01-12T10:00:00", "cancelled": True}
    renamed = {"recurrence_id": "2027-01-19T10:00:00", "title": "Weekly, longer", "end": at("2027-01-19", "12:00")}
    linked.change(made["id"], overrides=[thinned, renamed])
    linked.change(made["id"], start=at("2027-01-05", "11:00"), end=at("2027-01-05", "12:00"))
    linked.sync()
    (item,) = linked.items()
    assert item["recurrence"] == ["RRULE:FREQ=WEEKLY;COUNT=4"]
    assert [each["recurrence_id"] for each in item["overrides"]] == ["2027-01-12T11:00:00", "2027-01-19T11:00:00"]
    assert item["overrides"][0]["cancelled"]
    assert item["overrides"][1]["title"] == "Weekly, longer"
    assert item["overrides"] == linked.events()[0]["overrides"]


def test_guests_answer_and_so_does_the_user(linked: SandboxWorld) -> None:
    made = linked.create(**visit("Review", organizer=BOSS, attendees=GUESTS))
    linked.sync()
    (item,) = linked.items()
    assert (item["editable"]["time"], item["editable"]["response"]) == (False, True)
    sandbox.answer_event(linked.parts, TENANT, linked.integration_id, made["id"], "eve@example.com", "declined")
    linked.sync()
    answers = {each["email"]: each["response"] for each in linked.items()[0]["attendees"]}
    assert answers["eve@example.com"] == "declined"

    answered = responses.respond(linked.parts, TENANT, ALICE, item["id"], "accepted", "With pleasure")
    assert answered["my_response"] == "accepted"
    (event,) = linked.events()
    assert event["my_response"] == "accepted"
    assert linked.sync().counters.get("items_changed") is None
    sandbox.answer_event(linked.parts, TENANT, linked.integration_id, made["id"], "alice@example.com")
    linked.sync()
    assert linked.items()[0]["my_response"] == "declined"


def test_a_revoked_account_is_an_outage_until_somebody_signs_in_again(linked: SandboxWorld) -> None:
    linked.put("call-1", **visit("Repair"))
    assert linked.fault("revoke")["revoked"]
    run = linked.sync()
    assert (run.status, run.reason) == ("failed", "sign_in_required")
    assert (linked.integration().status, linked.integration().reason) == ("not_connected", "sign_in_required")
    with pytest.raises(Refused) as refused:
        linked.sync()
    assert refused.value.code == "not_connected"
    with pytest.raises(SignInRequired):
        linked.sign_in()
    assert linked.fault("restore")["revoked"] is False
    linked.sign_in()
    assert linked.integration().status == "connected"
    assert linked.sync().status == "succeeded"
    assert linked.titles() == (["Repair"], ["Repair"])


def test_an_unconfirmed_refusal_ends_by_itself(linked: SandboxWorld) -> None:
    linked.fault("revoke", confirmed=False)
    assert linked.sync().reason == "sign_in_required"
    linked.fault("restore")
    linked.clock.advance(minutes=6)
    assert linked.sync().status == "succeeded"
    assert linked.integration().status == "connected"


def test_throttling_is_waited_for(linked: SandboxWorld) -> None:
    linked.create(**visit("Lunch"))
    assert linked.fault("throttle", requests=1, retry_after=60)["retry_after"] == 60
    run = linked.sync()
    assert (run.status, run.reason) == ("failed", "throttled")
    with pytest.raises(Refused) as refused:
        linked.sync()
    assert refused.value.code == "throttled"
    linked.clock.advance(seconds=120)
    assert linked.sync().status == "succeeded"
    assert linked.titles() == (["Lunch"], ["Lunch"])


def test_a_lost_reply_makes_nothing_twice(linked: SandboxWorld) -> None:
    linked.put("call-1", **visit("Repair"))
    linked.fault("lose_reply", writes=1)
    linked.sync()
    assert sandbox.list_faults(linked.parts, TENANT, linked.integration_id)["lost_replies"] == 0
    linked.put("call-1", title="Repair at once")
    linked.fault("lose_reply", writes=1)
    for _ in range(3):
        linked.clock.advance(minutes=10)
        linked.sync()
    assert linked.titles() == (["Repair at once"], ["Repair at once"])


def test_an_expired_cursor_costs_a_listing_and_nothing_else(linked: SandboxWorld) -> None:
    linked.create(**visit("Lunch"))
    linked.put("call-1", **visit("Repair"))
    linked.sync()
    before = linked.items()
    linked.fault("expire_cursor")
    assert linked.sync().status == "succeeded"
    assert linked.items() == before
    assert linked.titles() == (["Lunch", "Repair"], ["Lunch", "Repair"])


def test_a_calendar_that_is_gone_deletes_nothing(linked: SandboxWorld) -> None:
    linked.create(**visit("Lunch"))
    linked.sync()
    assert linked.fault("calendar_gone")["gone_calendars"] == ["main"]
    assert linked.sync().reason == "calendar_gone"
    assert linked.integration().status == "not_connected"
    assert [each["title"] for each in linked.items()] == ["Lunch"]
    linked.fault("restore")
    accounts.check_account(linked.parts, TENANT, linked.integration_id)
    assert linked.sync().status == "succeeded"
    assert linked.titles() == (["Lunch"], ["Lunch"])
