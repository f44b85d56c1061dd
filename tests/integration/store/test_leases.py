"""Leases (SYNC D1): one run at a time over all processes, and no writing by whoever lost his."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from calbridge.errors import LeaseLost
from calbridge.store.database import Database
from calbridge.store.leases import Leases
from calbridge.store.run_store import SqlRunStore
from calbridge.store.sql import database_micros
from calbridge.sync.memory import Known

from .helpers import INTEGRATION, KEY, TENANT, Clock, fill, lease_of

ROOT = Path(__file__).resolve().parents[3]
COMPETE = """
import sys, time
from calbridge.store.database import Database
from calbridge.store.leases import Leases
from calbridge.store.secrets import SecretBox
leases = Leases(Database(sys.argv[1], SecretBox([sys.argv[2]]), busy_seconds=60))
print("ready", flush=True)
sys.stdin.readline()
turns = 0
while turns < 25:
    lease = leases.acquire("acme", "i1", sys.argv[3], 60)
    if lease is None:
        time.sleep(0.0005)
        continue
    begun = time.monotonic_ns()
    time.sleep(0.002)
    print(lease.fence, begun, time.monotonic_ns())
    leases.release(lease)
    turns += 1
"""


def test_two_processes_never_both_hold_a_lease(database: Database, database_url: str) -> None:
    fill(database)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMPETE, database_url, KEY, name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120)[0] for process in processes]
    held = sorted(tuple(map(int, line.split())) for text in told for line in text.splitlines())
    assert [fence for fence, _, _ in held] == list(range(1, 51))
    assert all(first[2] <= second[1] for first, second in pairwise(held))


def test_a_held_lease_is_refused_to_everybody_until_it_is_released(database: Database) -> None:
    fill(database)
    leases = Leases(database)
    lease = lease_of(database)
    assert leases.held(TENANT, INTEGRATION)
    assert leases.acquire(TENANT, INTEGRATION, "run-2", 60) is None
    assert leases.acquire(TENANT, INTEGRATION, "run-1", 60) is None
    leases.release(lease)
    assert not leases.held(TENANT, INTEGRATION)
    again = leases.acquire(TENANT, INTEGRATION, "run-2", 60)
    assert again is not None
    assert again.fence == lease.fence + 1


def test_a_lease_runs_out_by_the_clock_of_the_database(database: Database, clock: Clock) -> None:
    fill(database)
    leases = Leases(database)
    lease_of(database, seconds=60)
    clock.forward(days=365)
    assert leases.acquire(TENANT, INTEGRATION, "run-2", 60) is None
    with database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = expires_at - 60000000")
    assert not leases.held(TENANT, INTEGRATION)
    assert leases.acquire(TENANT, INTEGRATION, "run-2", 60) is not None


def test_renewing_extends_a_lease_and_only_ones_own(database: Database) -> None:
    fill(database)
    leases = Leases(database)
    lease = lease_of(database, seconds=0)
    leases.renew(lease)
    successor = leases.acquire(TENANT, INTEGRATION, "run-2", 60)
    assert successor is not None
    with pytest.raises(LeaseLost):
        leases.renew(lease)
    leases.release(lease)
    assert leases.held(TENANT, INTEGRATION)
    leases.release(successor)
    with pytest.raises(LeaseLost):
        leases.renew(successor)


@pytest.mark.parametrize("successor_name", ["run-2", "run-1"])
def test_a_stalled_holder_that_comes_back_writes_nothing(
    database: Database, open_database: Callable[..., Database], successor_name: str
) -> None:
    fill(database)
    stalled = SqlRunStore(database, TENANT, INTEGRATION, lease_of(database, seconds=0))
    other = open_database()
    successor = SqlRunStore(other, TENANT, INTEGRATION, lease_of(other, owner=successor_name))
    with pytest.raises(LeaseLost), stalled.page():
        raise AssertionError("not reached")
    with successor.page() as page:
        page.put_known(Known("/a"))
    with successor.page() as page:
        assert [row.remote_id for row in page.all_known(None, 10)] == ["/a"]


def test_a_run_store_takes_no_lease_of_another_integration(database: Database) -> None:
    fill(database, integrations=("i1", "i2"))
    lease = lease_of(database, "i2")
    with pytest.raises(LeaseLost):
        SqlRunStore(database, TENANT, "i1", lease)


def test_the_databases_clock_is_the_machines_to_the_millisecond(database: Database) -> None:
    with database.connect(writes=False) as connection:
        for _ in range(200):
            before = time.time_ns() // 1_000_000
            told = database_micros(connection) // 1_000
            assert before <= told <= time.time_ns() // 1_000_000
            time.sleep(0.0003)
