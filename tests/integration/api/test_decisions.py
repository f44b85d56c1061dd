"""What a person can decide about pairs, unlinked events, waiting runs and calendars, through the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from calbridge.domain.content import MASTER, Field, People, Person
from calbridge.service.requests import carry_out
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT, event, visit

TITLE = (MASTER, Field.TITLE)


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


def act(api: Api, path: str, action: str) -> None:
    """Say it about the only pair, and let the next run carry it out."""
    (pair,) = linked(api, path)
    told = api.as_("backend").post(f"{path}/links/{pair['item_id']}", {"action": action})
    assert (told.status_code, told.json["item_id"]) == (200, pair["item_id"])
    carried_out(api)


def state(api: Api, path: str) -> tuple[str, str | None]:
    (pair,) = linked(api, path)
    return pair["state"], pair["reason"]


def test_an_edit_that_was_withheld_is_applied(api: Api, path: str) -> None:
    phone = api.world.memory.phone_at("main")
    backend = api.as_("backend")
    remote_id = phone.create(event("Lunch"))
    api.world.sync()
    backend.patch(path, {"settings": {"retrieve": {"update": False}}})
    phone.edit(remote_id, {TITLE: "Late lunch"})
    api.world.sync()
    assert (state(api, path)[0], linked(api, path)[0]["withheld"]) == ("withheld", ["title"])
    backend.patch(path, {"settings": {"retrieve": {"update": True}}})
    carried_out(api)
    assert api.world.titles() == ["Lunch"]
    act(api, path, "apply_withheld")
    assert (api.world.titles(), state(api, path)) == (["Late lunch"], ("synced", None))


def test_a_write_that_would_mail_guests_goes_out_with_consent(api: Api, path: str) -> None:
    memory = api.world.memory
    memory.switches = replace(memory.switches, silent=False)
    guests = People(None, (Person("eve@example.com"),))
    memory.phone_at("main").create(event("Review").with_units({(MASTER, Field.PEOPLE): guests}))
    api.world.sync()
    (item,) = api.world.items()
    assert api.as_("backend").patch(f"/v1/users/{ALICE}/items/{item['id']}", {"title": "Review II"}).status_code == 200
    carried_out(api)
    assert (api.world.event_titles(), state(api, path)) == (["Review"], ("would_mail", "would_mail"))
    act(api, path, "consent")
    assert (api.world.event_titles(), state(api, path)) == (["Review II"], ("synced", None))


def test_two_sides_that_undid_each_other_go_on_when_they_are_thawed(api: Api, path: str) -> None:
    phone = api.world.memory.phone_at("main")
    for _ in range(6):
        api.world.put("visit", **visit("Ping"))
        carried_out(api)
        ((remote_id, _),) = phone.events().items()
        if state(api, path)[0] == "frozen":
            break
        phone.edit(remote_id, {TITLE: "Pong"})
        api.world.sync()
    assert (api.world.event_titles(), state(api, path)) == (["Pong"], ("frozen", "oscillation"))
    act(api, path, "thaw")
    assert (api.world.event_titles(), state(api, path)) == (["Ping"], ("synced", None))


def test_what_a_service_refused_is_tried_again_when_somebody_says_so(api: Api, path: str) -> None:
    memory = api.world.memory
    memory.switches = replace(memory.switches, rejects_titles_with="Visit")
    api.world.put("visit", **visit("Visit"))
    carried_out(api)
    assert state(api, path)[0] == "failed"
    memory.switches = replace(memory.switches, rejects_titles_with=None)
    api.world.sync()
    assert (api.world.event_titles(), state(api, path)[0]) == ([], "failed")
    act(api, path, "retry")
    assert (api.world.event_titles(), state(api, path)) == (["Visit"], ("synced", None))


def test_the_history_of_an_item_goes_over_all_integrations(api: Api, path: str) -> None:
    first, second = api.world.integration_id, api.world.connect(calendar_id="second").id
    api.world.sync()
    item = api.world.put("visit", **visit("Visit"))
    for integration in (first, second):
        carry_out(api.world.parts, TENANT, integration, budget_seconds=None)
    lines = api.as_("backend").get(f"/v1/users/{ALICE}/items/{item['id']}/history").json["data"]
    assert {(each["integration_id"], each["action"]) for each in lines} == {(first, "create"), (second, "create")}
    assert [api.world.event_titles(name) for name in ("main", "second")] == [["Visit"], ["Visit"]]


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
