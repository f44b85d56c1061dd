"""Projection (SYNC B2, B3, A9): what a calendar shall show of an item. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calbridge.domain.content import HIDDEN_FIELDS, MASTER, NO_EDIT_FIELDS, Content, Field, Unit, Value, content
from calbridge.domain.event import Event
from calbridge.domain.item import Item
from calbridge.domain.options import Level, OnLeave, Options
from calbridge.domain.title_templates import frame_of, framed, unframed
from calbridge.sync.memory import MadeBy


@dataclass(frozen=True, slots=True)
class Projected:
    """The event an item should be.

    ``hidden``: fields that are redacted or unknown here and take no part in merging. ``sends``: whether options let
    changes of the item go out. ``unsent``: fields of a private item that never go to an event which others made.
    """

    content: Content
    hidden: frozenset[Field] = frozenset()
    sends: bool = True
    unsent: frozenset[Field] = frozenset()


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Our copy is to be removed; never read as a user's deletion."""

    reason: str


@dataclass(frozen=True, slots=True)
class Detach:
    """Our copy stays, and nothing flows in either direction (``on_leave: keep``)."""

    reason: str


Projection = Projected | Withdraw | Detach

LEAVING = frozenset({"type_not_sent", "forward_off"})
"""Reasons that come from a changed option and are confirmed with a number (B3)."""


def project(item: Item, options: Options, made_by: MadeBy, integration_id: str) -> Projection:
    """What the linked calendar shall show of a living item."""
    if made_by is MadeBy.US:
        stop = _stop(item, options, integration_id)
        if stop is not None:
            return stop
    return unstopped(item, options, made_by, integration_id)


def unstopped(item: Item, options: Options, made_by: MadeBy, integration_id: str) -> Projected:
    """The projection of an item whose copy may be on its way out: what a last remote edit is compared with (B3)."""
    shown = item.calendar_content(options.default_minutes)
    level = options.send.privacy.level(shown.private)
    ours = made_by is MadeBy.US
    hidden = HIDDEN_FIELDS if item.hidden or (ours and level is Level.BUSY_ONLY) else frozenset()
    unsent = HIDDEN_FIELDS if not ours and level is not Level.FULL else frozenset()
    forwarded = item.origin in (None, integration_id) or options.send.forward
    sends = item.type in options.send.types and shown.span is not None and forwarded
    visible = _visible(item, shown, level if ours else Level.FULL, options, unsent)
    if ours and not hidden and options.title_templates:
        visible = framed(visible, frame_of(item, options.title_templates))
    return Projected(visible, hidden, sends, unsent)


def taken(units: Mapping[Unit, Value], item: Item, options: Options, made_by: MadeBy) -> Mapping[Unit, Value]:
    """Units of an event as the item takes them: the inverse of :func:`project`, where that can be inverted."""
    if made_by is not MadeBy.US or not options.title_templates:
        return units
    return unframed(units, frame_of(item, options.title_templates))


def _stop(item: Item, options: Options, integration_id: str) -> Projection | None:
    """Why a copy made by us must not be there (any more)."""
    shown = item.calendar_content(options.default_minutes)
    if shown.span is None:
        return Withdraw("unscheduled")
    if shown.status == "cancelled":
        return Withdraw("cancelled")
    if options.send.privacy.level(shown.private) is Level.SKIP:
        return Withdraw("private")
    if item.type not in options.send.types:
        return _leave("type_not_sent", options)
    if item.origin not in (None, integration_id) and not options.send.forward:
        return _leave("forward_off", options)
    if item.hidden:
        return Withdraw("hidden")
    return None


def _leave(reason: str, options: Options) -> Projection:
    return Withdraw(reason) if options.send.on_leave is OnLeave.REMOVE else Detach(reason)


def _visible(item: Item, shown: Content, level: Level, options: Options, unsent: frozenset[Field]) -> Content:
    units: dict[Unit, Value] = {
        unit: value
        for unit, value in shown.units.items()
        if (unit[1] not in NO_EDIT_FIELDS or unit[1] is Field.REMINDERS) and unit[1] not in unsent
    }
    if not options.invitations_all:
        units = {unit: value for unit, value in units.items() if unit[1] is not Field.PEOPLE}
    if item.hidden:
        return content({unit: value for unit, value in units.items() if unit[1] not in HIDDEN_FIELDS})
    if level is Level.BUSY_ONLY:
        kept = {unit: value for unit, value in units.items() if unit[1] not in HIDDEN_FIELDS | {Field.REMINDERS}}
        return content({**kept, (MASTER, Field.TITLE): options.busy_title})
    return shown if len(units) == len(shown.units) else content(units)


@dataclass(frozen=True, slots=True)
class View:
    """An event as retrieving may see it. ``level`` SKIP: it must not be in My Calendar."""

    content: Content
    level: Level


def view(event: Event, options: Options, made_by: MadeBy) -> View:
    """The event under the retrieve level in force; copies made by us are seen whole, if they are shown so."""
    level = Level.FULL if made_by is MadeBy.US else options.retrieve.privacy.level(event.content.private)
    if event.masked and level is Level.FULL:
        level = Level.BUSY_ONLY
    seen = event.content.without({Field.REMINDERS})
    if level is Level.FULL:
        return View(seen, level)
    return View(seen.without(HIDDEN_FIELDS), level)
