"""What is due, found over all tenants."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import event

from calbridge.store.changes import Raised
from calbridge.store.database import Database
from calbridge.store.leases import acquire, release
from calbridge.store.page import SqlPage
from calbridge.store.runs import Run
from calbridge.store.sweep import Due
from calbridge.sync.memory import Link

from .helpers import INTEGRATION, TENANT, Clock, an_item, fill, lease_of, run_store

ACCOUNT = "alice-a1"


def due(database: Database) -> list[Due]:
    with database.system_read() as system:
        return system.sweep.due()


def test_what_is_due_is_found_over_all_tenants(database: Database, clock: Clock) -> None:
    fill(database)
    fill(database, tenant="other", integrations=("i7",))
    assert due(database) == []
    with database.write("other") as work:
        work.raise_due("i7")
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, next_poll_at=clock.now() + timedelta(minutes=1))
    first = Due("other", "i7", 1, polled=False, bulk=True)
    assert due(database) == [first]
    clock.forward(minutes=2)
    assert due(database) == [Due(TENANT, INTEGRATION, 0, polled=True, bulk=True), first]
    ran(database, "other", "i7")
    assert due(database)[0] == Due("other", "i7", 1, polled=False)


def ran(database: Database, tenant: str, *integrations: str) -> None:
    """These have their first run behind them."""
    with database.connect(writes=True) as connection:
        for each in integrations:
            lease = acquire(connection, tenant, each, "first run", 60)
            assert lease is not None
            page = SqlPage(connection, lease, database.keys(tenant), None, database.clock(), 0)
            page.save_integration(replace(page.integration(), baselined=True))
            page.finish()
            release(connection, lease)


def test_a_tenant_with_much_to_do_pushes_nobody_out(database: Database, clock: Clock) -> None:
    many = tuple(f"i{number:04}" for number in range(300))
    fill(database, integrations=many)
    fill(database, tenant="other", integrations=("i7",))
    with database.write(TENANT) as work:
        work.raise_due(*many)
    with database.write("other") as work:
        work.raise_due("i7")
    with database.system_read() as system:
        found = system.sweep.due(limit=20)
        assert [each.tenant_id for each in found].index("other") == 1
        assert len(found) == 20
        few = system.sweep.due(per_tenant=5)
    assert [each.tenant_id for each in few].count(TENANT) == 5
    ran(database, TENANT, many[-1])
    with database.system_read() as system:
        # Its long runs do not hide its short one either.
        assert many[-1] in {each.integration_id for each in system.sweep.due(per_tenant=5)}


def test_a_queued_run_is_due_also_where_nothing_is_switched_on_if_it_needs_no_switch(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, active=False)
        work.runs.add(Run("r1", INTEGRATION, "live", "manual"))
    assert due(database) == []
    with database.write(TENANT) as work:
        work.runs.add(Run("r2", INTEGRATION, "preview", "manual"))
    assert [each.integration_id for each in due(database)] == [INTEGRATION]
    with database.write(TENANT) as work:
        work.runs.save("r2", status="succeeded")
    assert due(database) == []
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, active=True)
    assert [each.integration_id for each in due(database)] == [INTEGRATION]


def test_a_unit_of_work_tells_whom_it_gave_something_to_do(database: Database) -> None:
    fill(database, integrations=("i1", "i2", "i3", "i4"))
    ran(database, TENANT, "i1", "i4")
    with database.write(TENANT) as work:
        work.integrations.save("i3", active=False)
        work.runs.add(Run("r1", "i4", "range", "manual"))
        work.raise_due("i1", "i2", "i3", "i4")
    assert work.raised == (Raised("i1", 1, bulk=False), Raised("i2", 1, bulk=True), Raised("i4", 1, bulk=True))


def test_the_sweep_reads_by_its_indexes(database: Database) -> None:
    if not database.sqlite:
        return
    fill(database)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    assert due(database) == []
    (statement,) = [each for each in asked if "row_number" in each]
    with database.connect(writes=False) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (0,) * statement.count("?")).all()
    told = " ".join(str(row[3]) for row in plan)
    for index in ("ix_integrations_due", "ix_integrations_next_poll_at", "ix_links_retry", "ix_runs_open"):
        assert index in told, told
    assert "SCAN integrations\n" not in told


def test_what_cannot_run_is_not_due(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.raise_due(INTEGRATION)
    assert len(due(database)) == 1
    lease = lease_of(database)
    assert due(database) == []
    with database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = 0")
    assert len(due(database)) == 1
    for values in ({"active": False}, {"active": True, "status": "not_connected"}):
        with database.write(TENANT) as work:
            work.integrations.save(INTEGRATION, **values)
        assert due(database) == []
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, status="connected")
        work.accounts.fail(ACCOUNT, clock.now() + timedelta(minutes=5))
    assert due(database) == []
    clock.forward(minutes=5)
    assert len(due(database)) == 1
    with database.write(TENANT) as work:
        work.accounts.refuse(ACCOUNT, confirmed=True)
    assert due(database) == []
    assert lease.fence == 1


def test_a_link_whose_pause_is_over_makes_its_integration_due(database: Database, clock: Clock) -> None:
    fill(database)
    with run_store(database).page() as page:
        page.add_item(an_item("a"))
        page.put_link(Link("l1", "a", work=True, retry_at=clock.now() + timedelta(minutes=5)))
    with database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE leases SET owner = NULL")
    assert due(database) == []
    clock.forward(minutes=5)
    assert [each.integration_id for each in due(database)] == [INTEGRATION]
