"""What a verb works with: the parts of the installation, made on first use, and the tenant it is about."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

import click

from calbridge.cli.output import Output
from calbridge.errors import Refused
from calbridge.settings import Settings, load_settings

if TYPE_CHECKING:
    from calbridge.service.parts import Parts

TENANT_VARIABLE = "CALBRIDGE_TENANT"


class Session:
    """One call of one verb. ``tenant_named`` is the tenant of the option or the environment."""

    def __init__(self, *, as_json: bool, tenant_named: str | None) -> None:
        self.out = Output(as_json)
        self._tenant_named = tenant_named
        self._open = ExitStack()

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process. Raises SettingsInvalid."""
        return load_settings()

    @cached_property
    def parts(self) -> Parts:
        """The installation. Raises SettingsInvalid, DatabaseUnusable."""
        # Loaded late: `--help` and a wrong word shall not wait for the database libraries.
        from calbridge.app import build

        return self._open.enter_context(build(self.settings))

    def load_connectors(self) -> None:
        """Import every connector now, so that the first job does not wait for it."""
        for spec in self.parts.registry.specs:
            self.parts.registry.preload(spec)

    @cached_property
    def tenant(self) -> str:
        """The tenant named by the option or the environment, else the only one there is.

        Raises Refused (``tenant_not_found``) where there is none, click.UsageError where there are several.
        """
        from calbridge.service.tenants import list_tenants

        if self._tenant_named:
            return self._tenant_named
        known = [tenant.id for tenant in list_tenants(self.parts)]
        if not known:
            raise Refused("make one with: calbridge tenants create NAME", code="tenant_not_found")
        if len(known) > 1:
            some = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
            raise click.UsageError(f"There are several tenants ({some}): name one with --tenant or {TENANT_VARIABLE}.")
        return known[0]

    def close(self) -> None:
        """Close what was opened."""
        self._open.close()
