"""What an integration is told to do: the settings of DESIGN 7 as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from calbridge.domain.item import ItemType
from calbridge.domain.title_templates import Templates


class Level(enum.StrEnum):
    """Privacy level of one direction (A9)."""

    FULL = "full"
    BUSY_ONLY = "busy_only"
    SKIP = "skip"


class Winner(enum.StrEnum):
    """Whose value wins where both sides changed one unit (D3)."""

    PSA = "psa"
    LINKED = "linked"
    NEWEST = "newest"


class OnLeave(enum.StrEnum):
    """What happens to our copies when an option stops sending them (B3)."""

    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Privacy:
    """Levels for private items and for all others."""

    private: Level = Level.BUSY_ONLY
    other: Level = Level.FULL

    def level(self, private: bool) -> Level:
        """The level for one item."""
        return self.private if private else self.other


@dataclass(frozen=True, slots=True)
class Skip:
    """What is not retrieved when new."""

    declined: bool = False
    free: bool = False
    all_day: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Linked calendar -> My Calendar."""

    create: bool = True
    update: bool = True
    delete: bool = True
    privacy: Privacy = Privacy()
    skip: Skip = Skip()


@dataclass(frozen=True, slots=True)
class Send:
    """My Calendar -> linked calendar."""

    types: frozenset[ItemType] = frozenset(ItemType)
    privacy: Privacy = Privacy()
    forward: bool = False
    on_leave: OnLeave = OnLeave.REMOVE


@dataclass(frozen=True, slots=True)
class Options:
    """All settings of one integration that the engine reads."""

    retrieve: Retrieve = Retrieve()
    send: Send = Send()
    conflict: Winner = Winner.PSA
    existence_linked: frozenset[ItemType] = frozenset({ItemType.APPOINTMENT})
    invitations_all: bool = False
    live_past_days: int = 30
    default_minutes: int = 30
    busy_title: str = "Busy"
    title_templates: Templates = ()
    record_url: str | None = None
    """Template of the address where the PSA shows an item's record."""
