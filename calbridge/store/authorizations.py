"""Sign-ins under way at the services' own pages: from the first address to the word of whoever sits there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, select, update

from calbridge.store.accounts import StoredAccount
from calbridge.store.secrets import SecretBox
from calbridge.store.tables import accounts, authorizations

BEGUN, TAKEN, ASKED = "begun", "taken", "asked"
"""Stages: an address was given out; the service's answer came and is worked on; somebody is asked to confirm."""
MOST_OPEN = 10
"""Sign-ins under way of one integration; the oldest one gives way."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A sign-in that is under way, without its secrets.

    ``browser`` and ``confirmation`` are digests: of the cookie of the browser it belongs to, and of the token that goes
    with the last question. ``begun_by`` is who asked for it, as the audit tells it. ``owner_*``, ``own_addresses`` and
    ``facts`` are known from the stage ``asked`` on.
    """

    id: str
    integration_id: str
    user_id: str
    service: str
    expires_at: datetime
    return_to: str | None = None
    relink: bool = False
    stage: str = BEGUN
    begun_by: str = ""
    browser: str | None = None
    confirmation: str | None = None
    owner_id: str | None = None
    owner_address: str | None = None
    own_addresses: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)

    def account(self, account_id: str) -> StoredAccount:
        """The account that was signed in to, as it may be stored under this id."""
        return StoredAccount(
            account_id,
            self.service,
            self.owner_address or self.owner_id or "",
            user_id=self.user_id,
            facts=self.facts,
            owner_id=self.owner_id,
            owner_address=self.owner_address,
            own_addresses=self.own_addresses,
        )


_SAME = tuple(each.name for each in fields(Authorization) if each.name != "own_addresses")


def secret_digest(secret: str) -> str:
    """What is kept of a random secret, and what it is looked for by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Authorizations:
    """The sign-ins under way of one tenant. What is over or expired is not there."""

    def __init__(self, connection: Connection, tenant: str, secrets: SecretBox, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._secrets = secrets
        self._now = now

    def add(self, begun: Authorization, state: str, verifier: str) -> None:
        """Store a new one; of ``state`` only the digest."""
        row = {name: getattr(begun, name) for name in _SAME}
        sealed = self._secrets.seal(verifier, *self._place(begun.id, "verifier"))
        kept = {"tenant_id": self._tenant, "digest": secret_digest(state), "verifier": sealed, "created_at": self._now}
        self._connection.execute(insert(authorizations).values(row | kept | {"own_addresses": [], "facts": {}}))
        self._keep_few(begun.integration_id)

    def get(self, authorization_id: str) -> Authorization | None:
        """One that is under way."""
        here = (*self._here(authorization_id), authorizations.c.expires_at > self._now)
        row = self._connection.execute(select(authorizations).where(*here)).one_or_none()
        return None if row is None else _authorization(row)

    def bind(self, authorization_id: str, browser: str) -> str | None:
        """From now on it belongs to the browser whose cookie has this digest; the verifier, or None if it is too late.

        :raises SecretUnreadable: no key opens it.
        """
        return self._at_first(authorization_id, {"browser": browser})

    def take(self, authorization_id: str) -> str | None:
        """The verifier, for the one caller that may use it; None for all others. :raises SecretUnreadable: as above."""
        return self._at_first(authorization_id, {"stage": TAKEN})

    def ask(self, asked: Authorization, secret: str) -> None:
        """The account's secret is there: what is left is somebody's word."""
        values = {name: getattr(asked, name) for name in ("owner_id", "owner_address", "expires_at")}
        values |= {"own_addresses": sorted(asked.own_addresses), "facts": dict(asked.facts), "stage": ASKED}
        self._update(asked.id, values | {"secret": self._secrets.seal(secret, *self._place(asked.id, "secret"))})

    def expect(self, authorization_id: str, confirmation: str) -> None:
        """The answer to the question comes with what has this digest."""
        self._update(authorization_id, {"confirmation": confirmation})

    def finish(self, authorization_id: str) -> str | None:
        """It is over: the account's secret, for the one caller that ends it; None for all others, and where none came.

        :raises SecretUnreadable: no key opens it.
        """
        ended = delete(authorizations).where(*self._here(authorization_id)).returning(authorizations.c.secret)
        sealed = self._connection.scalar(ended)
        return None if sealed is None else self._secrets.open(sealed, *self._place(authorization_id, "secret"))

    def end(self, authorization_id: str) -> bool:
        """It is over, whatever came of it; whether it was not before."""
        return self._connection.execute(delete(authorizations).where(*self._here(authorization_id))).rowcount == 1

    def lapsed(self) -> Sequence[Authorization]:
        """Those whose last question nobody answered in time."""
        return self._asked(authorizations.c.expires_at <= self._now)

    def unanswered(self, *, user_id: str | None = None, integration_id: str | None = None) -> Sequence[Authorization]:
        """Those whose last question was not answered: of an integration, of a user, or all."""
        asked = {"user_id": user_id, "integration_id": integration_id}
        return self._asked(*(authorizations.c[name] == value for name, value in asked.items() if value is not None))

    def _asked(self, *conditions: ColumnElement[bool]) -> Sequence[Authorization]:
        mine = (authorizations.c.tenant_id == self._tenant, authorizations.c.stage == ASKED)
        rows = self._connection.execute(select(authorizations).where(*mine, *conditions))
        return [_authorization(row) for row in rows]

    def _at_first(self, authorization_id: str, values: Mapping[str, Any]) -> str | None:
        here = (*self._here(authorization_id), authorizations.c.stage == BEGUN)
        if self._connection.execute(update(authorizations).where(*here).values(dict(values))).rowcount != 1:
            return None
        sealed = self._connection.scalar(select(authorizations.c.verifier).where(*self._here(authorization_id)))
        return self._secrets.open(str(sealed), *self._place(authorization_id, "verifier"))

    def _keep_few(self, integration_id: str) -> None:
        mine = (authorizations.c.tenant_id == self._tenant, authorizations.c.integration_id == integration_id)
        newest = select(authorizations.c.id).where(*mine)
        newest = newest.order_by(authorizations.c.created_at.desc(), authorizations.c.id).limit(MOST_OPEN)
        kept = list(self._connection.scalars(newest))
        older = (authorizations.c.id.not_in(kept), authorizations.c.stage == BEGUN)
        self._connection.execute(delete(authorizations).where(*mine, *older))

    def _update(self, authorization_id: str, values: Mapping[str, Any]) -> None:
        self._connection.execute(update(authorizations).where(*self._here(authorization_id)).values(dict(values)))

    def _here(self, authorization_id: str) -> tuple[ColumnElement[bool], ...]:
        return (authorizations.c.tenant_id == self._tenant, authorizations.c.id == authorization_id)

    def _place(self, authorization_id: str, column: str) -> tuple[str, str, str, str]:
        return (self._tenant, "authorizations", authorization_id, column)


def find_authorization(connection: Connection, state: str) -> tuple[str, str] | None:
    """Tenant and id of the sign-in that this state belongs to, whoever's it is: a browser brings nothing else."""
    query = select(authorizations.c.tenant_id, authorizations.c.id)
    row = connection.execute(query.where(authorizations.c.digest == secret_digest(state))).one_or_none()
    return None if row is None else (row.tenant_id, row.id)


def tenants_with_lapsed(connection: Connection, now: datetime) -> list[str]:
    """Tenants in which nobody answered a last question in time."""
    lapsed = and_(authorizations.c.stage == ASKED, authorizations.c.expires_at <= now)
    return list(connection.scalars(select(authorizations.c.tenant_id).where(lapsed).distinct()))


def held_anywhere(connection: Connection, services: Sequence[str], owner_id: str, now: datetime) -> bool:
    """Whether anybody's account, or a sign-in under way, holds a secret of this person at these services.

    Over all tenants: at the service they are one and the same.
    """
    account = exists().where(
        accounts.c.service.in_(services), accounts.c.owner_id == owner_id, accounts.c.secret.is_not(None)
    )
    asked = exists().where(
        authorizations.c.service.in_(services),
        authorizations.c.owner_id == owner_id,
        authorizations.c.expires_at > now,
    )
    return bool(connection.scalar(select(account | asked)))


def _authorization(row: Any) -> Authorization:
    same = {name: getattr(row, name) for name in _SAME}
    return Authorization(**same, own_addresses=frozenset(row.own_addresses))
