"""One tenant never sees another: every operation of the document is tried with ids that belong to somebody else.

In the path, the body, the query and the cursor: 404 and no write (DESIGN: Security, isolation).
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from calbridge.api.cursors import encode
from calbridge.app import openapi_document
from calbridge.service import deliveries, previews, users, webhooks
from calbridge.service.access import GRANTABLE, Role
from calbridge.service.keys import create_key
from calbridge.service.tokens import issue_token
from calbridge.store.memories import known_id
from calbridge.store.tables import TENANT_TABLES
from calbridge.store.watches import LIVE, StoredWatch
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, EVERYTHING, TENANT, event, visit

DOCUMENT = json.loads(openapi_document())
WATCH_ID = "W" * 43
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [
    f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods if method in METHODS
]
WITH_IDS = [name for name in OPERATIONS if "{" in name]
OF_PLATFORM = "/v1/tenants"
PAGES = {"/v1/oauth/sign-in", "/v1/oauth/callback"}
"""Pages for browsers: no key opens them, nor do they list anything."""
OF_SERVICES = "/v1/notifications/"
"""Belongs to no tenant: an address and a token prove themselves, and the answer is the same without them."""
CREATES = {"/v1/users/{user_id}"}
"""A PUT here makes something of one's own under the same id."""


@dataclass
class Owned:
    """What alice's tenant owns, by the name of a path parameter or a field."""

    api: Api
    ids: Mapping[str, str]

    def fingerprint(self) -> str:
        """Of every row of the tenant."""
        told = hashlib.sha256()
        with self.api.world.parts.database.connect(writes=False) as connection:
            for table in TENANT_TABLES:
                rows = connection.execute(select(table).where(table.c.tenant_id == TENANT)).all()
                told.update(repr(sorted(map(repr, rows))).encode())
        return told.hexdigest()


@pytest.fixture
def owned(api: Api) -> Owned:
    """Alice's tenant with something in every table that the API shows."""
    world = api.world
    world.memory.phone_at("main").create(event("Secret of alice"))
    world.connect()
    world.put("visit", **visit("Secret visit"))
    world.sync(retrieve=EVERYTHING, send=EVERYTHING)
    world.memory.phone_at("main").create(event("Another", day="2026-01-05"))
    world.sync()
    plan = previews.preview(world.parts, TENANT, world.integration_id)
    key = create_key(world.parts, TENANT, Role.BACKEND, "of alice")
    with world.parts.database.read(TENANT) as work:
        unlinked = work.memories.known(world.integration_id, states=None, after=None, limit=1)
    ids = {
        "tenant_id": TENANT,
        "user_id": ALICE,
        "integration_id": world.integration_id,
        "run_id": plan.id,
        "item_id": world.items()[0]["id"],
        "key_id": key.id,
        "known_id": known_id(unlinked[0]),
        **more_ids(api),
    }
    return Owned(api, ids)


def colleague(api: Api) -> str:
    """A token of another user of the same tenant."""
    users.put_user(api.world.parts, TENANT, "mallory")
    return issue_token(api.world.parts, TENANT, "mallory", scopes=GRANTABLE).token


def more_ids(api: Api) -> dict[str, str]:
    """A webhook and what it is to be told; and what no table names."""
    parts = api.world.parts
    hook = webhooks.add_webhook(parts, TENANT, {"url": "https://psa.example.com/hooks"})
    api.world.put("told", **visit("Secret told"))
    (waiting,) = deliveries.list_deliveries(parts, TENANT, hook.id)
    watch = StoredWatch("w1", api.world.integration_id, "a1", "memory", "main", "", LIVE, parts.clock.now())
    with parts.database.write(TENANT) as work:
        work.watches.add(watch, WATCH_ID, "a token")
    return {
        "webhook_id": hook.id,
        "delivery_id": waiting.id,
        "event_id": "visit",
        "connector": "memory",
        "watch_id": WATCH_ID,
    }


def filled(path: str, ids: Mapping[str, str]) -> str:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    missing = [name for name in names if name not in ids]
    assert not missing, f"give the fixture an id for {missing}"
    for name in names:
        path = path.replace(f"{{{name}}}", ids[name])
    return path


def request_of(operation: Mapping[str, Any]) -> dict[str, Any]:
    """The example of the document as a request."""
    for kind, told in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            return {"json": copy.deepcopy(told["example"])}
        return {"data": told["example"], "content_type": kind}
    return {}


def operation_of(name: str) -> tuple[str, str, Mapping[str, Any]]:
    method, path = name.split(" ")
    return method, path, DOCUMENT["paths"][path][method.lower()]


@pytest.mark.parametrize("who", ["other admin", "other backend", "other user", "colleague"])
@pytest.mark.parametrize("name", WITH_IDS)
def test_ids_of_another_tenant_lead_nowhere(owned: Owned, name: str, who: str) -> None:
    method, path, operation = operation_of(name)
    caller = owned.api.with_key(colleague(owned.api)) if who == "colleague" else owned.api.as_(who)
    before = owned.fingerprint()
    answer = caller.call(method, filled(path, owned.ids), **request_of(operation))
    if method == "PUT" and path in CREATES:
        # The same id in one's own tenant is another thing.
        assert answer.status_code in {200, 201, 403, 404}
    elif path.startswith(OF_SERVICES):
        assert (answer.status_code, answer.text) == (202, "")
    else:
        assert answer.status_code in ({403} if path.startswith(OF_PLATFORM) else {403, 404}), answer.text
    assert owned.fingerprint() == before
    assert "Secret" not in answer.text


@pytest.mark.parametrize("name", [each for each in OPERATIONS if each.startswith("POST") and "{" not in each])
def test_a_body_that_names_what_another_tenant_owns_changes_nothing(owned: Owned, name: str) -> None:
    method, path, operation = operation_of(name)
    request = request_of(operation)
    if "json" not in request:
        return
    before = owned.fingerprint()
    request["json"] = _with_ids(request["json"], owned.ids)
    answer = owned.api.as_("other admin").call(method, path, **request)
    assert owned.fingerprint() == before
    assert "Secret" not in answer.text


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: ids.get(name, _with_ids(inner, ids)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_ids(inner, ids) for inner in value]
    return value


@pytest.mark.parametrize("name", [each for each in OPERATIONS if each.startswith("GET") and "{" not in each])
def test_a_list_shows_nothing_of_another_tenant_whatever_filter_or_cursor(owned: Owned, name: str) -> None:
    method, path, operation = operation_of(name)
    if path.startswith(OF_PLATFORM):
        return
    names = {each["name"] for each in operation.get("parameters", ()) if each.get("in") == "query"}
    tries = [""] + [f"?{field}={owned.ids[field]}" for field in sorted(names & owned.ids.keys())]
    if "cursor" in names:
        tries += [f"?cursor={encode(place)}" for place in ("", ALICE, 0, owned.ids["integration_id"])]
    for query in tries:
        answer = owned.api.as_("other admin").call(method, path + query)
        assert answer.status_code in {200, 404, 410, 422} | ({400} if path in PAGES else set()), answer.text
        if answer.status_code == 200:
            assert "Secret" not in answer.text
            assert owned.ids["integration_id"] not in answer.text
            assert owned.ids["item_id"] not in answer.text
