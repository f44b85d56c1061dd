"""What the jobs cost and how soon they act: real workers and a scheduler over Redis, against a real Radicale.

CPU is that of the worker processes alone; waiting times are those of a person, on a machine that Radicale, the
database and Redis share. ``python -m tools.benchmark.jobs [--quick] [--postgresql]`` measures this part alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from redis import Redis
from sqlalchemy import func, select, update

from calbridge.cli.plain import plain_table
from calbridge.jobs.admission import Admission
from calbridge.jobs.queues import SHORT
from calbridge.service.access import Role
from calbridge.service.keys import create_key
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.tables import integrations
from calbridge.store.users import User
from tests.e2e.databases import postgresql
from tests.e2e.fleet import ALICE, Fleet, fleet
from tests.servers import CalendarServer
from tests.servers.process import free_port
from tests.servers.radicale import radicale
from tests.servers.waiting import eventually

OURS, OTHER = "ours", "other"
POLL_SECONDS = 300
"""Between two looks at an idle integration."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 900.0


@dataclass(frozen=True)
class JobSizes:
    """How much is measured."""

    writes: int = 100
    empty_jobs: int = 1000
    polled: int = 300
    first_runs: int = 2000


FULL_JOBS, QUICK_JOBS = JobSizes(), JobSizes(20, 200, 60, 200)


@dataclass(frozen=True)
class JobNumbers:
    """Seconds, but ``first_runs``: how many of them another tenant had meanwhile."""

    idle_p95: float
    overhead_cpu: float
    poll_cpu: float
    busy_p95: float
    first_runs: int

    @property
    def runs_per_minute(self) -> float:
        """Polls of idle integrations that one core does in a minute."""
        return 60 / self.poll_cpu

    @property
    def pollable(self) -> float:
        """Idle integrations that one core can look at every five minutes."""
        return POLL_SECONDS / self.poll_cpu


@dataclass
class _Stage:
    at: Fleet
    server: CalendarServer
    say: Callable[[str], None]
    psa: requests.Session
    url: str

    def put(self, name: str) -> None:
        """An item of alice, written by REST on a connection that stays open, as a PSA does."""
        times = {
            each: {"date_time": f"2027-01-05T1{hour}:00:00", "time_zone": "Europe/Vienna"}
            for hour, each in enumerate(("start", "end"))
        }
        answer = self.psa.put(f"{self.url}/v1/users/{ALICE}/items/ext:{name}", json={"title": name, **times})
        answer.raise_for_status()

    def several(self, tenant: str, number: int, calendar: str, *, first: bool) -> list[str]:
        """Active integrations of as many users with one calendar; ``first``: they wait for their first run."""
        made = [f"{tenant}-{each:05}" for each in range(number)]
        path = urlsplit(calendar).path
        with self.at.parts.database.write(tenant) as work:
            soon = work.now + timedelta(days=1)
            for name in made:
                work.users.add(User(name, name=name, time_zone="Europe/Vienna", calendar_sync=True))
                account = StoredAccount(name, "caldav", "alice", user_id=name, url=self.server.url)
                work.accounts.add(account, "secret")
                work.integrations.add(
                    StoredIntegration(name, name, "caldav", name, active=True, status="connected", calendar_id=path)
                )
                work.integrations.save(name, next_poll_at=soon)
            if first:
                work.raise_due(*made)
        return made

    def left(self, tenant: str) -> int:
        """Integrations of a tenant that had no run yet."""
        with self.at.parts.database.connect(writes=False) as connection:
            query = select(func.count()).where(integrations.c.tenant_id == tenant, ~integrations.c.baselined)
            return int(connection.execute(query).scalar_one())

    @contextmanager
    def workers(self, *words: str, scheduler: bool) -> Iterator[list[int]]:
        """Worker processes while something is measured; their ids."""
        before = self.at.said('"worker_started"')
        started = [self.at.start("worker", *words)]
        if scheduler:
            started.append(self.at.start("scheduler"))
        eventually(lambda: self.at.said('"worker_started"') > before)
        time.sleep(1)
        yield self.at.children(started[0])
        for each in started:
            each.terminate()
            each.wait()


def measure_jobs(
    server: CalendarServer, sizes: JobSizes, say: Callable[[str], None], database_url: str | None = None
) -> JobNumbers:
    """All numbers, on an installation of its own; the embedded database, where no other is given."""
    port = free_port()
    given = {"CALBRIDGE_LEASE_SECONDS": "60", "CALBRIDGE_REQUEST_TIMEOUT": "30", "CALBRIDGE_PORT": str(port)}
    with fleet(database_url, **given) as at, requests.Session() as psa:
        stage = _Stage(at, server, say, psa, f"http://127.0.0.1:{port}")
        for tenant in (OURS, OTHER):
            at.tenant(tenant, server)
        psa.headers["Authorization"] = f"Bearer {create_key(at.parts, OURS, Role.BACKEND, 'PSA').key}"
        at.start("api")
        eventually(lambda: _answers(stage))
        calendar = server.new_calendar()
        integration = at.link(OURS, server, calendar)
        with stage.workers("--processes", "2", scheduler=True):
            eventually(lambda: at.synced(OURS, integration))
            say("jobs: an item written, until the calendar server has it")
            idle = _latencies(stage, calendar, sizes.writes, "idle")
        with stage.workers("--processes", "1", scheduler=False) as (worker,):
            say("jobs: a job with nothing to do")
            overhead = _overhead(stage, worker, sizes.empty_jobs)
        with stage.workers("--processes", "1", scheduler=True) as (worker,):
            say("jobs: looking at idle integrations")
            poll = _polls(stage, worker, sizes.polled)
        with stage.workers("--processes", "2", scheduler=True):
            say(f"jobs: {sizes.first_runs:,} first runs of one tenant, and a change of another one now and then")
            stage.several(OTHER, sizes.first_runs, server.new_calendar(), first=True)
            busy = _latencies(stage, calendar, sizes.writes, "busy")
            done = sizes.first_runs - stage.left(OTHER)
    return JobNumbers(_p95(idle), overhead, poll, _p95(busy), done)


def _latencies(stage: _Stage, calendar: str, number: int, word: str) -> list[float]:
    """Seconds from before each write until the file lies at the server."""
    folder = stage.server.folder / "collections" / "collection-root" / unquote(urlsplit(calendar).path)[1:]
    found: list[float] = []
    for each in range(number):
        before = len(list(folder.glob("*.ics")))
        begun = time.monotonic()
        stage.put(f"{word}-{each}")
        while len(list(folder.glob("*.ics"))) == before:
            time.sleep(0.003)
        found.append(time.monotonic() - begun)
        # Not in step with anything, and time for the run to come to its end.
        time.sleep(0.1 + 0.037 * (each % 7))
    return found


def _answers(stage: _Stage) -> bool:
    try:
        return stage.psa.get(f"{stage.url}/readyz").ok
    except requests.ConnectionError:
        return False


def _overhead(stage: _Stage, worker: int, number: int) -> float:
    """CPU of a job that finds nothing to do: the queue's part, and one question to the database."""
    with Redis.from_url(stage.at.redis.url) as redis:
        gate = Admission(redis)

        def fill(upto: int, done: int) -> None:
            for each in range(done, upto):
                ids = (f"t{each % 40}", f"nobody-{each}")
                eventually(lambda ids=ids: gate.admit("realtime", ids[0], ids[1], f"sync_{ids[1]}_1", "sync", *ids))  # type: ignore[misc]
            eventually(lambda: sum(gate.lengths()[name] for name in SHORT) == 0, _PATIENCE)
            time.sleep(0.2)

        fill(50, 0)
        before = _cpu(worker)
        fill(50 + number, 50)
        return (_cpu(worker) - before) / number


def _polls(stage: _Stage, worker: int, number: int) -> float:
    """CPU of one look at an integration of which nothing changed."""
    calendar = stage.server.new_calendar()
    made = stage.several(OURS, number, calendar, first=True)
    eventually(lambda: stage.left(OURS) == 0, _PATIENCE)
    begun = _now(stage)
    before = _cpu(worker)
    with stage.at.parts.database.connect(writes=True) as connection:
        connection.execute(update(integrations).where(integrations.c.id.in_(made)).values(next_poll_at=begun))

    def looked() -> bool:
        with stage.at.parts.database.connect(writes=False) as connection:
            query = select(func.count()).where(integrations.c.id.in_(made), integrations.c.next_poll_at > begun)
            return int(connection.execute(query).scalar_one()) == number

    eventually(looked, _PATIENCE)
    return (_cpu(worker) - before) / number


def _now(stage: _Stage) -> object:
    return stage.at.parts.clock.now()


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _p95(found: list[float]) -> float:
    return sorted(found)[int(len(found) * 0.95)]


JOB_HEADERS = (
    "jobs on",
    "write to server ms (p95)",
    "the same, busy",
    "first runs meanwhile",
    "empty job CPU ms",
    "poll CPU ms",
    "runs a minute and core",
    "idle integrations a core",
)


def job_row(kind: str, numbers: JobNumbers) -> list[str]:
    """For people."""
    return [
        kind,
        f"{numbers.idle_p95 * 1000:.0f}",
        f"{numbers.busy_p95 * 1000:.0f}",
        f"{numbers.first_runs:,}",
        f"{numbers.overhead_cpu * 1000:.1f}",
        f"{numbers.poll_cpu * 1000:.1f}",
        f"{numbers.runs_per_minute:,.0f}",
        f"{numbers.pollable:,.0f}",
    ]


def main() -> int:
    """This part alone."""
    parser = argparse.ArgumentParser(description="Measure the jobs.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="calbridge-jobs-"))
        url = stack.enter_context(postgresql()) if chosen.postgresql else None
        server = stack.enter_context(radicale(Path(folder), users={"alice": "secret"}))
        numbers = measure_jobs(
            server, QUICK_JOBS if chosen.quick else FULL_JOBS, lambda text: print(text, file=sys.stderr), url
        )
        print(plain_table(JOB_HEADERS, [job_row("PostgreSQL" if url else "SQLite", numbers)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
