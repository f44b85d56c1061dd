"""Which connectors are installed, and what is wrong with those that can't be used (DESIGN: Plugins).

A plugin that can't be imported, speaks another version of the contract or claims a service that is taken is
remembered with its problem. It never stops anything else.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import pluggy

from calbridge.connectors import hookspecs
from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import (
    CONTRACT_VERSION,
    Account,
    Connector,
    ConnectorFactory,
    ConnectorSpec,
    NoticeReader,
    ServiceSpec,
    Storage,
    StoringFactory,
)
from calbridge.connectors.transport import Transport
from calbridge.errors import Refused

_Note = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plugin, or one connector of it, is not used.

    ``reason`` is ``import_failed``, ``registration_failed``, ``wrong_contract_version`` or ``duplicate_service``.
    """

    distribution: str
    plugin: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Registry:
    """The usable connectors, the problems of the others, and the hooks of all plugins that could be loaded."""

    specs: tuple[ConnectorSpec, ...]
    problems: tuple[Problem, ...]
    hooks: pluggy.PluginManager

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        """All services that a user can pick."""
        return tuple(service for spec in self.specs for service in spec.services)

    def spec_for(self, service: str) -> ConnectorSpec:
        """The connector of a service. Raises Refused (``service_unknown``)."""
        for spec in self.specs:
            if any(offered.name == service for offered in spec.services):
                return spec
        raise Refused("no connector for this service", code="service_unknown", service=service)

    def preload(self, spec: ConnectorSpec) -> None:
        """Import the connector's code ahead of its first use; one that can't be imported says so when it is used."""
        with contextlib.suppress(Refused):
            _factory(spec)

    def notice_reader(self, name: str) -> NoticeReader | None:
        """What reads the notices of a connector; None where there is no such connector, or none that is pushed to.

        Raises Refused: ``connector_broken``.
        """
        for spec in self.specs:
            if spec.name == name and spec.notices is not None:
                return cast(NoticeReader, _named(spec, spec.notices))
        return None

    def open(self, service: str, account: Account, transport: Transport, storage: Storage | None = None) -> Connector:
        """A connector for an account; sends nothing. The connector's code is imported by the first call.

        ``storage`` is for connectors whose spec asks for it, and for no others (C10): else ValueError.
        Raises Refused: ``service_unknown``, ``connector_broken``.
        """
        spec = self.spec_for(service)
        if spec.storage != (storage is not None):
            raise ValueError(f"{spec.name} {'needs a' if spec.storage else 'asked for no'} storage")
        factory = _factory(spec)
        if storage is None:
            return cast(ConnectorFactory, factory)(account, transport)
        return cast(StoringFactory, factory)(account, transport, storage)

    def without(self, ability: Ability) -> Registry:
        """The same without the connectors that have an ability in any degree."""
        return replace(self, specs=tuple(spec for spec in self.specs if not spec.capabilities.offers(ability)))


def load_registry(only: Sequence[str] | None = None) -> Registry:
    """Ask every installed plugin, or those of the distributions named in ``only``, for its connectors.

    Raises nothing for a broken plugin: see :attr:`Registry.problems`.
    """
    hooks = pluggy.PluginManager(hookspecs.PROJECT)
    hooks.add_hookspecs(hookspecs)
    problems: list[Problem] = []
    specs: list[ConnectorSpec] = []
    for entry in _entries(only):
        _load(entry, hooks, specs, problems)
    return Registry(tuple(specs), tuple(problems), hooks)


def _entries(only: Sequence[str] | None) -> list[EntryPoint]:
    """In a stable order, so that of two plugins claiming a service always the same one gets it."""
    wanted = None if only is None else {_normal(name) for name in only}
    found = entry_points(group=hookspecs.ENTRY_POINT_GROUP)
    chosen = [entry for entry in found if wanted is None or _normal(_distribution(entry)) in wanted]
    return sorted(chosen, key=lambda entry: (_distribution(entry), entry.name))


def _load(entry: EntryPoint, hooks: pluggy.PluginManager, specs: list[ConnectorSpec], problems: list[Problem]) -> None:
    def note(reason: str, detail: str) -> None:
        problems.append(Problem(_distribution(entry), entry.name, reason, detail))

    try:
        module = entry.load()
        hooks.register(module, name=f"{_distribution(entry)}:{entry.name}")
    except Exception as error:
        note("import_failed", _told(error))
        return
    register = getattr(module, "calbridge_register_connectors", None)
    try:
        offered: Iterable[ConnectorSpec] = register() if register is not None else ()
        for spec in list(offered):
            _add(spec, specs, note)
    except Exception as error:
        note("registration_failed", _told(error))


def _add(spec: ConnectorSpec, specs: list[ConnectorSpec], note: _Note) -> None:
    if spec.contract_version != CONTRACT_VERSION:
        note("wrong_contract_version", f"{spec.name} speaks {spec.contract_version}, needed is {CONTRACT_VERSION}")
        return
    taken = {service.name for known in specs for service in known.services}
    double = sorted(taken & {service.name for service in spec.services})
    if double:
        note("duplicate_service", f"{spec.name} offers {', '.join(double)}, which another connector has")
        return
    specs.append(spec)


def _factory(spec: ConnectorSpec) -> object:
    return _named(spec, spec.factory)


def _named(spec: ConnectorSpec, path: str) -> object:
    module, _, name = path.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise Refused(_told(error), code="connector_broken", connector=spec.name) from error
    return found


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "unknown"


def _normal(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
