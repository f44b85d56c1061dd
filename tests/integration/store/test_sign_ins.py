"""Sign-ins under way and grants to end: taken once, found by the digest of their state, sealed, per tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from calbridge.errors import SecretUnreadable
from calbridge.store.authorizations import ASKED, MOST_OPEN, Authorization, held_anywhere, secret_digest
from calbridge.store.database import Database
from calbridge.store.revocations import Revocation, due_revocations
from calbridge.store.rotation import rotate, verify

from .helpers import INTEGRATION, KEY, OTHER_KEY, TENANT, USER, Clock, fill

STATE, VERIFIER, SECRET = "state-1", "verifier-1", "grant-1"


def begun(clock: Clock, name: str = "z1", **facts: object) -> Authorization:
    until = clock.now() + timedelta(minutes=10)
    return replace(Authorization(name, INTEGRATION, USER, "caldav", expires_at=until), **facts)  # type: ignore[arg-type]


def asked(clock: Clock) -> Authorization:
    facts = {"owner_id": "sub-1", "owner_address": "alice@example.com", "facts": {"sub": "sub-1"}}
    return begun(clock, own_addresses=frozenset({"alice@example.com"}), **facts)


def started(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.authorizations.add(begun(clock), STATE, VERIFIER)


def test_a_state_is_found_across_tenants_by_its_digest_alone(database: Database, clock: Clock) -> None:
    started(database, clock)
    with database.system_read() as system:
        assert system.authorization_of(STATE) == (TENANT, "z1")
        assert system.authorization_of("state-2") is None
        stored = str(system.connection.execute(text("SELECT * FROM authorizations")).all())
    for secret in (STATE, VERIFIER):
        assert secret not in stored
    assert secret_digest(STATE) in stored


def test_a_sign_in_of_one_tenant_is_not_there_for_another(database: Database, clock: Clock) -> None:
    started(database, clock)
    fill(database, tenant="other", integrations=())
    with database.write("other") as work:
        assert work.authorizations.get("z1") is None
        assert work.authorizations.take("z1") is None
        assert not work.authorizations.end("z1")


def test_the_verifier_is_handed_out_once_and_nobody_is_bound_afterwards(database: Database, clock: Clock) -> None:
    started(database, clock)
    with database.write(TENANT) as work:
        assert work.authorizations.bind("z1", "digest") == VERIFIER
        assert work.authorizations.take("z1") == VERIFIER
        assert work.authorizations.take("z1") is None
        assert work.authorizations.bind("z1", "other") is None
        found = work.authorizations.get("z1")
        assert found is not None
        assert found.browser == "digest"


def test_the_secret_goes_to_the_one_who_ends_it(database: Database, clock: Clock) -> None:
    started(database, clock)
    with database.write(TENANT) as work:
        work.authorizations.ask(asked(clock), SECRET)
        found = work.authorizations.get("z1")
        assert found == replace(asked(clock), stage=ASKED)
        assert SECRET not in str(work.connection.execute(text("SELECT * FROM authorizations")).all())
        assert work.authorizations.finish("z1") == SECRET
        assert work.authorizations.finish("z1") is None
        assert work.authorizations.get("z1") is None


def test_what_is_expired_is_not_there_but_its_grant_is_remembered(database: Database, clock: Clock) -> None:
    started(database, clock)
    with database.write(TENANT) as work:
        work.authorizations.ask(asked(clock), SECRET)
        assert work.authorizations.lapsed() == []
    clock.forward(minutes=10)
    with database.write(TENANT) as work:
        assert work.authorizations.get("z1") is None
        (found,) = work.authorizations.lapsed()
        assert found.account("a9").owner_id == "sub-1"
        assert work.authorizations.finish("z1") == SECRET


def test_of_too_many_the_oldest_gives_way(database: Database, clock: Clock) -> None:
    started(database, clock)
    for number in range(MOST_OPEN):
        clock.forward(seconds=1)
        with database.write(TENANT) as work:
            work.authorizations.add(begun(clock, f"n{number}"), f"next-{number}", VERIFIER)
    with database.read(TENANT) as work:
        assert work.authorizations.get("z1") is None
        assert all(work.authorizations.get(f"n{number}") for number in range(MOST_OPEN))


def test_a_person_is_known_to_be_connected_whoever_connected_them(database: Database, clock: Clock) -> None:
    started(database, clock)

    def held() -> bool:
        with database.system_read() as system:
            return held_anywhere(system.connection, ["caldav"], "sub-1", clock.now())

    assert not held()
    with database.write(TENANT) as work:
        work.authorizations.ask(asked(clock), SECRET)
    assert held()
    with database.write(TENANT) as work:
        work.authorizations.end("z1")
        account = work.accounts.get("alice-a1")
        assert account is not None
        work.accounts.save(replace(account, owner_id="sub-1"))
    assert held()
    with database.write(TENANT) as work:
        work.accounts.save_secret("alice-a1", None)
    assert not held()


def test_a_grant_to_end_is_claimed_by_one_and_comes_again(database: Database, clock: Clock) -> None:
    fill(database)
    wanted = Revocation("r1", "caldav", "alice", "sub-1", facts={"sub": "sub-1"})
    with database.write(TENANT) as work:
        work.revocations.add(wanted, SECRET)
    with database.write(TENANT) as work:
        later = clock.now() + timedelta(minutes=1)
        claimed = work.revocations.claim("r1", later)
        assert claimed == (replace(wanted, attempts=1, created_at=clock.now()), SECRET)
        assert work.revocations.claim("r1", later) is None
        assert SECRET not in str(work.connection.execute(text("SELECT * FROM revocations")).all())
    with database.system_read() as system:
        assert due_revocations(system.connection, clock.now(), 10) == []
        assert due_revocations(system.connection, later, 10) == [(TENANT, "r1")]
    with database.write(TENANT) as work:
        work.revocations.put_off("r1", clock.now())
        work.revocations.drop("r1")
        assert work.revocations.claim("r1", later) is None


def test_what_waits_is_sealed_anew_when_keys_are_rotated(open_database: Callable[..., Database], clock: Clock) -> None:
    old = open_database(KEY)
    started(old, clock)
    with old.write(TENANT) as work:
        work.authorizations.ask(asked(clock), SECRET)
        work.revocations.add(Revocation("r1", "caldav", "alice"), SECRET)
    assert rotate(open_database(OTHER_KEY, KEY)).outdated == 5
    new = open_database(OTHER_KEY)
    assert verify(new).unreadable == ()
    with new.write(TENANT) as work:
        assert work.authorizations.finish("z1") == SECRET
        claimed = work.revocations.claim("r1", clock.now())
        assert claimed is not None
        assert claimed[1] == SECRET
    with old.write(TENANT) as work, pytest.raises(SecretUnreadable):
        work.revocations.claim("r1", clock.now())
