"""The database and its units of work."""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Connection, Engine, select

from calbridge.domain.fingerprint import KeyMaker
from calbridge.store.engines import make_engine
from calbridge.store.failures import told
from calbridge.store.secrets import SecretBox
from calbridge.store.sql import upserting
from calbridge.store.tables import installation
from calbridge.store.work import System, Work

BUSY_SECONDS = 20.0
INSTALLATION_PLACE = ("", "installation", "1", "fingerprint_secret")


def system_now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def _nobody(tenant: str) -> None:
    """Nobody listens: the sweep finds what is to be delivered."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Who this installation is. The fingerprint secret outlives the rotation of keys, as what it made must."""

    name: str
    fingerprint_secret: bytes = field(repr=False)


class Database:
    """One database, shared by the threads of a process; make it after a fork, never before.

    ``url`` as SQLAlchemy reads it; ``secrets`` opens and seals secrets; ``clock`` gives the time of rows (leases go by
    the database's own clock); ``busy_seconds`` is how long a statement waits for a lock.
    """

    def __init__(
        self,
        url: str,
        secrets: SecretBox,
        *,
        clock: Callable[[], datetime] = system_now,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.engine: Engine = make_engine(url, busy_seconds)
        self.secrets = secrets
        self.clock = clock
        self.announced: Callable[[str], None] = _nobody
        """Called with the tenant after a commit that left something for its webhooks; must raise nothing."""
        self._keys: dict[str, KeyMaker] = {}

    @property
    def sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @cached_property
    def _file(self) -> str | None:
        """Where the embedded database lies, unless its URL says more than a path."""
        path = self.engine.url.database if self.sqlite else None
        return None if path is None or path.startswith((":", "file:")) else path

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def connect(self, *, writes: bool) -> Iterator[Connection]:
        """One transaction: stored at the end, or undone when it raises.

        On SQLite a writing one begins immediate. Readers see one state of the database throughout.
        :raises DatabaseUnusable: locked, full, unreachable, not migrated.
        """
        with told(self._file), self.engine.connect() as connection:
            if self.sqlite:
                connection = connection.execution_options(calbridge_writes=writes)
            elif not writes:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self, tenant: str) -> Iterator[Work]:
        """A unit of work that sees one state and stores nothing."""
        keys = self.keys(tenant)
        with self.connect(writes=False) as connection:
            yield Work(connection, tenant, keys, self.secrets, self.clock)

    @contextmanager
    def write(self, tenant: str) -> Iterator[Work]:
        """A unit of work that stores all or nothing; the order of changes is given out at its very end (SYNC E2)."""
        keys = self.keys(tenant)
        with self.connect(writes=True) as connection:
            work = Work(connection, tenant, keys, self.secrets, self.clock)
            yield work
            work.finish()
        if work.announced:
            self.announced(tenant)

    @contextmanager
    def system_read(self) -> Iterator[System]:
        """Reading across tenants: for the platform's own business and the sweep only."""
        with self.connect(writes=False) as connection:
            yield System(connection, self.secrets, self.clock)

    @contextmanager
    def system_write(self) -> Iterator[System]:
        """Writing across tenants: for the platform's own business only."""
        with self.connect(writes=True) as connection:
            yield System(connection, self.secrets, self.clock)

    @cached_property
    def installation(self) -> Installation:
        """This installation's name and fingerprint secret, made at the first use."""
        with self.connect(writes=False) as connection:
            found = self._installation(connection)
        if found is not None:
            return found
        with self.connect(writes=True) as connection:
            fresh = self.secrets.seal(
                self.secrets.derive(f"fingerprints/{random.token_hex(16)}").hex(), *INSTALLATION_PLACE
            )
            row = {"id": 1, "name": random.token_hex(8), "fingerprint_secret": fresh}
            connection.execute(upserting(connection, installation).values(row).on_conflict_do_nothing())
            made = self._installation(connection)
        assert made is not None
        return made

    def check_keys(self) -> None:
        """Raises SecretUnreadable where the keys do not open the secret of this installation, if it has one already."""
        with self.connect(writes=False) as connection:
            self._installation(connection)

    def _installation(self, connection: Connection) -> Installation | None:
        row = connection.execute(select(installation)).one_or_none()
        if row is None:
            return None
        return Installation(row.name, bytes.fromhex(self.secrets.open(row.fingerprint_secret, *INSTALLATION_PLACE)))

    def keys(self, tenant: str) -> KeyMaker:
        """The maker of stable keys and fingerprints of a tenant: the same event has another one in every tenant."""
        found = self._keys.get(tenant)
        return found if found is not None else self._keys.setdefault(tenant, self._make_keys(tenant))

    def _make_keys(self, tenant: str) -> KeyMaker:
        own = hmac.new(self.installation.fingerprint_secret, f"tenant:{tenant}".encode(), hashlib.sha256).digest()
        return KeyMaker(own, self.installation.name, tenant)
