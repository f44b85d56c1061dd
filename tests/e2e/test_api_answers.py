"""The API keeps answering, quickly and in its own words, while Redis, the database and everybody else fail."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests
from sqlalchemy import text

from calbridge.api.here import VENDOR_SECONDS
from calbridge.service.access import Role
from calbridge.service.keys import create_key
from tests.e2e.databases import Postgresql, postgresql_server
from tests.e2e.fleet import ALICE, Fleet, fleet
from tests.servers import CalendarServer
from tests.servers.process import free_port
from tests.servers.waiting import eventually

ACME = "acme"
PATIENCE = 15.0
"""Seconds within which an answer must be there, on a machine that has other things to do."""
VISIT = {
    "title": "Visit",
    "start": {"date_time": "2027-01-05T10:00:00", "time_zone": "Europe/Vienna"},
    "end": {"date_time": "2027-01-05T11:00:00", "time_zone": "Europe/Vienna"},
}


@dataclass
class Api:
    """The API of an installation, asked over HTTP."""

    at: Fleet
    port: int
    key: str

    def call(self, method: str, path: str, body: object = None, patience: float = PATIENCE) -> requests.Response:
        """One request; fails where no answer comes in time."""
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {self.key}"}
            begun = time.monotonic()
            told = session.request(
                method, f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=60
            )
            assert time.monotonic() - begun < patience, (method, path, told.status_code)
            assert told.headers["X-Request-Id"]
            return told

    def put(self, name: str, patience: float = PATIENCE) -> requests.Response:
        """An item of alice."""
        return self.call("PUT", f"/v1/users/{ALICE}/items/ext:{name}", VISIT | {"title": name}, patience)

    def items(self) -> list[str]:
        told = self.call("GET", f"/v1/users/{ALICE}/items")
        assert told.ok, told.text
        return [each["title"] for each in told.json()["data"]]

    def is_up(self) -> bool:
        try:
            return self.call("GET", "/readyz", patience=60).ok
        except requests.ConnectionError:
            return False


@contextmanager
def answering(at: Fleet, server: CalendarServer) -> Iterator[Api]:
    """A tenant, and an API that is ready."""
    at.tenant(ACME, server)
    key = create_key(at.parts, ACME, Role.BACKEND, "PSA").key
    port = int(at.environment["CALBRIDGE_PORT"])
    at.start("api")
    made = Api(at, port, key)
    eventually(made.is_up)
    yield made


@pytest.fixture
def api(radicale_server: CalendarServer) -> Iterator[Api]:
    """On SQLite."""
    with fleet(CALBRIDGE_PORT=str(free_port())) as at, answering(at, radicale_server) as made:
        yield made


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_without_redis_everything_is_answered_and_written(api: Api, how: str) -> None:
    redis = api.at.redis
    redis.stop() if how == "killed" else redis.freeze()
    try:
        for number in range(3):
            assert api.put(f"v{number}").status_code == 201
            assert len(api.items()) == number + 1
        assert api.call("GET", "/readyz").ok
        told = api.call("GET", "/v1/status")
        assert told.ok, told.text
    finally:
        redis.start() if how == "killed" else redis.thaw()
    assert api.put("afterwards").status_code == 201


def test_workers_and_schedulers_that_stand_still_change_nothing(api: Api) -> None:
    others = [api.at.start("worker", "--processes", "2"), api.at.start("scheduler")]
    api.at.ready(workers=2, schedulers=1)
    for each in others:
        os.kill(each.pid, signal.SIGSTOP)
    try:
        assert api.put("visit").status_code == 201
        assert api.items() == ["visit"]
    finally:
        for each in others:
            os.kill(each.pid, signal.SIGCONT)


def refused(told: requests.Response, code: str) -> bool:
    """Whether it is the problem of this code, that somebody has to try again."""
    assert told.status_code == 503, told.text
    assert told.headers["Content-Type"] == "application/problem+json"
    return bool(told.json()["code"] == code)


def test_a_database_that_is_locked_is_still_read_and_writes_are_refused_in_words(api: Api) -> None:
    assert api.put("before").status_code == 201
    with api.at.parts.database.connect(writes=True) as connection:
        connection.execute(text("DELETE FROM slots"))
        assert api.items() == ["before"]
        assert refused(api.put("meanwhile", patience=30), "database_locked")
        assert api.items() == ["before"]
    assert api.put("afterwards").status_code == 201
    assert sorted(api.items()) == ["afterwards", "before"]


@pytest.fixture
def stoppable(radicale_server: CalendarServer) -> Iterator[tuple[Api, Postgresql]]:
    """On a PostgreSQL that can be stopped and started."""
    with (
        postgresql_server() as server,
        fleet(server.url, CALBRIDGE_PORT=str(free_port())) as at,
        answering(at, radicale_server) as made,
    ):
        yield made, server


def test_a_database_that_is_restarted_is_told_and_found_again(stoppable: tuple[Api, Postgresql]) -> None:
    api, server = stoppable
    assert api.put("before").status_code == 201
    server.stop()
    try:
        assert refused(api.put("meanwhile"), "database_unusable")
        assert refused(api.call("GET", f"/v1/users/{ALICE}/items"), "database_unusable")
        assert api.call("GET", "/healthz").ok
        assert api.call("GET", "/readyz").status_code == 503
    finally:
        server.start()
    assert api.items() == ["before"]
    assert api.put("afterwards").status_code == 201


def test_a_table_that_somebody_holds_is_told(stoppable: tuple[Api, Postgresql]) -> None:
    api, _ = stoppable
    assert api.put("before").status_code == 201
    with api.at.parts.database.connect(writes=True) as connection:
        connection.execute(text("LOCK TABLE items IN EXCLUSIVE MODE"))
        assert api.items() == ["before"]
        assert refused(api.put("meanwhile", patience=30), "database_locked")
    assert api.put("afterwards").status_code == 201


def test_a_calendar_server_that_hangs_holds_a_request_for_ten_seconds_at_most(radicale_server: CalendarServer) -> None:
    patient = {"CALBRIDGE_REQUEST_TIMEOUT": "50", "CALBRIDGE_LEASE_SECONDS": "60"}
    with (
        fleet(CALBRIDGE_PORT=str(free_port()), **patient) as at,
        answering(at, radicale_server) as api,
        standing_still(radicale_server),
    ):
        account = {"url": radicale_server.url, "username": "alice", "password": "secret"}
        body = {"user_id": ALICE, "service": "caldav", "account": account}
        told = api.call("POST", "/v1/integrations", body, patience=VENDOR_SECONDS + PATIENCE)
        assert (told.status_code, told.json()["code"]) == (502, "timed_out"), told.text
        assert api.call("GET", "/v1/integrations").json()["data"] == [], "nothing is stored that was not proved"


@contextmanager
def standing_still(server: CalendarServer) -> Iterator[None]:
    """It takes connections and answers nobody."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)
