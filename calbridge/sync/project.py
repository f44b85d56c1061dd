"""Projection (SYNC B2, B3, A9): what a calendar shall show of an item. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from calbridge.domain.content import HIDDEN_FIELDS, MASTER, NO_EDIT_FIELDS, Content, Field, Unit, Value, content
from calbridge.domain.event import Event
from calbridge.domain.item import Item
from calbridge.domain.options import Level, OnLeave, Options
from calbridge.sync.memory import MadeBy


@dataclass(frozen=True, slots=True)
class Projected:
    """The event an item should be.

    ``hidden``: fields that are redacted or unknown here and take no part in merging. ``sends``: whether options let
    changes of the item go out.
    """

    content: Content
    hidden: frozenset[Field] = frozenset()
    sends: bool = True


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Our copy is to be removed; never read as a user's deletion."""

    reason: str


@dataclass(frozen=True, slots=True)
class Detach:
    """Our copy stays, and nothing flows in either direction (``on_leave: keep``)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is to be sent."""

    reason: str


Projection = Projected | Withdraw | Detach | Leave

LEAVING = frozenset({"type_not_sent", "forward_off"})
"""Reasons that come from a changed option and are confirmed with a number (B3)."""


def project(item: Item, options: Options, made_by: MadeBy, integration_id: str) -> Projection:
    """What the linked calendar shall show of a living item."""
    shown = item.calendar_content(options.default_minutes)
    ours = made_by is MadeBy.US
    level = options.send.privacy.level(shown.private) if ours else Level.FULL
    stop = _stop(item, shown, level, options, integration_id) if ours else None
    if stop is not None:
        return stop
    hidden = HIDDEN_FIELDS if item.hidden or level is Level.BUSY_ONLY else frozenset()
    sends = item.type in options.send.types and shown.span is not None
    return Projected(_visible(item, shown, level, options), hidden, sends)


def _stop(item: Item, shown: Content, level: Level, options: Options, integration_id: str) -> Projection | None:
    """Why a copy made by us must not be there (any more)."""
    if shown.span is None:
        return Withdraw("unscheduled")
    if shown.status == "cancelled":
        return Withdraw("cancelled")
    if level is Level.SKIP:
        return Withdraw("private")
    if item.type not in options.send.types:
        return _leave("type_not_sent", options)
    if item.origin not in (None, integration_id) and not options.send.forward:
        return _leave("forward_off", options)
    if item.hidden and item.origin != integration_id:
        return Leave("hidden")
    return None


def _leave(reason: str, options: Options) -> Projection:
    return Withdraw(reason) if options.send.on_leave is OnLeave.REMOVE else Detach(reason)


def _visible(item: Item, shown: Content, level: Level, options: Options) -> Content:
    units: dict[Unit, Value] = {
        unit: value
        for unit, value in shown.units.items()
        if unit[1] not in NO_EDIT_FIELDS or unit[1] is Field.REMINDERS
    }
    if not options.invitations_all:
        units = {unit: value for unit, value in units.items() if unit[1] is not Field.PEOPLE}
    if item.hidden:
        return content({unit: value for unit, value in units.items() if unit[1] not in HIDDEN_FIELDS})
    if level is Level.BUSY_ONLY:
        kept = {unit: value for unit, value in units.items() if unit[1] not in HIDDEN_FIELDS | {Field.REMINDERS}}
        return content({**kept, (MASTER, Field.TITLE): options.busy_title})
    return content(units)


@dataclass(frozen=True, slots=True)
class View:
    """An event as retrieving may see it. ``level`` SKIP: it must not be in My Calendar."""

    content: Content
    level: Level


def view(event: Event, options: Options, made_by: MadeBy) -> View:
    """The event under the retrieve level in force; copies made by us are ours and always seen whole."""
    level = Level.FULL if made_by is MadeBy.US else options.retrieve.privacy.level(event.content.private)
    seen = event.content.without({Field.REMINDERS})
    if level is Level.FULL:
        return View(seen, level)
    return View(seen.without(HIDDEN_FIELDS), level)
