"""Grants that nobody uses any more: ended at their service, too, as well as that can be done within a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from calbridge.connectors.contract import OAUTH, ConnectorSpec, SigningIn
from calbridge.connectors.transport import backoff
from calbridge.errors import ConnectorError, Refused, SecretUnreadable, SignInRequired
from calbridge.log import get_logger
from calbridge.service.opening import opened
from calbridge.service.parts import Parts
from calbridge.store.accounts import StoredAccount
from calbridge.store.authorizations import Authorization, held_anywhere, tenants_with_lapsed
from calbridge.store.revocations import Revocation, due_revocations
from calbridge.store.work import Work

GIVE_UP = timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds between tries."""

log = get_logger(__name__)


def let_go(parts: Parts, work: Work, account_id: str) -> None:
    """An account that no integration uses any more forgets its secret, and its grant is to be ended."""
    if not work.integrations.list(account_id=account_id, limit=1):
        end_account(parts, work, account_id)
        work.connector_states.forget(account_id)


def end_account(parts: Parts, work: Work, account_id: str) -> None:
    """An account forgets its secret, and its grant, if it has a living one, is to be ended."""
    try:
        found = work.accounts.with_secret(account_id)
    except SecretUnreadable as error:
        log.warning("grant_not_revoked", account=account_id, code=error.code)
        found = None
    if found is not None and found[1] is not None and not found[0].refused:
        end_grant(parts, work, found[0], found[1])
    work.accounts.save_secret(account_id, None)


def end_grant(parts: Parts, work: Work, account: StoredAccount, secret: str) -> None:
    """A grant is to be ended; ``account`` says whose it is and need not be stored. Passwords are only forgotten."""
    if any(each.authentication == OAUTH and account.service in _services(each) for each in parts.registry.specs):
        wanted = Revocation(
            work.keys.new_id(), account.service, account.username, account.owner_id, facts=dict(account.facts)
        )
        work.revocations.add(wanted, secret)


def end_unanswered(parts: Parts, work: Work, asked: Sequence[Authorization]) -> int:
    """Sign-ins whose last question nobody will answer are over, and their grants are to be ended; how many."""
    for each in asked:
        try:
            secret = work.authorizations.finish(each.id)
        except SecretUnreadable as error:
            log.warning("grant_not_revoked", tenant=work.tenant, code=error.code)
            continue
        if secret is not None:
            end_grant(parts, work, each.account(each.id), secret)
    return len(asked)


def revocations_due(parts: Parts, limit: int = 200) -> list[tuple[str, str]]:
    """Tenant and id of what is to be tried now. Raises DatabaseUnusable."""
    with parts.database.system_read() as system:
        return due_revocations(system.connection, system.now, limit)


def revoke(parts: Parts, tenant: str, revocation_id: str) -> bool:
    """Try to end one grant; whether it is over, ended or not.

    At the service a person has given one grant to this installation: it stays while any account here lives by it.
    What fails is tried again for a day. Raises DatabaseUnusable.
    """
    try:
        with parts.database.write(tenant) as work:
            claimed = work.revocations.claim(revocation_id, work.now + _pause(parts, 0))
    except SecretUnreadable as error:
        return _over(parts, tenant, revocation_id, error.code)
    if claimed is None:
        return False
    wanted, secret = claimed
    try:
        if not _still_used(parts, wanted):
            _revoke(parts, tenant, wanted, secret)
    except SignInRequired:
        pass  # It was dead already.
    except (ConnectorError, Refused) as error:
        if wanted.created_at is not None and parts.clock.now() - wanted.created_at >= GIVE_UP:
            return _over(parts, tenant, revocation_id, error.code)
        with parts.database.write(tenant) as work:
            work.revocations.put_off(revocation_id, work.now + _pause(parts, wanted.attempts))
        return False
    return _over(parts, tenant, revocation_id)


def lapse(parts: Parts) -> int:
    """Grants that were given and never confirmed are to be ended; how many. Raises DatabaseUnusable."""
    with parts.database.system_read() as system:
        tenants = tenants_with_lapsed(system.connection, system.now)
    ended = 0
    for tenant in tenants:
        with parts.database.write(tenant) as work:
            ended += end_unanswered(parts, work, work.authorizations.lapsed())
    return ended


def _services(spec: ConnectorSpec) -> list[str]:
    return [service.name for service in spec.services]


def _pause(parts: Parts, attempts: int) -> timedelta:
    return timedelta(seconds=backoff(attempts, base=FIRST_PAUSE, cap=LONGEST_PAUSE, random=parts.random.random))


def _still_used(parts: Parts, wanted: Revocation) -> bool:
    if wanted.owner_id is None:
        return False
    services = _services(parts.registry.spec_for(wanted.service))
    with parts.database.system_read() as system:
        return held_anywhere(system.connection, services, wanted.owner_id, system.now)


def _revoke(parts: Parts, tenant: str, wanted: Revocation, secret: str) -> None:
    account = StoredAccount(wanted.id, wanted.service, wanted.username, facts=wanted.facts, owner_id=wanted.owner_id)
    with opened(parts, tenant, account, secret) as connector:
        if isinstance(connector, SigningIn):
            connector.revoke()


def _over(parts: Parts, tenant: str, revocation_id: str, code: str | None = None) -> bool:
    with parts.database.write(tenant) as work:
        work.revocations.drop(revocation_id)
    if code is None:
        log.info("grant_let_go", tenant=tenant)
    else:
        log.warning("grant_not_revoked", tenant=tenant, code=code)
    return True
