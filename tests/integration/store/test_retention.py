"""What is forgotten in time, what never is, and what erasing leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Table, func, insert, select

from calbridge.errors import Refused
from calbridge.store.authorizations import Authorization
from calbridge.store.changes import Source
from calbridge.store.database import Database
from calbridge.store.journal import LogFilter
from calbridge.store.queries_due import strip_plans
from calbridge.store.retention import erase_tenant, erase_user, forget_integration, purge
from calbridge.store.revocations import Revocation
from calbridge.store.runs import Run
from calbridge.store.tables import (
    TENANT_TABLES,
    connector_states,
    deliveries,
    keys_of_tenants,
    notices,
    receipts,
    watches,
    webhooks,
)
from calbridge.sync.memory import Direction, Intent, Known, Link, LinkState, LogEntry, Op

from .helpers import INTEGRATION, TENANT, USER, Clock, an_item, fill, run_store

API = Source("api")


def everything(database: Database, user: str = USER, integration: str = INTEGRATION) -> None:
    """A row in every table that belongs to a user."""
    fill(database, user=user, integrations=(integration,))
    store = run_store(database, integration, f"run of {integration}")
    with store.page() as page:
        page.add_item(an_item(f"item of {user}", user=user, external_id="x"))
        page.put_link(Link("l1", f"item of {user}", remote_id="/a", old_uids=frozenset({"old"})))
        page.put_intent(Intent("s1", "l1", Op.CREATE))
        page.put_known(Known("/k"))
        page.save_integration(replace(page.integration(), checkpoint="p2"))
        page.keep_listed({"/k"})
        page.keep_key(f"cb-{integration}", f"item of {user}")
        page.log(LogEntry(database.clock(), "delete", Direction.SEND, title="Visit", changes={"title": ("a", "b")}))
    with database.write(TENANT) as work:
        work.grants.add("10.0.0.1:443")
        work.audit.add("admin", "hosts.grant", host="10.0.0.1:443")
        begun = Authorization(f"z {user}", integration, user, "caldav", expires_at=work.now + timedelta(minutes=10))
        work.authorizations.add(begun, f"state of {user}", "verifier")
        work.revocations.add(Revocation(f"r {user}", "caldav", user), "secret")
        assert work.checks.claim("user alice")
    around_the_sync(database, user, integration)


def around_the_sync(database: Database, user: str, integration: str) -> None:
    """A row in every table of the service around the sync."""
    now = database.clock()
    waiting = {"tenant_id": TENANT, "status": "pending", "attempts": 0, "created_at": now, "facts": {}}
    hook = {
        "id": f"hook of {user}",
        "url": "https://example.com",
        "events": [],
        "user_id": user,
        "own": False,
        "tries": 0,
    }
    state = {"account_id": f"{user}-a1", "content": b"state", "version": 1}
    key = {"id": f"key {user}", "role": "admin", "name": "", "prefix": user, "digest": "0" * 64, "created_at": now}
    rows: dict[Table, dict[str, object]] = {
        webhooks: hook | {"active": True, "version": 1, "created_at": now, "updated_at": now},
        deliveries: waiting
        | {"id": f"d {user}", "webhook_id": f"hook of {user}", "type": "ping"}
        | {"place": 1, "subject": "x"},
        notices: waiting | {"id": f"n {user}", "integration_id": integration, "kind": "x", "code": "x", "since": now},
        connector_states: state,
        keys_of_tenants: key,
        watches: {"id": f"w {user}", "integration_id": integration, "account_id": f"{user}-a1", "connector": "x"}
        | {"digest": user, "token": "x", "calendar_id": "x", "base": "x", "status": "asked", "created_at": now},
    }
    with database.connect(writes=True) as connection:
        for table, row in rows.items():
            connection.execute(insert(table).values({"tenant_id": TENANT} | row))


def rows_of(database: Database, tenant: str = TENANT) -> dict[str, int]:
    """How many rows each table holds of a tenant."""
    with database.connect(writes=False) as connection:
        return {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(table.c.tenant_id == tenant)
            ).scalar_one()
            for table in TENANT_TABLES
        }


def test_log_lines_lose_values_after_30_days_and_keep_the_names(database: Database, clock: Clock) -> None:
    everything(database)
    assert purge(database, clock.now() + timedelta(days=29))["log_values"] == 0
    assert purge(database, clock.now() + timedelta(days=31))["log_values"] == 1
    assert purge(database, clock.now() + timedelta(days=31))["log_values"] == 0
    with database.read(TENANT) as work:
        (line,) = work.logs.list(LogFilter())
        assert (line.entry.title, line.entry.changes) == (None, {"title": (None, None)})
        assert line.entry.action == "delete"


def test_tombstones_go_after_90_days_unless_a_link_remembers_them(database: Database, clock: Clock) -> None:
    fill(database)
    with run_store(database).page() as page:
        for name in ("living", "deleted", "closed"):
            page.add_item(an_item(name))
        page.put_link(Link("l1", "closed", state=LinkState.CLOSED, reason="deletion_ignored"))
    with database.write(TENANT) as work:
        work.items.delete(USER, "deleted", API)
        work.items.delete(USER, "closed", API)
    assert purge(database, clock.now() + timedelta(days=89))["tombstones"] == 0
    counts = purge(database, clock.now() + timedelta(days=91))
    assert (counts["tombstones"], counts["changes"]) == (1, 5)
    with database.read(TENANT) as work:
        assert work.items.many(USER, ["living", "deleted", "closed"]).keys() == {"living", "closed"}


def test_the_ledger_of_deletions_goes_after_two_days(database: Database, clock: Clock) -> None:
    everything(database)
    assert purge(database, clock.now() + timedelta(days=1))["deletions"] == 0
    counts = purge(database, clock.now() + timedelta(days=3))
    assert (counts["deletions"], counts["checks"]) == (1, 1)


def test_plans_of_previews_go_after_a_day(database: Database, clock: Clock) -> None:
    everything(database)
    with database.write(TENANT) as work:
        for kind in ("preview", "range"):
            work.runs.add(
                Run(kind, INTEGRATION, kind, "manual", facts={"retrieve": [1, 1], "plan": [{"title": "Visit"}]})
            )
    with database.system_write() as system:
        assert strip_plans(system, clock.now() + timedelta(hours=23)) == 0
        assert strip_plans(system, clock.now() + timedelta(hours=25)) == 1
    with database.read(TENANT) as work:
        preview, other = work.runs.get("preview"), work.runs.get("range")
        assert preview is not None
        assert preview.facts == {"retrieve": [1, 1]}
        assert other is not None
        assert "plan" in other.facts


def test_messages_to_webhooks_and_mails_go_after_seven_days(database: Database, clock: Clock) -> None:
    everything(database)
    counts = purge(database, clock.now() + timedelta(days=6))
    assert (counts["deliveries"], counts["notices"]) == (0, 0)
    counts = purge(database, clock.now() + timedelta(days=8))
    assert (counts["deliveries"], counts["notices"]) == (1, 1)


def test_sign_ins_that_nobody_finished_go_after_a_day(database: Database, clock: Clock) -> None:
    everything(database)
    assert purge(database, clock.now() + timedelta(hours=24))["authorizations"] == 0
    assert purge(database, clock.now() + timedelta(hours=25))["authorizations"] == 1


def test_many_rows_are_purged_in_small_transactions(database: Database, clock: Clock) -> None:
    fill(database)
    with run_store(database).page() as page:
        for number in range(1201):
            page.log(LogEntry(clock.now(), "delete", Direction.SEND, title=f"t{number}"))
    counts = purge(database, clock.now() + timedelta(days=31))
    assert (counts["log_values"], counts["deletions"]) == (1201, 1201)


def test_erasing_a_user_leaves_nothing_of_him_and_everything_of_others(database: Database) -> None:
    everything(database)
    everything(database, "bob", "i9")
    both = rows_of(database)
    counts = erase_user(database, TENANT, USER)
    left = rows_of(database)
    shared = {"audit", "checks", "grants", "keys_of_tenants", "revocations"}
    assert all(left[name] == (both[name] if name in shared else both[name] // 2) for name in both)
    assert all(counts[name] == both[name] // 2 for name in counts)
    assert counts.keys() == both.keys() - shared
    with database.connect(writes=False) as connection:
        receipt = connection.execute(select(receipts)).one()
        assert (receipt.kind, receipt.erased_tenant, receipt.erased_user, receipt.counts) == (
            "user",
            TENANT,
            USER,
            counts,
        )
    with pytest.raises(Refused) as refused:
        erase_user(database, TENANT, USER)
    assert refused.value.code == "user_not_found"


def test_erasing_a_tenant_leaves_a_receipt_and_other_tenants(database: Database) -> None:
    everything(database)
    fill(database, tenant="other", integrations=("i7",))
    others = rows_of(database, "other")
    assert all(rows_of(database).values()), "the test has a row in every table"
    counts = erase_tenant(database, TENANT)
    assert all(number > 0 for number in counts.values())
    assert {name for name, number in rows_of(database).items() if number} == {"revocations"}
    assert rows_of(database, "other") == others
    with database.system_read() as system:
        assert system.tenants.get(TENANT) is None
    with pytest.raises(Refused) as refused:
        erase_tenant(database, TENANT)
    assert refused.value.code == "tenant_not_found"


def test_an_ended_integration_keeps_its_keys_and_what_must_not_come_back(database: Database) -> None:
    everything(database)
    with database.write(TENANT) as work:
        work.items.add(an_item("b"), API)
        link = work.memories.links(INTEGRATION)[0]
        assert work.memories.save_link(INTEGRATION, replace(link, state=LinkState.CLOSED))
    with database.write(TENANT) as work:
        work.integrations.end(INTEGRATION)
        forget_integration(work.connection, TENANT, INTEGRATION)
    left = rows_of(database)
    assert {name for name in ("links", "keys", "integrations") if left[name] == 1} == {"links", "keys", "integrations"}
    assert not any(left[name] for name in ("known", "intents", "leases", "runs", "logs", "deletions"))
    fill(database, integrations=("i2",))
    with run_store(database, "i2").page() as page:
        owner = page.key_owner(f"cb-{INTEGRATION}")
        assert owner is not None
        assert (owner.live, owner.same_user) == (False, True)
