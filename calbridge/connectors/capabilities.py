"""What a service can do, as values (SYNC C7)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Ability(enum.StrEnum):
    """Optional features of a service."""

    SILENT_UPDATE = "silent_update"
    """Writing or deleting an event that has guests mails nobody."""
    CHOOSES_ADDRESS = "chooses_address"
    """The client chooses the address and UID of a create (else the service makes the id)."""
    STABLE_ADDRESS = "stable_address"
    """An event keeps its address while it lives: a sure ``Gone`` needs no confirmation by fetch."""
    WHOLE_MOVES = "whole_moves"
    """An event that changes its address is shown at the new one by the same delta that says it left the old one."""
    CONDITIONAL_WRITE = "conditional_write"
    """Writes are refused when the event has another version."""
    RECURRENCE = "recurrence"
    ATOMIC_SERIES = "atomic_series"
    """A series with its overrides is written in one step."""
    MODIFIED_TIME = "modified_time"
    """``Event.modified_at`` tells when a person last changed it."""
    RESPOND = "respond"
    """Invitations can be answered: :class:`~calbridge.connectors.contract.Responding`."""
    CONTROLS = "controls"
    """No real service but one for trying out: :class:`~calbridge.connectors.contract.Controlled`."""
    ATTACHMENTS = "attachments"
    PUSH = "push"
    """The service tells of changes: :class:`~calbridge.connectors.contract.Watching`."""
    DELTA = "delta"


class Support(enum.StrEnum):
    """How well."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Support levels, notes for the partial ones, and sizes. Absent abilities are ``none``."""

    levels: Mapping[Ability, Support] = field(default_factory=dict)
    notes: Mapping[Ability, str] = field(default_factory=dict)
    fetch_batch: int = 100
    write_batch: int = 20
    parallel_writes: int = 1
    horizon_days: int | None = None

    def has(self, ability: Ability) -> bool:
        """Whether the ability is fully there."""
        return self.levels.get(ability, Support.NONE) is Support.FULL

    def offers(self, ability: Ability) -> bool:
        """Whether the ability is there, fully or in part."""
        return self.levels.get(ability, Support.NONE) is not Support.NONE
