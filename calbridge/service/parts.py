"""What every use case works with."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.registry import Problem, Registry, load_registry
from calbridge.connectors.transport import Request, Transport
from calbridge.keyfile import with_secret_keys
from calbridge.log import get_logger
from calbridge.service.budgets import Budgets, NoBudgets
from calbridge.service.transports import Transports
from calbridge.settings import Settings, connector_settings, variable_name
from calbridge.store.changes import Raised, Source
from calbridge.store.database import Database
from calbridge.store.secrets import SecretBox
from calbridge.store.work import Work
from calbridge.sync.ports import Clock

log = get_logger(__name__)


class SystemClock:
    """The clock of this machine. Leases do not go by it."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


class Dispatcher(Protocol):
    """Who is told, after the commit, that integrations have something to do. It may lose what it is told: what is due
    stands in the database."""

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        """These integrations have something to do; ``urgent``: something changed. Must be quick and raise nothing."""

    def queued(self) -> Mapping[str, int] | None:
        """How many jobs wait, by queue; None where that can't be told now. Must be quick and raise nothing."""

    def deliveries(self, tenant: str) -> None:
        """Webhooks of this tenant have something to deliver. Must be quick and raise nothing."""


class NoDispatcher:
    """Nobody: ``tick`` finds what is due."""

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        """Nothing."""

    def queued(self) -> Mapping[str, int] | None:
        """There are no queues."""
        return None

    def deliveries(self, tenant: str) -> None:
        """Nothing."""


class TransportFactory(Protocol):
    """Makes transports that reach what a tenant may reach."""

    def __call__(
        self, tenant: str, before_request: Callable[[Request], None] | None = None, budget: float | None = None
    ) -> Transport:
        """A transport; ``before_request`` may raise to stop a request, ``budget`` are seconds for all of them."""


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf a use case runs: the door it came through, and the key or the user behind it.

    ``door``: cli, api, page or job. ``key``: id of the key of a PSA's program. ``user``: whose token it was.
    ``request``: id of the request, as its answer and the log tell it. ``admin``: it is an administrator's key.
    """

    door: str = "cli"
    key: str | None = None
    user: str | None = None
    request: str | None = None
    admin: bool = False

    @property
    def administers(self) -> bool:
        """Whether it may do what only administrators of a tenant do; who holds the command line may do everything."""
        return self.admin or self.door == "cli"

    @property
    def source(self) -> Source:
        """As the change feed tells it (SYNC E3)."""
        return Source(self.door, key=self.key or (f"user:{self.user}" if self.user else None))

    def __str__(self) -> str:
        """As the audit tells it."""
        who = f"key {self.key}" if self.key else f"user {self.user}" if self.user else ""
        return f"{self.door} {who}".strip()


@dataclass(frozen=True)
class Parts:
    """The parts of an installation, shared by the threads of a process; ``actor`` is who asks."""

    settings: Settings
    database: Database
    registry: Registry
    clock: Clock
    transport_factory: TransportFactory
    random: Random = field(default_factory=Random)
    dispatcher: Dispatcher = field(default_factory=NoDispatcher)
    actor: Actor = Actor()
    budgets: Budgets = field(default_factory=NoBudgets)
    vendor_seconds: float | None = None
    """For all requests to a calendar service within one use case: somebody waits for its answer. None: no limit."""
    connector_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """What the operator set for each connector, by the name of its spec (contract C11)."""

    def acting(self, actor: Actor) -> Parts:
        """The same parts on somebody's behalf."""
        return replace(self, actor=actor)

    def waiting(self, seconds: float) -> Parts:
        """The same parts while somebody waits, so long at most, for what calendar services answer."""
        return replace(self, vendor_seconds=seconds)

    def dispatch(self, tenant: str, stored: Work, *, urgent: bool = True) -> None:
        """Tell the dispatcher what a unit of work that is stored gave somebody to do."""
        if stored.raised:
            self.dispatcher.due(tenant, stored.raised, urgent=urgent)


@contextmanager
def open_parts(
    settings: Settings,
    *,
    registry: Registry | None = None,
    clock: Clock | None = None,
    dispatcher: Dispatcher | None = None,
    transport_factory: TransportFactory | None = None,
    random: Random | None = None,
    budgets: Budgets | None = None,
) -> Iterator[Parts]:
    """The parts that ``settings`` describe, closed at the end. The database is opened by its first use.

    Raises SettingsInvalid, DatabaseUnusable.
    """
    settings = with_secret_keys(settings)
    registry = _load(settings.connectors) if registry is None else registry
    clock = clock or SystemClock()
    database = Database(settings.database_url, SecretBox(settings.secret_keys), clock=clock.now)
    told = dispatcher or NoDispatcher()
    database.announced = told.deliveries
    try:
        yield Parts(
            settings=settings,
            database=database,
            registry=registry if settings.sandbox else registry.without(Ability.CONTROLS),
            clock=clock,
            transport_factory=transport_factory or Transports(settings, database),
            random=random or Random(),
            dispatcher=told,
            connector_settings={spec.name: connector_settings(spec.name, spec.settings) for spec in registry.specs},
            budgets=budgets or NoBudgets(),
        )
    finally:
        database.close()


def _load(named: Sequence[str] | None) -> Registry:
    """The registry of these distributions, of all where none are named. One that is named and not there is a problem of
    its own: what was misspelt would be missed only by who wants to link a calendar."""
    registry = load_registry(named)
    found = {name.partition(":")[0] for name, _ in registry.hooks.list_name_plugin()}
    there = {_normal(name) for name in (*found, *(each.distribution for each in registry.problems))}
    told = f"{variable_name('connectors')} names it, but it is not installed or has no connector"
    missing = tuple(Problem(name, "", "not_installed", told) for name in named or () if _normal(name) not in there)
    for each in missing:
        log.warning("connector_not_installed", distribution=each.distribution)
    return replace(registry, problems=(*registry.problems, *missing))


def _normal(distribution: str) -> str:
    """The name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
