"""What a person can decide about pairs, unlinked events, waiting runs and calendars, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from calbridge.service.requests import carry_out
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT, event, visit


def carried_out(api: Api) -> None:
    carry_out(api.world.parts, TENANT, api.world.integration_id, budget_seconds=None)
    api.world.clock.advance(seconds=1)


@pytest.fixture
def path(api: Api) -> str:
    """An active integration that has had its first run."""
    api.world.connect()
    api.world.sync()
    return f"/v1/integrations/{api.world.integration_id}"


def linked(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.as_("backend").get(f"{path}/links").json["data"]
    return found


def test_a_closed_pair_is_reopened_and_what_fits_no_state_is_refused(api: Api, path: str) -> None:
    backend = api.as_("backend")
    api.world.put("visit", **visit("Visit", type="service_call"))
    carried_out(api)
    (pair,) = linked(api, path)
    act = f"{path}/links/{pair['item_id']}"
    for action in ("reopen", "apply_withheld", "consent", "thaw"):
        refused = backend.post(act, {"action": action})
        assert (refused.status_code, refused.json["code"]) == (409, "link_not_in_that_state"), action
    assert backend.post(act, {"action": "forget"}).json["field"] == "action"
    api.world.memory.phone_at("main").delete(pair["remote_id"])
    # One run is not enough to believe that something is gone.
    for _ in range(3):
        backend.post(f"{path}/sync", {})
        carried_out(api)
    (closed,) = backend.get(f"{path}/links?state=closed").json["data"]
    assert api.world.titles() == ["Visit"], "a service call is the PSA's"
    assert backend.get(f"{path}/links?state=synced").json["data"] == []
    assert backend.post(act, {"action": "reopen"}).status_code == 200
    carried_out(api)
    assert closed["item_id"] == linked(api, path)[0]["item_id"]
    assert api.world.event_titles() == ["Visit"]


def test_an_unlinked_event_is_retrieved_linked_or_ignored(api: Api, path: str) -> None:
    backend = api.as_("backend")
    phone = api.world.memory.phone_at("main")
    for title in ("Retrieved", "Linked", "Ignored"):
        phone.create(event(title, day="2020-01-05"))
    assert backend.patch(path, {"settings": {"retrieve": {"create": False}}}).status_code == 200
    carried_out(api)
    known = backend.get(f"{path}/known").json["data"]
    assert len(known) == 3
    assert api.world.titles() == []
    api.world.put("mine", **visit("Mine", day="2027-01-05"))
    item = backend.get(f"/v1/users/{ALICE}/items?external_id=mine").json["data"][0]["id"]
    retrieved, to_link, ignored = (each["id"] for each in known)
    assert backend.post(f"{path}/known/{retrieved}", {"action": "retrieve"}).status_code == 200
    assert len(api.world.titles()) == 2
    assert backend.post(f"{path}/known/{to_link}", {"action": "link", "item_id": item}).status_code == 200
    told = backend.post(f"{path}/known/{ignored}", {"action": "ignore"})
    assert (told.status_code, told.json["code"]) == (200, "ignored")
    missing = backend.post(f"{path}/known/{ignored}", {"action": "link", "item_id": "nobody"})
    assert (missing.status_code, missing.json["code"]) == (404, "item_not_found")
    assert backend.post(f"{path}/known/none", {"action": "ignore"}).json["code"] == "event_not_found"
    assert {each["item_id"] for each in linked(api, path)} >= {item}
    assert len(backend.get(f"{path}/known?state=known").json["data"]) == 1


def test_a_token_decides_only_where_that_was_granted(api: Api, path: str) -> None:
    made = api.as_("backend").post(f"/v1/users/{ALICE}/tokens", {}).json["token"]
    refused = api.with_key(made).post(f"{path}/links/x", {"action": "reopen"})
    assert (refused.status_code, refused.json["scope"]) == (403, "confirm")
    assert api.as_("user").post(f"{path}/links/x", {"action": "reopen"}).status_code == 404


def test_a_run_that_waits_for_a_word_goes_on_when_it_is_given(api: Api, path: str) -> None:
    backend = api.as_("backend")
    for number in range(60):
        api.world.put(f"v{number}", **visit(f"Visit {number:02}"))
    carried_out(api)
    assert len(api.world.event_titles()) == 60
    admin = api.as_("admin")
    for number in range(50):
        assert backend.delete(f"/v1/users/{ALICE}/items/ext:v{number}").status_code == 200
    refused = backend.delete(f"/v1/users/{ALICE}/items/ext:v50")
    assert (refused.status_code, refused.json["code"]) == (409, "confirmation_needed")
    assert admin.post("/v1/deletions/confirm").status_code == 200
    assert backend.delete(f"/v1/users/{ALICE}/items/ext:v50").status_code == 200
    carried_out(api)
    run = backend.get(f"{path}/runs?status=waiting").json["data"][0]
    assert run["reason"] == "confirmation_needed"
    assert len(api.world.event_titles()) > 9
    assert backend.post(f"{path}/runs/{run['id']}/confirm").status_code == 200
    carried_out(api)
    assert len(api.world.event_titles()) == 9


@pytest.mark.parametrize(("old", "left"), [("keep", ["Sent"]), ("remove_ours", [])])
def test_another_calendar_is_chosen_and_the_old_one_kept_or_cleared(
    api: Api, path: str, old: str, left: list[str]
) -> None:
    backend = api.as_("backend")
    api.world.put("visit", **visit("Sent"))
    carried_out(api)
    changed = backend.patch(path, {"calendar_id": "second", "old_calendar": old})
    assert (changed.status_code, changed.json["calendar"]["id"]) == (200, "second")
    carried_out(api)
    assert api.world.event_titles() == left
    unknown = backend.patch(path, {"calendar_id": "nowhere"})
    assert (unknown.status_code, unknown.json["code"]) == (404, "calendar_not_found")


@pytest.mark.parametrize(
    ("remove", "items", "events"),
    [
        ("psa", ["Sent"], ["Lunch", "Sent"]),
        ("linked,psa", ["Sent"], ["Lunch"]),
        ("linked", ["Lunch", "Sent"], ["Lunch"]),
    ],
)
def test_ending_takes_along_what_was_asked_for(
    api: Api, path: str, remove: str, items: list[str], events: list[str]
) -> None:
    backend = api.as_("backend")
    api.world.memory.phone_at("main").create(event("Lunch"))
    api.world.put("visit", **visit("Sent"))
    carried_out(api)
    assert sorted(api.world.titles()) == ["Lunch", "Sent"]
    asked = backend.delete(f"{path}?remove={remove}")
    assert (asked.status_code, asked.json["kind"]) == (202, "removal")
    assert backend.get(path).json["status"] == "deleting"
    carried_out(api)
    assert backend.get(path).status_code == 404
    assert sorted(api.world.titles()) == items
    assert sorted(api.world.event_titles()) == events
    assert backend.delete(f"{path}?remove=everything").json["field"] == "remove"


def test_integrations_are_chosen_by_user_service_status_and_whether_they_are_active(api: Api, path: str) -> None:
    backend = api.as_("backend")
    backend.put("/v1/users/zoe", {})
    other = backend.post("/v1/integrations", {"user_id": "zoe", "service": "memory"}).json["id"]
    mine = api.world.integration_id

    def chosen(query: str) -> set[str]:
        return {each["id"] for each in backend.get(f"/v1/integrations?{query}").json["data"]}

    assert chosen("") == {mine, other}
    assert chosen("user_id=zoe") == {other}
    assert chosen("status=setup") == {other}
    assert chosen("status=connected&active=true") == {mine}
    assert chosen("active=false") == {other}
    assert chosen("service=memory") == {mine, other}
    assert chosen("service=sandbox") == set()
    assert backend.get("/v1/integrations?status=gone").json["field"] == "status"
    assert api.as_("user").get("/v1/integrations?user_id=zoe").json["code"] == "user_not_found"
    assert [each["id"] for each in api.as_("user").get("/v1/integrations").json["data"]] == [mine]


def test_the_stored_account_is_proved_at_the_service(api: Api, path: str) -> None:
    told = api.as_("backend").post(f"{path}/check")
    assert (told.status_code, told.json["account"]["username"]) == (200, ALICE)
