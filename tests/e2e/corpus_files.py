"""Cuts real calendar files into what a client would store: one resource for each UID.

Knows nothing of calbridge: it works on the bytes and looks only at lines that begin, end or name something.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LINE_END = re.compile(rb"\r\n|\n|\r")
_EDGE = re.compile(rb"(BEGIN|END)[ \t]*:[ \t]*([^\s]+)[ \t]*", re.IGNORECASE)
_TZID = re.compile(rb';TZID=(?:"([^"]*)"|([^;:"]*))', re.IGNORECASE)
_ENTRIES = frozenset({b"VTODO", b"VJOURNAL"})
_HEAD = {b"VERSION": b"VERSION:2.0", b"PRODID": b"PRODID:-//example.com//corpus//EN"}


class Kind(enum.StrEnum):
    """What is stored as one resource."""

    EVENT = "event"
    NO_UID = "no uid"
    SEVERAL_UIDS = "several uids"
    NO_EVENT = "no event"
    BROKEN = "broken"


_NEVER_STORED = frozenset({Kind.NO_UID, Kind.SEVERAL_UIDS, Kind.BROKEN})


@dataclass(frozen=True)
class Resource:
    """One body to be stored: the ``number``-th of its file. ``uid`` is empty where there is none."""

    file: str
    number: int
    kind: Kind
    uid: str
    body: bytes = field(repr=False)


@dataclass
class _Part:
    """A component: its own unfolded lines, and all its lines as they stand in the file."""

    name: bytes
    own: list[bytes] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

    def value(self, name: bytes) -> bytes:
        """The value of the first property of this name."""
        return next((line.partition(b":")[2].strip() for line in self.own if _name(line) == name), b"")


class _Unbalanced(ValueError):
    """Something ends that did not begin, or the other way round."""


def resources(folder: Path) -> list[Resource]:
    """Every resource of every file, in the order of the file names."""
    return [
        Resource(path.name, number, *parts)
        for path in sorted(folder.glob("*.ics"))
        for number, parts in enumerate(_cut(path.read_bytes()))
    ]


def _cut(body: bytes) -> Iterator[tuple[Kind, str, bytes]]:
    try:
        root = _parsed(body.removeprefix(b"\xef\xbb\xbf"))
    except _Unbalanced:
        yield (Kind.BROKEN, "", body)
        return
    calendars = [one for one in root.parts if one.name == b"VCALENDAR"] or [root]
    events = [(calendar, one) for calendar in calendars for one in calendar.parts if one.name == b"VEVENT"]
    groups: dict[bytes, list[tuple[_Part, _Part]]] = {}
    for calendar, event in events:
        groups.setdefault(event.value(b"UID"), []).append((calendar, event))
    if not events:
        entries = [one.value(b"UID") for calendar in calendars for one in calendar.parts if one.name in _ENTRIES]
        whole = Kind.NO_EVENT if any(calendar is not root for calendar in calendars) else Kind.BROKEN
        yield (whole, entries[0].decode("utf-8", "replace") if entries else "", _without_method(body))
    for uid, group in groups.items():
        if uid:
            yield (Kind.EVENT, uid.decode("utf-8", "replace"), _wrapped(group))
        else:
            yield from ((Kind.NO_UID, "", _wrapped([one])) for one in group)
    if len(groups) > 1:
        yield (Kind.SEVERAL_UIDS, "", _wrapped(events))


def slices(found: list[Resource], number: int) -> list[list[Resource]]:
    """Shared out evenly, the same way each time; no slice holds a UID twice, as no calendar may."""
    shares: list[list[Resource]] = [[] for _ in range(number)]
    taken: list[set[str]] = [set() for _ in range(number)]
    for one in found:
        free = [index for index in range(number) if one.uid not in taken[index] or one.kind in _NEVER_STORED]
        index = min(free, key=lambda each: len(shares[each]))
        shares[index].append(one)
        if one.kind not in _NEVER_STORED:
            taken[index].add(one.uid)
    return shares


def _parsed(body: bytes) -> _Part:
    root = _Part(b"")
    stack = [root]
    for raw in _LINE_END.split(body):
        if raw[:1] in (b" ", b"\t") and stack[-1].own:
            stack[-1].own[-1] += raw[1:]
            _keep(stack, raw)
            continue
        edge = _EDGE.fullmatch(raw)
        if edge is None:
            if raw.strip():
                stack[-1].own.append(raw)
                _keep(stack, raw)
            continue
        name = edge.group(2).upper()
        if edge.group(1).upper() == b"BEGIN":
            stack.append(_Part(name))
            _keep(stack, raw)
        else:
            if stack[-1].name != name:
                raise _Unbalanced
            _keep(stack, raw)
            part = stack.pop()
            stack[-1].parts.append(part)
    if len(stack) > 1:
        raise _Unbalanced
    return root


def _keep(stack: list[_Part], raw: bytes) -> None:
    for part in stack[1:]:
        part.raw.append(raw)


def _wrapped(events: list[tuple[_Part, _Part]]) -> bytes:
    """One VCALENDAR around events, with the properties of their calendar and the time zones they name."""
    calendar = events[0][0]
    own = [line for line in calendar.own if calendar.name and _name(line) not in {b"METHOD", *_HEAD}]
    names = {one or other for _, event in events for line in event.raw for one, other in _TZID.findall(line)}
    zones = {
        zone.value(b"TZID"): zone
        for around, _ in events
        for zone in around.parts
        if zone.name == b"VTIMEZONE" and zone.value(b"TZID") in names
    }
    head = [
        f"{name.decode()}:".encode() + calendar.value(name) if calendar.value(name) else line
        for name, line in _HEAD.items()
    ]
    lines = [b"BEGIN:VCALENDAR", *head, *own]
    for part in (*zones.values(), *(event for _, event in events)):
        lines += part.raw
    return b"\r\n".join([*lines, b"END:VCALENDAR", b""])


def _without_method(body: bytes) -> bytes:
    return re.sub(rb"(?im)^METHOD:[^\r\n]*\r?\n", b"", body)


def _name(line: bytes) -> bytes:
    return re.split(rb"[;:]", line, maxsplit=1)[0].strip().upper()
