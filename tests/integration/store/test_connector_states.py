"""What connectors keep for an account: compared and set, at once from many processes, and thrown away in time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from calbridge.connectors.contract import MOST_STORED
from calbridge.errors import Rejected, Unavailable
from calbridge.service.storage import AccountStorage
from calbridge.store.database import Database

from .helpers import TENANT, fill

ACCOUNT = "alice-a1"


def test_a_write_holds_only_on_the_version_that_was_read(database: Database) -> None:
    fill(database)
    storage = AccountStorage(database, TENANT, ACCOUNT)
    assert storage.read() == (None, 0)
    assert storage.write(b"one", 0)
    assert storage.read() == (b"one", 1)
    assert not storage.write(b"late", 0)
    assert not storage.write(b"early", 2)
    assert storage.write(b"two", 1)
    assert storage.read() == (b"two", 2)


def test_accounts_and_tenants_are_kept_apart(database: Database) -> None:
    fill(database)
    fill(database, user="bob", integrations=("i2",))
    fill(database, tenant="other", integrations=("i3",))
    assert AccountStorage(database, TENANT, ACCOUNT).write(b"mine", 0)
    assert AccountStorage(database, TENANT, "bob-a1").read() == (None, 0)
    assert AccountStorage(database, "other", ACCOUNT).read() == (None, 0)


def test_there_is_no_storage_without_an_account_and_a_bound_to_it(database: Database) -> None:
    fill(database)
    with pytest.raises(Unavailable):
        AccountStorage(database, TENANT, "nobody").write(b"x", 0)
    with pytest.raises(Rejected) as refused:
        AccountStorage(database, TENANT, ACCOUNT).write(b"x" * (MOST_STORED + 1), 0)
    assert refused.value.code == "too_large"
    assert AccountStorage(database, TENANT, ACCOUNT).write(b"x" * MOST_STORED, 0)


def test_of_many_who_write_at_once_each_is_told_who_was_first(open_database: Callable[..., Database]) -> None:
    fill(open_database())
    storages = [AccountStorage(open_database(busy_seconds=30), TENANT, ACCOUNT) for _ in range(4)]

    def add(storage: AccountStorage) -> None:
        for _ in range(10):
            while True:
                content, version = storage.read()
                if storage.write((content or b"") + b".", version):
                    break

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, storages))
    assert storages[0].read() == (b"." * 40, 40)


def test_another_user_name_finds_nothing_of_the_former_one(database: Database) -> None:
    fill(database)
    storage = AccountStorage(database, TENANT, ACCOUNT)
    storage.write(b"kept", 0)
    with database.write(TENANT) as work:
        account = work.accounts.get(ACCOUNT)
        assert account is not None
        work.accounts.save(replace(account, owner_address="alice@example.com"))
    assert storage.read() == (b"kept", 1)
    with database.write(TENANT) as work:
        work.accounts.save(replace(account, username="eve"))
    assert storage.read() == (None, 0)
