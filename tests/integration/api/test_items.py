"""Items through the API: made, read, changed under conditions, deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from calbridge.domain.content import MASTER, Field, People, Person
from tests.integration.api.conftest import Api, Caller
from tests.integration.service.world import ALICE, at, event, visit

INVITED = People(Person("boss@example.com"), (Person("owner@example.com"),))
ITEMS = f"/v1/users/{ALICE}/items"
RICH: dict[str, Any] = {
    "type": "service_call",
    "title": "Replace the switch",
    "description": {"text": "Third floor", "html": "<p onclick='x()'>Third floor</p>"},
    "location": "Main street 1",
    "start": at("2027-01-05"),
    "end": at("2027-01-05", "11:30"),
    "status": "tentative",
    "show_as": "oof",
    "visibility": "private",
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
    "overrides": [
        {"recurrence_id": "2027-01-12T10:00:00", "cancelled": True},
        {
            "recurrence_id": "2027-01-19T10:00:00",
            "title": "Later",
            "start": at("2027-01-19", "14:00"),
            "end": at("2027-01-19", "15:00"),
            "attendees": [{"email": "carol@example.com", "name": "Carol"}],
        },
    ],
    "organizer": {"email": "alice@example.com", "name": "Alice"},
    "attendees": [{"email": "bob@example.com", "role": "optional"}],
    "reminders": [{"minutes_before": 15}],
    "conference_url": "https://meet.example.com/1",
    "categories": ["Field"],
    "associations": [{"type": "ticket", "id": "T-17", "name": "Switch is down"}],
    "record_id": "R-1",
}


@pytest.fixture
def backend(api: Api) -> Caller:
    return api.as_("backend")


def test_a_put_under_the_psas_own_id_makes_and_then_changes_the_item(backend: Caller) -> None:
    made = backend.put(f"{ITEMS}/ext:T-17", RICH)
    assert made.status_code == 201
    again = backend.put(f"{ITEMS}/ext:T-17", RICH)
    assert (again.status_code, again.json) == (200, made.json)
    changed = backend.put(f"{ITEMS}/ext:T-17", {"title": "Other"})
    assert changed.status_code == 200
    assert changed.json["title"] == "Other"
    assert changed.json["location"] == "Main street 1"
    assert [answer.headers["ETag"] for answer in (made, again, changed)] == ['"1"', '"1"', '"2"']
    assert backend.get(f"{ITEMS}/{made.json['id']}").json == changed.json


def test_an_answer_has_exactly_the_names_of_the_document(api: Api, backend: Caller) -> None:
    made = backend.put(f"{ITEMS}/ext:T-17", RICH).json
    assert made["description"]["html"] == "<p>Third floor</p>"
    schemas = backend.document["components"]["schemas"]
    assert made.keys() == schemas["Item"]["properties"].keys() - {"recurrence_id"}
    assert set(schemas["Item"]["required"]) == made.keys()
    for name, part in [
        ("Description", made["description"]),
        ("Organizer", made["organizer"]),
        ("Attendee", made["attendees"][0]),
        ("Reminder", made["reminders"][0]),
        ("Association", made["associations"][0]),
        ("Editable", made["editable"]),
    ]:
        assert part.keys() == schemas[name]["properties"].keys() == set(schemas[name]["required"])
    named = {name for each in made["overrides"] for name in each}
    assert named < schemas["Override"]["properties"].keys()


def test_what_get_answers_can_be_put_as_it_is_and_changes_nothing(backend: Caller) -> None:
    made = backend.put(f"{ITEMS}/ext:T-17", RICH).json
    assert backend.put(f"{ITEMS}/{made['id']}", made).json == made


def test_an_item_that_syncing_touched_is_answered_as_documented(api: Api, backend: Caller) -> None:
    api.world.connect()
    api.world.sync()
    backend.put(f"{ITEMS}/ext:T-17", RICH)
    api.world.memory.phone_at("main").create(event("From the phone"))
    api.world.sync()
    shown = {each["title"]: each for each in backend.get(ITEMS).json["data"]}
    sent = shown["Replace the switch"]["links"][0]
    assert (sent["state"], sent["synced_version"]) == ("synced", 1)
    assert sent.keys() == backend.document["components"]["schemas"]["ItemLink"]["properties"].keys()
    assert shown["From the phone"]["origin"] == api.world.integration_id
    history = backend.get(f"{ITEMS}/ext:T-17/history").json
    assert [line["action"] for line in history["data"]] == ["create"]
    assert history["next_cursor"] is None


def test_a_post_makes_an_item_once(backend: Caller) -> None:
    made = backend.post(ITEMS, visit(external_id="T-1"))
    assert made.status_code == 201
    assert made.headers["ETag"] == '"1"'
    again = backend.post(ITEMS, visit(external_id="T-1"))
    assert (again.status_code, again.json["code"]) == (409, "already_exists")
    backend.delete(f"{ITEMS}/{made.json['id']}")
    revived = backend.post(ITEMS, visit("Again", external_id="T-1"))
    assert (revived.status_code, revived.json["id"]) == (201, made.json["id"])


def test_calbridges_own_ids_never_create(backend: Caller) -> None:
    answer = backend.put(f"{ITEMS}/itm-1", visit())
    assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_keeps_a_change_from_what_was_not_read(backend: Caller, method: str) -> None:
    made = backend.put(f"{ITEMS}/ext:a", visit()).json
    backend.put(f"{ITEMS}/ext:a", {"title": "Second"})
    body = None if method == "DELETE" else {"title": "Third"}
    path = f"{ITEMS}/{made['id']}"
    stale = backend.call(method, path, body, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"]) == (412, "item_changed")
    nonsense = backend.call(method, path, body, headers={"If-Match": "1"})
    assert (nonsense.status_code, nonsense.json["field"]) == (422, "If-Match")
    assert backend.get(path).json["title"] == "Second"
    fitting = backend.call(method, path, body, headers={"If-Match": '"2"'})
    assert (fitting.status_code, fitting.headers["ETag"]) == (200, '"3"')


def test_if_none_match_only_creates(backend: Caller) -> None:
    first = backend.put(f"{ITEMS}/ext:a", visit(), headers={"If-None-Match": "*"})
    assert first.status_code == 201
    second = backend.put(f"{ITEMS}/ext:a", visit("Other"), headers={"If-None-Match": "*"})
    assert (second.status_code, second.json["code"]) == (412, "precondition_failed")
    assert backend.get(f"{ITEMS}/ext:a").json["title"] == "Visit"
    for method, body in (("PATCH", {"title": "x"}), ("DELETE", None)):
        refused = backend.call(method, f"{ITEMS}/ext:a", body, headers={"If-None-Match": "*"})
        assert (refused.status_code, refused.json["field"]) == (422, "If-None-Match")


@pytest.mark.parametrize("given", ['"1"', "*"])
def test_if_match_on_what_is_not_there_creates_nothing(backend: Caller, given: str) -> None:
    answer = backend.put(f"{ITEMS}/ext:a", visit(), headers={"If-Match": given})
    assert (answer.status_code, answer.json["code"]) == (412, "precondition_failed")
    assert backend.get(ITEMS).json["data"] == []


@pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
def test_a_patch_merges_clears_and_replaces_lists_whole(backend: Caller, kind: str) -> None:
    backend.put(f"{ITEMS}/ext:T-17", RICH)
    patch = {"location": None, "start": {"date_time": "2027-01-05T09:00:00"}, "overrides": [], "categories": ["Night"]}
    answer = backend.call("PATCH", f"{ITEMS}/ext:T-17", data=json.dumps(patch), content_type=kind)
    assert answer.status_code == 200
    assert answer.json["location"] is None
    assert answer.json["start"] == at("2027-01-05", "09:00")
    assert (answer.json["overrides"], answer.json["categories"]) == ([], ["Night"])
    assert answer.json["title"] == "Replace the switch"


def test_an_external_id_belongs_to_one_item(backend: Caller) -> None:
    backend.put(f"{ITEMS}/ext:a", visit())
    backend.put(f"{ITEMS}/ext:b", visit())
    answer = backend.patch(f"{ITEMS}/ext:b", {"external_id": "a"})
    assert (answer.status_code, answer.json["code"]) == (409, "already_exists")
    other = backend.put(f"{ITEMS}/ext:b", {"external_id": "c"})
    assert (other.status_code, other.json["field"]) == (422, "external_id")


def test_a_deletion_answers_the_last_state_and_what_is_deleted_is_gone(backend: Caller) -> None:
    made = backend.put(f"{ITEMS}/ext:a", visit()).json
    gone = backend.delete(f"{ITEMS}/ext:a")
    assert gone.status_code == 200
    assert gone.json["deleted_at"] is not None
    assert (gone.json["title"], gone.json["version"]) == ("Visit", 2)
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert backend.call(method, f"{ITEMS}/{made['id']}", body).json["code"] == "item_not_found"
    assert backend.get(ITEMS).json["data"] == []
    assert backend.get(f"{ITEMS}/{made['id']}/history").status_code == 200


def test_who_deletes_unusually_much_waits_for_an_administrators_word(api: Api, backend: Caller) -> None:
    for number in range(51):
        backend.put(f"{ITEMS}/ext:{number}", visit(f"Visit {number}"))
    api.world.connect(settings={"ranges": {}})
    api.world.sync(send=(None, None))
    answers = [backend.delete(f"{ITEMS}/ext:{number}") for number in range(51)]
    assert [answer.status_code for answer in answers] == [200] * 50 + [409]
    assert answers[-1].json["code"] == "confirmation_needed"
    assert backend.get(f"{ITEMS}/ext:50").status_code == 200


def test_what_somebody_else_organises_is_refused_with_the_field(api: Api, backend: Caller) -> None:
    api.world.connect()
    api.world.sync()
    api.world.memory.phone.create(event("Theirs").with_units({(MASTER, Field.PEOPLE): INVITED}))
    api.world.sync()
    item = backend.get(ITEMS).json["data"][0]
    path = f"{ITEMS}/{item['id']}"
    moved = backend.patch(path, {"start": at("2027-01-06"), "end": at("2027-01-06", "11:00")})
    assert (moved.status_code, moved.json["code"], moved.json["field"]) == (409, "organised_elsewhere", "time")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "Visit"}, "start"),
        ({"title": None, **visit()} | {"title": None}, "title"),
        (visit(color="red"), "color"),
        (visit(start={"date_time": "2027-01-05T10:00:00", "time_zone": "Mars/Base"}), "start.time_zone"),
        (visit(attendees=[{"email": "no address"}]), "attendees[0].email"),
        (visit(recurrence=["RRULE:FREQ=HOURLY"]), "recurrence"),
        (visit(title="x" * 1001), "title"),
        (visit(type="party"), "type"),
        ([], "body"),
        ("text", "body"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_value_that_can_not_be_used_is_named(backend: Caller, method: str, body: object, field: str) -> None:
    answer = backend.call(method, ITEMS if method == "POST" else f"{ITEMS}/ext:a", body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
    assert backend.get(ITEMS).json["data"] == []


def test_nobody_finds_the_items_of_a_user_who_is_not_there(backend: Caller) -> None:
    for method, body in (("GET", None), ("PUT", visit()), ("PATCH", {}), ("DELETE", None)):
        answer = backend.call(method, "/v1/users/zoe/items/ext:a", body)
        assert (answer.status_code, answer.json["code"]) == (404, "user_not_found")
    assert backend.get("/v1/users/zoe/items").json["code"] == "user_not_found"
    assert backend.post("/v1/users/zoe/items", visit()).json["code"] == "user_not_found"


def test_another_tenant_finds_nothing(api: Api, backend: Caller) -> None:
    made = backend.put(f"{ITEMS}/ext:a", visit()).json
    other = api.as_("other backend")
    for path in (f"{ITEMS}/{made['id']}", f"/v1/users/bob/items/{made['id']}", "/v1/users/bob/items/ext:a"):
        for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
            assert other.call(method, path, body).status_code == 404
    assert backend.get(f"{ITEMS}/ext:a").json == made
