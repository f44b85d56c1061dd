"""Two processes on one integration never run at once, also with a stalled one coming back (SYNC D1).

Real processes, a real database file and a real Radicale.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from calbridge.errors import Refused
from calbridge.service import hosts, integrations, items, runs, sync, tenants, users
from calbridge.service.parts import Parts, open_parts
from calbridge.settings import load_settings
from calbridge.store.leases import Leases
from tests.conftest import ROOT
from tests.integration.service.world import ALICE, KEY, TENANT, visit
from tests.servers import CalendarServer

LEASE = 4.0
STOP_AT = 20
VISITS = 60


@dataclass
class Linked:
    """An integration with Radicale, and processes that run it."""

    parts: Parts
    server: CalendarServer
    calendar: str
    integration_id: str
    environ: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def process(self, stop_at: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.integration.service.runner", TENANT, self.integration_id, str(stop_at)]
        started = subprocess.Popen(
            command, cwd=ROOT, env=self.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.processes.append(started)
        return started

    def close(self) -> None:
        """No process outlives its test, a stopped one neither."""
        for each in self.processes:
            if each.returncode is None:
                each.kill()
                each.communicate()

    def held(self) -> bool:
        return Leases(self.parts.database).held(TENANT, self.integration_id)


def ended(process: subprocess.Popen[str]) -> tuple[str, str | None]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    return told["status"], told["reason"]


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def linked(
    tmp_path: Path, migrated: Path, radicale_server: CalendarServer, new_radicale_calendar: str
) -> Iterator[Linked]:
    shutil.copy(migrated, tmp_path / "calbridge.db")
    ours = {
        "CALBRIDGE_DATA_DIR": str(tmp_path),
        "CALBRIDGE_SECRET_KEYS": KEY,
        "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.0/8",
        "CALBRIDGE_LEASE_SECONDS": str(LEASE),
        "CALBRIDGE_REQUEST_TIMEOUT": "1",
        "CALBRIDGE_CONNECTORS": "calbridge-caldav",
    }
    with open_parts(load_settings(ours)) as parts:
        tenants.create_tenant(parts, TENANT, "Tenant")
        users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna")
        hosts.grant_host(parts, TENANT, f"127.0.0.1:{radicale_server.port}")
        view = integrations.add_integration(
            parts,
            TENANT,
            user_id=ALICE,
            service="caldav",
            account={"url": radicale_server.url, "username": "alice", "password": "secret"},
        )
        wanted = new_radicale_calendar.rstrip("/").rpartition("/")[2]
        (calendar,) = [each for each in integrations.list_calendars(parts, TENANT, view.id) if wanted in each.id]
        integrations.change_integration(parts, TENANT, view.id, calendar_id=calendar.id, active=True)
        found = Linked(parts, radicale_server, new_radicale_calendar, view.id, {**os.environ, **ours})
        yield found
        found.close()


def fill(linked: Linked) -> None:
    """Something to do that takes a while."""
    assert ended(linked.process()) == ("succeeded", None)
    for number in range(VISITS):
        items.put_item(linked.parts, TENANT, ALICE, f"ext:n{number}", visit(f"Visit {number}"))


def stopped(linked: Linked) -> subprocess.Popen[str]:
    """A process that stands still in the middle of its writes, outside of any transaction."""
    process = linked.process(STOP_AT)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), process.communicate()
    return process


def test_a_stalled_process_is_alone_and_when_its_lease_ran_out_it_does_nothing_more(linked: Linked) -> None:
    fill(linked)
    stalled = stopped(linked)
    try:
        with pytest.raises(Refused) as refused:
            sync.sync_integration(linked.parts, TENANT, linked.integration_id)
        assert refused.value.code == "integration_running"
        written = len(linked.server.list(linked.calendar))
        assert 0 < written < VISITS
        eventually(lambda: not linked.held())
        assert ended(linked.process()) == ("succeeded", None)
        after = linked.server.list(linked.calendar)
        assert len(after) == VISITS
    finally:
        os.kill(stalled.pid, signal.SIGCONT)
    assert ended(stalled) == ("failed", "lease_lost")
    assert linked.server.list(linked.calendar) == after
    found = runs.list_runs(linked.parts, TENANT, linked.integration_id)
    live = sorted(run.status for run in found if run.kind == "live")
    assert live == ["failed", "succeeded", "succeeded"]


def test_two_processes_at_the_same_time_make_every_event_once(linked: Linked) -> None:
    fill(linked)
    both = [linked.process(), linked.process()]
    answers = [ended(each) for each in both]
    assert ("succeeded", None) in answers
    assert set(answers) <= {("succeeded", None), ("refused", "integration_running")}
    assert len(linked.server.list(linked.calendar)) == VISITS
