"""Keys of programs: found by their prefix, kept apart by tenant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from calbridge.store.api_keys import ApiKey
from calbridge.store.database import Database
from calbridge.store.retention import erase_tenant

from .helpers import TENANT, Clock, fill

DIGEST = "d" * 64


def a_key(clock: Clock, key_id: str = "k1", **facts: object) -> ApiKey:
    stored = ApiKey(key_id, "admin", "Front", f"t{key_id}", DIGEST, clock.now(), tenant=TENANT)
    return replace(stored, **facts)  # type: ignore[arg-type]


def test_a_key_is_found_by_its_prefix_whatever_tenant_it_belongs_to(database: Database, clock: Clock) -> None:
    fill(database)
    fill(database, tenant="other", integrations=())
    mine, theirs = a_key(clock), a_key(clock, "k2", role="backend", tenant="other")
    ours = a_key(clock, "p1", role="platform", prefix="p1", tenant=None, expires_at=clock.now() + timedelta(days=1))
    with database.write(TENANT) as work:
        work.api_keys.add(mine)
    with database.write("other") as work:
        work.api_keys.add(theirs)
    with database.system_write() as system:
        system.api_keys.add(ours)
    with database.system_read() as system:
        assert system.key_of("tk1", platform=False) == mine
        assert system.key_of("tk2", platform=False) == theirs
        assert system.key_of("p1", platform=True) == ours
        assert system.key_of("tk1", platform=True) is None
        assert list(system.api_keys.list()) == [ours]
    with database.read("other") as work:
        assert work.api_keys.get("k1") is None
        assert list(work.api_keys.list()) == [theirs]


def test_a_prefix_stands_for_one_key_only(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.api_keys.add(a_key(clock))
    with pytest.raises(IntegrityError), database.write(TENANT) as work:
        work.api_keys.add(a_key(clock, "k2", prefix="tk1"))


def test_one_tenant_takes_back_only_its_own(database: Database, clock: Clock) -> None:
    fill(database)
    fill(database, tenant="other", integrations=())
    with database.write(TENANT) as work:
        work.api_keys.add(a_key(clock))
    with database.write("other") as work:
        assert not work.api_keys.remove("k1")
    with database.write(TENANT) as work:
        assert work.api_keys.remove("k1")
        assert not work.api_keys.remove("k1")


def test_expired_keys_do_not_count(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.api_keys.add(a_key(clock, "k1", expires_at=clock.now() + timedelta(minutes=1)))
        work.api_keys.add(a_key(clock, "k2"))
        work.api_keys.add(a_key(clock, "k3", role="backend"))
        assert work.api_keys.count_live("admin", "Front") == 2
    clock.forward(minutes=1)
    with database.read(TENANT) as work:
        assert work.api_keys.count_live("admin", "Front") == 1
        assert [each.id for each in work.api_keys.list(after="k1")] == ["k2", "k3"]


def test_when_a_key_was_used_is_written_once_a_minute(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.api_keys.add(a_key(clock))
    seen = []
    for _ in range(4):
        with database.write(TENANT) as work:
            work.api_keys.used("k1")
            found = work.api_keys.get("k1")
            assert found is not None
            seen.append(found.last_used_at)
        clock.forward(seconds=30)
    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_those_who_add_keys_of_the_platform_take_turns(open_database: Callable[..., Database], clock: Clock) -> None:
    first, second = open_database(), open_database()
    assert first.installation.name == second.installation.name
    counted: list[int] = []

    def add(database: Database, key_id: str) -> None:
        with database.system_write() as system:
            system.api_keys.lock()
            counted.append(system.api_keys.count_live("platform", "Front"))
            system.api_keys.add(a_key(clock, key_id, role="platform", tenant=None))

    adding = [
        threading.Thread(target=add, args=(database, f"k{number}"))
        for number, database in enumerate([first, second] * 3)
    ]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join(60)
    assert sorted(counted) == [0, 1, 2, 3, 4, 5]


def test_keys_go_with_their_tenant(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.api_keys.add(a_key(clock))
    assert erase_tenant(database, TENANT)["keys_of_tenants"] == 1
    with database.system_read() as system:
        assert system.key_of("tk1", platform=False) is None
