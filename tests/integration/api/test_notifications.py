"""The door for notices: no key, no oracle, a bounded body, and nothing of it in the log."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from calbridge.api import create_app
from calbridge.api.limits import Rates
from calbridge.cli.gunicorn_server import told_path
from calbridge.log import get_logger
from calbridge.service.notifications import LARGEST_NOTICE
from calbridge.testing.memory.state import Subscribed
from tests.integration.service.conftest import made_world
from tests.integration.service.pushing import BASE, due_no, look_after, subscribed, taken
from tests.integration.service.world import World, event

UNKNOWN = f"{BASE}/v1/notifications/memory/{'A' * 43}"


@pytest.fixture
def world(tmp_path: Path, migrated: Path) -> Iterator[World]:
    """A subscribed integration with nothing to do."""
    shutil.copy(migrated, tmp_path / "calbridge.db")
    with made_world(tmp_path, None, CALBRIDGE_PUBLIC_URL=BASE) as made:
        made.connect()
        look_after(made)
        made.sync()
        made.sync()
        taken(made)
        yield made


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.parts).test_client()


def headers_of(made: Subscribed, state: str = "changed") -> dict[str, str]:
    return {"X-Memory-Id": made.id, "X-Memory-Token": made.token, "X-Memory-State": state}


def post(client: FlaskClient, address: str, headers: dict[str, str], body: bytes = b"") -> TestResponse:
    answer = client.post(address.removeprefix(BASE), headers=headers, data=body)
    answer.get_data()
    return answer


def told(answer: TestResponse) -> tuple[object, ...]:
    """What a caller can tell an answer by."""
    return (answer.status_code, answer.data, {name for name, _ in answer.headers} - {"X-Request-Id"})


def test_a_notice_needs_no_key_and_makes_its_integration_due(world: World, client: FlaskClient) -> None:
    (made,) = subscribed(world)
    before = due_no(world)
    answer = post(client, made.address, headers_of(made), b"whatever")
    assert (answer.status_code, answer.data) == (202, b"")
    assert "Content-Type" not in answer.headers
    assert due_no(world) == before + 1


def test_a_burst_of_a_thousand_is_one_trigger(world: World, client: FlaskClient) -> None:
    (made,) = subscribed(world)
    before = due_no(world)
    for _ in range(1000):
        assert post(client, made.address, headers_of(made)).status_code == 202
    assert due_no(world) == before + 1


def test_a_wrong_token_is_answered_like_the_right_one(world: World, client: FlaskClient) -> None:
    (made,) = subscribed(world)
    before = due_no(world)
    wrong = post(client, made.address, headers_of(made) | {"X-Memory-Token": "guessed"})
    assert due_no(world) == before
    assert told(wrong) == told(post(client, made.address, headers_of(made)))


def test_proof_is_given_by_both_methods(world: World, client: FlaskClient) -> None:
    (made,) = subscribed(world)
    path = made.address.removeprefix(BASE)
    for answer in (client.get(f"{path}?challenge=words"), client.post(f"{path}?challenge=words")):
        assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/plain", "words")
    assert client.get(path).status_code == 202
    assert client.put(path).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/notifications/caldav/{'A' * 43}",
        f"/v1/notifications/unheard/{'A' * 43}",
        "/v1/notifications/memory/short",
        f"/v1/notifications/memory/{'A' * 44}",
        f"/v1/notifications/memory/{'%20' * 43}",
    ],
)
def test_where_nobody_pushes_to_there_is_nothing(client: FlaskClient, path: str) -> None:
    answer = client.post(path)
    assert (answer.status_code, answer.json["code"]) == (404, "path_not_found")


def test_a_body_is_bounded_and_that_of_an_unknown_address_not_read(world: World, client: FlaskClient) -> None:
    (made,) = subscribed(world)
    largest = b"x" * LARGEST_NOTICE
    assert post(client, made.address, headers_of(made), largest).status_code == 202
    refused = post(client, made.address, headers_of(made), largest + b"x")
    assert (refused.status_code, refused.json["code"]) == (422, "too_large")
    assert post(client, UNKNOWN, headers_of(made), largest + b"x").status_code == 204


def test_who_tries_many_unknown_addresses_is_told_so_and_learns_nothing(world: World) -> None:
    client = create_app(world.parts, Rates(failures_per_address="5/minute")).test_client()
    (made,) = subscribed(world)
    for _ in range(5):
        assert post(client, UNKNOWN, {}).status_code == 204
    unknown = post(client, UNKNOWN, {})
    before = due_no(world)
    known = post(client, made.address, headers_of(made))
    assert unknown.status_code == known.status_code == 429
    assert int(known.headers["Retry-After"]) > 0
    assert {**unknown.json, "request_id": ""} == {**known.json, "request_id": ""}
    assert due_no(world) == before + 1, "what it says is heard all the same"
    elsewhere = client.post(UNKNOWN.removeprefix(BASE), environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 204


def test_wrong_keys_and_unknown_addresses_are_counted_apart(world: World) -> None:
    client = create_app(world.parts, Rates(failures_per_address="5/minute")).test_client()
    for _ in range(6):
        post(client, UNKNOWN, {})
    assert client.get("/v1/users").status_code == 401


def test_a_database_that_is_gone_has_the_service_try_again(world: World, client: FlaskClient) -> None:
    (made,) = subscribed(world)
    with world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("DROP TABLE watches")
    assert post(client, made.address, headers_of(made)).status_code == 503


def test_neither_address_nor_token_reaches_the_log(world: World, log: io.StringIO) -> None:
    client = create_app(world.parts).test_client()
    (made,) = subscribed(world)
    secret = made.address.rpartition("/")[2]
    world.memory.phone.create(event("Lunch"))
    post(client, made.address, headers_of(made) | {"X-Memory-Token": "guessed"})
    post(client, made.address, headers_of(made), b"x" * (LARGEST_NOTICE + 1))
    with world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("DROP TABLE watches")
    post(client, made.address, headers_of(made))
    get_logger("a").warning("sent", address=made.address, detail=f"POST {made.address} failed")
    assert "notice_not_believed" in log.getvalue()
    assert "/v1/notifications/memory/[hidden]" in log.getvalue()
    assert secret not in log.getvalue()
    assert made.token not in log.getvalue()


@pytest.mark.parametrize("path", ["/v1/notifications/google/secret", "/v1/notifications/google//secret/more"])
def test_a_requests_line_in_the_log_holds_no_address(path: str) -> None:
    assert told_path(path) == "/v1/notifications/google/[hidden]"
