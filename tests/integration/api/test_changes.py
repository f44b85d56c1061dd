"""The change feed through the API."""

from __future__ import annotations

import pytest

from calbridge.service import users
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT, event, visit

ITEMS = f"/v1/users/{ALICE}/items"


def test_a_reader_goes_on_from_its_cursor_and_leaves_out_what_it_wrote_itself(api: Api) -> None:
    backend, admin = api.as_("backend"), api.as_("admin")
    start = backend.get("/v1/changes?cursor=latest").json
    assert start["data"] == []
    backend.put(f"{ITEMS}/ext:a", visit())
    admin.put(f"{ITEMS}/ext:b", visit("Theirs"))
    admin.delete(f"{ITEMS}/ext:b")
    cursor = start["next_cursor"]
    first = backend.get(f"/v1/changes?limit=1&cursor={cursor}").json
    second = backend.get(f"/v1/changes?cursor={first['next_cursor']}").json
    assert [change["op"] for change in (*first["data"], *second["data"])] == ["create", "delete"]
    assert {change["tombstone"]["external_id"] for change in (*first["data"], *second["data"])} == {"b"}
    everything = backend.get(f"/v1/changes?own=true&cursor={cursor}").json["data"]
    assert [change["op"] for change in everything] == ["create", "create", "delete"]
    assert everything[0]["item"] == backend.get(f"{ITEMS}/ext:a").json
    assert everything[0]["source"]["door"] == "api"
    assert backend.get(f"/v1/changes?cursor={second['next_cursor']}").json["data"] == []


def test_what_syncing_changes_names_its_integration(api: Api) -> None:
    api.world.connect()
    api.world.sync()
    cursor = api.as_("backend").get("/v1/changes?cursor=latest").json["next_cursor"]
    api.world.memory.phone.create(event("From the phone"))
    run = api.world.sync()
    (change,) = api.as_("backend").get(f"/v1/changes?cursor={cursor}").json["data"]
    assert change["source"] == {"door": "sync", "integration": api.world.integration_id, "run": run.id}
    assert change["item"]["title"] == "From the phone"


def test_a_reader_may_want_one_user_alone(api: Api) -> None:
    users.put_user(api.world.parts, TENANT, "zoe")
    api.as_("admin").put("/v1/users/zoe/items/ext:z", visit("Zoe's"))
    api.as_("admin").put(f"{ITEMS}/ext:a", visit("Alice's"))
    found = api.as_("backend").get("/v1/changes?user_id=zoe").json["data"]
    assert [change["item"]["title"] for change in found] == ["Zoe's"]
    assert api.as_("backend").get("/v1/changes?user_id=nobody").json["code"] == "user_not_found"


def test_a_cursor_from_before_a_restored_backup_is_expired_and_the_answer_says_what_to_do(api: Api) -> None:
    cursor = api.as_("backend").get("/v1/changes?cursor=latest").json["next_cursor"]
    with api.world.parts.database.system_write() as system:
        system.tenants.start_epoch()
    answer = api.as_("backend").get(f"/v1/changes?cursor={cursor}")
    assert (answer.status_code, answer.json["code"]) == (410, "cursor_expired")
    assert "cursor=latest" in answer.json["detail"]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMiwzLDRd", "%00", "a" * 3000])
def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    answer = api.as_("backend").get(f"/v1/changes?cursor={cursor}")
    assert (answer.status_code, answer.json["field"]) == (422, "cursor")


def test_a_cursor_of_another_tenant_is_none(api: Api) -> None:
    cursor = api.as_("other backend").get("/v1/changes?cursor=latest").json["next_cursor"]
    assert api.as_("backend").get(f"/v1/changes?cursor={cursor}").status_code == 422
