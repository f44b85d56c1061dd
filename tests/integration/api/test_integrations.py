"""Linking a calendar through the API, as the wizard of a PSA does, and what a run tells afterwards."""

from __future__ import annotations

from calbridge.service.requests import carry_out
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT, event, visit

ACCOUNT = {"username": ALICE, "password": "secret"}


def linked(api: Api, who: str = "backend") -> str:
    """The four steps: a service, an account, a calendar, finish."""
    caller = api.as_(who)
    made = caller.post("/v1/integrations", {"user_id": ALICE, "service": "memory"})
    assert (made.status_code, made.json["status"]) == (201, "setup")
    path = made.headers["Location"]
    assert caller.put(f"{path}/account", ACCOUNT).status_code == 200
    assert {each["id"] for each in caller.get(f"{path}/calendars").json["data"]} == {"main", "second"}
    done = caller.patch(path, {"calendar_id": "main", "active": True})
    assert (done.status_code, done.json["status"], done.json["active"]) == (200, "connected", True)
    assert done.headers["ETag"] == f'"{done.json["version"]}"'
    api.world.integration_id = made.json["id"]
    return path


def carried_out(api: Api) -> None:
    carry_out(api.world.parts, TENANT, api.world.integration_id, budget_seconds=None)


def test_a_user_links_a_calendar_with_a_token_alone(api: Api) -> None:
    path = linked(api, "user")
    assert api.as_("user").get(path).json["account"]["username"] == ALICE
    assert api.as_("other user").get(path).status_code == 404


def test_a_sync_is_queued_and_tells_what_it_did(api: Api) -> None:
    api.world.memory.phone_at("main").create(event("Visit"))
    path, backend = linked(api), api.as_("backend")
    carried_out(api)
    asked = backend.post(f"{path}/sync", {"retrieve": {"past_days": 3650, "future_days": None}})
    assert (asked.status_code, asked.json["status"], asked.json["kind"]) == (202, "queued", "range")
    assert api.world.titles() == []
    carried_out(api)
    assert backend.get(asked.headers["Location"]).json["status"] == "succeeded"
    assert api.world.titles() == ["Visit"]
    line = backend.get(f"{path}/logs?action=create").json["data"][0]
    assert (line["title"], line["direction"]) == ("Visit", "retrieve")
    pair = backend.get(f"{path}/links").json["data"][0]
    assert (pair["state"], pair["title"]) == ("synced", "Visit")


def test_a_preview_lists_its_plan_and_is_applied_once(api: Api) -> None:
    api.world.memory.phone_at("main").create(event("Visit"))
    path, backend = linked(api), api.as_("backend")
    carried_out(api)
    asked = backend.post(f"{path}/preview", {"retrieve": {}})
    carried_out(api)
    plan = backend.get(asked.headers["Location"]).json["plan"]
    assert [(step["action"], step["title"]) for step in plan] == [("create", "Visit")]
    assert api.world.titles() == []
    applied = backend.post(f"{asked.headers['Location']}/apply")
    assert applied.status_code == 202
    carried_out(api)
    assert api.world.titles() == ["Visit"]
    again = backend.post(f"{asked.headers['Location']}/apply")
    assert (again.status_code, again.json["code"]) == (409, "plan_stale")


def test_an_inactive_integration_does_not_sync_and_says_so(api: Api) -> None:
    path, backend = linked(api), api.as_("backend")
    assert backend.patch(path, {"active": False}).status_code == 200
    refused = backend.post(f"{path}/sync", {})
    assert (refused.status_code, refused.json["code"]) == (409, "integration_inactive")


def test_ending_an_integration_leaves_both_calendars_unless_asked(api: Api) -> None:
    path, backend = linked(api), api.as_("backend")
    carried_out(api)
    api.world.put("visit", **visit("Sent"))
    carried_out(api)
    assert api.world.event_titles() == ["Sent"]
    asked = backend.delete(f"{path}?remove=linked")
    assert (asked.status_code, asked.json["kind"]) == (202, "removal")
    carried_out(api)
    assert api.world.event_titles() == []
    assert api.world.titles() == ["Sent"]
    assert backend.get(path).status_code == 404

    other = linked(api)
    carried_out(api)
    api.world.put("later", **visit("Later"))
    carried_out(api)
    assert backend.delete(other).status_code == 204
    assert api.world.event_titles() == ["Later"]


def test_settings_are_merged_and_what_would_leave_is_confirmed_by_its_number(api: Api) -> None:
    path, backend = linked(api), api.as_("backend")
    carried_out(api)
    api.world.put("visit", **visit("Sent"))
    carried_out(api)
    wanted = {"settings": {"send": {"types": ["service_call"]}}}
    refused = backend.patch(path, wanted)
    assert (refused.status_code, refused.json["code"], refused.json["leaving"]) == (409, "confirmation_needed", 1)
    done = backend.patch(path, wanted | {"confirm_leaving": 1})
    assert done.json["settings"]["send"]["types"] == ["service_call"]
    assert done.json["settings"]["send"]["on_leave"] == "remove"
    carried_out(api)
    assert api.world.event_titles() == []


def test_a_wrong_password_is_told_as_such_and_stored_nowhere(api: Api) -> None:
    backend = api.as_("backend")
    account = {"username": "stranger", "password": "x"}
    refused = backend.post("/v1/integrations", {"user_id": ALICE, "service": "memory", "account": account})
    assert (refused.status_code, refused.json["code"]) == (409, "sign_in_required")
    assert backend.get("/v1/integrations").json["data"] == []
