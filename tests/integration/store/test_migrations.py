"""Tables: made by steps, the same as declared, and each foreign key within its tenant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, text

from calbridge.errors import DatabaseUnusable
from calbridge.store.columns import Json, Opaque, Packed
from calbridge.store.database import Database
from calbridge.store.indexes import metadata
from calbridge.store.migrate import check, current, head, upgrade
from calbridge.store.secrets import SecretBox
from calbridge.sync.memory import Known, Link

from .helpers import KEY, TENANT, an_item, fill, run_store


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    """A database without tables."""
    database = Database(empty_url, SecretBox([KEY]))
    yield database
    database.close()


def test_an_empty_database_is_brought_up_to_date_and_twice_is_as_good_as_once(empty: Database) -> None:
    assert current(empty) is None
    with pytest.raises(DatabaseUnusable) as refused:
        check(empty)
    assert refused.value.code == "database_not_migrated"
    assert upgrade(empty) == head()
    assert upgrade(empty) == head()
    check(empty)
    fill(empty)


def test_the_steps_make_exactly_the_declared_tables(empty: Database) -> None:
    upgrade(empty)
    with empty.connect(writes=False) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": _same_type})
        assert compare_metadata(context, metadata) == []


def _same_type(_context: object, _found: object, declared: Column[object], *_types: object) -> bool | None:
    return False if isinstance(declared.type, (Json, Opaque, Packed)) else None


def test_two_upgrades_at_a_time_take_turns(empty: Database) -> None:
    done: list[str] = []
    threads = [threading.Thread(target=lambda: done.append(upgrade(empty))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [head()] * 3


def test_tables_of_a_newer_version_are_refused_and_left_alone(empty: Database) -> None:
    upgrade(empty)
    with empty.connect(writes=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for call in (upgrade, check):
        with pytest.raises(DatabaseUnusable) as refused:
            call(empty)
        assert refused.value.code == "database_unusable"
        assert "newer" in refused.value.detail
    assert current(empty) == "9999"


def test_every_foreign_key_stays_within_the_tenant() -> None:
    found = 0
    for table in metadata.tables.values():
        for key in table.foreign_key_constraints:
            found += 1
            pairs = [(element.parent.name, element.target_fullname) for element in key.elements]
            tenant = "tenants.id" if pairs[0][1] == "tenants.id" else f"{key.referred_table.name}.tenant_id"
            assert pairs[0] == ("tenant_id", tenant), f"{table.name}: {pairs}"
    assert found > 15


def test_every_table_but_those_of_the_installation_belongs_to_a_tenant() -> None:
    without = {table.name for table in metadata.tables.values() if "tenant_id" not in table.columns}
    assert without == {"tenants", "installation", "receipts", "keys_of_platform", "slots", "heartbeats"}


def test_a_page_of_500_rows_takes_few_statements(
    database: Database, count_statements: Callable[[Database], list[str]]
) -> None:
    fill(database)
    store = run_store(database)
    names = [f"/{number}" for number in range(500)]
    statements = count_statements(database)
    with store.page() as page:
        page.expect(names, names, [], names)
        for each in names:
            assert each not in page.links_at([each])
            assert page.links_with_uid([each]) == []
            assert page.key_owner(each) is None
            assert not page.linked_elsewhere(each)
            assert page.known_matching(each, None, each) == []
            item = page.add_item(an_item(f"item {each}", ical_uid=each))
            page.put_link(Link(f"link {each}", item.id, remote_id=each, uid=each))
            page.put_known(Known(f"{each}/known"))
            page.drop_known([each])
    assert len(statements) < 40, "\n".join(statements)
    with store.page() as page:
        assert len(page.links_at(names)) == 500
        assert page.live_count() == 500
    with database.read(TENANT) as work:
        assert [change.seq for change in work.changes_after(0, 1000)] == list(range(1, 501))
