"""The whole service with Google Calendar, through the same use cases as any other: no line of the core knows Google."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from calbridge.api import create_app
from calbridge.service import hosts, integrations, items, sync, tenants, users
from calbridge.service.access import Role
from calbridge.service.keys import create_key
from calbridge.service.parts import Parts, open_parts
from calbridge.service.tenant_settings import change_settings
from calbridge.service.views import IntegrationView, RunView
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.migrate import upgrade
from calbridge_google.tokens import Grant
from tests.doubles.google import ApiError, GoogleDouble, google_double
from tests.integration.service.world import ALICE, TENANT, settings_for, visit

BOSS, EVE = "boss@example.com", "eve@example.com"


@dataclass
class Whole:
    """Alice's My Calendar, linked with her Google Calendar."""

    parts: Parts
    google: GoogleDouble

    def sync(self, **more: Any) -> RunView:
        run = sync.sync_integration(self.parts, TENANT, "i1", **more)
        assert run.status == "succeeded"
        return run

    def integration(self) -> IntegrationView:
        return integrations.get_integration(self.parts, TENANT, "i1")

    def items(self) -> list[dict[str, Any]]:
        return items.list_items(self.parts, TENANT, ALICE)

    def put(self, name: str, **body: Any) -> dict[str, Any]:
        return items.put_item(self.parts, TENANT, ALICE, f"ext:{name}", body)

    def requests(self) -> list[str]:
        """What was asked since the last look, renewed tokens left out."""
        told = [each.operation for each in self.google.requests if each.operation != "token"]
        self.google.clear()
        return told


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    settings = settings_for(tmp_path, CALBRIDGE_PRIVATE_NETWORKS="127.0.0.0/8")
    with google_double() as google, open_parts(settings) as opened:
        upgrade(opened.database)
        given = {
            "client_id": google.client.id,
            "client_secret": google.client.secret,
            "api_url": google.url,
            "oauth_url": google.url,
        }
        parts = replace(opened, connector_settings={"google": given})
        tenants.create_tenant(parts, TENANT, "Tenant")
        users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna", calendar_sync=True)
        hosts.grant_host(parts, TENANT, google.url.removeprefix("http://").rstrip("/"))
        account = StoredAccount("a1", "google", google.user, user_id=ALICE, owner_id=google.sub)
        with parts.database.write(TENANT) as work:
            work.accounts.add(account, Grant(google.grant()).text)
            work.integrations.add(
                StoredIntegration("i1", ALICE, "google", "a1", active=True, status="connected", calendar_id=google.user)
            )
        made = Whole(parts, google)
        made.sync()
        made.requests()
        yield made
        assert google.breaches == []


def meeting(title: str, organizer: str = BOSS, *guests: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": title,
        "start": {"dateTime": "2027-01-05T10:00:00", "timeZone": "Europe/Vienna"},
        "end": {"dateTime": "2027-01-05T11:00:00", "timeZone": "Europe/Vienna"},
        "_set": {"organizer": {"email": organizer, "self": False}, "attendees": list(guests)} if guests else {},
    }


def test_what_is_made_on_either_side_arrives_on_the_other_and_costs_what_changed(whole: Whole) -> None:
    whole.google.insert(meeting("Lunch"))
    whole.put("v1", **visit("Repair"))
    whole.sync()
    assert sorted(item["title"] for item in whole.items()) == ["Lunch", "Repair"]
    assert sorted(each["summary"] for each in whole.google.events().values()) == ["Lunch", "Repair"]
    whole.sync()
    whole.requests()
    whole.sync()
    assert whole.requests() == ["events.list"]


def test_events_lead_to_the_record_in_the_psa_where_their_text_is_shown(whole: Whole) -> None:
    change_settings(whole.parts, TENANT, {"record_url": "https://psa.example.com/calls/{record_id}"})
    whole.put("v1", **visit("Repair", record_id="42"))
    whole.put("v2", **visit("Without a record"))
    whole.put("v3", **visit("Secret", record_id="43", visibility="private"))
    privacy = {"send": {"privacy": {"private": "busy_only"}}}
    integrations.change_integration(whole.parts, TENANT, "i1", settings=privacy)
    whole.sync()
    found = {each["summary"]: each.get("source") for each in whole.google.events().values()}
    source = {"title": "Repair", "url": "https://psa.example.com/calls/42"}
    assert found == {"Repair": source, "Without a record": None, "Busy": None}


def test_the_answers_of_all_guests_are_seen_and_an_invitation_is_answered_by_rest(whole: Whole) -> None:
    alice = {"email": whole.google.user, "self": True, "responseStatus": "needsAction"}
    event_id = whole.google.insert(meeting("Review", BOSS, alice, {"email": EVE, "responseStatus": "needsAction"}))
    whole.sync()
    (item,) = whole.items()
    assert item["my_response"] == "needs_action"
    assert {each["email"]: each["response"] for each in item["attendees"]}[EVE] == "needs_action"

    key = create_key(whole.parts, TENANT, Role.BACKEND, "PSA").key
    client = create_app(whole.parts).test_client()
    answer = client.post(
        f"/v1/users/{ALICE}/items/{item['id']}/response",
        json={"response": "accepted", "comment": "With pleasure"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert (answer.status_code, answer.json["my_response"]) == (200, "accepted")
    (mine,) = [each for each in whole.google.get(event_id)["attendees"] if each["email"] == whole.google.user]
    assert (mine["responseStatus"], mine["comment"]) == ("accepted", "With pleasure")
    assert [mail[0] for mail in whole.google.mails] == ["answer"]

    others = [alice | {"responseStatus": "accepted"}, {"email": EVE, "responseStatus": "declined"}]
    whole.google.organizer_changes(event_id, {"attendees": others})
    whole.sync()
    (item,) = whole.items()
    assert {each["email"]: each["response"] for each in item["attendees"]}[EVE] == "declined"
    assert item["my_response"] == "accepted"


def test_a_grant_that_was_withdrawn_asks_the_user_to_sign_in_and_trouble_at_google_does_not(whole: Whole) -> None:
    whole.google.kill_access_tokens()
    whole.google.fail("token", ApiError(503, "backendError"))
    run = sync.sync_integration(whole.parts, TENANT, "i1")
    assert (run.status, whole.integration().status) == ("failed", "connected")
    whole.google.heal()
    whole.google.revoke()
    whole.google.kill_access_tokens()
    run = sync.sync_integration(whole.parts, TENANT, "i1")
    found = whole.integration()
    assert (run.status, found.status, found.reason) == ("failed", "not_connected", "grant_ended")


def test_a_calendar_that_is_not_shared_any_more_leaves_the_other_ones_of_the_account_connected(whole: Whole) -> None:
    whole.google.add_calendar("team@group.calendar.google.com", "Team")
    whole.google.insert(meeting("Stand-up"), "team@group.calendar.google.com")
    with whole.parts.database.write(TENANT) as work:
        team = StoredIntegration("i2", ALICE, "google", "a1", active=True, status="connected")
        work.integrations.add(replace(team, calendar_id="team@group.calendar.google.com"))
    assert sync.sync_integration(whole.parts, TENANT, "i2", retrieve=(None, None)).status == "succeeded"
    whole.google.fail("events.list", ApiError(403, "forbidden"))
    assert sync.sync_integration(whole.parts, TENANT, "i2").reason == "calendar_gone"
    gone = integrations.get_integration(whole.parts, TENANT, "i2")
    assert (gone.status, whole.integration().status) == ("not_connected", "connected")
    assert [item["title"] for item in whole.items()] == ["Stand-up"]
