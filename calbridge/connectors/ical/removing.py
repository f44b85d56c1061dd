"""Taking one event out of a file that may hold several."""

from __future__ import annotations

from calbridge.connectors.ical.opened import parsed
from calbridge.connectors.ical.series import is_named, uid_of
from calbridge.connectors.ical.timezones import blocks
from calbridge.connectors.ical.tree import Component, serialise


def remove(native: bytes, *, uid: str, recurrence_id: str | None) -> bytes | None:
    """The file without one event (all components of its UID, or one override that stands alone).

    None when nothing is left in it. :raises Rejected: the file can't be read.
    """
    root = parsed(native)
    zones = dict(blocks(root))

    def goes(part: Component) -> bool:
        if part.name != "VEVENT" or uid_of(part) != uid:
            return False
        return recurrence_id is None or is_named(part, recurrence_id, zones)

    for holder in (root, *root.parts("VCALENDAR")):
        holder.keep(lambda item: not (isinstance(item, Component) and goes(item)))
    left = [one for one in root.walk() if one.name not in ("", "VCALENDAR", "VTIMEZONE")]
    return serialise(root) if left else None
