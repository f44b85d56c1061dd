"""What a pair is decided from, and the answer, as values (SYNC D3)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from calbridge.domain.content import EMPTY, Content, Unit, Value
from calbridge.domain.event import Event
from calbridge.domain.item import Item
from calbridge.domain.options import Options
from calbridge.sync.memory import Link
from calbridge.sync.merge import Conflict


@dataclass(frozen=True, slots=True)
class Present:
    """The event as it is at the service now."""

    event: Event
    version: str | None
    native: bytes | None = None
    adopting: bool = False
    normalised: Content = EMPTY


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing new was seen: the event is taken to be as last shown."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """The event's deletion was confirmed (D7)."""


Remote = Present | Unchanged | Vanished


@dataclass(frozen=True, slots=True)
class Setting:
    """Options and circumstances of a decision, as values."""

    options: Options
    integration_id: str
    now: datetime
    silent_update: bool = True
    leave_confirmed: bool = False

    @property
    def past_before(self) -> datetime:
        """What ended before this is past (F3)."""
        return self.now - timedelta(days=self.options.live_past_days)


class ItemAct(enum.StrEnum):
    """What happens to the item."""

    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"
    TELL = "tell"


@dataclass(frozen=True, slots=True)
class WriteCreate:
    """Make the event."""

    target: Content


@dataclass(frozen=True, slots=True)
class WriteUpdate:
    """Change these units of the event; ``target`` is the whole projection they come from."""

    units: Mapping[Unit, Value]
    rekeyed: Mapping[str, str | None]
    target: Content
    redact: bool = False


@dataclass(frozen=True, slots=True)
class WriteDelete:
    """Remove the event; ``withdrawal``: the item lives on."""

    withdrawal: bool = False


Step = WriteCreate | WriteUpdate | WriteDelete


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of :func:`decide`; ``forget`` drops the link and leaves its event as a known row."""

    link: Link
    item: Item | None = None
    act: ItemAct | None = None
    write: Step | None = None
    conflicts: tuple[Conflict, ...] = ()
    note: str | None = None
    forget: bool = False

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of what would be done, for a preview."""
        names = [f"item:{self.act.value}"] if self.act else []
        if self.write is not None:
            names.append({WriteCreate: "send:create", WriteUpdate: "send:update"}.get(type(self.write), "send:delete"))
        return tuple(names)
