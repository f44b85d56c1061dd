"""What the memory service makes of a content, and what an update makes of one. Pure."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace

from calbridge.domain.content import MASTER, Content, Field, Span, Text, Unit, Value, content
from calbridge.domain.series import rekey
from calbridge.domain.times import When
from calbridge.testing.memory.switches import Switches

RENAMED_ZONES = {"Europe/Vienna": "Europe/Berlin"}


def normalise(given: Content, switches: Switches) -> Content:
    """What a service with these switches keeps of a content; applying it twice changes nothing more."""
    return content(
        {
            unit: _kept(unit[1], value, switches)
            for unit, value in given.units.items()
            if not (switches.drops_categories and unit[1] is Field.CATEGORIES)
        }
    )


def _kept(name: Field, value: Value, switches: Switches) -> Value:
    if isinstance(value, Span) and switches.renames_zones:
        return replace(value, start=_renamed(value.start), end=_renamed(value.end))
    if isinstance(value, Text) and switches.rewrites_html:
        return Text(value.plain, _page(value))
    if name is Field.TITLE and isinstance(value, str) and switches.truncates_titles is not None:
        return value[: switches.truncates_titles]
    return value


def _renamed(moment: When) -> When:
    return replace(moment, zone=RENAMED_ZONES.get(moment.zone, moment.zone)) if moment.zone else moment


def _page(text: Text) -> str:
    if text.html is not None and text.html.startswith("<html>"):
        return text.html
    inner = text.html if text.html is not None else f"<p>{html.escape(text.plain)}</p>"
    return f"<html><body>{inner}</body></html>"


def edited(stored: Content, units: Mapping[Unit, Value]) -> Content:
    """A person's edit: where it moves a series, occurrences follow."""
    target = units.get((MASTER, Field.TIME))
    base = rekey(stored, target).content if isinstance(target, Span) else stored
    return base.with_units(units)


def moves(stored: Content, units: Mapping[Unit, Value]) -> bool:
    """Whether these units give the event another time or rule."""
    unit = (MASTER, Field.TIME)
    return unit in units and not Content({unit: units[unit]}).same(Content({unit: stored.get(unit)}))


def master_only(given: Content) -> Content:
    """A content without its overrides and exclusions."""
    return Content({unit: value for unit, value in given.units.items() if unit[0] == MASTER})
