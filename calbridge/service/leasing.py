"""One act at a time on an integration, over all processes (SYNC D1)."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from calbridge.connectors.transport import Request
from calbridge.errors import DatabaseUnusable, Refused
from calbridge.service.parts import Parts
from calbridge.store.leases import Lease, Leases
from calbridge.store.run_store import SqlRunStore
from calbridge.sync.ports import Page

_FRESH = 0.25
"""The part of a lease's time after which it is extended again."""


class LeasedStore:
    """A run's memory that remembers when the lease was last extended.

    A request to the service starts only if the lease outlasts its time-out, so a successor never overlaps a call.
    """

    def __init__(self, store: SqlRunStore, lease: Lease, request_timeout: float) -> None:
        self._store = store
        self._seconds = lease.seconds
        self._timeout = request_timeout
        self._lock = threading.Lock()
        self._extended = time.monotonic()

    def page(self) -> AbstractContextManager[Page]:
        """See RunStore."""
        return self._store.page()

    def renew(self) -> None:
        """See RunStore; a lease that was extended just before is left as it is. Raises LeaseLost."""
        if time.monotonic() - self._extended >= self._seconds * _FRESH:
            self._extend()

    def before_request(self, _: Request) -> None:
        """Extend the lease where what is left of it is shorter than a request may take. Raises LeaseLost."""
        if time.monotonic() - self._extended + self._timeout >= self._seconds:
            self._extend()

    def _extend(self) -> None:
        with self._lock:
            # Taken before the call: by the database's clock the lease lasts longer than we believe, never shorter.
            begun = time.monotonic()
            self._store.renew()
            self._extended = begun


@contextmanager
def leased(parts: Parts, tenant: str, integration_id: str) -> Iterator[Lease]:
    """The lease of an integration, given back at the end. Raises Refused (``integration_running``)."""
    lease = Leases(parts.database).acquire(tenant, integration_id, new_owner(), parts.settings.lease_seconds)
    if lease is None:
        raise Refused(code="integration_running", integration=integration_id)
    with holding(parts, lease):
        yield lease


def new_owner() -> str:
    """A name for one holder of one lease."""
    return secrets.token_hex(16)


@dataclass(slots=True)
class Hold:
    """A lease that was taken; ``held`` until it was given back."""

    lease: Lease
    held: bool = True


@contextmanager
def holding(parts: Parts, lease: Lease) -> Iterator[Hold]:
    """Gives the lease back at the end, unless that was done before."""
    hold = Hold(lease)
    try:
        yield hold
    finally:
        if hold.held:
            # A database that is gone frees the lease by its expiry.
            with contextlib.suppress(DatabaseUnusable):
                Leases(parts.database).release(lease)


def leased_store(parts: Parts, lease: Lease, run_id: str | None = None) -> LeasedStore:
    """The memory of a run that holds this lease."""
    store = SqlRunStore(parts.database, lease.tenant_id, lease.integration_id, lease, run_id=run_id)
    return LeasedStore(store, lease, parts.settings.request_timeout)
