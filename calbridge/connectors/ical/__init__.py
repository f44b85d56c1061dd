"""Events to iCalendar and back, in place (RFC 5545, SYNC A).

A file is kept as a tree of its lines: what nobody changes is written back as it was read.
"""

from calbridge.connectors.ical.creating import create, normalise_content
from calbridge.connectors.ical.digesting import digest
from calbridge.connectors.ical.editing import edit
from calbridge.connectors.ical.reading import Broken, Readable, read
from calbridge.connectors.ical.removing import remove
from calbridge.connectors.ical.responding import respond

__all__ = ["Broken", "Readable", "create", "digest", "edit", "normalise_content", "read", "remove", "respond"]
