"""Tenants: PSA accounts. Only the platform makes and deletes them."""

from __future__ import annotations

from calbridge.errors import Refused
from calbridge.service.parts import Parts
from calbridge.service.values import identifier, text
from calbridge.service.views import ReceiptView, TenantView
from calbridge.store.leases import Leases
from calbridge.store.retention import erase_tenant
from calbridge.store.tenants import Tenant

PAGE = 200


def create_tenant(parts: Parts, tenant_id: str, name: str) -> TenantView:
    """A new tenant. Raises Refused (``invalid_value``, ``already_exists``)."""
    with parts.database.system_write() as system:
        made = system.tenants.add(identifier(tenant_id, "id"), text(name, "name", 200))
    return _view(made, [])


def get_tenant(parts: Parts, tenant: str) -> TenantView:
    """One tenant. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        return _view(work.settings.get(), work.grants.list())


def list_tenants(parts: Parts) -> list[TenantView]:
    """All tenants in the order of their ids."""
    found: list[Tenant] = []
    with parts.database.system_read() as system:
        while page := system.tenants.list(after=found[-1].id if found else None, limit=PAGE):
            found += page
    return [get_tenant(parts, each.id) for each in found]


def delete_tenant(parts: Parts, tenant: str) -> ReceiptView:
    """Erase a tenant with everything it has; what its integrations made at calendar services stays there.

    Raises Refused (``tenant_not_found``, ``integration_running``).
    """
    refuse_running(parts, tenant, None)
    return ReceiptView("tenant", tenant, None, parts.clock.now(), erase_tenant(parts.database, tenant))


def refuse_running(parts: Parts, tenant: str, user_id: str | None) -> None:
    """Switch off what would be erased. Raises Refused (``integration_running``) while a run of it is at work."""
    stopped: list[str] = []
    with parts.database.write(tenant) as work:
        work.settings.get()
        while page := work.integrations.list(user_id=user_id, after=stopped[-1] if stopped else None):
            for each in page:
                work.integrations.save(each.id, active=False)
            stopped += [each.id for each in page]
    leases = Leases(parts.database)
    for integration_id in stopped:
        if leases.held(tenant, integration_id):
            raise Refused(code="integration_running", integration=integration_id)


def _view(tenant: Tenant, hosts: list[str]) -> TenantView:
    return TenantView(tenant.id, tenant.name, tuple(hosts), tenant.created_at)
