"""One run at a time over all processes, also when one that stood still comes back (SYNC D1)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from calbridge.app import upgrade_database
from calbridge.errors import Refused
from calbridge.service import items, runs, sync
from calbridge.service.parts import Parts, open_parts
from calbridge.settings import load_settings
from calbridge.store.tables import leases, metadata
from tests.doubles.caldav import CalDavDouble, caldav_double
from tests.e2e.killing import environment_for, furnish, linked, seconds_left
from tests.e2e.runner import TENANT, Runner, runner
from tests.e2e.sides import USER

ITEMS = 6


@dataclass(frozen=True)
class Installation:
    """A linked calendar on the double, items that want to be sent, and a runner in another process."""

    parts: Parts
    double: CalDavDouble
    integration: str
    runner: Runner

    def rows(self) -> dict[str, list[Any]]:
        """Everything in the database but the lease itself."""
        with self.parts.database.connect(writes=False) as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table))))
                for table in metadata.sorted_tables
                if table is not leases
            }

    def stall(self) -> None:
        """Start a run elsewhere and stop its process while the server has its first write in hands."""
        stopped = threading.Event()

        def stop() -> None:
            self.runner.signal(signal.SIGSTOP)
            stopped.set()

        self.double.before("PUT", stop)
        self.runner.start()
        assert stopped.wait(30), self.runner.log.read_text()

    def wait_for_lease(self) -> None:
        """Until the stalled run's lease is over."""
        while (left := seconds_left(self.parts.database)) > 0:
            threading.Event().wait(left)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Ready for the first sending."""
    environment = environment_for(tmp_path, None)
    settings = load_settings(environment)
    upgrade_database(settings)
    with caldav_double() as double, open_parts(settings) as parts:
        furnish(parts, double.url.split("/")[2])
        integration = linked(parts, double.url, double.user, double.password)
        assert sync.sync_integration(parts, TENANT, integration).status == "succeeded"
        for number in range(ITEMS):
            times = {
                name: {"date_time": f"2035-01-0{number + 1}T{hour}:00:00", "time_zone": "Europe/Vienna"}
                for name, hour in (("start", 10), ("end", 11))
            }
            items.put_item(parts, TENANT, USER, f"ext:visit-{number}", {"title": f"Visit {number}", **times})
        with runner(environment, integration, tmp_path / "runs.log") as running:
            yield Installation(parts, double, integration, running)


def test_a_second_process_is_refused_while_the_first_one_s_lease_stands(installation: Installation) -> None:
    installation.stall()

    with pytest.raises(Refused) as refused:
        sync.sync_integration(installation.parts, TENANT, installation.integration)

    assert refused.value.code == "integration_running"


def test_a_stalled_run_that_comes_back_writes_nothing(installation: Installation) -> None:
    installation.stall()
    installation.wait_for_lease()
    successor = sync.sync_integration(installation.parts, TENANT, installation.integration)
    assert successor.status == "succeeded"
    before, events = installation.rows(), installation.double.events("work")
    etags = {name: installation.double.etag("work", name) for name in events}

    installation.runner.signal(signal.SIGCONT)
    ended = installation.runner.ended()

    assert ended is not None
    assert ended.run is not None
    assert (ended.run["status"], ended.run["reason"]) == ("failed", "lease_lost")
    assert installation.double.events("work") == events
    assert {name: installation.double.etag("work", name) for name in events} == etags
    assert len(events) == ITEMS
    assert installation.rows() == before
    first, *_ = runs.list_runs(installation.parts, TENANT, installation.integration, limit=1)
    assert first.id == successor.id
