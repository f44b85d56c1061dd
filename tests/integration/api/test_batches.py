"""Many writes of items in one call: each has its own outcome."""

from __future__ import annotations

from typing import Any

import pytest

from calbridge.service import users
from tests.integration.api.conftest import Api, Caller
from tests.integration.service.world import ALICE, TENANT, at, visit

ITEMS = f"/v1/users/{ALICE}/items"


@pytest.fixture
def backend(api: Api) -> Caller:
    return api.as_("backend")


def write(op: str, name: str, item: Any = None, **more: Any) -> dict[str, Any]:
    told = {} if item is None else {"item": item}
    return {"user_id": ALICE, "op": op, "external_id": name, **told, **more}


def sent(caller: Caller, *operations: Any) -> list[dict[str, Any]]:
    answer = caller.post("/v1/item-batches", {"operations": list(operations)})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json["results"]
    return results


def test_each_write_has_its_result_in_its_place(api: Api, backend: Caller) -> None:
    users.put_user(api.world.parts, TENANT, "zoe")
    results = sent(
        backend,
        write("put", "a", visit("A")),
        write("put", "z", visit("Z"), user_id="zoe"),
        write("patch", "a", {"location": "Hall"}),
        write("put", "b", visit("B")),
        write("put", "b", visit("B")),
        write("delete", "b", if_version=1),
    )
    assert [(each["status"], each["version"]) for each in results] == [
        ("created", 1),
        ("created", 1),
        ("updated", 2),
        ("created", 1),
        ("unchanged", 1),
        ("deleted", 2),
    ]
    (left,) = backend.get(ITEMS).json["data"]
    assert (left["id"], left["location"], left["version"]) == (results[0]["item_id"], "Hall", 2)
    assert backend.get("/v1/users/zoe/items/ext:z").json["id"] == results[1]["item_id"]


@pytest.mark.parametrize(
    ("bad", "code", "field"),
    [
        (write("put", "bad", visit(color="red")), "invalid_value", "color"),
        (write("put", "bad", {"title": "No time"}), "invalid_value", "start"),
        (write("put", "bad"), "invalid_value", "item"),
        (write("put", "bad", [1]), "invalid_value", "item"),
        (write("put", "bad", visit(external_id="other")), "invalid_value", "external_id"),
        (write("patch", "a", {"external_id": "b"}), "already_exists", None),
        (write("patch", "a", {"end": at("2027-01-01")}), "invalid_value", "end"),
        (write("patch", "bad", {"title": "x"}), "item_not_found", None),
        (write("delete", "bad"), "item_not_found", None),
        (write("delete", "a", {"title": "x"}), "invalid_value", "item"),
        (write("put", "a", visit("New"), if_version=7), "item_changed", None),
        (write("put", "bad", visit(), if_version=7), "precondition_failed", None),
        (write("put", "bad", visit(), if_version="1"), "invalid_value", "if_version"),
        (write("put", "bad", visit(), user_id="nobody"), "user_not_found", None),
        (write("put", "b a d", visit()), "invalid_value", "external_id"),
        (write("move", "bad", visit()), "invalid_value", "op"),
        (write("put", "bad", visit(), mood="good"), "invalid_value", "mood"),
        ({}, "invalid_value", "op"),
    ],
)
def test_a_write_that_can_not_be_done_fails_alone(backend: Caller, bad: Any, code: str, field: str | None) -> None:
    sent(backend, write("put", "a", visit("A")), write("put", "b", visit("B")))
    results = sent(backend, write("put", "first", visit()), bad, write("put", "last", visit()))
    assert [each["status"] for each in results] == ["created", "failed", "created"]
    assert (results[1]["code"], results[1]["field"]) == (code, field)
    assert [each["title"] for each in backend.get(ITEMS).json["data"]].count("Visit") == 2
    told = [change["op"] for change in backend.get("/v1/changes?own=true").json["data"]]
    assert told == ["create"] * 4


def test_an_item_takes_the_name_that_another_gave_up(backend: Caller) -> None:
    results = sent(
        backend,
        write("put", "a", visit("First")),
        write("patch", "a", {"external_id": "b"}),
        write("put", "a", visit("Second")),
        write("patch", "b", {"location": "Hall"}),
    )
    assert [each["status"] for each in results] == ["created", "updated", "created", "updated"]
    assert backend.get(f"{ITEMS}/ext:b").json["title"] == "First"
    assert backend.get(f"{ITEMS}/ext:a").json["title"] == "Second"


def test_as_many_as_500_are_written_and_no_more(backend: Caller) -> None:
    operations = [write("put", str(number), visit(f"Visit {number}")) for number in range(501)]
    answer = backend.post("/v1/item-batches", {"operations": operations})
    assert (answer.status_code, answer.json["field"]) == (422, "operations")
    assert backend.get(ITEMS).json["data"] == []
    results = sent(backend, *operations[:500])
    assert {each["status"] for each in results} == {"created"}
    assert {each["status"] for each in sent(backend, *operations[:500])} == {"unchanged"}


@pytest.mark.parametrize("body", [{}, {"operations": {}}, {"operations": [1]}, {"operations": [], "more": 1}, []])
def test_what_is_no_batch_is_refused(backend: Caller, body: Any) -> None:
    assert backend.post("/v1/item-batches", body).status_code == 422


def test_the_guard_over_deletions_stops_in_the_middle_of_a_batch(api: Api, backend: Caller) -> None:
    names = [str(number) for number in range(60)]
    sent(backend, *(write("put", name, visit(f"Visit {name}")) for name in names))
    api.world.connect()
    api.world.sync(send=(None, None))
    first = sent(backend, *(write("delete", name) for name in names[:20]))
    second = sent(backend, *(write("delete", name) for name in names[20:]))
    codes = [each["code"] for each in (*first, *second)]
    assert codes == [None] * 50 + ["confirmation_needed"] * 10
    assert len(backend.get(f"{ITEMS}?limit=200").json["data"]) == 10


def test_what_a_batch_wrote_reaches_the_calendar_with_the_next_run(api: Api, backend: Caller) -> None:
    api.world.connect()
    api.world.sync()
    sent(backend, *(write("put", str(number), visit(f"Visit {number}")) for number in range(3)))
    api.world.sync()
    assert api.world.event_titles() == ["Visit 0", "Visit 1", "Visit 2"]
