"""What can be connected: services with their connectors, and plugins that can't be used."""

from __future__ import annotations

from calbridge.connectors.contract import ConnectorSpec, ServiceSpec
from calbridge.service.parts import Parts
from calbridge.service.views_accounts import ServiceView


def list_connectors(parts: Parts) -> list[ServiceView]:
    """All services in the order of their names, then the problems of plugins."""
    usable = [_view(spec, service) for spec in parts.registry.specs for service in spec.services]
    broken = [
        ServiceView("", "", f"{each.distribution}:{each.plugin}".rstrip(":"), problem=f"{each.reason}: {each.detail}")
        for each in parts.registry.problems
    ]
    return sorted(usable, key=lambda view: view.service) + broken


def _view(spec: ConnectorSpec, service: ServiceSpec) -> ServiceView:
    capabilities = spec.capabilities
    return ServiceView(
        service=service.name,
        title=service.title,
        connector=spec.name,
        authentication=spec.authentication,
        needs_url=service.needs_url,
        help=service.help,
        account_schema=spec.account_schema,
        capabilities={ability.value: level.value for ability, level in capabilities.levels.items()},
        notes={ability.value: note for ability, note in capabilities.notes.items()},
        horizon=capabilities.horizon_days,
    )
