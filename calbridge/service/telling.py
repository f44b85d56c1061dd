"""What webhooks and administrators are told of integrations, in the transaction that changes them (SYNC D12)."""

from __future__ import annotations

from datetime import datetime

from calbridge.store.announcing import CONNECTED, NOT_CONNECTED, WAITING
from calbridge.store.integrations import StoredIntegration
from calbridge.store.notices import OUTAGE, RECOVERY
from calbridge.store.work import Work

CALENDAR_GONE = "calendar_gone"


def cut_off(work: Work, integration: StoredIntegration, code: str) -> None:
    """It is not connected any more; webhooks hear of it once."""
    work.integrations.save(integration.id, status="not_connected", reason=code)
    if integration.status != "not_connected":
        work.happened(NOT_CONNECTED, integration.user_id, integration.id, code=code)


def put_back(work: Work, integration: StoredIntegration) -> None:
    """It works: connected where it has a calendar; where it was not, webhooks hear of it and it catches up."""
    status = "connected" if integration.calendar_id else "setup"
    work.integrations.save(integration.id, status=status, reason=None)
    if integration.status == "not_connected":
        heard_again(work, integration)
        work.raise_due(integration.id)


def heard_again(work: Work, integration: StoredIntegration) -> None:
    """Webhooks hear that an integration, as it was until now, is connected again."""
    work.happened(CONNECTED, integration.user_id, integration.id, code=integration.reason)


def mail_outage(work: Work, integration: StoredIntegration, code: str, since: datetime) -> None:
    """Administrators are mailed that it stopped."""
    work.notices.add(work.keys.new_id(), OUTAGE, code, since, integration.id)


def mail_recovery(work: Work, integration: StoredIntegration, since: datetime) -> None:
    """Administrators, who were mailed that it stopped, are mailed that it works again."""
    work.notices.add(work.keys.new_id(), RECOVERY, integration.reason or "unavailable", since, integration.id)


def calendar_found(work: Work, integration: StoredIntegration) -> bool:
    """An integration that is connected from now on was without its calendar until now: tell of it; whether it was."""
    if (integration.status, integration.reason) != ("not_connected", CALENDAR_GONE):
        return False
    heard_again(work, integration)
    told = work.notices.last(integration.id, OUTAGE)
    mail_recovery(work, integration, told.since if told else integration.last_run_at or work.now)
    return True


def run_waits(work: Work, integration: StoredIntegration, run_id: str) -> None:
    """A run waits for somebody's word; webhooks hear it once, not with every run that finds it still so."""
    ended = work.runs.list(integration.id, status={"succeeded", "waiting"}, limit=10)
    before = next((each.status for each in ended if each.kind != "preview"), None)
    if before != "waiting":
        work.happened(WAITING, integration.user_id, integration.id, run_id=run_id, code="confirmation_needed")
