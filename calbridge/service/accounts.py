"""Accounts: credentials that are checked at the service before they are stored (DESIGN: Security)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from calbridge.connectors.contract import OAUTH, Owner
from calbridge.errors import Refused, SignInRequired
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import came_back, end_outage
from calbridge.service.parts import Parts
from calbridge.service.recoveries import probe
from calbridge.service.telling import CALENDAR_GONE, put_back
from calbridge.service.values import invalid, mapping, text
from calbridge.service.views_accounts import AccountView
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody signs in with."""

    url: str | None
    username: str
    password: str = field(repr=False)


def read_credentials(parts: Parts, service: str, account: Mapping[str, object]) -> Credentials:
    """``{url?, username, password}``.

    Raises Refused (``service_unknown``, ``sign_in_page_needed``, ``invalid_value``).
    """
    spec = parts.registry.spec_for(service)
    offered = next(each for each in spec.services if each.name == service)
    if spec.authentication == OAUTH:
        raise Refused(code="sign_in_page_needed", service=service)
    body = mapping(account, "account", {"url", "username", "password"})
    url = body.get("url")
    if offered.needs_url and not url:
        raise invalid("account.url", "is needed for this service")
    for name in ("username", "password"):
        if not body.get(name):
            raise invalid(f"account.{name}", "is needed")
    return Credentials(
        _address(url) if url else None,
        text(body["username"], "account.username", 320).strip(),
        text(body["password"], "account.password", 1000),
    )


def _address(url: object) -> str:
    told = text(url, "account.url", 2000).strip()
    try:
        parts = urlsplit(told if "://" in told else f"https://{told}")
    except ValueError:
        raise invalid("account.url", "must be an address such as https://dav.example.com/") from None
    if parts.username or parts.password:
        raise invalid("account.url", "must hold no password")
    return told


def sign_in(parts: Parts, tenant: str, user_id: str, account: StoredAccount, password: str) -> StoredAccount:
    """Prove the credentials at the service; the account with what was learned. Nothing is stored but the count.

    Raises Refused (``too_many_checks``), ConnectorError.
    """
    claim_check(parts, tenant, user_id, account)
    with opened(parts, tenant, account, password) as connector:
        owner = connector.check()
    return with_owner(account, owner)


def claim_check(parts: Parts, tenant: str, user_id: str, account: StoredAccount) -> None:
    """Count one check of credentials. Raises Refused (``too_many_checks``): 5 in 15 minutes per user and per place."""
    place = urlsplit(account.url).netloc if account.url else account.service
    with parts.database.write(tenant) as work:
        if not work.checks.claim(f"user:{user_id}", f"place:{place.lower()}:{account.username.lower()}"):
            raise Refused(code="too_many_checks")


def with_owner(account: StoredAccount, owner: Owner) -> StoredAccount:
    """The account with what its service told of it."""
    return replace(
        account,
        facts=dict(owner.facts),
        owner_id=owner.id,
        owner_address=owner.address,
        own_addresses=owner.own_addresses,
    )


def put_account(parts: Parts, tenant: str, integration_id: str, account: Mapping[str, object]) -> AccountView:
    """Sign in anew, perhaps as somebody else; the integration is connected afterwards.

    Raises Refused (``integration_not_found``, ``sign_in_page_needed``, ``invalid_value``, ``too_many_checks``,
    ``another_account``),
    ConnectorError: nothing was stored.
    """
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        before = work.accounts.get(integration.account_id) if integration.account_id else None
        fresh_id = work.keys.new_id()
    given = read_credentials(parts, integration.service, account)
    if before is None:
        fresh = StoredAccount(fresh_id, integration.service, given.username, user_id=integration.user_id, url=given.url)
        return _first_account(parts, tenant, integration_id, fresh, given.password)
    wanted = replace(before, url=given.url, username=given.username, facts={}, own_addresses=frozenset())
    checked = sign_in(parts, tenant, integration.user_id, wanted, given.password)
    if integration.calendar_id and before.owner_id and checked.owner_id != before.owner_id:
        # Its events live in the calendar of somebody else: a new integration is needed for that.
        raise Refused(code="another_account", integration=integration_id)
    with parts.database.write(tenant) as work:
        told = end_outage(work, work.integrations.require(integration_id))
        stored = replace(checked, failing_since=None, told_at=None, tries=0, not_before=None, refused=False)
        work.accounts.save(stored)
        work.accounts.save_secret(before.id, given.password)
        work.audit.add(str(parts.actor), "account_changed", integration=integration_id, username=given.username)
        connect(work, before.id)
    parts.dispatch(tenant, work)
    after_sign_in(parts, tenant, integration, told=told)
    return view(parts, tenant, before.id)


def check_account(parts: Parts, tenant: str, integration_id: str) -> AccountView:
    """Prove the stored credentials once more, and connect again what an outage had cut off.

    Raises Refused (``integration_not_found``, ``not_connected``, ``too_many_checks``), ConnectorError.
    """
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        account, secret = usable_account(work, integration.account_id)
    try:
        checked = sign_in(parts, tenant, integration.user_id, account, secret)
    except SignInRequired as error:
        with parts.database.write(tenant) as work:
            work.accounts.refuse(account.id, confirmed=error.confirmed)
        raise
    with parts.database.write(tenant) as work:
        told = end_outage(work, work.integrations.require(integration_id))
        work.accounts.save(replace(checked, failing_since=None, told_at=None, tries=0, not_before=None))
        connect(work, account.id)
    parts.dispatch(tenant, work)
    after_sign_in(parts, tenant, integration, told=told)
    return view(parts, tenant, account.id)


def after_sign_in(parts: Parts, tenant: str, integration: StoredIntegration, *, told: bool) -> None:
    """What is left to do when it is stored. ``integration`` is as it was before; ``told``: its outage had been told."""
    if told:
        came_back(parts, tenant, integration)
    if integration.reason == CALENDAR_GONE:
        probe(parts, tenant, integration.id)


def _first_account(parts: Parts, tenant: str, integration_id: str, fresh: StoredAccount, password: str) -> AccountView:
    """The second step of a wizard: somebody signs in, perhaps to an account that the user has here already."""
    checked = sign_in(parts, tenant, fresh.user_id or "", fresh, password)
    with parts.database.write(tenant) as work:
        stored = store_account(work, checked, password)
        work.integrations.save(integration_id, account_id=stored.id)
        work.audit.add(str(parts.actor), "account_added", integration=integration_id, username=checked.username)
    return view(parts, tenant, stored.id)


def store_account(work: Work, checked: StoredAccount, password: str) -> StoredAccount:
    """One row per identity, so that one outage is one outage and a calendar can't be linked twice."""
    for each in work.accounts.list(checked.user_id):
        if (each.service, each.url, each.username) == (checked.service, checked.url, checked.username):
            # Its outage is not forgotten: whoever was told of it is told of its end.
            stored = replace(
                checked, id=each.id, failing_since=each.failing_since, told_at=each.told_at, tries=each.tries
            )
            work.accounts.save(stored)
            work.accounts.save_secret(each.id, password)
            return stored
    work.accounts.add(checked, password)
    return checked


def connect(work: Work, account_id: str) -> None:
    """Integrations of an account that works: connected where they have a calendar, and due; not those whose calendar
    is gone."""
    for each in work.integrations.list(account_id=account_id, limit=10_000):
        if each.status != "deleting" and each.reason != CALENDAR_GONE:
            put_back(work, each)
            work.raise_due(each.id)


def view(parts: Parts, tenant: str, account_id: str) -> AccountView:
    """An account as it is shown."""
    with parts.database.read(tenant) as work:
        account = work.accounts.get(account_id)
    if account is None:
        raise Refused(code="not_connected")
    return AccountView(account.service, account.url, account.username, account.owner_address, account.has_secret)
