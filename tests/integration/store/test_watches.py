"""Push subscriptions at rest: found by the digest of their address, their tokens sealed for their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from calbridge.errors import SecretUnreadable
from calbridge.store.database import Database
from calbridge.store.rotation import rotate, verify
from calbridge.store.watches import ASKED, LIVE, StoredWatch, due_watches, unwatched_due

from .helpers import INTEGRATION, KEY, OTHER_KEY, TENANT, Clock, fill

ADDRESS = "a" * 43


def watch_of(clock: Clock, watch_id: str = "w1", integration: str = INTEGRATION) -> StoredWatch:
    return StoredWatch(
        watch_id, integration, "alice-a1", "memory", "main", "https://calbridge.example.com", ASKED, clock.now()
    )


def test_a_subscription_is_found_by_its_address_and_its_connector(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.watches.add(watch_of(clock), ADDRESS, "token")
    with database.system_read() as system:
        found = system.watch_of("memory", ADDRESS)
        assert found is not None
        assert (found.tenant_id, found.integration_id, found.id, found.token) == (TENANT, INTEGRATION, "w1", "token")
        assert "token" not in repr(found).replace("Heeded", "")
        assert system.watch_of("other", ADDRESS) is None
        assert system.watch_of("memory", "b" * 43) is None


def test_an_address_is_given_out_once(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.watches.add(watch_of(clock), ADDRESS, "token")
        with pytest.raises(IntegrityError), work.alone():
            work.watches.add(watch_of(clock, "w2"), ADDRESS, "token")


def test_it_pushes_from_the_answer_to_its_end(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.watches.add(watch_of(clock), ADDRESS, "token")
        assert not work.watches.pushed(INTEGRATION)
        assert work.watches.answered("w1", "state", clock.now() + timedelta(days=7))
        assert not work.watches.answered("w2", "state", clock.now() + timedelta(days=7))
        assert work.watches.pushed(INTEGRATION)
        (stored,) = work.watches.list(INTEGRATION)
        assert stored == replace(
            watch_of(clock), status=LIVE, state="state", expires_at=clock.now() + timedelta(days=7)
        )
    clock.forward(days=7)
    with database.read(TENANT) as work:
        assert not work.watches.pushed(INTEGRATION)


def test_tokens_are_sealed_for_their_place_and_rotated(open_database: Callable[..., Database], clock: Clock) -> None:
    old = open_database(KEY)
    fill(old)
    with old.write(TENANT) as work:
        work.watches.add(watch_of(clock), ADDRESS, "canary-token")
        work.watches.add(watch_of(clock, "w2"), "b" * 43, "another")
        assert "canary-token" not in str(work.connection.execute(text("SELECT * FROM watches")).all())
    assert rotate(open_database(OTHER_KEY, KEY)).outdated == 4
    new = open_database(OTHER_KEY)
    assert verify(new).unreadable == ()
    with new.system_read() as system:
        found = system.watch_of("memory", ADDRESS)
        assert found is not None
        assert found.token == "canary-token"
    with new.write(TENANT) as work:
        sealed = work.connection.scalar(text("SELECT token FROM watches WHERE id = 'w1'"))
        work.connection.execute(text("UPDATE watches SET token = :token WHERE id = 'w2'"), {"token": sealed})
    with pytest.raises(SecretUnreadable), new.system_read() as system:
        system.watch_of("memory", "b" * 43)


def test_what_is_due_comes_tenants_in_turn_and_without_those_that_wait(database: Database, clock: Clock) -> None:
    fill(database, integrations=("i1", "i2", "i3"))
    fill(database, tenant="other", integrations=("o1",))
    with database.write(TENANT) as work:
        account = work.accounts.get("alice-a1")
        assert account is not None

    def due() -> list[tuple[str, str]]:
        with database.system_read() as system:
            return due_watches(system.connection, system.now, ["caldav"], 10)

    assert sorted(due()[:2]) == [(TENANT, "i1"), ("other", "o1")]
    assert len(due()) == 4
    with database.write(TENANT) as work:
        work.accounts.hold("alice-a1", clock.now() + timedelta(hours=1))
    assert due() == [("other", "o1")]
    clock.forward(hours=2)
    assert len(due()) == 4
    with database.write(TENANT) as work:
        claimed = work.integrations.claim_watches("i1", clock.now() + timedelta(minutes=5))
        assert claimed is not None
        assert work.integrations.claim_watches("i1", clock.now() + timedelta(minutes=5)) is None
        work.integrations.watches_looked_after(claimed, None, 0, None)
    assert (TENANT, "i1") not in due()
    with database.write(TENANT) as work:
        work.integrations.save("i1", active=False)
    assert (TENANT, "i1") in due(), "what they depend on changed"


def test_what_is_asked_for_every_notice_and_every_few_seconds_is_found_by_indexes(
    database: Database, clock: Clock, count_statements: Callable[[Database], list[str]]
) -> None:
    if not database.sqlite:
        return
    fill(database)
    asked = count_statements(database)
    with database.system_read() as system:
        system.watch_of("memory", ADDRESS)
        due_watches(system.connection, clock.now(), ["caldav"], 10)
        unwatched_due(system.connection, clock.now(), ["caldav"])
    with database.connect(writes=False) as connection:
        plans = [
            " ".join(
                str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {each}", (0,) * each.count("?"))
            )
            for each in asked
            if each.startswith("SELECT") and "FROM" in each
        ]
    assert len(plans) == 3
    assert "uq_watches_digest" in plans[0]
    for plan in plans:
        assert "SCAN integrations" not in plan, plan
        assert "SCAN watches" not in plan, plan
    assert all("ix_integrations_watch" in plan for plan in plans[1:])
