"""A tenant's settings as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calbridge.domain.tenant_settings import TenantSettings, tenant_settings_out


@dataclass(frozen=True, slots=True)
class SettingsView:
    """All settings, defaults written out. ``services_allowed`` of None are all; ``private_hosts`` are granted by the
    platform. ``version`` is that of the tenant."""

    version: int
    sync_enabled: bool
    services_allowed: Sequence[str] | None
    mechanism: str
    poll_minutes: int
    retry_minutes: int
    notify_failure_to: Sequence[str]
    initial_range: Mapping[str, int | None] | None
    live_past_days: int
    default_settings: Mapping[str, Any]
    locked_settings: Sequence[str]
    allowed_origins: Sequence[str]
    private_hosts: Sequence[str]
    title_templates: Mapping[str, str]
    record_url: str | None
    exchange: Mapping[str, Any]


def settings_view(settings: TenantSettings, version: int, private_hosts: Sequence[str]) -> SettingsView:
    """Stored settings as they are shown."""
    return SettingsView(version=version, private_hosts=tuple(private_hosts), **tenant_settings_out(settings))
