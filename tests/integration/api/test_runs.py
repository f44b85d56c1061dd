"""Runs as the API shows them: chosen by what they are, and traced to the request that asked for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO

import pytest

from calbridge.errors import Unavailable
from calbridge.log import configure_logging
from calbridge.service.requests import carry_out
from tests.integration.api.conftest import Api
from tests.integration.service.world import TENANT

ALWAYS = {"retrieve": {"past_days": None, "future_days": None}}
REQUEST = {"X-Request-Id": "request-of-the-test"}


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """The log, from level info on."""
    stream = StringIO()
    configure_logging("info", stream)
    yield stream
    configure_logging("error")


@pytest.fixture
def path(api: Api) -> str:
    """An active integration that has had its first run."""
    api.world.connect()
    api.world.sync()
    api.world.clock.advance(seconds=1)
    return f"/v1/integrations/{api.world.integration_id}"


def carried_out(api: Api) -> None:
    carry_out(api.world.parts, TENANT, api.world.integration_id, budget_seconds=None)


def test_runs_are_chosen_by_status_kind_and_trigger(api: Api, path: str) -> None:
    backend = api.as_("backend")
    ranged = backend.post(f"{path}/sync", ALWAYS).json["id"]
    carried_out(api)
    api.world.clock.advance(seconds=1)
    queued = backend.post(f"{path}/preview", {}).json["id"]

    def chosen(query: str) -> list[str]:
        return [each["id"] for each in backend.get(f"{path}/runs?{query}").json["data"]]

    assert chosen("status=queued") == [queued]
    assert chosen("kind=range") == [ranged]
    assert chosen("kind=range&status=queued") == []
    assert set(chosen("trigger=manual")) >= {ranged, queued}
    assert chosen("trigger=poll") == []
    everything = chosen("")
    assert everything[:2] == [queued, ranged]
    first = backend.get(f"{path}/runs?kind=range&limit=1").json
    assert [each["id"] for each in first["data"]] == [ranged]
    assert backend.get(f"{path}/runs?status=lost").json["field"] == "status"


def test_a_run_names_the_request_that_asked_for_it_and_so_does_its_log(api: Api, path: str, logged: StringIO) -> None:
    backend = api.as_("backend")
    asked = backend.post(f"{path}/sync", ALWAYS, headers=REQUEST)
    assert asked.json["request_id"] == REQUEST["X-Request-Id"]
    again = backend.post(f"{path}/sync", ALWAYS)
    assert again.json["id"] == asked.json["id"], "what waits already is the answer, whoever asked"
    api.world.memory.io.fail("changes.before", Unavailable("down"))
    carried_out(api)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    (failed,) = [line for line in lines if line["event"] == "run_failed"]
    assert (failed["request"], failed["run"]) == (REQUEST["X-Request-Id"], asked.json["id"])
    assert backend.get(asked.headers["Location"]).json["request_id"] == REQUEST["X-Request-Id"]


def test_a_plan_that_was_used_up_still_names_its_request(api: Api, path: str) -> None:
    backend = api.as_("backend")
    plan = backend.post(f"{path}/preview", ALWAYS, headers=REQUEST).headers["Location"]
    carried_out(api)
    assert backend.get(plan).json["request_id"] == REQUEST["X-Request-Id"]
    assert backend.post(f"{plan}/apply").status_code == 202
    carried_out(api)
    assert backend.get(plan).json["request_id"] == REQUEST["X-Request-Id"]
    api.world.clock.advance(seconds=1)
    api.world.sync()
    assert backend.get(f"{path}/runs").json["data"][0]["request_id"] is None, "nobody asked"
