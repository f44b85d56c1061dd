"""Workers, schedulers and Redis as an installation runs them: what is written arrives, whatever dies in between."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from calbridge.service.heartbeats import list_processes
from calbridge.service.item_json import applied_new
from calbridge.service.requests import CAUGHT_UP
from calbridge.store.changes import Source
from calbridge.store.leases import Leases
from calbridge.store.tables import intents, runs
from tests.e2e.databases import postgresql, postgresql_server
from tests.e2e.fleet import ALICE, LEASE_SECONDS, Fleet, fleet
from tests.servers import CalendarServer
from tests.servers.waiting import eventually

ACME = "acme"
TENANTS = ("acme", "beta", "gamma")
MANY = 40
TRIGGERS = 20_000
START = {"date_time": "2027-01-05T10:00:00", "time_zone": "Europe/Vienna"}
END = {"date_time": "2027-01-05T11:00:00", "time_zone": "Europe/Vienna"}


def arrived(server: CalendarServer, calendar: str, number: int) -> bool:
    return len(server.list(calendar)) == number


@pytest.fixture(params=["sqlite", "postgresql"])
def at(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """An installation on either database."""
    if request.param == "sqlite":
        with fleet() as made:
            yield made
    else:
        with postgresql_server() as server, fleet(server.url) as made:
            made.postgresql = server
            yield made


@dataclass
class Linked:
    """An installation with one integration whose first run is over, and a worker and a scheduler that run."""

    at: Fleet
    server: CalendarServer
    calendar: str
    integration: str
    worker: subprocess.Popen[bytes]

    def put(self, number: int) -> None:
        """So many items at once: they are written to the database without a job for each."""
        with self.at.parts.database.write(ACME) as work:
            for each in range(number):
                body = {"title": f"Visit {each}", "start": START, "end": END}
                work.items.add(applied_new(work.keys.new_id(), ALICE, body), Source("api"))
        self.at.parts.dispatch(ACME, work)

    def count(self) -> int:
        return len(self.server.list(self.calendar))

    def in_mid_job(self, number: int) -> None:
        """Until some of so many are written, and not all."""
        eventually(lambda: self.count() > 0)
        assert self.count() < number

    def whole(self, number: int) -> None:
        """Everything arrived, nothing twice, and nothing is left over anywhere."""
        eventually(lambda: self.count() == number)
        eventually(lambda: self._quiet())
        with self.at.parts.database.read(ACME) as work:
            assert len(work.memories.links(self.integration, limit=1000)) == number
        assert self.count() == number
        bodies = [self.server.get(path) for path in self.server.list(self.calendar)]
        assert len({title for body in bodies for title in re.findall(rb"SUMMARY:(.*)", body)}) == number

    def _quiet(self) -> bool:
        with self.at.parts.database.connect(writes=False) as connection:
            open_steps = connection.execute(select(func.count()).select_from(intents)).scalar_one()
            at_work = connection.execute(select(func.count()).where(runs.c.status == "running")).scalar_one()
        held = Leases(self.at.parts.database).held(ACME, self.integration)
        return open_steps == at_work == 0 and not held


@pytest.fixture
def linked(at: Fleet, radicale_server: CalendarServer) -> Linked:
    at.tenant(ACME, radicale_server)
    worker = at.start("worker", "--processes", "2")
    at.start("scheduler")
    at.ready(workers=2, schedulers=1)
    calendar = radicale_server.new_calendar()
    integration = at.link(ACME, radicale_server, calendar)
    eventually(lambda: at.synced(ACME, integration))
    return Linked(at, radicale_server, calendar, integration, worker)


def test_an_item_written_reaches_the_server_through_a_job_and_leaves_no_trace(linked: Linked) -> None:
    at = linked.at
    for number in range(3):
        at.put(ACME, f"visit-{number}")
        eventually(partial(arrived, linked.server, linked.calendar, number + 1))
    eventually(lambda: at.redis.client().keys("rq:job:*") == [])
    assert "visit-" not in at.log.read_text()
    assert at.said('"rq.') == 0, "RQ's own lines hold nothing that ours do not"
    assert {each.kind for each in list_processes(at.parts)} == {"worker", "scheduler"}


def test_a_worker_killed_in_mid_job_is_replaced_and_the_run_goes_on(linked: Linked) -> None:
    linked.put(MANY)
    linked.in_mid_job(MANY)
    for pid in linked.at.children(linked.worker):
        os.kill(pid, signal.SIGKILL)
    begun = time.monotonic()
    linked.whole(MANY)
    assert time.monotonic() - begun < LEASE_SECONDS + 15
    linked.at.ready(workers=4)
    assert linked.at.said('"worker_died"') == 2


def test_a_worker_s_parent_that_is_killed_takes_its_children_along(linked: Linked) -> None:
    linked.put(MANY)
    linked.in_mid_job(MANY)
    children = linked.at.children(linked.worker)
    linked.worker.kill()
    linked.worker.wait()
    eventually(lambda: not any(alive(pid) for pid in children))
    linked.at.start("worker", "--processes", "1")
    linked.whole(MANY)


def test_a_worker_that_is_told_to_stop_yields_and_another_one_goes_on(linked: Linked) -> None:
    linked.put(MANY)
    linked.in_mid_job(MANY)
    begun = time.monotonic()
    linked.worker.send_signal(signal.SIGTERM)
    assert linked.worker.wait(timeout=20) == 0
    assert time.monotonic() - begun < 10
    assert linked.at.said('"worker_stopped"') == 2
    assert linked.at.said("Traceback") == 0
    assert [each.kind for each in list_processes(linked.at.parts)] == ["scheduler"]
    linked.at.start("worker", "--processes", "1")
    linked.whole(MANY)


@pytest.mark.parametrize("how", ["flushed", "killed", "frozen"])
def test_redis_that_fails_in_mid_job_costs_no_work(linked: Linked, how: str) -> None:
    redis = linked.at.redis
    linked.put(MANY)
    linked.in_mid_job(MANY)
    if how == "flushed":
        redis.client().flushall()
    else:
        redis.stop() if how == "killed" else redis.freeze()
        try:
            # What is at work comes to its end without Redis, and items are taken as before.
            eventually(lambda: linked.count() == MANY)
            linked.at.put(ACME, "meanwhile")
        finally:
            redis.start() if how == "killed" else redis.thaw()
        linked.at.put(ACME, "afterwards")
    linked.whole(MANY + (0 if how == "flushed" else 2))


def test_the_database_that_fails_in_mid_job_costs_no_work(linked: Linked) -> None:
    database = linked.at.parts.database
    linked.put(MANY)
    linked.in_mid_job(MANY)
    if database.sqlite:
        with database.connect(writes=True) as connection:
            connection.execute(text("DELETE FROM slots"))
            time.sleep(LEASE_SECONDS + 1)
    else:
        assert linked.at.postgresql is not None
        linked.at.postgresql.stop()
        linked.at.postgresql.start()
    linked.whole(MANY)


def test_a_scheduler_that_is_killed_has_a_successor(linked: Linked) -> None:
    scheduler = linked.at.processes[-1]
    linked.at.start("scheduler")
    linked.at.ready(schedulers=2)
    scheduler.kill()
    scheduler.wait()
    # Nobody tells the workers of this one: only a scheduler finds it.
    with linked.at.parts.database.write(ACME) as work:
        body = {"title": "Quiet", "start": START, "end": END}
        work.items.add(applied_new(work.keys.new_id(), ALICE, body), Source("api"))
    linked.whole(1)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_twenty_thousand_triggers_in_a_burst_become_a_few_runs(linked: Linked) -> None:
    at, database = linked.at, linked.at.parts.database
    before, begun = run_count(at), time.monotonic()
    for _ in range(TRIGGERS // 500):
        with database.write(ACME) as work:
            work.raise_due(linked.integration)
        last = work.raised[0]
        # The numbers of triggers whose transactions are left out here for the sake of time.
        for number in range(500):
            at.parts.dispatcher.due(ACME, [replace(last, due_no=last.due_no + number)])
    lasted = time.monotonic() - begun
    eventually(lambda: at.redis.client().zcard("calbridge:waiting:realtime:acme") == 0)
    linked.whole(0)
    assert 1 <= run_count(at) - before <= CAUGHT_UP * (lasted + 5)
    eventually(lambda: at.redis.client().keys("rq:job:*") == [])


def run_count(at: Fleet) -> int:
    with at.parts.database.connect(writes=False) as connection:
        return int(connection.execute(select(func.count()).select_from(runs)).scalar_one())


def test_three_schedulers_and_four_workers_run_nothing_twice_at_once(radicale_server: CalendarServer) -> None:
    with postgresql() as url, fleet(url) as at:
        for tenant in TENANTS:
            at.tenant(tenant, radicale_server)
        for _ in range(3):
            at.start("scheduler")
        for _ in range(2):
            at.start("worker", "--processes", "2")
        at.ready(workers=4, schedulers=3)
        places = {tenant: radicale_server.new_calendar() for tenant in TENANTS}
        linked = {tenant: at.link(tenant, radicale_server, place) for tenant, place in places.items()}
        eventually(lambda: all(at.synced(tenant, each) for tenant, each in linked.items()))
        for number in range(12):
            for tenant in TENANTS:
                at.put(tenant, f"visit-{number}")
        eventually(lambda: all(len(radicale_server.list(place)) == 12 for place in places.values()))
        with at.parts.database.connect(writes=False) as connection:
            rows = connection.execute(
                select(runs.c.integration_id, runs.c.started_at, runs.c.finished_at)
                .where(runs.c.finished_at.is_not(None))
                .order_by(runs.c.integration_id, runs.c.started_at)
            ).all()
        assert len(rows) >= 2 * len(TENANTS)
        for one, other in pairwise(rows):
            assert one.integration_id != other.integration_id or one.finished_at <= other.started_at
        assert at.said('"run_broke"') == at.said('"duty_broke"') == at.said('"job_broke"') == 0
