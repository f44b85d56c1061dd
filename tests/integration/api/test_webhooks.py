"""Webhooks through the API: made, changed, tried, and what was sent to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from calbridge.api.schemas_webhooks import PING, TYPES
from calbridge.service import hosts, webhooks
from calbridge.service.deliveries import deliver
from calbridge.store import announcing
from tests.integration.api.conftest import Api, Caller, caller_of
from tests.integration.notify.conftest import opened_world, receiver
from tests.integration.notify.receiver import Receiver, status
from tests.integration.service.world import ALICE, TENANT, World, visit

__all__ = ["receiver"]
HOOKS = "/v1/webhooks"
PUBLIC = "https://psa.example.com/hooks"
ITEMS = f"/v1/users/{ALICE}/items"


@pytest.fixture
def world(tmp_path: Path, migrated: Path, receiver: Receiver) -> Iterator[World]:
    """An installation that reaches the receiver."""
    path = tmp_path / "calbridge.db"
    path.write_bytes(migrated.read_bytes())
    with opened_world(tmp_path, f"sqlite:///{path}") as world:
        hosts.grant_host(world.parts, TENANT, f"127.0.0.1:{receiver.port}")
        yield world


@pytest.fixture
def psa(world: World) -> Caller:
    return caller_of(world.parts)


def test_the_document_names_every_type_of_message() -> None:
    assert set(TYPES) == set(announcing.TYPES)
    assert PING == announcing.PING


def test_a_webhook_is_made_shown_changed_and_deleted(api: Api) -> None:
    backend = api.as_("backend")
    made = backend.post(HOOKS, {"url": PUBLIC, "events": ["item.deleted"]})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.json["secret"].startswith("whsec_")
    path = f"{HOOKS}/{made.json['id']}"
    shown = backend.get(path).json
    assert shown == {name: value for name, value in made.json.items() if name != "secret"}
    assert backend.get(HOOKS).json["data"] == [shown]
    changed = backend.patch(path, {"own": True, "events": None}, headers={"If-Match": '"1"'})
    assert (changed.json["own"], changed.json["events"], changed.headers["ETag"]) == (True, list(TYPES), '"2"')
    stale = backend.patch(path, {"own": False}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")
    assert backend.delete(path).status_code == 204
    assert backend.get(path).json["code"] == "webhook_not_found"


def test_webhooks_are_listed_page_by_page_and_only_so_many_are_taken(api: Api) -> None:
    backend = api.as_("backend")
    made = sorted(backend.post(HOOKS, {"url": PUBLIC}).json["id"] for _ in range(webhooks.MOST))
    first = backend.get(f"{HOOKS}?limit=15").json
    second = backend.get(f"{HOOKS}?limit=15&cursor={first['next_cursor']}").json
    assert [each["id"] for each in first["data"] + second["data"]] == made
    one_more = backend.post(HOOKS, {"url": PUBLIC})
    assert (one_more.status_code, one_more.json["code"]) == (409, "too_many_webhooks")


def test_a_change_is_told_and_the_delivery_is_listed(world: World, psa: Caller, receiver: Receiver) -> None:
    made = psa.post(HOOKS, {"url": receiver.url, "own": True}).json
    item = psa.put(f"{ITEMS}/ext:a", visit()).json
    deliver(world.parts, TENANT, made["id"], 10)
    (got,) = receiver.got
    got.verify(made["secret"])
    assert got.body["data"]["item"] == item
    schema = psa.document["components"]["schemas"]["FeedChange"]
    assert got.body["data"].keys() == schema["properties"].keys()
    (sent,) = psa.get(f"{HOOKS}/{made['id']}/deliveries").json["data"]
    assert (sent["id"], sent["status"], sent["answered"], sent["item_id"]) == (got.id, "delivered", 204, item["id"])


def test_what_the_key_wrote_itself_is_not_told(world: World, psa: Caller, receiver: Receiver) -> None:
    made = psa.post(HOOKS, {"url": receiver.url}).json
    psa.put(f"{ITEMS}/ext:a", visit())
    caller_of(world.parts).put(f"{ITEMS}/ext:b", visit())
    deliver(world.parts, TENANT, made["id"], 10)
    assert [got.body["data"]["item"]["external_id"] for got in receiver.got] == ["b"]


def test_a_ping_tells_what_came_of_it(psa: Caller, receiver: Receiver) -> None:
    made = psa.post(HOOKS, {"url": receiver.url, "active": False}).json
    sent = psa.post(f"{HOOKS}/{made['id']}/test").json
    assert (sent["type"], sent["status"], sent["answered"]) == (PING, "delivered", 204)
    receiver.behave = status("500 Broken")
    failed = psa.post(f"{HOOKS}/{made['id']}/test").json
    assert (failed["status"], failed["answered"], failed["code"]) == ("failed", 500, "webhook_refused")
    listed = psa.get(f"{HOOKS}/{made['id']}/deliveries?status=failed").json["data"]
    assert [each["id"] for each in listed] == [failed["id"]]


def test_deliveries_are_listed_page_by_page_the_newest_first(psa: Caller, receiver: Receiver) -> None:
    made = psa.post(HOOKS, {"url": receiver.url}).json
    path = f"{HOOKS}/{made['id']}/deliveries"
    for _ in range(3):
        psa.post(f"{HOOKS}/{made['id']}/test")
    whole = [each["id"] for each in psa.get(path).json["data"]]
    first = psa.get(f"{path}?limit=2").json
    second = psa.get(f"{path}?limit=2&cursor={first['next_cursor']}").json
    assert [each["id"] for each in first["data"] + second["data"]] == whole
    assert second["next_cursor"] is None
    assert set(whole) == {got.id for got in receiver.got}


def test_a_delivery_is_repeated_under_its_id(world: World, psa: Caller, receiver: Receiver) -> None:
    made = psa.post(HOOKS, {"url": receiver.url, "own": True}).json
    psa.put(f"{ITEMS}/ext:a", visit())
    deliver(world.parts, TENANT, made["id"], 10)
    again = psa.post(f"{HOOKS}/deliveries/{receiver.got[0].id}/redeliver")
    assert (again.status_code, again.json["status"]) == (202, "pending")
    deliver(world.parts, TENANT, made["id"], 10)
    assert len({got.id for got in receiver.got}) == 1
    assert len(receiver.got) == 2
    psa.patch(f"{HOOKS}/{made['id']}", {"active": False})
    refused = psa.post(f"{HOOKS}/deliveries/{receiver.got[0].id}/redeliver")
    assert (refused.status_code, refused.json["code"]) == (409, "webhook_inactive")


def test_a_new_secret_signs_beside_the_former_one(psa: Caller, receiver: Receiver) -> None:
    made = psa.post(HOOKS, {"url": receiver.url}).json
    rotated = psa.post(f"{HOOKS}/{made['id']}/secret", {"keep_hours": 1}).json
    assert rotated["secret"] != made["secret"]
    assert rotated["rotating_until"] is not None
    psa.post(f"{HOOKS}/{made['id']}/test")
    for secret in (made["secret"], rotated["secret"]):
        receiver.got[-1].verify(secret)
    psa.post(f"{HOOKS}/{made['id']}/secret", {"keep_hours": 0})
    psa.post(f"{HOOKS}/{made['id']}/test")
    with pytest.raises(WebhookVerificationError):
        receiver.got[-1].verify(made["secret"])


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_value", "url"),
        ({"url": "http://10.0.0.1/"}, "address_refused", "url"),
        ({"url": "ftp://psa.example.com/"}, "address_refused", "url"),
        ({"url": PUBLIC, "events": ["item.moved"]}, "invalid_value", "events[0]"),
        ({"url": PUBLIC, "events": []}, "invalid_value", "events"),
        ({"url": PUBLIC, "own": "yes"}, "invalid_value", "own"),
        ({"url": PUBLIC, "secret": "mine"}, "invalid_value", "secret"),
    ],
)
def test_a_webhook_that_can_not_be_is_named(api: Api, body: dict[str, Any], code: str, field: str) -> None:
    answer = api.as_("backend").post(HOOKS, body)
    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, code, field)


def test_a_webhook_of_a_user_who_is_not_there_is_refused(api: Api) -> None:
    answer = api.as_("backend").post(HOOKS, {"url": PUBLIC, "user_id": "nobody"})
    assert (answer.status_code, answer.json["code"]) == (404, "user_not_found")


def test_a_user_token_has_no_business_with_webhooks(api: Api) -> None:
    made = api.as_("backend").post(HOOKS, {"url": PUBLIC}).json
    for method, path in (("GET", HOOKS), ("GET", f"{HOOKS}/{made['id']}"), ("POST", f"{HOOKS}/{made['id']}/test")):
        assert api.as_("user").call(method, path).json["code"] == "scope_missing"
