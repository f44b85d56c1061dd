"""A tenant's settings: defaults, what is refused, and what a new integration starts with."""

from __future__ import annotations

from typing import Any

import pytest

from calbridge.domain.settings_json import IntegrationSettings, Range, settings_in, settings_out
from calbridge.domain.tenant_settings import TenantSettings, locked_out, tenant_settings_in, tenant_settings_out
from calbridge.errors import Refused

DEFAULTS = {
    "sync_enabled": True,
    "services_allowed": None,
    "mechanism": "auto",
    "poll_minutes": 15,
    "retry_minutes": 30,
    "notify_failure_to": [],
    "initial_range": None,
    "live_past_days": 30,
    "default_settings": {},
    "locked_settings": [],
    "allowed_origins": [],
    "title_templates": {},
    "record_url": None,
    "exchange": {"url": None, "version": None, "batch_size": 100, "notification_url": None},
}
CHOSEN = {
    "sync_enabled": False,
    "services_allowed": ["caldav", "icloud"],
    "mechanism": "polling",
    "poll_minutes": 5,
    "retry_minutes": 60,
    "notify_failure_to": ["ops@example.com"],
    "initial_range": {"past_days": 180, "future_days": None},
    "live_past_days": 0,
    "default_settings": {"conflict": "linked"},
    "locked_settings": ["conflict", "send.types", "retrieve"],
    "allowed_origins": ["https://psa.example.com", "http://localhost:3000"],
    "title_templates": {"service_call": "[{organization}] {title}"},
    "record_url": "https://psa.example.com/records/{record_id}",
    "exchange": {
        "url": "https://mail.example.com/EWS/Exchange.asmx",
        "version": "Exchange2016",
        "batch_size": 512,
        "notification_url": "https://calbridge.example.com/",
    },
}


def test_what_is_not_set_has_its_default() -> None:
    assert tenant_settings_out(tenant_settings_in({})) == DEFAULTS
    assert tenant_settings_in(dict.fromkeys(DEFAULTS)) == TenantSettings()


def test_every_setting_is_read_and_written_alike() -> None:
    assert tenant_settings_out(tenant_settings_in(CHOSEN)) == CHOSEN
    assert CHOSEN.keys() == DEFAULTS.keys()


@pytest.mark.parametrize(
    "told", [["A@example.com", " b@example.com "], "a@example.com;B@example.com", ";a@example.com; b@example.com;;"]
)
def test_recipients_are_a_list_or_one_text(told: object) -> None:
    assert tenant_settings_in({"notify_failure_to": told}).notify_failure_to == ("a@example.com", "b@example.com")


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("sync_enabled", "yes", ""),
        ("sync_enabled", 1, ""),
        ("services_allowed", ["CalDAV!"], ""),
        ("services_allowed", "caldav", ""),
        ("services_allowed", ["x"] * 101, ""),
        ("mechanism", "telepathy", ""),
        ("poll_minutes", 0, ""),
        ("poll_minutes", 1441, ""),
        ("poll_minutes", True, ""),
        ("retry_minutes", 0, ""),
        ("retry_minutes", 10_081, ""),
        ("notify_failure_to", "nobody", ""),
        ("notify_failure_to", ["a@b", 1], ""),
        ("notify_failure_to", ["a@example.com\r\nBcc: x@example.com"], ""),
        ("notify_failure_to", "a@example.com,b@example.com", ""),
        ("notify_failure_to", [f"a{number}@example.com" for number in range(21)], ""),
        ("initial_range", {"past_days": -1}, "initial_range.past_days"),
        ("initial_range", {"days": 1}, "initial_range.days"),
        ("live_past_days", -1, ""),
        ("default_settings", {"conflict": "nobody"}, "default_settings.conflict"),
        ("default_settings", {"live_past_days": 1}, "default_settings.live_past_days"),
        ("default_settings", [], ""),
        ("default_settings", {"retrieve": {"skip": []}}, "default_settings.retrieve.skip"),
        ("locked_settings", ["shoe"], ""),
        ("locked_settings", ["send.types.0"], ""),
        ("allowed_origins", ["*"], ""),
        ("allowed_origins", ["https://"], ""),
        ("allowed_origins", ["https://*.example.com"], ""),
        ("allowed_origins", ["https://psa.example.com/"], ""),
        ("allowed_origins", ["https://psa.example.com:99999"], ""),
        ("allowed_origins", ["https://user@psa.example.com"], ""),
        ("allowed_origins", ["null"], ""),
        ("allowed_origins", ["ftp://psa.example.com"], ""),
        ("title_templates", {"service_call": "Call"}, "title_templates.service_call"),
        ("record_url", "psa.example.com/{record_id}", ""),
        ("exchange", {"batch_size": 513}, "exchange.batch_size"),
        ("exchange", {"batch_size": 0}, "exchange.batch_size"),
        ("exchange", {"url": "http://mail.example.com/"}, "exchange.url"),
        ("exchange", {"url": "https://a:b@mail.example.com/"}, "exchange.url"),
        ("exchange", {"url": "https://[::1/"}, "exchange.url"),
        ("exchange", {"notification_url": "https://"}, "exchange.notification_url"),
        ("exchange", {"version": "2016"}, "exchange.version"),
        ("exchange", {"shoe": 1}, "exchange.shoe"),
        ("shoe", 1, ""),
    ],
)
def test_what_can_not_be_used_is_named(name: str, value: object, field: str) -> None:
    with pytest.raises(Refused) as refused:
        tenant_settings_in({name: value})
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_value", field or name)


def test_an_origin_is_kept_as_browsers_write_it() -> None:
    told = tenant_settings_in({"allowed_origins": ["HTTPS://PSA.Example.com", "http://[::1]:3000"]})
    assert told.allowed_origins == ("https://psa.example.com", "http://[::1]:3000")


STARTS: dict[str, tuple[dict[str, Any], Range | None, Range | None]] = {
    "nothing said": ({}, None, None),
    "a first range": ({"initial_range": {"past_days": 180}}, Range(180, None), Range(180, None)),
    "all there is": ({"initial_range": {}}, Range(), Range()),
    "defaults before it": (
        {"initial_range": {"past_days": 180}, "default_settings": {"ranges": {"send": {"past_days": 1}}}},
        Range(180, None),
        Range(1, None),
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_new_integration_starts_with_the_tenant_s_ranges(name: str) -> None:
    data, retrieve, send = STARTS[name]
    found = settings_in(tenant_settings_in(data).of_new_integration())
    assert (found.retrieve_range, found.send_range) == (retrieve, send)


def test_a_locked_group_locks_what_is_in_it() -> None:
    tenant = tenant_settings_in({"locked_settings": ["retrieve", "send.privacy.other"]})
    before = settings_out(IntegrationSettings())

    def changed(patch: dict[str, Any]) -> str | None:
        return locked_out(tenant, before, settings_out(settings_in(patch)))

    assert changed({"retrieve": {"skip": {"free": True}}}) == "retrieve"
    assert changed({"send": {"privacy": {"other": "skip"}}}) == "send.privacy.other"
    assert changed({"send": {"privacy": {"private": "skip"}}, "conflict": "linked"}) is None
    assert changed(before) is None
