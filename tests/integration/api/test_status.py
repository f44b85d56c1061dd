"""What operators watch: counts of the installation and of a tenant, processes by their heartbeat, metrics."""

from __future__ import annotations

import re
from dataclasses import replace

from calbridge.api import create_app
from calbridge.errors import Unavailable
from calbridge.service.heartbeats import beat, last_beat
from calbridge.service.integrations import change_integration
from tests.integration.api.conftest import Api
from tests.integration.service.world import TENANT, visit

TOKEN = "metrics-token-of-the-tests-0123456789"


def test_a_tenant_sees_its_own_counts_and_the_platform_all(api: Api) -> None:
    api.world.connect()
    api.world.put("visit", **visit())
    mine = api.as_("admin").get("/v1/status").json
    assert (mine["integrations"], mine["due"], mine["processes"]) == ({"connected": 1}, 1, [])
    assert api.as_("other admin").get("/v1/status").json["integrations"] == {}
    api.world.sync()
    every = api.as_("platform").get("/v1/status").json
    assert (every["integrations"], every["runs"], every["due"]) == ({"connected": 1}, {"succeeded": 1}, 0)
    assert every["queues"] is None
    assert api.as_("user").get("/v1/status").status_code == 403


def test_a_process_that_is_silent_is_not_alive_and_one_that_ended_is_not_listed(api: Api) -> None:
    started = api.world.clock.now()
    beat(api.world.parts, "w1", "worker", started, queues=["realtime"])
    api.world.clock.advance(seconds=40)
    beat(api.world.parts, "s1", "scheduler", started)
    api.world.clock.advance(seconds=10)
    found = {each["id"]: each for each in api.as_("platform").get("/v1/status").json["processes"]}
    assert {name: each["alive"] for name, each in found.items()} == {"w1": False, "s1": True}
    assert found["w1"]["facts"] == {"queues": ["realtime"]}
    last_beat(api.world.parts, "s1")
    assert [each["id"] for each in api.as_("platform").get("/v1/status").json["processes"]] == ["w1"]


def scraped(api: Api, **more: str) -> dict[str, float]:
    answer = api.app.test_client().get("/metrics", headers=more)
    assert answer.status_code == 200
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", answer.text, re.MULTILINE)}


def test_metrics_are_counted_at_the_scrape(api: Api) -> None:
    before = scraped(api)
    assert before['calbridge_rows{table="items"}'] == 0
    api.world.connect()
    api.world.put("visit", **visit())
    beat(api.world.parts, "w1", "worker", api.world.clock.now())
    after = scraped(api)
    assert after['calbridge_rows{table="items"}'] == 1
    assert after['calbridge_integrations{status="connected"}'] == 1
    assert after['calbridge_processes{kind="worker"}'] == 1
    assert after["calbridge_due_integrations"] == 1
    assert (after['calbridge_watches{state="live"}'], after['calbridge_watches{state="failing"}']) == (0, 0)


def test_a_calendar_that_is_not_read_any_more_is_seen_by_its_age(api: Api) -> None:
    name = "calbridge_longest_unread_seconds"
    assert name not in scraped(api)
    api.world.connect()
    api.world.clock.advance(minutes=7)
    assert scraped(api)[name] == 420
    api.world.sync()
    assert scraped(api)[name] == 0
    api.world.clock.advance(hours=3)
    api.world.memory.io.fail("changes.before", Unavailable())
    api.world.sync()
    assert scraped(api)[name] == 3 * 3600
    change_integration(api.world.parts, TENANT, api.world.integration_id, active=False)
    assert name not in scraped(api)


def test_metrics_need_their_token_or_this_machine(api: Api) -> None:
    client = api.app.test_client()
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 401
    settings = replace(api.world.parts.settings, metrics_token=TOKEN)
    api.app = create_app(replace(api.world.parts, settings=settings))
    assert api.app.test_client().get("/metrics").status_code == 401
    assert scraped(api, Authorization=f"Bearer {TOKEN}")
