"""Bringing the database to this version's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from calbridge.errors import DatabaseUnusable
from calbridge.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

# alembic is loaded by the first use: it costs every start of the program a fifth of a second, and hardly one needs it.
_FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = 4_310_000_127
"""A number of our own for PostgreSQL's advisory lock: two upgrades at a time take turns."""


def head() -> str:
    """The revision that this version needs."""
    found = _scripts().get_current_head()
    assert found is not None
    return found


def current(database: Database) -> str | None:
    """The revision of the database; None for an empty one. :raises DatabaseUnusable: it can't be reached."""
    with database.connect(writes=False) as connection:
        return _current(connection)


def check(database: Database) -> None:
    """Refuse to work on other tables than this version's.

    :raises DatabaseUnusable: ``database_not_migrated``: older; ``database_unusable``: newer than this version.
    """
    found = current(database)
    _refuse_newer(found)
    if found != head():
        raise DatabaseUnusable(code="database_not_migrated", current=found, needed=head())


def upgrade(database: Database) -> str:
    """Bring the database to :func:`head`, in one transaction; returns it.

    :raises DatabaseUnusable: ``database_unusable``: its tables are of a newer version.
    """
    from alembic import command

    with database.connect(writes=True) as connection:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        _refuse_newer(_current(connection))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head()


def _current(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(found: str | None) -> None:
    known = {revision.revision for revision in _scripts().walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseUnusable("its tables were made by a newer version of calbridge", current=found)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())
