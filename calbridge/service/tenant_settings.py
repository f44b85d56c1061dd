"""What a tenant's administrators set for all of its users (DESIGN: REST API).

Options of the engine (``live_past_days``, ``title_templates``) hold from the next run of each integration on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calbridge.domain.settings_json import IntegrationSettings, patched, settings_in, settings_out
from calbridge.domain.tenant_settings import (
    Mechanism,
    TenantSettings,
    locked_out,
    tenant_settings_in,
    tenant_settings_out,
)
from calbridge.errors import Refused
from calbridge.service.parts import Parts
from calbridge.service.settings_views import SettingsView, settings_view
from calbridge.service.values import invalid, refuse_other_version
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work


def get_settings(parts: Parts, tenant: str) -> SettingsView:
    """All settings of a tenant. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        stored = work.settings.get()
        return settings_view(tenant_settings_in(stored.settings), stored.version, work.grants.list())


def change_settings(
    parts: Parts, tenant: str, patch: Mapping[str, Any], *, if_version: int | None = None
) -> SettingsView:
    """Change what is given, as RFC 7396 says: null gives a setting its default back, lists are replaced whole.

    Raises Refused (``tenant_not_found``, ``precondition_failed``, ``invalid_value`` with ``field``).
    """
    if "private_hosts" in patch:
        raise invalid("private_hosts", "is granted by the platform")
    with parts.database.write(tenant) as work:
        stored = work.settings.get(lock=True)
        refuse_other_version(stored.version, if_version, tenant=tenant)
        before = tenant_settings_in(stored.settings)
        merged = patched(stored.settings, patch)
        after = tenant_settings_in(merged)
        if after.mechanism is Mechanism.PUSH and parts.settings.public_url is None:
            raise invalid("mechanism", "push needs PUBLIC_URL, where services reach this installation")
        if after != before:
            whole = tenant_settings_out(after)
            work.settings.save(settings={name: whole[name] for name in merged})
            _carry_out(work, before, after)
            work.audit.add(str(parts.actor), "settings_changed", settings=_changed(before, after))
        return settings_view(after, work.settings.get().version, work.grants.list())


def _carry_out(work: Work, before: TenantSettings, after: TenantSettings) -> None:
    """What does not wait until somebody reads the settings."""
    if after.services_allowed != before.services_allowed:
        work.integrations.allow(after.services_allowed)
    watched = ("sync_enabled", "services_allowed", "mechanism")
    if any(getattr(after, name) != getattr(before, name) for name in watched):
        work.integrations.look_after_watches()
    if after.poll_minutes < before.poll_minutes:
        work.integrations.poll_sooner(after.poll_minutes, before.poll_minutes)


def _changed(before: TenantSettings, after: TenantSettings) -> list[str]:
    one, other = tenant_settings_out(before), tenant_settings_out(after)
    return sorted(name for name in one if one[name] != other[name])


def settings_of_tenant(work: Work) -> TenantSettings:
    """The settings in force. Raises Refused (``tenant_not_found``)."""
    return tenant_settings_in(work.settings.get().settings)


def new_settings(parts: Parts, work: Work, service: str, given: Mapping[str, Any]) -> IntegrationSettings:
    """The settings of a new integration: the tenant's defaults (SYNC F3) and what somebody chose beside them.

    Raises Refused (``service_not_allowed``, ``setting_locked``, ``scope_missing``, ``invalid_value``).
    """
    tenant = settings_of_tenant(work)
    if not tenant.allows(service):
        raise Refused(code="service_not_allowed", service=service)
    start = tenant.of_new_integration()
    chosen = settings_in(patched(start, given))
    refuse_locked(parts, tenant, settings_in(start), chosen)
    return chosen


def refuse_service(work: Work, service: str) -> None:
    """Within the transaction that makes an integration or switches it on. Raises Refused (``service_not_allowed``)."""
    if not tenant_settings_in(work.settings.get(lock=True).settings).allows(service):
        raise Refused(code="service_not_allowed", service=service)


def refuse_locked(
    parts: Parts, tenant: TenantSettings, before: IntegrationSettings, after: IntegrationSettings
) -> None:
    """Nobody changes a locked setting of an integration, and only administrators say who is told of failures.

    Raises Refused (``setting_locked``, ``scope_missing``).
    """
    locked = locked_out(tenant, settings_out(before), settings_out(after))
    if locked is not None:
        raise Refused(code="setting_locked", field=locked)
    if after.notify_failure_to != before.notify_failure_to and not parts.actor.administers:
        raise Refused(code="scope_missing", scope="admin", field="settings.notify_failure_to")


def failure_recipients(work: Work, integration: StoredIntegration) -> Sequence[str]:
    """Who is mailed when an integration fails: the tenant's people and those of the integration, each once."""
    own = settings_in(integration.settings).notify_failure_to
    return tuple(dict.fromkeys((*settings_of_tenant(work).notify_failure_to, *own)))
