"""A digest of what a calendar file says, for servers whose ETags can't be trusted (dossier section 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from calbridge.connectors.ical.text import Undecodable, unescape
from calbridge.connectors.ical.tree import Component, Line, Malformed, TooLarge, parse
from calbridge.domain.content import canonical_rule

_IGNORED = frozenset(
    {"DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "PRODID", "X-RECURRENCE-EXCEPTION", "METHOD", "VERSION"}
)
_SERVER_PARAMETERS = frozenset({"SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND"})


def digest(body: bytes) -> str:
    """A hash that stays the same when a server only re-orders, re-folds, re-quotes, stamps or redefines zones.

    Of a body that is no calendar file, the hash of its bytes.
    """
    try:
        text = "\n".join(sorted(_flat(parse(body))))
    except (Undecodable, Malformed, TooLarge):
        return hashlib.sha256(body).hexdigest()
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _flat(part: Component) -> Iterator[str]:
    """Every part below a calendar as one canonical text; a calendar's own properties count too."""
    if part.name not in ("", "VCALENDAR"):
        yield _canonical(part)
        return
    yield from (_property(item) for item in part.items if isinstance(item, Line) and not _is_stamp(item))
    for one in part.parts():
        if one.name != "VTIMEZONE":
            yield from _flat(one)


def _canonical(part: Component) -> str:
    own = sorted(_property(item) for item in part.items if isinstance(item, Line) and not _is_stamp(item))
    below = sorted(_canonical(one) for one in part.parts() if one.name != "VTIMEZONE")
    return "\n".join([f"BEGIN:{part.name}", *own, *below, f"END:{part.name}"])


def _is_stamp(item: Line) -> bool:
    return item.name in _IGNORED or item.name.startswith("X-CALENDARSERVER-")


def _property(item: Line) -> str:
    if item.name == "RRULE":
        return canonical_rule(f"RRULE:{item.value}")
    given = ";".join(f"{key}={value}" for key, value in sorted(item.parameters.items()) if _counts(key))
    return f"{item.name};{given}:{unescape(item.value)}".rstrip()


def _counts(parameter: str) -> bool:
    return parameter not in _SERVER_PARAMETERS and not parameter.startswith("X-CALENDARSERVER-")
