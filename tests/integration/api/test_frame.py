"""What holds for every operation: who may, how strictly requests are read, how errors look."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from calbridge.api import create_app
from calbridge.api.limits import Rates
from calbridge.app import openapi_document
from calbridge.store.database import Database
from calbridge.store.secrets import SecretBox
from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT


@pytest.mark.parametrize("key", ["", "x", "cbk_t0123456789abcdef_" + "x" * 43, "\x7f", "x" * 10_000])
def test_a_wrong_key_is_refused_in_the_same_words_whatever_is_wrong(api: Api, key: str) -> None:
    answer = api.with_key(key).get("/v1/users")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    told = answer.json
    assert told == api.as_("nobody").get("/v1/users").json | {"request_id": told["request_id"]}


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("platform", "/v1/tenants", 200),
        ("platform", "/v1/users", 403),
        ("admin", "/v1/users", 200),
        ("admin", "/v1/tenants", 403),
        ("backend", "/v1/users", 200),
        ("backend", f"/v1/users/{ALICE}/export", 403),
    ],
)
def test_a_key_may_what_its_role_may(api: Api, who: str, path: str, status: int) -> None:
    answer = api.as_(who).get(path)
    assert answer.status_code == status
    if status == 403:
        assert answer.json["code"] == "scope_missing"
        assert answer.json["scope"] in {"platform", "backend", "admin"}


def test_an_error_names_the_field_the_remedy_and_the_request(api: Api) -> None:
    answer = api.as_("backend").put("/v1/users/zoe", {"shoe": 1}, headers={"X-Request-Id": "request-42"})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    told = answer.json
    assert (told["code"], told["field"], told["request_id"]) == ("invalid_value", "shoe", "request-42")
    assert told["type"] == "urn:calbridge:invalid_value"
    assert told["remedy"]
    assert answer.headers["X-Request-Id"] == "request-42"


def test_all_values_that_can_not_be_used_are_named_at_once(api: Api) -> None:
    backend = api.as_("backend")
    told = backend.put("/v1/users/zoe", {"shoe": 1, "email": 5, "hat": 2}).json
    assert {each["field"] for each in told["errors"]} == {"shoe", "email", "hat"}
    assert {"field": told["field"], "detail": told["detail"]} == told["errors"][0]
    deep = backend.post(
        "/v1/integrations", {"user_id": ALICE, "service": "x", "settings": {"send": {"types": ["a", "b"]}}}
    )
    assert [each["field"] for each in deep.json["errors"]] == ["settings.send.types[0]", "settings.send.types[1]"]
    query = backend.get(f"/v1/users/{ALICE}?verbose=1&color=red").json
    assert [each["field"] for each in query["errors"]] == ["verbose", "color"]
    assert "errors" not in backend.put("/v1/users/zoe", {"shoe": 1}).json
    many = backend.put("/v1/users/zoe", {f"shoe{number}": 1 for number in range(500)}).json
    assert len(many["errors"]) == 20


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 65, "ümlaut-ümlaut"])
def test_a_request_id_that_is_none_is_replaced(api: Api, given: str) -> None:
    answer = api.as_("backend").get("/v1/users", headers={"X-Request-Id": given.encode().decode("latin-1")})
    assert answer.headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"name": NaN}', "application/json", 400, "malformed_json"),
        (b'{"name": "\xff"}', "application/json", 400, "malformed_json"),
        (b"[" * 100_000, "application/json", 400, "malformed_json"),
        (json.dumps({"name": "x\x00"}).encode(), "application/json", 422, "invalid_value"),
        (b'{"name": "\\ud800"}', "application/json", 422, "invalid_value"),
        (b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}", "application/json", 422, "invalid_value"),
        (b'{"name": 5}', "application/json", 422, "invalid_value"),
        (b"[]", "application/json", 422, "invalid_value"),
        (b"null", "application/json", 422, "invalid_value"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "", 415, "unsupported_media_type"),
        (b'{"name": "' + b"x" * 2**20 + b'"}', "application/json", 422, "too_large"),
        (b"x" * (12 * 2**20), "application/json", 422, "too_large"),
    ],
    ids=range(14),
)
def test_a_body_that_can_not_be_used_is_refused(api: Api, body: bytes, kind: str, status: int, code: str) -> None:
    answer = api.as_("backend").call("PUT", "/v1/users/zoe", data=body, content_type=kind)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert api.as_("backend").get("/v1/users/zoe").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("color=red", "color"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=ISI", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=" + "A" * 3000, "cursor"),
    ],
)
def test_a_query_that_can_not_be_used_is_refused_by_name(api: Api, query: str, field: str) -> None:
    answer = api.as_("backend").get(f"/v1/users?{query}")
    assert (answer.status_code, answer.json["field"]) == (422, field)


def test_a_query_is_refused_where_none_is_taken(api: Api) -> None:
    answer = api.as_("backend").get(f"/v1/users/{ALICE}?verbose=1")
    assert (answer.status_code, answer.json["field"]) == (422, "verbose")


def test_a_list_is_read_page_by_page(api: Api) -> None:
    backend = api.as_("backend")
    for number in range(5):
        assert backend.put(f"/v1/users/u{number}", {}).status_code == 201
    seen, cursor = [], ""
    while True:
        told = backend.get(f"/v1/users?limit=2{cursor}").json
        seen += [each["id"] for each in told["data"]]
        if told["next_cursor"] is None:
            break
        cursor = f"&cursor={told['next_cursor']}"
    assert seen == ["alice", "u0", "u1", "u2", "u3", "u4"]


@pytest.mark.parametrize("user_id", ["a b", "ä", "a%2Fb", "x" * 201, "a%00"])
def test_an_id_that_is_none_is_refused(api: Api, user_id: str) -> None:
    answer = api.as_("backend").put(f"/v1/users/{user_id}", {})
    assert answer.status_code in {404, 422}
    assert answer.json["code"] in {"path_not_found", "invalid_value"}


def test_a_path_or_method_that_is_none_is_a_problem_too(api: Api) -> None:
    missing = api.as_("backend").get("/v1/nothing")
    assert (missing.status_code, missing.json["code"]) == (404, "path_not_found")
    wrong = api.as_("backend").delete("/v1/users")
    assert (wrong.status_code, wrong.json["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["Allow"]


def test_a_key_that_calls_too_often_is_told_when_to_come_back(api: Api) -> None:
    api.app = create_app(api.world.parts, Rates(per_key="3/minute"))
    backend = api.as_("backend")
    assert [backend.get("/v1/users").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(backend.get("/v1/users").headers["Retry-After"]) > 0
    assert api.as_("admin").get("/v1/users").status_code == 200


def test_an_address_that_presents_wrong_keys_is_refused_before_they_are_looked_at(api: Api) -> None:
    api.app = create_app(api.world.parts, Rates(failures_per_address="3/minute"))
    assert [api.with_key(f"x{n}").get("/v1/users").status_code for n in range(4)] == [401, 401, 401, 429]
    assert api.as_("backend").get("/v1/users").status_code == 429


def test_rate_limits_whose_storage_is_down_limit_nobody(api: Api, tmp_path: Path) -> None:
    settings = replace(api.world.parts.settings, redis_url=f"unix://{tmp_path}/nobody.sock")
    api.app = create_app(replace(api.world.parts, settings=settings))
    assert api.as_("backend").get("/v1/users").status_code == 200
    assert api.with_key("wrong").get("/v1/users").status_code == 401


def test_health_needs_no_key(api: Api) -> None:
    nobody = api.as_("nobody")
    assert nobody.get("/healthz").json == {"status": "ok"}
    assert nobody.get("/readyz").json == {"status": "ready"}


def test_a_database_that_is_not_migrated_is_not_ready(api: Api) -> None:
    with api.world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = api.as_("nobody").get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "database_not_migrated")


def test_keys_of_another_installation_are_not_ready(api: Api) -> None:
    api.world.connect()
    strangers = Database(api.world.parts.settings.database_url, SecretBox(["another key of 32 signs, or more."]))
    api.app = create_app(replace(api.world.parts, database=strangers))
    answer = api.as_("nobody").get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "secret_unreadable")
    strangers.close()


def test_a_page_may_call_where_the_operator_allows_its_origin(api: Api) -> None:
    settings = replace(api.world.parts.settings, allowed_origins=(PSA,))
    api.app = create_app(replace(api.world.parts, settings=settings))
    assert preflight(api, PSA) == PSA
    for who in ("backend", "other backend", "platform", "nobody"):
        answer = api.as_(who).get("/v1/users", headers={"Origin": PSA})
        assert answer.headers["Access-Control-Allow-Origin"] == PSA, who
    assert preflight(api, "https://evil.example.com") is None


def test_the_documents_are_served_from_here_alone(api: Api) -> None:
    nobody = api.as_("nobody")
    info = nobody.get("/openapi.json").json["info"]
    assert info["title"] == "calbridge"
    assert not re.search(r"^\d+\.", info["description"], re.MULTILINE), "the page would take it for a numbered list"
    page = nobody.get("/docs/").text
    assert '"showExtensions": true' in page
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) >= 4
    assert all(place.startswith("/docs/") for place in loaded)
    assert nobody.get("/docs/swagger-ui-bundle.js").status_code == 200


def test_the_document_is_the_same_whoever_asks_first(api: Api) -> None:
    app = create_app(api.world.parts)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: app.test_client().get("/openapi.json"), range(4)))
    assert [answer.status_code for answer in told] == [200] * 4
    assert {answer.text for answer in told} == {openapi_document()}


PSA = "https://psa.example.com"


def preflight(api: Api, origin: str) -> str | None:
    answer = api.as_("nobody").call(
        "OPTIONS", "/v1/users", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
    )
    assert answer.status_code == 204
    return answer.headers.get("Access-Control-Allow-Origin")


def test_a_page_may_call_where_its_tenant_allows_its_origin(api: Api) -> None:
    with api.world.parts.database.write(TENANT) as work:
        work.settings.save(settings={"allowed_origins": [PSA]})
    assert preflight(api, PSA) == PSA
    assert preflight(api, "https://evil.example.com") is None
    mine = api.as_("backend").get("/v1/users", headers={"Origin": PSA})
    assert mine.headers["Access-Control-Allow-Origin"] == PSA
    assert "ETag" in mine.headers["Access-Control-Expose-Headers"]
    foreign = api.as_("other backend").get("/v1/users", headers={"Origin": PSA})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert "Origin" in foreign.headers["Vary"]


def test_what_nobody_expected_is_told_without_its_cause(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    with api.world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("DROP TABLE grants")
    answer = api.as_("platform").get(f"/v1/tenants/{TENANT}")
    assert answer.status_code in {500, 503}
    assert "grants" not in answer.text
    assert "Traceback" not in answer.text
