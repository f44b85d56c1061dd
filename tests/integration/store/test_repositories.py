"""What the service layer keeps: users, accounts, integrations, runs, logs, grants, checks, and what is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calbridge.errors import Refused
from calbridge.store.accounts import StoredAccount
from calbridge.store.changes import Source
from calbridge.store.database import Database
from calbridge.store.integrations import StoredIntegration
from calbridge.store.journal import LogFilter
from calbridge.store.memories import known_id
from calbridge.store.runs import Run
from calbridge.store.users import User
from calbridge.sync.memory import Direction, Known, KnownState, Link, LinkState, LogEntry

from .helpers import INTEGRATION, TENANT, USER, Clock, an_item, fill, run_store

ACCOUNT = "alice-a1"


def code_of(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.code


def test_tenants_are_made_once_and_listed(database: Database) -> None:
    with database.system_write() as system:
        for name in ("b", "A", "a"):
            system.tenants.add(name, name)
        assert [tenant.id for tenant in system.tenants.list()] == ["A", "a", "b"]
        assert [tenant.id for tenant in system.tenants.list(after="A", limit=1)] == ["a"]
        system.tenants.start_epoch()
    with pytest.raises(Refused) as refused, database.system_write() as system:
        system.tenants.add("a", "again")
    assert code_of(refused) == "already_exists"
    with database.write("a") as work:
        assert work.settings.get().epoch == 2
        work.settings.save(name="New", settings={"live_past_days": 0})
        assert (work.settings.get().name, work.settings.get().settings) == ("New", {"live_past_days": 0})
    with pytest.raises(Refused) as refused, database.read("nobody") as work:
        work.settings.get()
    assert code_of(refused) == "tenant_not_found"


def test_users_are_kept_apart_by_tenant_and_by_case(database: Database, clock: Clock) -> None:
    fill(database)
    fill(database, tenant="other", integrations=("i7",))
    with database.write(TENANT) as work:
        work.users.add(User("Alice"))
        clock.forward(hours=1)
        assert [user.id for user in work.users.list()] == ["Alice", "alice"]
        work.users.save(replace(work.users.require(USER, lock=True), email="new@example.com", calendar_sync=False))
        assert work.users.require(USER).email == "new@example.com"
        for call in (lambda: work.users.require("ALICE"), lambda: work.users.save(User("ALICE"))):
            with pytest.raises(Refused) as refused:
                call()
            assert code_of(refused) == "user_not_found"
    with pytest.raises(Refused) as refused, database.write(TENANT) as work:
        work.users.add(User(USER))
    assert code_of(refused) == "already_exists"
    with database.read("other") as work:
        assert work.users.require(USER).email == "alice@example.com"


def test_nothing_of_another_tenant_can_be_reached(database: Database) -> None:
    fill(database)
    fill(database, tenant="other", integrations=("i7",))
    with run_store(database).page() as page:
        page.add_item(an_item("a"))
        page.put_link(Link("l1", "a"))
        page.put_known(Known("/k"))
        page.log(LogEntry(database.clock(), "create", Direction.RETRIEVE))
    with database.write("other") as work:
        assert work.items.many(USER, ["a"]) == {}
        assert work.integrations.get(INTEGRATION) is None
        assert work.runs.get("r1") is None
        assert list(work.runs.list(INTEGRATION)) == []
        assert work.logs.list(LogFilter(integration_id=INTEGRATION)) == []
        assert work.memories.links(INTEGRATION) == []
        assert work.memories.known(INTEGRATION) == []
        assert not work.memories.save_link(INTEGRATION, Link("l1", "a"))
        assert work.changes_after(0, 10) == []
        with pytest.raises(Refused):
            work.integrations.save(INTEGRATION, active=False)
        with pytest.raises(Refused):
            work.runs.save("r1", status="failed")


def test_another_host_or_name_discards_the_secret_of_an_account(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        account = work.accounts.get(ACCOUNT)
        assert account is not None
        assert account.has_secret
        known = replace(account, owner_id="o1", own_addresses=frozenset({"alice@example.com"}), facts={"root": "/dav"})
        work.accounts.save(known)
        assert work.accounts.get(ACCOUNT) == known
        assert work.accounts.secret(ACCOUNT) == "secret"
        work.accounts.save(replace(known, url="https://elsewhere.example.com"))
        assert work.accounts.secret(ACCOUNT) is None
        work.accounts.save_secret(ACCOUNT, "new")
        assert work.accounts.secret(ACCOUNT) == "new"
        work.accounts.add(StoredAccount("service", "exchange", "bot"), None)
        assert [each.id for each in work.accounts.list(None)] == ["service"]
        assert [each.id for each in work.accounts.list(USER)] == [ACCOUNT]


def test_a_renewed_secret_takes_the_place_of_the_one_it_renews_only(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        assert not work.accounts.refuse(ACCOUNT, confirmed=False)
        assert work.accounts.renew_secret(ACCOUNT, "secret", "renewed")
        assert not work.accounts.renew_secret(ACCOUNT, "secret", "late")
        assert not work.accounts.renew_secret("nobody", "secret", "late")
        assert work.accounts.secret(ACCOUNT) == "renewed"
        assert work.accounts.last_refusal(ACCOUNT) is not None
    with database.read("t2") as work:
        assert work.accounts.secret(ACCOUNT) is None


def test_a_refused_secret_is_final_when_confirmed_or_refused_three_times_in_an_hour(
    database: Database, clock: Clock
) -> None:
    fill(database)

    def refuse(confirmed: bool = False) -> bool:
        with database.write(TENANT) as work:
            return work.accounts.refuse(ACCOUNT, confirmed=confirmed)

    assert [refuse(), refuse()] == [False, False]
    clock.forward(minutes=61)
    assert [refuse(), refuse(), refuse()] == [False, False, True]
    with database.write(TENANT) as work:
        assert work.accounts.last_refusal(ACCOUNT) == clock.now()
        assert work.accounts.get(ACCOUNT).refused  # type: ignore[union-attr]
        work.accounts.save_secret(ACCOUNT, "other")
        assert not work.accounts.get(ACCOUNT).refused  # type: ignore[union-attr]
    assert refuse(confirmed=True)


def test_an_outage_and_its_end_are_told_once(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        assert not work.accounts.told(ACCOUNT)
        assert not work.accounts.recover(ACCOUNT)
        begun = work.accounts.fail(ACCOUNT, clock.now() + timedelta(minutes=1))
        assert (begun.failing_since, begun.tries) == (clock.now(), 1)
    clock.forward(minutes=10)
    with database.write(TENANT) as work:
        still = work.accounts.fail(ACCOUNT, clock.now() + timedelta(minutes=1))
        assert (still.failing_since, still.tries) == (begun.failing_since, 2)
        assert [work.accounts.told(ACCOUNT), work.accounts.told(ACCOUNT)] == [True, False]
        assert [work.accounts.recover(ACCOUNT), work.accounts.recover(ACCOUNT)] == [begun.failing_since, None]
        assert not work.accounts.told(ACCOUNT)


def test_a_calendar_is_linked_once_per_user_and_account(database: Database) -> None:
    fill(database)
    twin = StoredIntegration("i2", USER, "caldav", ACCOUNT, calendar_id=f"calendar of {INTEGRATION}")
    with pytest.raises(Refused) as refused, database.write(TENANT) as work:
        work.integrations.add(twin)
    assert code_of(refused) == "already_exists"
    with database.write(TENANT) as work:
        work.integrations.end(INTEGRATION)
        work.integrations.add(twin)
        assert work.integrations.get(INTEGRATION) is None
        assert [each.id for each in work.integrations.list(user_id=USER)] == ["i2"]


def test_another_calendar_starts_from_nothing_and_the_same_one_does_not(database: Database) -> None:
    fill(database)
    with run_store(database).page() as page:
        page.save_integration(replace(page.integration(), cursor="c", baselined=True, mark=7))
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, calendar_id=f"calendar of {INTEGRATION}", calendar_name="Work")
        assert work.integrations.require(INTEGRATION).baselined
        work.integrations.save(INTEGRATION, calendar_id="other", settings={"conflict": "linked"})
        assert not work.integrations.require(INTEGRATION, lock=True).baselined
        with pytest.raises(ValueError, match="due_no"):
            work.integrations.save(INTEGRATION, due_no=7)
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, active=False)
        assert work.integrations.list(active=True) == []
        assert work.integrations.count_by_status() == {"connected": 1}


def test_a_run_clears_only_the_triggers_it_read(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.raise_due(INTEGRATION)
    with database.write(TENANT) as work:
        read = work.integrations.require(INTEGRATION).due_no
        work.raise_due(INTEGRATION)
    with database.write(TENANT) as work:
        assert work.integrations.clear_due(INTEGRATION, read)
        assert work.integrations.clear_due(INTEGRATION, read - 1)
        assert not work.integrations.clear_due(INTEGRATION, read + 1)
        assert not work.integrations.clear_due(INTEGRATION, read)


def test_waking_a_known_row_makes_the_other_integration_due(database: Database) -> None:
    fill(database, integrations=("i1", "i2"))
    with run_store(database, "i2", "r2").page() as page:
        page.put_known(Known("/there", uid="u", state=KnownState.ALREADY_HERE))
        page.put_known(Known("/only listed", uid="v"))
    store = run_store(database, "i1", "r1")
    with store.page() as page:
        page.wake_known("v")
    with database.read(TENANT) as work:
        assert [each.due_no for each in work.integrations.list()] == [0, 0]
    with store.page() as page:
        page.wake_known("u")
        page.wake_known("unheard of")
    with database.read(TENANT) as work:
        assert [each.due_no for each in work.integrations.list()] == [0, 1]


def test_the_counters_of_a_run_follow_from_its_log(database: Database, clock: Clock) -> None:
    fill(database)
    store = run_store(database)
    for number in range(3):
        with store.page() as page:
            page.log(LogEntry(clock.now(), "create", Direction.RETRIEVE, item_id=f"a{number}", code="x"))
            page.log(LogEntry(clock.now(), "delete", Direction.SEND, title="Visit"))
    with database.read(TENANT) as work:
        run = work.runs.get("r1")
        assert run is not None
        assert run.counters == {"retrieve_create": 3, "send_delete": 3}
        assert len(work.logs.list(LogFilter(run_id="r1"))) == 6
        assert len(work.logs.list(LogFilter(direction=Direction.SEND, action="delete"))) == 3
        (line,) = work.logs.list(LogFilter(item_id="a1", code="x", since=clock.now()))
        assert line.entry == LogEntry(clock.now(), "create", Direction.RETRIEVE, item_id="a1", code="x")
        assert work.logs.list(LogFilter(until=clock.now())) == []
        newest = work.logs.list(LogFilter(), limit=2)
        assert [line.id for line in work.logs.list(LogFilter(), before=newest[-1].id)] == sorted(
            (line.id for line in work.logs.list(LogFilter()) if line.id < newest[-1].id), reverse=True
        )


def test_runs_are_listed_newest_first(database: Database, clock: Clock) -> None:
    fill(database)
    for number in range(4):
        clock.forward(seconds=number // 2)
        with database.write(TENANT) as work:
            work.runs.add(Run(f"r{number}", INTEGRATION, "sync", "poll"))
    with database.write(TENANT) as work:
        work.runs.save("r1", status="failed", reason="unavailable", finished_at=clock.now())
        first = work.runs.list(INTEGRATION, limit=2)
        rest = work.runs.list(INTEGRATION, before=first[-1])
        assert [run.id for run in [*first, *rest]] == ["r3", "r2", "r1", "r0"]
        assert [run.reason for run in work.runs.list(INTEGRATION, status="failed")] == ["unavailable"]


def test_links_and_known_rows_can_be_looked_at_and_decided(database: Database) -> None:
    fill(database)
    with run_store(database).page() as page:
        page.add_item(an_item("a"))
        page.put_link(Link("l1", "a", state=LinkState.CLOSED))
        page.put_link(Link("l2", "a", state=LinkState.WITHHELD))
        page.put_known(Known("/k", state=KnownState.AMBIGUOUS))
        page.put_known(Known("/l"))
    with database.write(TENANT) as work:
        assert [link.id for link in work.memories.links(INTEGRATION, states=[LinkState.WITHHELD])] == ["l2"]
        assert [link.id for link in work.memories.links(INTEGRATION, after="l1")] == ["l2"]
        assert work.memories.link_of(INTEGRATION, "a") == Link("l2", "a", state=LinkState.WITHHELD)
        assert [link.id for _, link in work.memories.links_of_item("a")] == ["l1", "l2"]
        assert work.memories.count_links(INTEGRATION) == {LinkState.CLOSED: 1, LinkState.WITHHELD: 1}
        (row,) = work.memories.known(INTEGRATION, states=[KnownState.AMBIGUOUS])
        assert work.memories.known_row(INTEGRATION, known_id(row)) == row
        assert work.memories.save_known(INTEGRATION, replace(row, recheck=True))
        assert not work.memories.save_known(INTEGRATION, Known("/none"))
        assert [each.remote_id for each in work.memories.known(INTEGRATION, after="/k")] == ["/l"]
        assert work.memories.forget_known(INTEGRATION) == 2


def test_hosts_are_granted_and_taken_back(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        for host in ("b.example.com:8443", "10.0.0.0/8", "b.example.com:8443"):
            work.grants.add(host)
        assert work.grants.list() == ["10.0.0.0/8", "b.example.com:8443"]
        assert [work.grants.remove("10.0.0.0/8"), work.grants.remove("10.0.0.0/8")] == [True, False]


def test_five_checks_in_a_quarter_of_an_hour_are_enough(database: Database, clock: Clock) -> None:
    fill(database)

    def claim(*subjects: str) -> bool:
        with database.write(TENANT) as work:
            return work.checks.claim(*subjects)

    assert [claim("user alice", "host h/alice") for _ in range(6)] == [True] * 5 + [False]
    assert not claim("user bob", "host h/alice")
    assert claim("user bob", "host h/bob")
    clock.forward(minutes=15)
    assert claim("user alice", "host h/alice")


def test_the_audit_is_added_to_and_read_in_order(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        for number in range(3):
            work.audit.add("key k1", "settings.patch", field=f"f{number}")
    with database.read(TENANT) as work:
        lines = work.audit.list(limit=2)
        assert [line.facts for line in [*lines, *work.audit.list(after=lines[-1].id)]] == [
            {"field": "f0"},
            {"field": "f1"},
            {"field": "f2"},
        ]
        assert lines[0].actor == "key k1"


def test_a_deleted_item_is_revived_with_its_id_by_its_external_id(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.items.add(an_item("a", external_id="x"), Source("api"))
        work.items.delete(USER, "a", Source("api"))
        found = work.items.by_external_id(USER, "x")
        assert found is not None
        assert found.deleted
        assert work.items.put(replace(found, deleted_at=None), Source("api")).version == 3
    with database.read(TENANT) as work:
        assert [change.op for change in work.changes_after(0, 10)] == ["create", "delete", "create"]
