"""Tenants: PSA accounts. Only the platform makes and deletes them."""

from __future__ import annotations

from collections.abc import Sequence, Set

from calbridge.errors import Refused
from calbridge.service.hosts import checked_grants
from calbridge.service.parts import Parts
from calbridge.service.revoking import end_account, end_unanswered
from calbridge.service.values import identifier, refuse_other_version, text
from calbridge.service.views_people import ReceiptView, TenantView
from calbridge.service.watching import end_all_watches
from calbridge.store.leases import Leases
from calbridge.store.retention import erase_tenant
from calbridge.store.tenants import Tenant
from calbridge.store.work import Work

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


def put_tenant(
    parts: Parts,
    tenant: str,
    name: str,
    *,
    private_hosts: Sequence[str] | None = None,
    if_version: int | None = None,
    create_only: bool = False,
) -> TenantView:
    """Make or change a tenant; ``private_hosts``, where given, are all its grants from now on.

    Raises Refused (``invalid_value``, ``beyond_private_networks``, ``precondition_failed``).
    """
    told, wanted = text(name, "name", 200), None if private_hosts is None else checked_grants(parts, private_hosts)
    made = _made(parts, identifier(tenant, "id"), told, if_version, create_only)
    with parts.database.write(tenant) as work:
        stored = work.settings.get(lock=True)
        if not made:
            refuse_other_version(stored.version, if_version, tenant=tenant)
        granted = set(work.grants.list())
        if stored.name != told or (wanted is not None and granted != wanted):
            _grant(work, granted, granted if wanted is None else wanted)
            if not made:
                work.settings.save(name=told)
            work.audit.add(str(parts.actor), "tenant_changed", private_hosts=sorted(wanted or granted))
        return _view(work.settings.get(), work.grants.list())


def _made(parts: Parts, tenant: str, name: str, if_version: int | None, create_only: bool) -> bool:
    """Whether the tenant was not there and is now. Raises Refused (``precondition_failed``)."""
    with parts.database.system_write() as system:
        if system.tenants.get(tenant) is not None:
            if create_only:
                raise Refused(code="precondition_failed", tenant=tenant)
            return False
        refuse_other_version(None, if_version, tenant=tenant)
        system.tenants.add(tenant, name)
        return True


def _grant(work: Work, granted: Set[str], wanted: Set[str]) -> None:
    for host in granted - wanted:
        work.grants.remove(host)
    for host in wanted - granted:
        work.grants.add(host)


def tenant_exists(parts: Parts, tenant: str) -> bool:
    """Whether there is such a tenant."""
    with parts.database.system_read() as system:
        return system.tenants.get(tenant) is not None


def list_tenants(parts: Parts, *, after: str | None = None, limit: int | None = None) -> list[TenantView]:
    """Tenants in the order of their ids after ``after``; all of them without ``limit``."""
    found: list[Tenant] = []
    with parts.database.system_read() as system:
        if limit is not None:
            found = system.tenants.list(after, limit)
        else:
            while page := system.tenants.list(after=found[-1].id if found else after, limit=PAGE):
                found += page
    return [get_tenant(parts, each.id) for each in found]


def delete_tenant(parts: Parts, tenant: str) -> ReceiptView:
    """Erase a tenant with everything it has; what its integrations made at calendar services stays there.

    Access that was granted there is ended within a day.

    Raises Refused (``tenant_not_found``, ``integration_running``).
    """
    refuse_running(parts, tenant, None)
    end_all_watches(parts, tenant)
    with parts.database.write(tenant) as work:
        for each in work.accounts.with_secrets():
            end_account(parts, work, each)
        end_unanswered(parts, work, work.authorizations.unanswered())
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
    return TenantView(tenant.id, tenant.name, tuple(hosts), tenant.created_at, tenant.version)
