"""How often a calendar is looked at without anybody telling of a change."""

from __future__ import annotations

from datetime import timedelta

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import ConnectorSpec
from calbridge.domain.settings_json import settings_in
from calbridge.domain.tenant_settings import POLL_MINUTES
from calbridge.service.parts import Parts
from calbridge.store.integrations import StoredIntegration
from calbridge.store.work import Work

NET_MINUTES = 60
"""Between polls of a calendar that is pushed: services say themselves that not every notice arrives."""


def pushes(spec: ConnectorSpec) -> bool:
    """Whether a connector's services can tell of changes."""
    return spec.notices is not None and spec.capabilities.offers(Ability.PUSH)


def pause_between_polls(parts: Parts, work: Work, integration: StoredIntegration) -> timedelta:
    """The time between two polls: the integration's own, else the tenant's, which is longer where it is pushed."""
    own = settings_in(integration.settings).poll_minutes
    if own:
        return timedelta(minutes=own)
    told = work.settings.get().settings.get("poll_minutes")
    minutes = told if isinstance(told, int) else POLL_MINUTES
    if minutes < NET_MINUTES and pushes(parts.registry.spec_for(integration.service)):
        minutes = NET_MINUTES if work.watches.pushed(integration.id) else minutes
    return timedelta(minutes=minutes)
