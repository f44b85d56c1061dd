"""What a user's token reaches of items: its own user's, and it writes only where that was granted."""

from __future__ import annotations

import pytest

from calbridge.service import users
from calbridge.service.access import Scope
from calbridge.service.tokens import issue_token
from tests.integration.api.conftest import Api, Caller
from tests.integration.service.world import ALICE, TENANT, visit

MINE, ZOES = f"/v1/users/{ALICE}/items", "/v1/users/zoe/items"


@pytest.fixture(autouse=True)
def zoe(api: Api) -> None:
    users.put_user(api.world.parts, TENANT, "zoe")
    api.as_("backend").put(f"{ZOES}/ext:z", visit("Zoe's"))
    api.as_("backend").put(f"{MINE}/ext:a", visit("Alice's"))


def token(api: Api, *scopes: Scope) -> Caller:
    return api.with_key(issue_token(api.world.parts, TENANT, ALICE, scopes=scopes).token)


def test_a_token_reads_its_own_items_and_finds_no_others(api: Api) -> None:
    reader = token(api)
    assert [item["title"] for item in reader.get(MINE).json["data"]] == ["Alice's"]
    for path in (ZOES, f"{ZOES}/ext:z", f"{ZOES}/ext:z/history", "/v1/changes?user_id=zoe"):
        answer = reader.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "user_not_found")
    changes = reader.get("/v1/changes?own=true").json["data"]
    assert [change["user_id"] for change in changes] == [ALICE]


def test_a_token_writes_nothing_unless_that_was_granted(api: Api) -> None:
    reader = token(api)
    for method, path, body in (
        ("POST", MINE, visit()),
        ("PUT", f"{MINE}/ext:a", {"title": "x"}),
        ("PATCH", f"{MINE}/ext:a", {"title": "x"}),
        ("DELETE", f"{MINE}/ext:a", None),
        ("POST", f"{MINE}/ext:a/response", {"response": "accepted"}),
        ("POST", "/v1/item-batches", {"operations": []}),
    ):
        answer = reader.call(method, path, body)
        assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")


def test_a_token_that_may_write_reaches_its_own_user_alone(api: Api) -> None:
    writer = token(api, Scope.ITEMS_WRITE)
    assert writer.patch(f"{MINE}/ext:a", {"title": "Mine"}).status_code == 200
    for method, body in (("PUT", {"title": "x"}), ("PATCH", {"title": "x"}), ("DELETE", None)):
        assert writer.call(method, f"{ZOES}/ext:z", body).json["code"] == "user_not_found"
    batch = [
        {"user_id": who, "op": "patch", "external_id": name, "item": {"location": "Hall"}}
        for who, name in (("zoe", "z"), (ALICE, "a"))
    ]
    results = writer.post("/v1/item-batches", {"operations": batch}).json["results"]
    assert [(each["status"], each["code"]) for each in results] == [("failed", "user_not_found"), ("updated", None)]
    assert api.as_("backend").get(f"{ZOES}/ext:z").json["version"] == 1
    (change,) = api.as_("backend").get("/v1/changes?user_id=alice").json["data"][-1:]
    assert change["source"] == {"door": "page", "key": f"user:{ALICE}"}
