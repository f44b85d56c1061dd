"""What a connector is opened with, and what it hands back (contract C11)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from calbridge.connectors.contract import Account, Connector, SigningIn
from calbridge.connectors.transport import Transport
from calbridge.service.opening import opened
from calbridge.service.parts import Parts, open_parts
from calbridge.store.accounts import StoredAccount
from calbridge.testing.memory import MemoryConnector
from tests.integration.service.world import (
    ALICE,
    TENANT,
    Watcher,
    World,
    fresh_memory,
    memory_spec,
    registry,
    settings_for,
)

seen: list[Account] = []


def open_watched(account: Account, transport: Transport) -> Connector:
    """A factory that keeps what it was given."""
    seen.append(account)
    return MemoryConnector(fresh_memory())


@contextmanager
def watched(parts: Parts) -> Iterator[Parts]:
    seen.clear()
    spec = replace(
        memory_spec(),
        factory="tests.integration.service.test_opening:open_watched",
        settings={"client_id": "Its id."},
    )
    yield replace(parts, registry=replace(parts.registry, specs=(spec,)))


def stored(parts: Parts, secret: str) -> StoredAccount:
    account = StoredAccount("a-1", "memory", ALICE, user_id=ALICE)
    with parts.database.write(TENANT) as work:
        work.accounts.add(account, secret)
    return account


def secret_of(parts: Parts) -> str | None:
    with parts.database.read(TENANT) as work:
        return work.accounts.secret("a-1")


def test_renewed_secrets_are_stored_one_after_the_other(world: World) -> None:
    account = stored(world.parts, "first")
    with watched(world.parts) as parts, opened(parts, TENANT, account, "first"):
        seen[0].keep_secret("second")
        seen[0].keep_secret("third")
    assert secret_of(world.parts) == "third"


def test_a_new_sign_in_is_not_overwritten_by_a_renewal_of_the_old_one(world: World) -> None:
    account = stored(world.parts, "first")
    with watched(world.parts) as parts, opened(parts, TENANT, account, "first"):
        with parts.database.write(TENANT) as work:
            work.accounts.save_secret("a-1", "signed in anew")
        seen[0].keep_secret("second")
    assert secret_of(world.parts) == "signed in anew"


def test_an_account_that_is_not_stored_yet_keeps_nothing(world: World) -> None:
    account = StoredAccount("a-1", "memory", ALICE, user_id=ALICE)
    with watched(world.parts) as parts, opened(parts, TENANT, account, "first"):
        seen[0].keep_secret("second")
    assert secret_of(world.parts) is None


def test_the_secret_and_the_settings_are_told_by_no_repr(world: World) -> None:
    account = stored(world.parts, "hush")
    with watched(world.parts) as parts:
        given = replace(parts, connector_settings={"memory": {"client_id": "hush-hush"}})
        with opened(given, TENANT, account, "hush") as connector:
            assert not isinstance(connector, SigningIn)
    assert seen[0].settings == {"client_id": "hush-hush"}
    assert "hush" not in repr(seen[0]) + repr(given)


def test_settings_of_connectors_come_from_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALBRIDGE_MEMORY_CLIENT_ID", "from outside")
    found = registry(Watcher())
    asking = replace(found, specs=(replace(found.specs[0], settings={"client_id": "Its id.", "other": "Unset."}),))
    with open_parts(settings_for(world.parts.settings.data_dir), registry=asking) as parts:
        assert parts.connector_settings == {"memory": {"client_id": "from outside"}}
