"""Integrations: made, listed, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from calbridge.connectors.contract import Calendar
from calbridge.domain.settings_json import IntegrationSettings, patched, settings_in, settings_out
from calbridge.errors import Refused
from calbridge.service.accounts import read_credentials, sign_in, store_account
from calbridge.service.calendar_change import change_calendar
from calbridge.service.integration_views import integration_view
from calbridge.service.leaving import count_leaving
from calbridge.service.opening import opened, usable_account
from calbridge.service.parts import Parts
from calbridge.service.removals import delete_integration
from calbridge.service.tenant_settings import new_settings, refuse_locked, refuse_service, settings_of_tenant
from calbridge.service.values import choice, invalid, refuse_other_version
from calbridge.service.views import IntegrationView
from calbridge.service.views_accounts import CalendarView
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.runs import Run
from calbridge.store.work import Work


def add_integration(
    parts: Parts,
    tenant: str,
    *,
    user_id: str,
    service: str,
    account: Mapping[str, object] | None,
    calendar_id: str | None = None,
    settings: Mapping[str, Any] | None = None,
    active: bool = False,
) -> IntegrationView:
    """Connect a user's account after its credentials were proved at the service; without ``account`` one is made that
    waits for somebody to sign in (``setup``). ``settings`` go before the tenant's defaults.

    Raises Refused (``user_not_found``, ``service_unknown``, ``service_not_allowed``, ``setting_locked``,
    ``sign_in_page_needed``, ``invalid_value``, ``too_many_checks``, ``calendar_not_found``, ``already_exists``),
    ConnectorError: nothing was stored.
    """
    with parts.database.read(tenant) as work:
        chosen = new_settings(parts, work, service, settings or {})
        work.users.require(user_id)
        account_id, integration_id = work.keys.new_id(), work.keys.new_id()
    if account is None:
        if active or calendar_id is not None:
            raise invalid("account", "is needed before a calendar is chosen or activated")
        return _without_account(parts, tenant, _new(integration_id, user_id, service, None, chosen, False))
    given = read_credentials(parts, service, account)
    fresh = StoredAccount(account_id, service, given.username, user_id=user_id, url=given.url)
    checked = sign_in(parts, tenant, user_id, fresh, given.password)
    calendar = None
    if calendar_id is not None:
        with opened(parts, tenant, checked, given.password) as connector:
            calendar = _chosen(connector.calendars(), calendar_id)
    if active and calendar is None:
        raise invalid("calendar_id", "is needed before activating")
    stored = _new(integration_id, user_id, service, calendar, chosen, active)
    with parts.database.write(tenant) as work:
        refuse_service(work, service)
        stored = replace(stored, account_id=store_account(work, checked, given.password).id)
        work.integrations.add(stored)
        work.audit.add(str(parts.actor), "integration_added", integration=integration_id, service=service)
        if active:
            _finish(work, integration_id, chosen)
    parts.dispatch(tenant, work)
    return get_integration(parts, tenant, integration_id)


def _without_account(parts: Parts, tenant: str, stored: StoredIntegration) -> IntegrationView:
    """The first step of a wizard: a service was picked, and nobody has signed in."""
    parts.registry.spec_for(stored.service)
    with parts.database.write(tenant) as work:
        refuse_service(work, stored.service)
        work.integrations.add(stored)
        work.audit.add(str(parts.actor), "integration_added", integration=stored.id, service=stored.service)
    return get_integration(parts, tenant, stored.id)


def _new(
    integration_id: str,
    user_id: str,
    service: str,
    calendar: Calendar | None,
    settings: IntegrationSettings,
    active: bool,
) -> StoredIntegration:
    return StoredIntegration(
        integration_id,
        user_id,
        service,
        settings=settings_out(settings),
        active=active,
        status="setup" if calendar is None else "connected",
        calendar_id=calendar.id if calendar else None,
        calendar_name=calendar.name if calendar else None,
        calendar_zone=calendar.time_zone if calendar else None,
    )


def _finish(work: Work, integration_id: str, settings: IntegrationSettings) -> None:
    """Activation: due at once, and the ranges that were chosen are copied (F2)."""
    ranges = {"retrieve": settings.retrieve_range, "send": settings.send_range}
    facts = {name: [each.past_days, each.future_days] for name, each in ranges.items() if each is not None}
    if facts:
        work.runs.add(Run(work.keys.new_id(), integration_id, "range", "finish", facts=facts))
    work.raise_due(integration_id)


def _chosen(calendars: Any, calendar_id: str) -> Calendar:
    for each in calendars:
        if each.id == calendar_id:
            assert isinstance(each, Calendar)
            return each
    raise Refused(code="calendar_not_found", calendar=calendar_id)


def get_integration(parts: Parts, tenant: str, integration_id: str) -> IntegrationView:
    """One integration. Raises Refused (``integration_not_found``)."""
    with parts.database.read(tenant) as work:
        return integration_view(work, work.integrations.require(integration_id))


def list_integrations(
    parts: Parts,
    tenant: str,
    *,
    user_id: str | None = None,
    status: str | None = None,
    active: bool | None = None,
    service: str | None = None,
    limit: int = 10_000,
    after: str | None = None,
) -> list[IntegrationView]:
    """Integrations in the order of their ids. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        work.settings.get()
        found = work.integrations.list(
            user_id=user_id, status=status, active=active, service=service, after=after, limit=limit
        )
        return [integration_view(work, each) for each in found]


def list_calendars(parts: Parts, tenant: str, integration_id: str) -> list[CalendarView]:
    """The calendars of the account. Raises Refused (``integration_not_found``, ``not_connected``), ConnectorError."""
    return [
        CalendarView(each.id, each.name, each.time_zone, each.color, each.primary, each.writable)
        for each in _calendars(parts, tenant, integration_id)
    ]


def _calendars(parts: Parts, tenant: str, integration_id: str) -> list[Calendar]:
    with parts.database.read(tenant) as work:
        account, secret = usable_account(work, work.integrations.require(integration_id).account_id)
    with opened(parts, tenant, account, secret) as connector:
        return list(connector.calendars())


def change_integration(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    active: bool | None = None,
    calendar_id: str | None = None,
    old_calendar: str = "keep",
    settings: Mapping[str, Any] | None = None,
    confirm_leaving: int | None = None,
    if_version: int | None = None,
) -> IntegrationView:
    """Change what is given; ``settings`` is merged (RFC 7396).

    ``old_calendar`` of ``keep``, ``remove_ours`` says what happens to our copies when another calendar is linked. Where
    new settings take copies of ours out of the calendar, their number must be confirmed (B3). Raises Refused
    (``integration_not_found``, ``invalid_value``, ``confirmation_needed`` with ``leaving``, ``calendar_not_found``,
    ``not_connected``, ``integration_running``, ``already_exists``, ``precondition_failed``, ``setting_locked``,
    ``scope_missing``, ``service_not_allowed``), ConnectorError.
    """
    choice(old_calendar, "old_calendar", {"keep", "remove_ours"})
    with parts.database.read(tenant) as work:
        before = work.integrations.require(integration_id)
        refuse_other_version(before.version, if_version, integration=integration_id)
        leaving = None
        if settings is not None:
            merged = _merged(parts, work, before, settings)
            leaving = count_leaving(work, before, merged)
            if leaving and confirm_leaving != leaving:
                raise Refused(code="confirmation_needed", integration=integration_id, leaving=leaving)
    if calendar_id is not None and calendar_id != before.calendar_id:
        chosen = _chosen(_calendars(parts, tenant, integration_id), calendar_id)
        change_calendar(parts, tenant, before, chosen, remove_ours=old_calendar == "remove_ours")
        # What was asked for holds from its first step on; linking the calendar made another version.
        if_version = None
    with parts.database.write(tenant) as work:
        now = work.integrations.require(integration_id, lock=True)
        refuse_other_version(now.version, if_version, integration=integration_id)
        if settings is not None:
            values = settings_out(_merged(parts, work, now, settings))
            work.integrations.save(integration_id, settings=values, leave_confirmed=bool(leaving))
            work.audit.add(
                str(parts.actor), "integration_changed", integration=integration_id, settings=sorted(settings)
            )
        if active is not None:
            _activate(parts, work, work.integrations.require(integration_id), active)
        work.raise_due(integration_id)
    parts.dispatch(tenant, work)
    return get_integration(parts, tenant, integration_id)


def _merged(parts: Parts, work: Work, stored: StoredIntegration, patch: Mapping[str, Any]) -> IntegrationSettings:
    before, after = settings_in(stored.settings), settings_in(patched(stored.settings, patch))
    refuse_locked(parts, settings_of_tenant(work), before, after)
    return after


def _activate(parts: Parts, work: Work, integration: StoredIntegration, active: bool) -> None:
    if active == integration.active:
        return
    if active and integration.calendar_id is None:
        raise invalid("calendar_id", "is needed before activating")
    if active:
        refuse_service(work, integration.service)
    work.integrations.save(integration.id, active=active)
    work.audit.add(
        str(parts.actor), "integration_activated" if active else "integration_paused", integration=integration.id
    )
    if active:
        first = integration.last_run_at is None
        chosen = settings_in(integration.settings)
        _finish(work, integration.id, chosen if first else IntegrationSettings())


__all__ = [
    "add_integration",
    "change_integration",
    "delete_integration",
    "get_integration",
    "list_calendars",
    "list_integrations",
]
