"""Integrations as they are shown."""

from __future__ import annotations

from calbridge.domain.settings_json import settings_in, settings_out
from calbridge.domain.tenant_settings import Mechanism
from calbridge.service.tenant_settings import settings_of_tenant
from calbridge.service.views import IntegrationView
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work


def integration_view(work: Work, stored: StoredIntegration) -> IntegrationView:
    """An integration with its account and calendar; no secrets."""
    account = work.accounts.get(stored.account_id) if stored.account_id else None
    told = account and {
        "url": account.url,
        "username": account.username,
        "owner_address": account.owner_address,
    }
    calendar = stored.calendar_id and {
        "id": stored.calendar_id,
        "name": stored.calendar_name,
        "time_zone": stored.calendar_zone,
    }
    reason = stored.reason or (stored.stopped if stored.active else None)
    runs = stored.active and stored.status == "connected" and stored.stopped is None
    return IntegrationView(
        id=stored.id,
        user_id=stored.user_id,
        service=stored.service,
        account=told or None,
        active=stored.active,
        status=stored.status,
        reason=reason or _unwatched(work, stored),
        calendar=calendar or None,
        settings=settings_out(settings_in(stored.settings)),
        last_sync_at=stored.last_sync_at,
        last_run_at=stored.last_run_at,
        fresh_as_of=stored.fresh_as_of,
        next_run_at=stored.next_poll_at if runs else None,
        version=stored.version,
    )


def _unwatched(work: Work, stored: StoredIntegration) -> str | None:
    """Whether it is polled although its tenant wants push and the service could."""
    if stored.watch_code is None or settings_of_tenant(work).mechanism is not Mechanism.PUSH:
        return None
    return None if work.watches.pushed(stored.id) else "not_watched"
