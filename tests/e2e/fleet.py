"""A whole installation in processes of its own: database, Redis, workers, schedulers, and a calendar server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from calbridge.app import upgrade_database
from calbridge.jobs.dispatcher import make_dispatcher
from calbridge.service import hosts, integrations, items, tenants, users
from calbridge.service.parts import Parts, open_parts
from calbridge.settings import load_settings
from tests.conftest import ROOT
from tests.e2e.databases import Postgresql
from tests.e2e.killing import KEY
from tests.servers import CalendarServer
from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually

LEASE_SECONDS = 3.0
REQUEST_SECONDS = 2.0
PASSWORD = "secret"
ALICE = "alice"


@dataclass
class Fleet:
    """The installation, and the processes that the test started."""

    parts: Parts
    redis: RedisServer
    environment: Mapping[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    postgresql: Postgresql | None = None
    """The server of the database, where it is one of the test's own."""

    def start(self, *verb: str) -> subprocess.Popen[bytes]:
        """A process ``calbridge VERB...``; its log is appended to ``log``."""
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "calbridge", *verb],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(started)
        return started

    @property
    def log(self) -> Path:
        """What the processes said."""
        return self.folder / "fleet.log"

    def said(self, word: str) -> int:
        """How often the log says this."""
        return self.log.read_text().count(word) if self.log.exists() else 0

    def ready(self, workers: int = 0, schedulers: int = 0) -> None:
        """Wait until so many processes have begun since the start of the test."""
        eventually(lambda: self.said('"worker_started"') >= workers and self.said('"scheduler_started"') >= schedulers)

    def children(self, parent: subprocess.Popen[bytes]) -> list[int]:
        """Ids of the processes that a process forked."""
        told = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text()
        return [int(each) for each in told.split()]

    def close(self) -> None:
        """Nothing outlives the test, a stopped process neither."""
        for each in self.processes:
            if each.poll() is None:
                # Its forks die with it.
                each.kill()
                each.wait()

    def tenant(self, tenant: str, server: CalendarServer) -> None:
        """A tenant that may reach the calendar server, with its user alice."""
        tenants.create_tenant(self.parts, tenant, tenant.title())
        users.put_user(self.parts, tenant, ALICE, time_zone="Europe/Vienna", calendar_sync=True)
        hosts.grant_host(self.parts, tenant, f"127.0.0.1:{server.port}")

    def link(self, tenant: str, server: CalendarServer, calendar: str) -> str:
        """An active integration of alice; gives its id."""
        account = {"url": server.url, "username": "alice", "password": PASSWORD}
        made = integrations.add_integration(self.parts, tenant, user_id=ALICE, service="caldav", account=account)
        wanted = calendar.rstrip("/").rpartition("/")[2]
        offered = integrations.list_calendars(self.parts, tenant, made.id)
        (chosen,) = [each.id for each in offered if wanted in each.id]
        integrations.change_integration(self.parts, tenant, made.id, calendar_id=chosen, active=True)
        return made.id

    def put(self, tenant: str, name: str, **body: object) -> None:
        """An item of alice."""
        times = {
            "start": {"date_time": "2027-01-05T10:00:00", "time_zone": "Europe/Vienna"},
            "end": {"date_time": "2027-01-05T11:00:00", "time_zone": "Europe/Vienna"},
        }
        items.put_item(self.parts, tenant, ALICE, f"ext:{name}", {"title": name, **times, **body})

    def synced(self, tenant: str, integration_id: str) -> bool:
        """Whether the first run is behind it."""
        return integrations.get_integration(self.parts, tenant, integration_id).fresh_as_of is not None


@contextmanager
def fleet(database_url: str | None = None, **more: str) -> Iterator[Fleet]:
    """A migrated installation with a Redis, and no process yet."""
    # The path of a socket may have at most 107 bytes, and pytest's folders are long.
    folder = Path(tempfile.mkdtemp(prefix="cbfleet"))
    redis = RedisServer(folder)
    environment = {
        "CALBRIDGE_DATA_DIR": str(folder),
        "CALBRIDGE_SECRET_KEYS": KEY,
        "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.0/8",
        "CALBRIDGE_LEASE_SECONDS": str(LEASE_SECONDS),
        "CALBRIDGE_REQUEST_TIMEOUT": str(REQUEST_SECONDS),
        "CALBRIDGE_REDIS_URL": redis.url,
        **({"CALBRIDGE_DATABASE_URL": database_url} if database_url else {}),
        **more,
    }
    try:
        redis.start()
        settings = load_settings(environment)
        upgrade_database(settings)
        with open_parts(settings, dispatcher=make_dispatcher(settings)) as parts:
            made = Fleet(parts, redis, environment, folder)
            try:
                yield made
            finally:
                made.close()
    finally:
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)
