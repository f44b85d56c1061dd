"""Failures of an account or service (SYNC D12): back-off, the retry window, and telling of it once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from calbridge.connectors.hookspecs import Failure
from calbridge.connectors.transport import backoff
from calbridge.domain.tenant_settings import RETRY_MINUTES
from calbridge.errors import (
    AddressRefused,
    CalbridgeError,
    CalendarGone,
    PermissionMissing,
    SignInRequired,
    Throttled,
)
from calbridge.log import get_logger
from calbridge.service.parts import Parts
from calbridge.service.telling import CALENDAR_GONE, cut_off, mail_outage, mail_recovery, put_back
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work

FIRST_PAUSE = 30.0
LONGEST_PAUSE = 15 * 60.0
"""Seconds between tries of a failing account."""
SIGN_IN_PAUSE = timedelta(minutes=5)
"""Before an unconfirmed refusal is tried again (C5)."""
LASTING = (AddressRefused, CalendarGone, PermissionMissing)
"""Failures that time does not mend: told at once."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outage:
    """What a failure led to: ``given_up``: the integration is not connected any more; ``tell``: nobody was told yet."""

    code: str
    given_up: bool
    tell: bool
    since: datetime


def went_wrong(parts: Parts, tenant: str, integration: StoredIntegration, error: Exception) -> Outage:
    """Remember a failure of a run; back-off for the account, and its integrations off once the window is over."""
    code = error.code if isinstance(error, CalbridgeError) else "internal_error"
    with parts.database.write(tenant) as work:
        outage = _remember(parts, work, integration, error, code)
    if outage.tell:
        _notify(parts, Failure(tenant, integration.id, integration.service, code, outage.since))
    return outage


def _remember(parts: Parts, work: Work, integration: StoredIntegration, error: Exception, code: str) -> Outage:
    account_id = integration.account_id or ""
    final = isinstance(error, SignInRequired) and work.accounts.refuse(account_id, confirmed=error.confirmed)
    before = work.accounts.get(account_id)
    tries = before.tries if before else 0
    account = work.accounts.fail(account_id, work.now + _pause(parts, error, tries))
    since = account.failing_since or work.now
    over = work.now - since >= timedelta(minutes=_retry_minutes(work))
    given_up = final or isinstance(error, LASTING) or (over and not isinstance(error, SignInRequired))
    tell = False
    if given_up and isinstance(error, CalendarGone):
        # Not an outage of the account: what else hangs on it goes on, and ends no outage when it does.
        now = work.integrations.require(integration.id, lock=True)
        tell = now.status != "not_connected"
        cut_off(work, now, code)
    elif given_up:
        for each in work.integrations.list(account_id=account_id, limit=10_000):
            if each.status != "setup":
                cut_off(work, each, code)
        tell = work.accounts.told(account_id)
    else:
        work.integrations.save(integration.id, reason=code)
    if tell:
        mail_outage(work, integration, code, since)
    return Outage(code, given_up, tell, since)


def _pause(parts: Parts, error: Exception, tries: int) -> timedelta:
    seconds = backoff(tries, base=FIRST_PAUSE, cap=LONGEST_PAUSE, random=parts.random.random)
    if isinstance(error, Throttled) and error.retry_after is not None:
        # A little later than asked for, and not all at once.
        seconds = max(seconds, min(error.retry_after, 86_400.0) * (1 + 0.1 * parts.random.random()))
    pause = timedelta(seconds=seconds)
    return max(pause, SIGN_IN_PAUSE) if isinstance(error, SignInRequired) else pause


def _retry_minutes(work: Work) -> int:
    told = work.settings.get().settings.get("retry_minutes")
    return told if isinstance(told, int) else RETRY_MINUTES


def went_well(parts: Parts, tenant: str, integration: StoredIntegration) -> None:
    """A run came through: the outage is over, its other integrations are connected again."""
    with parts.database.write(tenant) as work:
        told = recovered(work, integration)
    parts.dispatch(tenant, work)
    if told:
        came_back(parts, tenant, integration)


def recovered(work: Work, integration: StoredIntegration) -> bool:
    """The stored part of :func:`went_well`: whether people had been told of the outage and are to be told now."""
    if integration.account_id is None or not work.accounts.in_trouble(integration.account_id):
        return False
    told = end_outage(work, integration)
    for each in work.integrations.troubled(integration.account_id):
        if each.status != "not_connected" or each.reason != CALENDAR_GONE:
            put_back(work, each)
    return told


def end_outage(work: Work, integration: StoredIntegration) -> bool:
    """The account works: whether people had been told that it did not, and are to be told now."""
    since = work.accounts.recover(integration.account_id) if integration.account_id else None
    if since is not None:
        mail_recovery(work, integration, since)
    return since is not None


def came_back(parts: Parts, tenant: str, integration: StoredIntegration) -> None:
    """Tell of a recovery, where people had been told of the outage."""
    now = parts.clock.now()
    _notify(parts, Failure(tenant, integration.id, integration.service, "unavailable", now, recovered=True))


def _notify(parts: Parts, failure: Failure) -> None:
    try:
        parts.registry.hooks.hook.calbridge_notify(failure=failure)
    except Exception as error:
        log.error("notify_failed", exc_info=error)
