"""The whole plugin API: pluggy project ``calbridge`` (DESIGN: Plugins).

A plugin names a module in the entry-point group ``calbridge.connectors`` and marks what it implements with
:data:`hookimpl`::

    from calbridge.connectors.hookspecs import hookimpl

    @hookimpl
    def calbridge_register_connectors() -> list[ConnectorSpec]: ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pluggy

from calbridge.connectors.contract import ConnectorSpec

PROJECT = "calbridge"
ENTRY_POINT_GROUP = "calbridge.connectors"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Failure:
    """What an operator is told once per outage, and once more when it is over (SYNC D12).

    ``code`` is an entry of the catalogue; ``facts`` are small values without secrets or item text.
    """

    tenant: str
    integration: str
    service: str
    code: str
    since: datetime
    recovered: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@hookspec
def calbridge_register_connectors() -> list[ConnectorSpec]:  # type: ignore[empty-body]
    """The connectors of this plugin. Called once at start; must be quick and import no vendor library."""


@hookspec
def calbridge_notify(failure: Failure) -> None:
    """Tell an operator of a failure, or of its end, in one more way. What it raises is logged and ignored."""
