"""Units of work as the service layer sees them: one transaction, one tenant, its repositories."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from calbridge.domain.fingerprint import KeyMaker
from calbridge.store.accounts import Accounts
from calbridge.store.api_keys import ApiKey, ApiKeys, find_key
from calbridge.store.authorizations import Authorizations, find_authorization
from calbridge.store.changes import Change, Changes, Raised
from calbridge.store.connector_states import ConnectorStates
from calbridge.store.deliveries import Deliveries
from calbridge.store.feed import changes_after
from calbridge.store.guards import Checks, Grants
from calbridge.store.heartbeats import Heartbeats
from calbridge.store.integrations import Integrations
from calbridge.store.items import Items
from calbridge.store.journal import Audit, Logs
from calbridge.store.leases import Lease, acquire, release
from calbridge.store.memories import Memories
from calbridge.store.notices import Notices
from calbridge.store.page_places import read_integration
from calbridge.store.revocations import Revocations
from calbridge.store.runs import Runs
from calbridge.store.secrets import SecretBox
from calbridge.store.sweep import Sweep
from calbridge.store.tenants import Tenants, TenantSettings
from calbridge.store.users import Users
from calbridge.store.watches import Heeded, Watches, look_up
from calbridge.store.webhooks import Webhooks
from calbridge.sync.memory import Integration


class Work:
    """One transaction in one tenant; everything it reaches belongs to that tenant."""

    def __init__(
        self, connection: Connection, tenant: str, keys: KeyMaker, secrets: SecretBox, clock: Callable[[], datetime]
    ) -> None:
        self.connection = connection
        self.tenant = tenant
        self.keys = keys
        self.now = clock()
        self._secrets = secrets
        self._changes = Changes(connection, tenant, self.now)

    def finish(self) -> None:
        """Store what must be stored last (SYNC E2); :meth:`calbridge.store.Database.write` calls it."""
        self._changes.finish()

    def alone(self) -> AbstractContextManager[None]:
        """A part of this unit of work that is undone by itself where it raises."""
        return self._changes.alone()

    def raise_due(self, *integration_ids: str) -> None:
        """These integrations have something to do (SYNC D1)."""
        self._changes.raise_due(integration_ids)

    @property
    def raised(self) -> tuple[Raised, ...]:
        """The integrations that this unit of work gave something to do; known when it is stored."""
        return tuple(self._changes.raised)

    def happened(self, type: str, user_id: str, integration_id: str, **facts: Any) -> None:
        """Something happened to an integration that webhooks may want to know: a type of :mod:`.announcing`."""
        self._changes.happened(type, user_id, integration_id, facts)

    @property
    def announced(self) -> bool:
        """Whether webhooks have something to deliver; known when it is stored."""
        return self._changes.announced

    def take_lease(self, integration_id: str, owner: str, seconds: float, taken: int = 0) -> Lease | None:
        """The integration's lease, taken in this transaction; None where another run holds it (SYNC D1).

        ``taken``: the last trigger that the run knows of.
        """
        return acquire(self.connection, self.tenant, integration_id, owner, seconds, taken)

    def release_lease(self, lease: Lease) -> None:
        """Give a lease back in this transaction."""
        release(self.connection, lease)

    def state_of(self, integration_id: str) -> Integration:
        """An integration as a run sees it. :raises Refused: ``integration_not_found``."""
        return read_integration(self.connection, self.tenant, integration_id)

    def changes_after(
        self, seq: int, limit: int, user_id: str | None = None, but_key: str | None = None
    ) -> list[Change]:
        """The change feed after a place, in order; without what ``but_key`` wrote (SYNC E3)."""
        return changes_after(self.connection, self.tenant, seq, limit, user_id, but_key)

    @cached_property
    def settings(self) -> TenantSettings:
        """The tenant's own name, settings and epoch."""
        return TenantSettings(self.connection, self.tenant)

    @cached_property
    def users(self) -> Users:
        """Users."""
        return Users(self.connection, self.tenant, self.now)

    @cached_property
    def accounts(self) -> Accounts:
        """Accounts with their secrets and outages."""
        return Accounts(self.connection, self.tenant, self._secrets, self.now)

    @cached_property
    def authorizations(self) -> Authorizations:
        """Sign-ins under way."""
        return Authorizations(self.connection, self.tenant, self._secrets, self.now)

    @cached_property
    def revocations(self) -> Revocations:
        """Grants to end at their services."""
        return Revocations(self.connection, self.tenant, self._secrets, self.now)

    @cached_property
    def connector_states(self) -> ConnectorStates:
        """What connectors keep for accounts."""
        return ConnectorStates(self.connection, self.tenant)

    @cached_property
    def integrations(self) -> Integrations:
        """Integrations."""
        return Integrations(self.connection, self.tenant, self.now)

    @cached_property
    def items(self) -> Items:
        """My Calendar."""
        return Items(self.connection, self.tenant, self.keys, self._changes, self.now)

    @cached_property
    def memories(self) -> Memories:
        """Links and known rows, to be looked at and decided by a person."""
        return Memories(self.connection, self.tenant)

    @cached_property
    def runs(self) -> Runs:
        """Runs."""
        return Runs(self.connection, self.tenant, self.now)

    @cached_property
    def logs(self) -> Logs:
        """Lines of the runs."""
        return Logs(self.connection, self.tenant)

    @cached_property
    def audit(self) -> Audit:
        """What happened to keys and settings; append-only."""
        return Audit(self.connection, self.tenant, self.now)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """Keys of programs that call the API for this tenant."""
        return ApiKeys(self.connection, self.tenant, self.now)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhooks with their secrets."""
        return Webhooks(self.connection, self.tenant, self._secrets, self.now)

    @cached_property
    def watches(self) -> Watches:
        """Push subscriptions."""
        return Watches(self.connection, self.tenant, self._secrets, self.now)

    @cached_property
    def notices(self) -> Notices:
        """Mails to administrators."""
        return Notices(self.connection, self.tenant, self.now)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What webhooks are told."""
        return Deliveries(self.connection, self.tenant, self.now)

    @cached_property
    def grants(self) -> Grants:
        """Private hosts that the tenant may reach."""
        return Grants(self.connection, self.tenant, self.now)

    @cached_property
    def checks(self) -> Checks:
        """How often credentials were checked."""
        return Checks(self.connection, self.tenant, self.now)


class System:
    """One transaction across tenants: tenants themselves, and the sweep."""

    def __init__(self, connection: Connection, secrets: SecretBox, clock: Callable[[], datetime]) -> None:
        self.connection = connection
        self.now = clock()
        self.secrets = secrets

    @cached_property
    def tenants(self) -> Tenants:
        """All tenants."""
        return Tenants(self.connection, self.now)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """The platform's own keys."""
        return ApiKeys(self.connection, None, self.now)

    def key_of(self, prefix: str, *, platform: bool) -> ApiKey | None:
        """The key that somebody presents: of the platform, or of any tenant."""
        return find_key(self.connection, prefix, platform=platform)

    def authorization_of(self, state: str) -> tuple[str, str] | None:
        """Tenant and id of the sign-in that a browser brings back."""
        return find_authorization(self.connection, state)

    def watch_of(self, connector: str, address_id: str) -> Heeded | None:
        """The subscription that a notice names, of any tenant; the last part of its address is stored nowhere."""
        return look_up(self.connection, self.secrets, connector, address_id)

    @cached_property
    def heartbeats(self) -> Heartbeats:
        """Signs of life of processes."""
        return Heartbeats(self.connection)

    @cached_property
    def sweep(self) -> Sweep:
        """What is due."""
        return Sweep(self.connection, self.now)
