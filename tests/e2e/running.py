"""`calbridge run` as a whole: a real service with a linked calendar on Radicale."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import psutil
import requests

from calbridge.app import build, upgrade_database
from calbridge.service import tenants, users
from calbridge.service.access import Role
from calbridge.service.hosts import grant_host
from calbridge.service.integrations import add_integration, change_integration, list_calendars, list_integrations
from calbridge.service.keys import create_key
from calbridge.settings import load_settings
from tests.servers.calendar_server import CalendarServer
from tests.servers.process import free_port
from tests.servers.radicale import radicale

TENANT, ALICE, PASSWORD = "acme", "alice", "secret of alice"
LEASE_SECONDS, REQUEST_SECONDS = 10, 8
SECONDS = 120.0
RUN = [sys.executable, "-P", "-m", "calbridge", "run"]


@dataclass
class Started:
    """A data folder of a service, which may be running, and a key for its API."""

    environ: Mapping[str, str]
    key: str
    log: Path

    @property
    def url(self) -> str:
        """Root of the API."""
        return f"http://127.0.0.1:{self.environ['CALBRIDGE_PORT']}"

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        """One request to the API, within the time that a caller bears."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=30)

    def wait(self, condition: Callable[[], object], seconds: float = SECONDS) -> float:
        """Wait until the condition holds; gives the seconds."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < seconds, self.log.read_text(encoding="utf-8")[-4000:]
            time.sleep(0.05)
        return time.monotonic() - begun


@dataclass
class Installation(Started):
    """One with a linked, synced calendar."""

    server: CalendarServer
    calendar: str

    def put(self, number: int) -> None:
        """A visit in My Calendar, through the API."""
        day = f"2027-01-{number % 28 + 1:02}"
        start, end = ({"date_time": f"{day}T{hour}:00:00", "time_zone": "Europe/Vienna"} for hour in ("10", "11"))
        body = {"title": f"Visit {number}", "start": start, "end": end}
        answer = self.call("PUT", f"/v1/users/{ALICE}/items/ext:v{number}", body)
        assert answer.ok, answer.text

    def titles(self) -> list[str]:
        """What the calendar on the server holds."""
        bodies = [self.server.get(urljoin(self.server.url, quote(path))) for path in self.server.list(self.calendar)]
        found = [re.search(rb"^SUMMARY:(.*?)\r?$", body, re.MULTILINE) for body in bodies]
        return sorted(each[1].decode() for each in found if each is not None)


@dataclass
class Running:
    """The service: the process that was started, and those below it."""

    process: subprocess.Popen[str]
    log: Path

    def everybody(self) -> list[psutil.Process]:
        """All processes of the service."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def named(self, *words: str) -> list[psutil.Process]:
        """Those that were started with these words, parents before children."""
        return [each for each in self.everybody()[1:] if set(words) <= set(" ".join(_words(each)).split())]

    def events(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log about this."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in told if line.get("event") == event]


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Alice's calendar, linked; the service does not run yet."""
    with radicale(folder / "radicale", users={ALICE: PASSWORD}) as server:
        calendar = server.make_calendar("phone")
        given = {
            "DATA_DIR": str(folder / "data"),
            "PORT": str(free_port()),
            "PRIVATE_NETWORKS": "127.0.0.1/32",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "REQUEST_TIMEOUT": str(REQUEST_SECONDS),
        }
        environ = {f"CALBRIDGE_{name}": value for name, value in given.items()}
        settings = load_settings(environ)
        upgrade_database(settings)
        with build(settings) as parts:
            tenants.create_tenant(parts, TENANT, "Acme IT")
            users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna")
            grant_host(parts, TENANT, f"127.0.0.1:{server.port}")
            account = {"url": server.url, "username": ALICE, "password": PASSWORD}
            made = add_integration(parts, TENANT, user_id=ALICE, service="caldav", account=account)
            (chosen, *_) = list_calendars(parts, TENANT, made.id)
            change_integration(parts, TENANT, made.id, calendar_id=chosen.id, active=True)
            key = create_key(parts, TENANT, Role.BACKEND, "PSA").key
            assert list_integrations(parts, TENANT)[0].active
        yield Installation(environ, key, folder / "service.log", server, calendar)


@contextmanager
def running(at: Started) -> Iterator[Running]:
    """The whole service, ready."""
    with at.log.open("ab") as log:
        process = subprocess.Popen(
            RUN, env=environment(at), stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    try:
        assert process.stdout is not None
        assert any("calbridge is ready" in line for line in process.stdout), at.log.read_text(encoding="utf-8")
        yield Running(process, at.log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)


def environment(at: Started, **more: str) -> dict[str, str]:
    """For a process of this installation."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
    return {**clean, **at.environ, **more}


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them is there any more."""
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
