"""Titles as a tenant wants them to be sent: ``{title}`` with literal text and names of associations around it. Pure.

What is put around a title depends on the item and the template alone, so it is taken off again exactly where an edited
title still has it; any other title is somebody's own words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calbridge.domain.content import Content, Field, Unit, Value, content, normal_text
from calbridge.domain.item import Item, ItemType
from calbridge.domain.json_parts import Part, invalid

TITLE = "title"
NAMES = ("organization", "account", "contact", "ticket")
"""Types of associations that a template may name; the first one of the type counts."""
LONGEST = 200
_PLACE = re.compile(r"\{([^{}]*)\}")

Templates = tuple[tuple[ItemType, str], ...]
"""By item type, in the order of the types."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before and after the title of one item."""

    before: str = ""
    after: str = ""

    def put_on(self, title: Value) -> Value:
        """The title as it is sent; one that is empty or inherited stays so."""
        return f"{self.before}{title}{self.after}" if isinstance(title, str) and title else title

    def take_off(self, title: Value) -> Value:
        """The title of the item, of what a calendar shows; whole where the frame does not fit any more."""
        if not isinstance(title, str) or not title:
            return title
        for told in (title, unicodedata.normalize("NFC", normal_text(title))):
            inner = told.removeprefix(self.before).removesuffix(self.after)
            if len(inner) + len(self.before) + len(self.after) == len(told):
                return inner
        return title


NO_FRAME = Frame()


def frame_of(item: Item, templates: Templates) -> Frame:
    """The frame of an item's titles; none where an association that the template names is not there."""
    template = dict(templates).get(item.type)
    if template is None:
        return NO_FRAME
    names = _names(item.associations)
    if not {place for place in _PLACE.findall(template) if place != TITLE} <= names.keys():
        return NO_FRAME
    before, _, after = template.partition("{title}")
    return Frame(_filled(before, names), _filled(after, names))


def framed(shown: Content, frame: Frame) -> Content:
    """The content with every title, of the master and of occurrences, as it is sent."""
    return content(
        {unit: frame.put_on(value) if unit[1] is Field.TITLE else value for unit, value in shown.units.items()}
    )


def unframed(units: Mapping[Unit, Value], frame: Frame) -> dict[Unit, Value]:
    """Units that were taken from a calendar, with the titles of the item."""
    return {unit: frame.take_off(value) if unit[1] is Field.TITLE else value for unit, value in units.items()}


def _names(associations: Sequence[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in associations:
        # On one line and composed, as services would make it by themselves.
        name = unicodedata.normalize("NFC", " ".join(str(each.get("name") or "").split()))
        if name and each.get("type") in NAMES:
            found.setdefault(str(each["type"]), name)
    return found


def _filled(text: str, names: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: names[found[1]], text)


def templates_in(part: Part) -> Templates:
    """``{type: template}``. Raises Refused (``invalid_value``)."""
    found = tuple((each, _checked(part, each.value)) for each in ItemType if part.has(each.value))
    part.done()
    return found


def _checked(part: Part, name: str) -> str:
    text = unicodedata.normalize("NFC", part.text(name) or "")
    places = _PLACE.findall(text)
    if places.count(TITLE) != 1 or not set(places) <= {TITLE, *NAMES}:
        known = ", ".join(f"{{{each}}}" for each in NAMES)
        raise invalid(part.field(name), f"must hold {{title}} once, and beside it only {known}")
    if set("{}") & set(_PLACE.sub("", text)):
        raise invalid(part.field(name), "must hold braces only around names")
    if len(text) > LONGEST or not text.isprintable() or normal_text(text) != text:
        raise invalid(
            part.field(name), f"must be one line of at most {LONGEST} characters, without blanks at its ends or in rows"
        )
    return text


def templates_out(templates: Templates) -> dict[str, str]:
    """The inverse of :func:`templates_in`."""
    return {each.value: text for each, text in templates}
