"""Moving a series (SYNC A2): keys of overrides and exclusions follow the master."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.recurrence import has_slot


@dataclass(frozen=True, slots=True)
class Moved:
    """A content expressed in the slots of a moved series; ``keys`` maps old to new, None where the slot is gone."""

    content: Content
    keys: Mapping[str, str | None]


def rekey(old: Content, target: Span) -> Moved:
    """Express every occurrence of ``old`` in the slots of the series timed by ``target``.

    Keys shift by the local distance of the two starts; where the rule changed they keep their date and take the new
    time of day, or shift where that date has no slot (a weekly Tuesday that became a Wednesday). An override with a
    time of its own keeps its time of day while its date shifts with its key.
    The master's own time is left as it is.
    """
    span = old.span
    if span is None or not old.keys or not span.recurring:
        return Moved(old, {})
    if span.start.key == target.start.key and _rules(span) == _rules(target):
        return Moved(old, {})
    keys = {key: new_key(key, span, target) for key in old.keys}
    if all(key == new for key, new in keys.items()):
        return Moved(old, {})
    units: dict[Unit, Value] = {unit: value for unit, value in old.units.items() if unit[0] == MASTER}
    units[(MASTER, Field.TIME)] = target
    for (key, name), value in old.units.items():
        new = keys.get(key)
        if key != MASTER and new is not None:
            units[(new, name)] = moved_value(value, key, new)
    moved = dict(content(units).units)
    moved[(MASTER, Field.TIME)] = span
    return Moved(Content(moved), {key: new for key, new in keys.items() if new != key})


def _rules(span: Span) -> tuple[str, ...]:
    return tuple(sorted(span.rule))


def new_key(key: str, span: Span, target: Span) -> str | None:
    """The slot that an occurrence of ``span`` has in the series ``target``; None when there is none."""
    if not target.recurring:
        return None
    moment = datetime.fromisoformat(key)
    same_date = datetime.combine(moment.date(), target.start.local.time())
    try:
        shifted = moment + (target.start.local - span.start.local)
    except OverflowError:
        shifted = same_date
    tries = [shifted] if _rules(span) == _rules(target) else [same_date, shifted]
    keys = (target.start.at(moved).key for moved in tries)
    return next((new for new in keys if has_slot(target, new)), None)


def updated(stored: Content, units: Mapping[Unit, Value], rekeyed: Mapping[str, str | None]) -> Content:
    """A content after an update: occurrences follow a move of the master first, then ``units`` are set.

    ``rekeyed`` maps old to new keys where the caller knows better than :func:`rekey`; None drops the occurrence.
    """
    target = units.get((MASTER, Field.TIME))
    keys = {**(rekey(stored, target).keys if isinstance(target, Span) else {}), **rekeyed}
    moved: dict[Unit, Value] = {}
    for (key, name), value in stored.units.items():
        new = keys.get(key, key)
        if new is not None:
            moved[(new, name)] = moved_value(value, key, new)
    return Content(moved).with_units(units)


def moved_value(value: Value, key: str, new: str) -> Value:
    """An occurrence's own time keeps its time of day while its date follows the key; anything else stays."""
    if key == new or not isinstance(value, Span):
        return value
    days = timedelta(days=(datetime.fromisoformat(new).date() - datetime.fromisoformat(key).date()).days)
    try:
        return replace(value, start=value.start.shifted(days), end=value.end.shifted(days))
    except OverflowError:
        # Beyond the first or the last of all days there is no date to follow to.
        return value
