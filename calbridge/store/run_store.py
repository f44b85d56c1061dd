"""The memory of one run over the database: :class:`calbridge.sync.ports.RunStore`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from calbridge.errors import LeaseLost
from calbridge.store.database import Database
from calbridge.store.leases import Lease, Leases, lock
from calbridge.store.page import SqlPage
from calbridge.sync.ports import Keys


class SqlRunStore:
    """Pages of the integration that ``lease`` was taken for; ``run_id`` is the run that log lines belong to."""

    def __init__(
        self,
        database: Database,
        tenant: str,
        integration_id: str,
        lease: Lease,
        keys: Keys | None = None,
        run_id: str | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        if (lease.tenant_id, lease.integration_id) != (tenant, integration_id):
            raise LeaseLost("the lease is of another integration")
        self._database = database
        self._lease = lease
        self._keys: Keys = keys or database.keys(tenant)
        self._run_id = run_id
        self._clock = clock or database.clock
        self._leases = Leases(database)

    @contextmanager
    def page(self) -> Iterator[SqlPage]:
        """One transaction; all of it is stored at its end, or nothing when it raises.

        :raises LeaseLost: another run owns the integration; :raises DatabaseUnusable: the database failed.
        """
        with self._database.connect(writes=True) as connection:
            serial = lock(connection, self._lease)
            page = SqlPage(connection, self._lease, self._keys, self._run_id, self._clock(), serial)
            try:
                yield page
                page.finish()
            finally:
                page.forget()
        if page.announced:
            self._database.announced(self._lease.tenant_id)

    def renew(self) -> None:
        """Extend the lease before a remote batch. :raises LeaseLost: it was taken."""
        self._leases.renew(self._lease)
