"""What a body says, read by the icalendar library alone, and what a changed title may change in it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import icalendar

STAMPS = frozenset({"DTSTAMP", "LAST-MODIFIED"})
Property = tuple[str, tuple[tuple[str, str], ...], str]


@dataclass(frozen=True)
class Said:
    """A component: its properties with parameters and values, what could not be typed, and what lies below it."""

    name: str
    properties: tuple[Property, ...]
    faults: tuple[str, ...]
    below: tuple[Said, ...]

    def value(self, name: str) -> str | None:
        """The value of a property as it is written, None where there is none."""
        return next((value for own, _, value in self.properties if own == name), None)

    def without(self, *names: str) -> Said:
        """The same without some properties."""
        return replace(self, properties=tuple(one for one in self.properties if one[0] not in names))


def said(body: bytes) -> Said:
    """Everything that a body says; order and folding say nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The library remarks on odd zone names; only their text is compared here.
        return _said(icalendar.Calendar.from_ical(body))


def _said(part: icalendar.Component) -> Said:
    properties = sorted(_properties(part))
    faults = sorted(repr(fault) for fault in part.errors)
    below = sorted((_said(one) for one in part.subcomponents), key=repr)
    return Said(str(part.name), tuple(properties), tuple(faults), tuple(below))


def _properties(part: icalendar.Component) -> Iterator[Property]:
    for name, value in part.property_items(recursive=False):
        if name in ("BEGIN", "END"):
            continue
        parameters = tuple(sorted((key, str(given)) for key, given in getattr(value, "params", {}).items()))
        written = value.to_ical() if hasattr(value, "to_ical") else value
        yield name.upper(), parameters, written.decode() if isinstance(written, bytes) else str(written)


def differences(before: Said, after: Said, title: str) -> list[str]:
    """What differs beyond a new title of the master, of lone overrides and of overrides that had the master's."""
    found = [] if _shell(before) == _shell(after) else ["the calendar around the event"]
    old = {one.value("RECURRENCE-ID"): one for one in before.below if one.name == "VEVENT"}
    new = {one.value("RECURRENCE-ID"): one for one in after.below if one.name == "VEVENT"}
    if old.keys() != new.keys() or len(before.below) != len(after.below):
        return [*found, "the components"]
    master = old.get(None)
    for key, event in old.items():
        follows = master is None or _title(event) == _title(master)
        found += [f"{key}: {fault}" for fault in _event(event, new[key], title if follows else None)]
    return found


def _event(before: Said, after: Said, title: str | None) -> Iterator[str]:
    """``title``: the one it must have now; None: nothing at all may have changed."""
    free = {"SUMMARY", *STAMPS} if title is not None else set()
    if before.without(*free) != after.without(*free):
        one, other = before.without(*free), after.without(*free)
        names = {each[0] for each in set(one.properties) ^ set(other.properties)}
        yield f"changed: {sorted(names) or 'parts'}"
    if title is not None and _plain(after.value("SUMMARY") or "") != title:
        yield "has not the new title"
    if title is not None and any(after.value(name) is None for name in STAMPS if before.value(name) is not None):
        yield "lost a stamp"


def _shell(calendar: Said) -> Said:
    return replace(calendar, below=tuple(one for one in calendar.below if one.name != "VEVENT"))


def _title(event: Said) -> str:
    return " ".join(_plain(event.value("SUMMARY") or "").split())


def _plain(text: str) -> str:
    """RFC 5545 section 3.3.11, undone."""
    return re.sub(r"\\(.)", lambda found: "\n" if found.group(1) in "nN" else found.group(1), text)
