"""Accounts: signed-in identities with their sealed secrets, their refusals (C5) and their outages (D12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, or_, select, update

from calbridge.errors import Refused
from calbridge.store.columns import from_micros, micros
from calbridge.store.connector_states import ConnectorStates
from calbridge.store.failures import unique
from calbridge.store.secrets import SecretBox
from calbridge.store.tables import accounts, integrations

UNCONFIRMED_MOST = 3
UNCONFIRMED_WINDOW = timedelta(hours=1)
"""An unconfirmed refusal may be tried again so often within this time (SYNC C5)."""


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account without its secret, which only :meth:`Accounts.secret` hands out.

    ``owner_*``: who it is at the service. ``not_before``: back-off of all its integrations. ``refused``: the secret was
    refused for certain and is never tried again. ``failing_since``, ``told_at``, ``tries``: the present outage.
    """

    id: str
    service: str
    username: str
    user_id: str | None = None
    url: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    owner_id: str | None = None
    owner_address: str | None = None
    own_addresses: frozenset[str] = frozenset()
    not_before: datetime | None = None
    refused: bool = False
    failing_since: datetime | None = None
    told_at: datetime | None = None
    tries: int = 0
    has_secret: bool = False


_SAME = tuple(each.name for each in fields(StoredAccount) if each.name not in {"own_addresses", "has_secret"})
_IDENTITY = ("service", "url", "username")

# Built once: every run asks them.
_GET = select(accounts).where(accounts.c.tenant_id == bindparam("b_tenant"), accounts.c.id == bindparam("b_id"))
_LOCK = _GET.with_for_update()
_IN_TROUBLE = select(
    or_(
        exists().where(
            accounts.c.tenant_id == bindparam("b_tenant"),
            accounts.c.id == bindparam("b_id"),
            or_(accounts.c.failing_since.is_not(None), accounts.c.not_before.is_not(None), accounts.c.tries > 0),
        ),
        exists().where(
            integrations.c.tenant_id == bindparam("b_tenant"),
            integrations.c.account_id == bindparam("b_id"),
            integrations.c.deleted_at.is_(None),
            integrations.c.reason.is_not(None),
        ),
    )
)


class Accounts:
    """The accounts of one tenant."""

    def __init__(self, connection: Connection, tenant: str, secrets: SecretBox, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._secrets = secrets
        self._now = now

    def add(self, account: StoredAccount, secret: str | None) -> None:
        """Store a new account. :raises Refused: ``already_exists``."""
        row = _row(account) | {"tenant_id": self._tenant, "created_at": self._now, "refusals": []}
        with unique("account"):
            self._connection.execute(insert(accounts).values(row | {"secret": self._sealed(account.id, secret)}))

    def get(self, account_id: str) -> StoredAccount | None:
        """One account."""
        row = self._connection.execute(_GET, self._bound(account_id)).one_or_none()
        return None if row is None else _account(row)

    def with_secret(self, account_id: str) -> tuple[StoredAccount, str | None] | None:
        """One account and its secret, if it has one. :raises SecretUnreadable: no key opens it."""
        row = self._connection.execute(_GET, self._bound(account_id)).one_or_none()
        return None if row is None else (_account(row), self._opened(account_id, row.secret))

    def with_secrets(self) -> list[str]:
        """Ids of all accounts that hold one."""
        here = (accounts.c.tenant_id == self._tenant, accounts.c.secret.is_not(None))
        return [*self._connection.scalars(select(accounts.c.id).where(*here).order_by(accounts.c.id))]

    def list(self, user_id: str | None) -> list[StoredAccount]:
        """A user's accounts, or the tenant's service accounts for None."""
        owned = accounts.c.user_id.is_(None) if user_id is None else accounts.c.user_id == user_id
        query = select(accounts).where(accounts.c.tenant_id == self._tenant, owned).order_by(accounts.c.id)
        return [_account(row) for row in self._connection.execute(query)]

    def save(self, account: StoredAccount) -> None:
        """Store a changed account; another service, URL or user name discards the secret (DESIGN 8) and
        what a connector kept."""
        before = self._required(account.id)
        values = _row(account)
        if any(getattr(before, name) != getattr(account, name) for name in _IDENTITY):
            values |= {"secret": None, "refused": False, "refusals": []}
            ConnectorStates(self._connection, self._tenant).forget(account.id)
        self._update(account.id, values)

    def save_secret(self, account_id: str, secret: str | None) -> None:
        """Store a new secret; the refusals of the former one are forgotten."""
        self._required(account_id)
        self._update(account_id, {"secret": self._sealed(account_id, secret), "refused": False, "refusals": []})

    def renew_secret(self, account_id: str, former: str, secret: str) -> bool:
        """Store a secret that the service renewed, if the former one is what is stored; whether it was.

        Refusals are remembered: a renewed secret stands for the same sign-in. :raises SecretUnreadable: see there.
        """
        if self._locked(account_id) is None or self.secret(account_id) != former:
            return False
        self._update(account_id, {"secret": self._sealed(account_id, secret)})
        return True

    def secret(self, account_id: str) -> str | None:
        """The secret; None where there is none. :raises SecretUnreadable: no key opens it."""
        sealed = self._connection.scalar(select(accounts.c.secret).where(*self._here(account_id)))
        return self._opened(account_id, sealed)

    def _opened(self, account_id: str, sealed: str | None) -> str | None:
        return None if sealed is None else self._secrets.open(sealed, *secret_place(self._tenant, account_id))

    def refuse(self, account_id: str, *, confirmed: bool) -> bool:
        """Remember that the service refused the secret; returns whether it may not be tried again (C5).

        An unconfirmed refusal becomes final with the third within an hour.
        """
        row = self._connection.execute(select(accounts.c.refusals).where(*self._here(account_id)).with_for_update())
        since = micros(self._now - UNCONFIRMED_WINDOW)
        recent = [moment for moment in row.scalar_one() if moment > since] + [micros(self._now)]
        final = confirmed or len(recent) >= UNCONFIRMED_MOST
        self._update(account_id, {"refusals": recent, "refused": final})
        return final

    def last_refusal(self, account_id: str) -> datetime | None:
        """When an unconfirmed or confirmed refusal was last met with this secret."""
        found = self._connection.scalar(select(accounts.c.refusals).where(*self._here(account_id)))
        return from_micros(max(found)) if found else None

    def hold(self, account_id: str, until: datetime) -> None:
        """Leave it alone until then; it is no failure."""
        self._update(account_id, {"not_before": until})

    def fail(self, account_id: str, not_before: datetime) -> StoredAccount:
        """An outage began or goes on: nothing is tried before that time."""
        before = self._required(account_id)
        values = {
            "failing_since": before.failing_since or self._now,
            "tries": before.tries + 1,
            "not_before": not_before,
        }
        self._update(account_id, values)
        return self._required(account_id)

    def told(self, account_id: str) -> bool:
        """Whether this call is the first to tell of the present outage: exactly one caller does (D12)."""
        claim = update(accounts).where(
            *self._here(account_id), accounts.c.failing_since.is_not(None), accounts.c.told_at.is_(None)
        )
        return self._connection.execute(claim.values(told_at=self._now)).rowcount == 1

    def in_trouble(self, account_id: str) -> bool:
        """Whether it fails or is left alone, or an integration of it has a reason for not being connected."""
        return bool(self._connection.execute(_IN_TROUBLE, self._bound(account_id)).scalar_one())

    def recover(self, account_id: str) -> datetime | None:
        """The outage is over; returns since when it was, where people had been told: so recovery is told once, too."""
        before = self._locked(account_id)
        if before is None or (before.failing_since is None and before.not_before is None and not before.tries):
            return None
        self._update(account_id, {"failing_since": None, "told_at": None, "tries": 0, "not_before": None})
        return before.failing_since if before.told_at is not None else None

    def _required(self, account_id: str) -> StoredAccount:
        found = self._locked(account_id)
        if found is None:
            raise Refused(code="not_connected", account=account_id)
        return found

    def _locked(self, account_id: str) -> StoredAccount | None:
        row = self._connection.execute(_LOCK, self._bound(account_id)).one_or_none()
        return None if row is None else _account(row)

    def _update(self, account_id: str, values: Mapping[str, Any]) -> None:
        self._connection.execute(update(accounts).where(*self._here(account_id)).values(dict(values)))

    def _bound(self, account_id: str) -> dict[str, str]:
        return {"b_tenant": self._tenant, "b_id": account_id}

    def _here(self, account_id: str) -> tuple[ColumnElement[bool], ...]:
        return (accounts.c.tenant_id == self._tenant, accounts.c.id == account_id)

    def _sealed(self, account_id: str, secret: str | None) -> str | None:
        return None if secret is None else self._secrets.seal(secret, *secret_place(self._tenant, account_id))


def secret_place(tenant: str, account_id: str) -> tuple[str, str, str, str]:
    """What a secret is bound to."""
    return (tenant, "accounts", account_id, "secret")


def _row(account: StoredAccount) -> dict[str, Any]:
    values = {name: getattr(account, name) for name in _SAME}
    return values | {"facts": dict(account.facts), "own_addresses": sorted(account.own_addresses)}


def _account(row: Any) -> StoredAccount:
    same = {name: getattr(row, name) for name in _SAME}
    return StoredAccount(**same, own_addresses=frozenset(row.own_addresses), has_secret=row.secret is not None)
