"""A tenant's settings through the API: shown whole, changed by merge patches, by administrators only."""

from __future__ import annotations

from tests.integration.api.conftest import Api
from tests.integration.service.world import ALICE

PATH = "/v1/settings"


def test_settings_are_shown_whole_and_merged(api: Api) -> None:
    admin = api.as_("admin")
    before = admin.get(PATH)
    assert (before.json["poll_minutes"], before.json["services_allowed"]) == (15, None)
    changed = admin.patch(PATH, {"poll_minutes": 5, "notify_failure_to": "a@example.com;b@example.com"})
    assert (changed.status_code, changed.json["poll_minutes"]) == (200, 5)
    assert changed.json["notify_failure_to"] == ["a@example.com", "b@example.com"]
    assert changed.headers["ETag"] != before.headers["ETag"]
    stale = admin.patch(PATH, {"poll_minutes": 6}, headers={"If-Match": before.headers["ETag"]})
    assert (stale.status_code, stale.json["code"]) == (412, "precondition_failed")
    merge = admin.patch(PATH, {"poll_minutes": None}, headers={"Content-Type": "application/merge-patch+json"})
    assert merge.json["poll_minutes"] == 15
    assert merge.json["notify_failure_to"] == ["a@example.com", "b@example.com"]


def test_only_administrators_see_and_set_them(api: Api) -> None:
    for who in ("backend", "user", "platform"):
        assert api.as_(who).get(PATH).status_code == 403
        assert api.as_(who).patch(PATH, {"poll_minutes": 5}).status_code == 403


def test_what_a_tenant_switches_off_stops_and_says_so(api: Api) -> None:
    api.world.connect()
    assert api.as_("admin").patch(PATH, {"sync_enabled": False}).status_code == 200
    path = f"/v1/integrations/{api.world.integration_id}"
    assert api.as_("backend").get(path).json["reason"] == "sync_disabled"
    refused = api.as_("backend").post(f"{path}/sync", {})
    assert (refused.status_code, refused.json["code"]) == (409, "sync_disabled")


def test_private_hosts_are_the_platform_s_to_grant(api: Api) -> None:
    refused = api.as_("admin").patch(PATH, {"private_hosts": ["10.0.0.5:443"]})
    assert (refused.status_code, refused.json["field"]) == (422, "private_hosts")


def test_unusually_many_deletions_wait_for_one_word_of_an_administrator(api: Api) -> None:
    backend = api.as_("backend")
    api.world.connect()
    api.world.sync()
    for number in range(60):
        api.world.put(f"v{number}", title="Visit", start={"date": "2027-01-05"}, end={"date": "2027-01-06"})
    api.world.sync()
    answers = [backend.delete(f"/v1/users/{ALICE}/items/ext:v{number}") for number in range(60)]
    refused = [each for each in answers if each.status_code == 409]
    assert refused
    assert {each.json["code"] for each in refused} == {"confirmation_needed"}
    assert backend.post("/v1/deletions/confirm").status_code == 403
    assert api.as_("admin").post("/v1/deletions/confirm").json["confirmed_until"]
    assert backend.delete(f"/v1/users/{ALICE}/items/ext:v59").status_code == 200
    assert api.as_("admin").get(PATH).status_code == 200
