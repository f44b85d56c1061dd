"""A database that fails says so in our words, and nothing half-done stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from calbridge.errors import DatabaseUnusable
from calbridge.store.database import Database
from calbridge.store.secrets import SecretBox
from calbridge.sync.memory import Known

from .helpers import KEY, TENANT, fill, run_store


def code(call: Callable[[], object]) -> str:
    """The code of the refusal."""
    with pytest.raises(DatabaseUnusable) as refused:
        call()
    return refused.value.code


def reading(database: Database) -> Callable[[], object]:
    def read() -> None:
        with database.read(TENANT) as work:
            work.users.list()

    return read


def test_a_database_without_tables_is_not_migrated(empty_url: str) -> None:
    database = Database(empty_url, SecretBox([KEY]))
    assert code(reading(database)) == "database_not_migrated"
    database.close()


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("sqlite:////nowhere/at/all/calbridge.db", "/nowhere/at/all/calbridge.db: its folder does not exist"),
        ("sqlite:////usr", "/usr: is a directory"),
        ("postgresql+psycopg://user:very-secret@127.0.0.1:9/none", "no server listens at its address"),
        ("postgresql+psycopg://user:very-secret@/none?host=/nowhere", "no server listens at its address"),
        ("postgresql+psycopg://user:very-secret@nowhere.invalid/none", "the host of the server is not known"),
        ("not a url", "the database URL can't be read"),
    ],
)
def test_a_database_that_cannot_be_reached_tells_why_and_its_password_stays_unsaid(url: str, cause: str) -> None:
    def use() -> None:
        database = Database(url, SecretBox([KEY]))
        try:
            reading(database)()
        finally:
            database.close()

    with pytest.raises(DatabaseUnusable) as refused:
        use()
    assert (refused.value.code, refused.value.detail) == ("database_unusable", cause)
    assert "very-secret" not in f"{refused.value} {refused.value.__cause__}"


def test_a_file_that_is_no_database_is_unusable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all, but long enough to be read as one" * 40)
    database = Database(f"sqlite:///{tmp_path / 'x.db'}", SecretBox([KEY]))
    with pytest.raises(DatabaseUnusable, match=r"x\.db: the file is no SQLite database"):
        reading(database)()
    database.close()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"database": "nowhere"}, "the server has no database of this name"),
        ({"username": "nobody-here"}, "the server refuses the user or the password"),
    ],
)
def test_a_server_that_takes_us_not_in_tells_why(database_url: str, wrong: dict[str, str], cause: str) -> None:
    database = Database(make_url(database_url).set(**wrong).render_as_string(hide_password=False), SecretBox([KEY]))
    with pytest.raises(DatabaseUnusable) as refused:
        reading(database)()
    assert refused.value.detail == cause
    database.close()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_full_disk_stops_a_page_and_leaves_what_was_there(database: Database) -> None:
    fill(database)
    store = run_store(database)
    with store.page() as page:
        page.put_known(Known("/first"))
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def write_much() -> None:
        with store.page() as page:
            for number in range(2000):
                page.put_known(Known(f"/{number}" * 50))

    assert code(write_much) == "disk_full"
    with store.page() as page:
        assert [row.remote_id for row in page.all_known(None, 10)] == ["/first"]


def test_a_database_that_somebody_else_holds_is_locked(
    database: Database, open_database: Callable[..., Database]
) -> None:
    fill(database)
    hasty = open_database(busy_seconds=0.1)

    def save() -> None:
        with hasty.write(TENANT) as work:
            work.settings.save(name="New")

    with database.write(TENANT) as work:
        work.settings.save(name="Held")
        assert code(save) == "database_locked"
    save()
    with database.read(TENANT) as work:
        assert work.settings.get().name == "New"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_file_locked_by_another_program_is_locked(database_url: str, open_database: Callable[..., Database]) -> None:
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    assert code(reading(open_database(busy_seconds=0.1))) == "database_locked"
    other.close()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_server_that_ends_connections_is_unusable_once_and_then_fine(
    database: Database, open_database: Callable[..., Database]
) -> None:
    fill(database)

    def cut_off() -> None:
        with database.read(TENANT) as work:
            own = work.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with open_database().connect(writes=True) as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
            work.users.list()

    assert code(cut_off) == "database_unusable"
    reading(database)()


def test_our_own_mistakes_are_not_blamed_on_the_database(database: Database) -> None:
    def mistaken() -> None:
        with database.read(TENANT) as work:
            work.connection.execute(text("SELEC 1"))

    with pytest.raises(Exception, match="SELEC") as raised:
        mistaken()
    assert not isinstance(raised.value, DatabaseUnusable)
