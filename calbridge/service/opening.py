"""Connectors opened for an account, with a transport of their own, and closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from calbridge.connectors.contract import Account, Connector
from calbridge.connectors.transport import Request
from calbridge.errors import Refused
from calbridge.service.budgets import paced
from calbridge.service.parts import Parts
from calbridge.service.storage import AccountStorage
from calbridge.store.accounts import StoredAccount
from calbridge.store.work import Work


@contextmanager
def opened(
    parts: Parts,
    tenant: str,
    account: StoredAccount,
    secret: str,
    before_request: Callable[[Request], None] | None = None,
    *,
    keep: Callable[[str], None] | None = None,
) -> Iterator[Connector]:
    """A connector; sends nothing by itself. ``keep`` takes secrets that the service renews; by default they are stored.

    Raises Refused (``service_unknown``, ``connector_broken``).
    """
    spec = parts.registry.spec_for(account.service)
    given = Account(
        service=account.service,
        url=account.url,
        username=account.username,
        secret=secret,
        facts=account.facts,
        own_addresses=account.own_addresses,
        settings=parts.connector_settings.get(spec.name, {}),
        keep_secret=keep or _Keeper(parts, tenant, account.id, secret),
    )
    before = paced(parts, spec, account, before_request)
    with parts.transport_factory(tenant, before, parts.vendor_seconds) as transport:
        storage = AccountStorage(parts.database, tenant, account.id) if spec.storage else None
        connector = parts.registry.open(account.service, given, transport, storage)
        try:
            yield connector
        finally:
            connector.close()


class _Keeper:
    """Stores the secrets that a service renews while a connector is open, each in place of the one before (C11)."""

    def __init__(self, parts: Parts, tenant: str, account_id: str, secret: str) -> None:
        self._parts = parts
        self._tenant = tenant
        self._account_id = account_id
        self._last = secret

    def __call__(self, secret: str) -> None:
        """Nothing is stored where somebody signed in anew meanwhile, or where the account is not stored (yet)."""
        with self._parts.database.write(self._tenant) as work:
            if work.accounts.renew_secret(self._account_id, self._last, secret):
                self._last = secret


def usable_account(work: Work, account_id: str | None) -> tuple[StoredAccount, str]:
    """An account that may be used, with its secret.

    A secret that the service refused for certain is tried again by nobody (C5). Raises Refused (``not_connected``),
    SecretUnreadable.
    """
    found = work.accounts.with_secret(account_id) if account_id else None
    if found is None:
        raise Refused(code="not_connected")
    account, secret = found
    if secret is None or account.refused:
        raise Refused(code="not_connected")
    return account, secret
