"""Real processes: `calbridge worker` and `calbridge scheduler` over a real Redis, PostgreSQL or SQLite, and Radicale.

Workers are killed, Redis is flushed and stopped: the work goes on within lease and sweep, nothing is lost or doubled.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import pytest

from calbridge.app import upgrade_database
from calbridge.jobs.dispatcher import make_dispatcher
from calbridge.service import hosts, integrations, items, tenants, users
from calbridge.service.parts import Parts, open_parts
from calbridge.settings import load_settings
from tests.e2e.databases import postgresql
from tests.servers.calendar_server import CalendarServer
from tests.servers.radicale import radicale
from tests.servers.redis import RedisServer, redis_server

TENANT, ALICE, PASSWORD = "acme", "alice", "secret"
LEASE = 3.0


@dataclass
class Crew:
    """Processes of the service, and both calendars."""

    environ: dict[str, str]
    parts: Parts
    redis: RedisServer
    server: CalendarServer
    calendar: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "calbridge", *words],
            env=os.environ | self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def first_run(self) -> None:
        """It takes stock and copies nothing."""
        self.wait(lambda: integrations.list_integrations(self.parts, TENANT)[0].last_run_at is not None)

    def put(self, number: int, title: str) -> None:
        start = {"date_time": f"2027-01-{number % 28 + 1:02}T10:00:00", "time_zone": "Europe/Vienna"}
        end = start | {"date_time": start["date_time"].replace("T10", "T11")}
        items.put_item(self.parts, TENANT, ALICE, f"ext:v{number}", {"title": title, "start": start, "end": end})

    def titles(self) -> list[str]:
        bodies = [self.server.get(urljoin(self.server.url, quote(path))) for path in self.server.list(self.calendar)]
        found = [re.search(rb"^SUMMARY:(.*?)\r?$", body, re.MULTILINE) for body in bodies]
        return sorted(each[1].decode() for each in found if each is not None)

    def wait(self, what: Callable[[], bool], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, self.titles()
            time.sleep(0.1)


@pytest.fixture(params=["sqlite", "postgresql"])
def crew(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crew]:
    with ExitStack() as stack:
        server = stack.enter_context(radicale(tmp_path / "radicale", users={ALICE: PASSWORD}))
        redis = stack.enter_context(redis_server())
        environ = {
            "CALBRIDGE_DATA_DIR": str(tmp_path / "data"),
            "CALBRIDGE_SECRET_KEYS": "k" * 40,
            "CALBRIDGE_REDIS_URL": redis.url,
            "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.0/8",
            "CALBRIDGE_LEASE_SECONDS": str(LEASE),
            "CALBRIDGE_REQUEST_TIMEOUT": "2",
            "CALBRIDGE_LOG_LEVEL": "error",
        }
        if request.param == "postgresql":
            environ["CALBRIDGE_DATABASE_URL"] = stack.enter_context(postgresql())
        settings = load_settings(environ)
        upgrade_database(settings)
        calendar = server.make_calendar("work")
        parts = stack.enter_context(open_parts(settings, dispatcher=make_dispatcher(settings)))
        tenants.create_tenant(parts, TENANT, "Acme")
        users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna")
        hosts.grant_host(parts, TENANT, f"127.0.0.1:{server.port}")
        account = {"url": server.url, "username": ALICE, "password": PASSWORD}
        given = {"account": account, "calendar_id": urlsplit(calendar).path, "active": True}
        integrations.add_integration(parts, TENANT, user_id=ALICE, service="caldav", **given)
        made = Crew(environ, parts, redis, server, calendar)
        try:
            yield made
        finally:
            for process in made.processes:
                process.kill()
                process.wait(10)


def test_the_work_goes_on_whatever_dies(crew: Crew) -> None:
    crew.start("scheduler")
    crew.start("scheduler")
    workers = [crew.start("worker") for _ in range(2)]
    crew.first_run()
    crew.put(0, "First")
    crew.wait(lambda: crew.titles() == ["First"])

    for number in range(1, 40):
        crew.put(number, f"Call {number}")
        if number == 12:
            workers[0].kill()
        if number == 20:
            with crew.redis.client() as client:
                client.flushall()
        if number == 26:
            workers[1].send_signal(signal.SIGKILL)
            crew.start("worker", "--queues", "realtime,default")
            crew.start("worker", "--queues", "bulk,default,realtime")
        if number == 32:
            crew.redis.stop()
        if number == 36:
            crew.redis.start()
    wanted = sorted(["First", *(f"Call {number}" for number in range(1, 40))])
    crew.wait(lambda: crew.titles() == wanted)
    for number in range(1, 10):
        crew.put(number, f"Moved {number}")
    moved = sorted(["First", *(f"Moved {n}" for n in range(1, 10)), *(f"Call {n}" for n in range(10, 40))])
    crew.wait(lambda: crew.titles() == moved)


def test_a_process_that_is_asked_to_stop_does_so_soon_and_cleanly(crew: Crew) -> None:
    scheduler, worker = crew.start("scheduler"), crew.start("worker")
    crew.first_run()
    crew.put(0, "First")
    crew.wait(lambda: crew.titles() == ["First"])
    for process in (worker, scheduler):
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
