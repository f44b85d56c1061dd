"""Tenants, keys, users, their import and export, tokens and the audit through the API."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE, TENANT, visit

HEADER = "user_id,email,name,time_zone,calendar_sync"


def test_the_platform_makes_a_tenant_and_the_keys_with_which_it_is_used(api: Api) -> None:
    platform = api.as_("platform")
    made = platform.put("/v1/tenants/new", {"name": "New IT"}, headers={"If-None-Match": "*"})
    assert (made.status_code, made.headers["ETag"], made.json["private_hosts"]) == (201, '"1"', [])
    twice = platform.put("/v1/tenants/new", {"name": "Other"}, headers={"If-None-Match": "*"})
    assert (twice.status_code, twice.json["code"]) == (412, "precondition_failed")
    renamed = platform.put("/v1/tenants/new", {"name": "Newer IT"}, headers={"If-Match": made.headers["ETag"]})
    assert (renamed.status_code, renamed.json["name"]) == (200, "Newer IT")
    ends = (api.world.clock.now() + timedelta(days=1)).isoformat()
    key = platform.post("/v1/tenants/new/keys", {"role": "backend", "name": "PSA", "expires_at": ends})
    assert key.status_code == 201
    theirs = api.with_key(key.json["key"])
    assert theirs.get("/v1/users").json["data"] == []
    listed = platform.get("/v1/tenants/new/keys").json["data"]
    assert [(each["name"], each["role"], "key" in each) for each in listed] == [("PSA", "backend", False)]
    assert key.json["key"].split("_")[1] == listed[0]["prefix"]
    api.world.clock.advance(days=2)
    assert theirs.get("/v1/users").status_code == 401, "it expired"
    other = platform.post("/v1/tenants/new/keys", {"role": "admin", "name": "Admin"}).json
    assert api.with_key(other["key"]).get("/v1/settings").status_code == 200
    assert platform.delete(f"/v1/tenants/new/keys/{other['id']}").status_code == 200
    assert api.with_key(other["key"]).get("/v1/settings").status_code == 401, "it was taken back"
    receipt = platform.delete("/v1/tenants/new")
    assert (receipt.status_code, receipt.json["tenant"]) == (200, "new")
    assert platform.get("/v1/tenants/new").status_code == 404


def test_a_user_is_made_kept_and_erased(api: Api) -> None:
    backend = api.as_("backend")
    zoe = {"email": "zoe@example.com", "name": "Zoe", "time_zone": "Europe/Vienna"}
    made = backend.put("/v1/users/zoe", zoe, headers={"If-None-Match": "*"})
    assert (made.status_code, made.json["calendar_sync"]) == (201, True)
    assert backend.put("/v1/users/zoe", zoe, headers={"If-None-Match": "*"}).status_code == 412
    kept = backend.put("/v1/users/zoe", {"name": "Zoe Z."})
    assert (kept.status_code, kept.json["name"], kept.json["email"]) == (200, "Zoe Z.", "zoe@example.com")
    cleared = backend.put("/v1/users/zoe", {"email": None})
    assert cleared.json["email"] is None
    unknown = backend.put("/v1/users/zoe", {"time_zone": "Mars/Base"})
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_time_zone")
    receipt = backend.delete("/v1/users/zoe")
    assert (receipt.status_code, receipt.json["counts"]["users"]) == (200, 1)
    assert backend.get("/v1/users/zoe").status_code == 404


def test_a_file_of_users_is_imported_with_a_row_for_each_line(api: Api) -> None:
    lines = [HEADER, "zoe,zoe@example.com,Zoe,Europe/Vienna,yes", "=2+2,,,,", "yan,nobody,,,", f"{ALICE},,Alice,,no"]
    told = api.as_("backend").call(
        "POST", "/v1/user-imports", data="\r\n".join(lines).encode("utf-8-sig"), content_type="text/csv"
    )
    assert told.status_code == 200
    rows = told.json["rows"]
    assert [(row["line"], row["status"], row["code"]) for row in rows] == [
        (2, "created", None),
        (3, "failed", "invalid_value"),
        (4, "failed", "invalid_value"),
        (5, "updated", None),
    ]
    assert rows[1]["user_id"] == "'=2+2", "no spreadsheet takes it for a formula"
    assert (told.json["created"], told.json["updated"], told.json["failed"]) == (1, 1, 2)
    assert api.as_("backend").get(f"/v1/users/{ALICE}").json["calendar_sync"] is False


def test_an_import_takes_ten_megabytes_and_fifty_thousand_lines_and_no_more(api: Api) -> None:
    def sent(lines: list[str]) -> tuple[int, str]:
        told = api.as_("backend").call("POST", "/v1/user-imports", data="\n".join(lines), content_type="text/csv")
        return told.status_code, told.json.get("code", "")

    assert sent(["user_id", *(f"u{number}" for number in range(50_001))]) == (422, "too_large")
    assert sent(["user_id,name", *(f"u{number},{'x' * 1000}" for number in range(10_500))]) == (422, "too_large")
    assert api.as_("backend").get("/v1/users/u0").status_code == 404, "nothing was imported"
    # Bigger than any other body may be; every line is named in the report.
    assert sent(["user_id,name", *(f"u{number},{'x' * 201}" for number in range(6_000))]) == (200, "")
    assert sent(["user,mail", "a,b"]) == (422, "invalid_csv")


def test_everything_about_a_user_is_handed_out_to_an_administrator_and_the_audit_knows(api: Api) -> None:
    api.world.connect()
    api.world.put("visit", **visit("Visit"))
    api.world.sync()
    told = api.as_("admin").get(f"/v1/users/{ALICE}/export")
    assert told.status_code == 200
    assert [item["title"] for item in told.json["items"]] == ["Visit"]
    assert {"accounts", "integrations", "known", "changes", "runs", "logs"} <= told.json.keys()
    line = api.as_("admin").get("/v1/audit").json["data"][-1]
    assert (line["action"], line["facts"]) == ("user_exported", {"user": ALICE})
    assert line["actor"].startswith("api key ")
    assert api.as_("other admin").get(f"/v1/users/{ALICE}/export").status_code == 404


def test_a_token_is_made_with_what_was_granted_and_ends_with_calendar_sync(api: Api) -> None:
    backend = api.as_("backend")
    made = backend.post(f"/v1/users/{ALICE}/tokens", {"scopes": ["items:write"], "seconds": 60})
    assert (made.status_code, set(made.json["scopes"])) == (201, {"integrations", "items:read", "items:write"})
    page = api.with_key(made.json["token"])
    assert page.post(f"/v1/users/{ALICE}/items", visit("Mine")).status_code == 201
    assert page.put(f"/v1/users/{ALICE}", {"calendar_sync": False}).json["scope"] == "backend"
    assert backend.post(f"/v1/users/{ALICE}/tokens", {"seconds": 901}).json["field"] == "seconds"
    assert backend.post(f"/v1/users/{ALICE}/tokens", {"scopes": ["backend"]}).status_code == 422
    api.world.clock.advance(seconds=61)
    assert page.get(f"/v1/users/{ALICE}/items").status_code == 401, "it expired"
    later = api.with_key(backend.post(f"/v1/users/{ALICE}/tokens", {}).json["token"])
    assert later.get(f"/v1/users/{ALICE}/items").status_code == 200
    backend.put(f"/v1/users/{ALICE}", {"calendar_sync": False})
    assert later.get(f"/v1/users/{ALICE}/items").status_code == 401
    refused = backend.post(f"/v1/users/{ALICE}/tokens", {})
    assert (refused.status_code, refused.json["code"]) == (409, "calendar_sync_off")


def test_what_is_done_with_a_tenant_s_keys_stands_in_its_audit(api: Api) -> None:
    platform = api.as_("platform")
    key = platform.post(f"/v1/tenants/{TENANT}/keys", {"role": "backend", "name": "PSA"}).json
    platform.delete(f"/v1/tenants/{TENANT}/keys/{key['id']}")
    lines = api.as_("admin").get("/v1/audit?limit=200").json["data"]
    assert [line["action"] for line in lines][-2:] == ["key_created", "key_revoked"]
    assert key["key"] not in str(lines)
    assert api.as_("backend").get("/v1/audit").status_code == 403
