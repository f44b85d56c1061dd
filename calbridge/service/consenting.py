"""The end of a sign-in at a service's own page: the browser comes back, and somebody says who is connected to whom.

Nothing of the integration changes before that word; from then on it is the account's, with all that is linked.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from calbridge.connectors.contract import Owner
from calbridge.errors import CalbridgeError, PermissionMissing, Refused, SignInRequired, Unavailable
from calbridge.log import get_logger
from calbridge.service.accounts import after_sign_in, connect
from calbridge.service.authorizing import (
    LIFETIME,
    People,
    callback,
    find_mine,
    people_of,
    signing,
)
from calbridge.service.leasing import leased, leased_store
from calbridge.service.opening import opened
from calbridge.service.outages import end_outage
from calbridge.service.parts import Parts
from calbridge.service.revoking import end_grant, let_go
from calbridge.service.telling import CALENDAR_GONE
from calbridge.service.watching import end_watches
from calbridge.store.accounts import StoredAccount
from calbridge.store.authorizations import ASKED, Authorization, secret_digest
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work
from calbridge.sync.change_calendar import leave_unread

PASSING = frozenset({"server_error", "temporarily_unavailable"})
"""Errors of RFC 6749, 4.1.2.1 that time mends."""
DENIED = "access_denied"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """Whose account (``address``) shall be connected to whom; ``confirmation`` goes with the answer, once.

    ``other``: it is not the account that is connected until now, so what is linked now will be closed.
    """

    people: People
    address: str
    confirmation: str
    other: bool
    return_to: str | None


@dataclass(frozen=True, slots=True)
class Connected:
    """It is stored."""

    people: People
    address: str
    return_to: str | None


def come_back(parts: Parts, state: str, cookies: Mapping[str, str], *, code: str | None, error: str | None) -> None:
    """The service sent the browser back with a code, or with what went wrong; each state leads on once.

    What follows is :func:`question`. Raises Refused (``sign_in_expired``, ``sign_in_elsewhere``, ``sign_in_denied``,
    ``another_account``), ConnectorError: the integration tells why it is not connected.
    """
    tenant, begun = find_mine(parts, state, cookies)
    with parts.database.write(tenant) as work:
        verifier = work.authorizations.take(begun.id)
    if verifier is None:
        raise Refused(code="sign_in_expired")
    try:
        if error:
            raise _refusal(error)
        account, secret = _granted(parts, tenant, begun, code or "", verifier)
        _ask(parts, tenant, begun, account, secret)
    except CalbridgeError as failed:
        _failed(parts, tenant, begun, failed.code)
        raise


def _refusal(error: str) -> CalbridgeError:
    if error == DENIED:
        return Refused(code="sign_in_denied")
    if error in PASSING:
        return Unavailable("the sign-in page said so", reason=error)
    return PermissionMissing("the sign-in page said so", code="app_not_registered", reason=error[:60])


def _granted(parts: Parts, tenant: str, begun: Authorization, code: str, verifier: str) -> tuple[StoredAccount, str]:
    """Whose account it is, and its secret. Raises Refused (``sign_in_expired``), ConnectorError."""
    with parts.database.read(tenant) as work:
        former = _former(work, begun)
    account, secret = former or (StoredAccount(begun.id, begun.service, ""), None)
    try:
        with opened(parts, tenant, account, secret or "") as connector:
            fresh = [signing(connector).exchange(code, callback(parts), verifier)]
    except SignInRequired as refused:
        # The code, not the account's secret.
        raise Refused(code="sign_in_expired") from refused
    nobody = StoredAccount(begun.id, begun.service, "")
    with opened(parts, tenant, nobody, fresh[0], keep=fresh.append) as connector:
        owner = connector.check()
    return _account(begun, owner), fresh[-1]


def _former(work: Work, begun: Authorization) -> tuple[StoredAccount, str | None] | None:
    """The account that may lend its lasting token: that of the integration, or the only one that the user has there.

    One whose secret was refused for certain has none to lend.
    """
    account_id = work.integrations.require(begun.integration_id).account_id
    if account_id is None:
        there = [each for each in work.accounts.list(begun.user_id) if each.service == begun.service]
        account_id = there[0].id if len(there) == 1 else None
    found = work.accounts.with_secret(account_id) if account_id else None
    return None if found is None or found[0].refused else found


def _account(begun: Authorization, owner: Owner) -> StoredAccount:
    known = replace(begun, owner_id=owner.id, owner_address=owner.address or None, own_addresses=owner.own_addresses)
    return replace(known, facts=dict(owner.facts)).account(begun.id)


def _ask(parts: Parts, tenant: str, begun: Authorization, account: StoredAccount, secret: str) -> None:
    asked = replace(
        begun,
        expires_at=parts.clock.now() + LIFETIME,
        owner_id=account.owner_id,
        owner_address=account.owner_address,
        own_addresses=account.own_addresses,
        facts=account.facts,
    )
    with parts.database.write(tenant) as work:
        integration = work.integrations.require(begun.integration_id)
        allowed = begun.relink or integration.calendar_id is None or not _is_other(work, integration, asked)
        if allowed:
            work.authorizations.ask(asked, secret)
        else:
            end_grant(parts, work, account, secret)
    if not allowed:
        raise Refused(code="another_account", integration=begun.integration_id)


def question(parts: Parts, state: str, cookies: Mapping[str, str]) -> Question:
    """What is to be asked before anything is stored; the last one that was shown can be answered.

    Raises Refused (``sign_in_expired``, ``sign_in_elsewhere``, ``malformed_request``: nobody came back yet).
    """
    tenant, asked = find_mine(parts, state, cookies)
    if asked.stage != ASKED:
        raise Refused("neither a code nor an error", code="malformed_request")
    confirmation = secrets.token_urlsafe(32)
    with parts.database.write(tenant) as work:
        work.authorizations.expect(asked.id, secret_digest(confirmation))
        integration = work.integrations.require(asked.integration_id)
        other = integration.calendar_id is not None and _is_other(work, integration, asked)
        people = people_of(parts, work, asked)
    return Question(people, asked.account("").username, confirmation, other, asked.return_to)


def _is_other(work: Work, integration: StoredIntegration, asked: Authorization) -> bool:
    before = work.accounts.get(integration.account_id) if integration.account_id else None
    return before is not None and before.owner_id not in (None, asked.owner_id)


def _failed(parts: Parts, tenant: str, begun: Authorization, code: str) -> None:
    """It is over; an integration that is not connected tells why."""
    log.info("sign_in_failed", integration=begun.integration_id, code=code)
    with parts.database.write(tenant) as work:
        work.authorizations.end(begun.id)
        integration = work.integrations.get(begun.integration_id)
        waits = integration is not None and integration.status in ("setup", "not_connected")
        if integration is not None and waits and integration.reason != CALENDAR_GONE:
            work.integrations.save(integration.id, reason=code)
        work.audit.add(begun.begun_by, "sign_in_failed", integration=begun.integration_id, code=code)


def answer(parts: Parts, state: str, cookies: Mapping[str, str], confirmation: str, *, connects: bool) -> Connected:
    """Somebody's word on the question; with it the account is stored, the integration connected and due.

    Raises Refused (``sign_in_expired``, ``sign_in_elsewhere``, ``sign_in_denied`` where the word is no,
    ``another_account``, ``integration_running``: ask again).
    """
    tenant, asked = find_mine(parts, state, cookies)
    fits = hmac.compare_digest(asked.confirmation or "", secret_digest(confirmation))
    if asked.stage != ASKED or not fits:
        raise Refused(code="sign_in_expired")
    if not connects:
        _decline(parts, tenant, asked)
        raise Refused(code="sign_in_denied")
    with parts.database.read(tenant) as work:
        people = people_of(parts, work, asked)
        before = work.integrations.require(asked.integration_id)
        leaving = before.calendar_id is not None and _is_other(work, before, asked)
    with ExitStack() as stack:
        if leaving:
            _leave(parts, tenant, before, stack)
            end_watches(parts, tenant, before.id)
        told = _store(parts, tenant, asked, leaving=leaving)
    after_sign_in(parts, tenant, before, told=told)
    return Connected(people, asked.account("").username, asked.return_to)


def _decline(parts: Parts, tenant: str, asked: Authorization) -> None:
    with parts.database.write(tenant) as work:
        secret = work.authorizations.finish(asked.id)
        if secret is not None:
            end_grant(parts, work, asked.account(asked.id), secret)
    _failed(parts, tenant, asked, "sign_in_denied")


def _leave(parts: Parts, tenant: str, integration: StoredIntegration, stack: ExitStack) -> None:
    """The lease is held until all is stored, and what was linked is closed; nothing is deleted on either side."""
    lease = stack.enter_context(leased(parts, tenant, integration.id))
    with parts.database.read(tenant) as work:
        keys = work.keys
        account = work.accounts.get(integration.account_id or "")
    assert account is not None
    with opened(parts, tenant, account, "") as connector:
        leave_unread(connector, leased_store(parts, lease), parts.clock, keys)


def _store(parts: Parts, tenant: str, asked: Authorization, *, leaving: bool) -> bool:
    """All at once, for the one caller that comes first; whether people had been told of an outage that is over."""
    with parts.database.write(tenant) as work:
        secret = work.authorizations.finish(asked.id)
        if secret is None:
            raise Refused(code="sign_in_expired")
        # Two sign-ins of one person at a time are to find one account, not to make two.
        work.users.get(asked.user_id, lock=True)
        integration = work.integrations.require(asked.integration_id, lock=True)
        if _is_other(work, integration, asked) and integration.calendar_id is not None and not leaving:
            raise Refused(code="another_account", integration=integration.id)
        account, known = _place(work, asked, integration)
        told = known and end_outage(work, replace(integration, account_id=account.id))
        if known:
            work.accounts.save(account)
        else:
            work.accounts.add(account, None)
        work.accounts.save_secret(account.id, secret)
        _link(work, integration, account.id, leaving=leaving)
        connect(work, account.id)
        if integration.account_id not in (None, account.id):
            let_go(parts, work, integration.account_id or "")
        act = "account_changed" if integration.account_id else "account_added"
        work.audit.add(asked.begun_by, act, integration=integration.id, username=account.username)
    parts.dispatch(tenant, work)
    return told


def _place(work: Work, asked: Authorization, integration: StoredIntegration) -> tuple[StoredAccount, bool]:
    """The account as it is to be stored, and whether it is there already: one row per person and service."""
    mine = [each for each in work.accounts.list(asked.user_id) if each.service == asked.service]
    same = [each for each in mine if each.owner_id == asked.owner_id]
    chosen = next((each for each in same if each.id == integration.account_id), same[0] if same else None)
    if chosen is None:
        return asked.account(work.keys.new_id()), False
    return asked.account(chosen.id), True


def _link(work: Work, integration: StoredIntegration, account_id: str, *, leaving: bool) -> None:
    nothing = {"calendar_id": None, "calendar_name": None, "calendar_zone": None, "active": False, "status": "setup"}
    work.integrations.save(integration.id, account_id=account_id, **(nothing if leaving else {}))
