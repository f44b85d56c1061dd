"""The doctor finds what is wrong inside: the database, the keys of secrets, the connectors, a full disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pluggy
import pytest
from sqlalchemy import event

from calbridge.connectors import hookspecs
from calbridge.connectors.registry import Problem, Registry
from calbridge.service import doctor
from calbridge.service.parts import Parts, open_parts
from calbridge.service.views_installation import Finding
from calbridge.store.database import Database
from calbridge.store.migrate import upgrade
from calbridge.store.secrets import SecretBox
from tests.integration.service.world import TENANT, World, settings_for

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bad(parts: Parts) -> Mapping[str | None, Finding]:
    """What is wrong, by its code."""
    return {each.code: each for each in doctor.examine(parts) if not each.ok}


def test_tables_of_another_version_are_found_and_nothing_is_asked_of_them(world: World) -> None:
    with world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    found = doctor.examine(world.parts)
    told = {each.code: each for each in found if not each.ok}
    assert "database_not_migrated" in told
    assert "calbridge db upgrade" in (told["database_not_migrated"].remedy or "")
    assert not any("stored secrets" in each.what for each in found)


def test_a_database_that_is_not_there_is_found(world: World, tmp_path: Path) -> None:
    elsewhere = Database(f"sqlite:///{tmp_path}/nowhere/calbridge.db", SecretBox(["k" * 40]))
    found = bad(replace(world.parts, database=elsewhere))
    assert found.keys() & {"database_unusable", "database_not_migrated"}
    elsewhere.close()


def test_a_database_that_refuses_writes_is_found_by_a_write_of_which_nothing_is_left(
    database_url: str, tmp_path: Path
) -> None:
    with open_parts(settings_for(tmp_path, database_url)) as parts:
        upgrade(parts.database)
        assert "the database can be written and has this version's tables" in [
            each.what for each in doctor.examine(parts)
        ]
        with parts.database.system_read() as system:
            assert system.heartbeats.list(EPOCH) == []
        read_only = "PRAGMA query_only=ON" if parts.database.sqlite else "SET ROLE pg_read_all_data"
        parts.database.close()
        event.listen(parts.database.engine, "connect", lambda made, _: (made.execute(read_only), made.commit()))
        assert bad(parts)["database_unusable"].what == "the database can be read but not written"


def test_secrets_that_no_key_opens_are_counted(world: World) -> None:
    world.connect()
    stranger = Database(str(world.parts.settings.database_url), SecretBox(["another key of 32 signs, or more."]))
    found = bad(replace(world.parts, database=stranger))
    assert found["secret_unreadable"].what.startswith("2 of 2 ")
    stranger.close()


@pytest.fixture
def hooks() -> pluggy.PluginManager:
    made = pluggy.PluginManager(hookspecs.PROJECT)
    made.add_hookspecs(hookspecs)
    return made


def test_a_connector_that_can_not_be_used_is_named_with_its_problem(world: World, hooks: pluggy.PluginManager) -> None:
    problem = Problem("calbridge-lotus", "lotus", "import_failed", "ModuleNotFoundError")
    found = bad(replace(world.parts, registry=Registry((), (problem,), hooks)))
    assert "calbridge-lotus" in found["connector_broken"].what
    assert "service_unknown" in found, "and none is left"


def test_a_folder_that_can_not_be_looked_at_is_found(world: World, tmp_path: Path) -> None:
    nowhere = replace(world.parts.settings, data_dir=tmp_path / "never" / "made")
    assert "disk_full" in bad(replace(world.parts, settings=nowhere))


def test_a_disk_that_is_full_is_told_with_what_is_left(world: World) -> None:
    full = replace(world.parts.settings, data_dir=Path("/proc"))
    assert bad(replace(world.parts, settings=full))["disk_full"].what.startswith("only 0 MiB are free")


def test_grants_beyond_the_operator_s_ceiling_are_named(world: World) -> None:
    with world.parts.database.write(TENANT) as work:
        for host in ("10.1.0.0/16", "192.168.1.5:5232"):
            work.grants.add(host)
    ceiling = replace(world.parts.settings, private_networks=(ip_network("10.0.0.0/8"),))
    found = bad(replace(world.parts, settings=ceiling))
    assert found["beyond_private_networks"].what.startswith(f"192.168.1.5:5232 was granted to {TENANT}")
