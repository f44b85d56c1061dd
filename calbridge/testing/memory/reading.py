"""How the memory service shows an event, and the opaque bytes that go with it."""

from __future__ import annotations

import json

from calbridge.connectors.contract import Seen, Unreadable
from calbridge.domain.content import MASTER, Field, Text
from calbridge.testing.memory.service import MemoryService
from calbridge.testing.memory.state import Stored


def shown(service: MemoryService, stored: Stored, *, whole: bool = True) -> Seen | Unreadable:
    """What lives at an address; with ``whole`` the event and its native form go along."""
    version = version_of(service, stored)
    if not stored.readable:
        return Unreadable(stored.remote_id, version, "broken_calendar_data")
    if not whole:
        return Seen(stored.remote_id, version, stored.uid)
    return Seen(stored.remote_id, version, stored.uid, service.event(stored), native(stored))


def version_of(service: MemoryService, stored: Stored) -> str | None:
    """The version told to clients."""
    return None if service.switches.no_versions else stored.version


def native(stored: Stored) -> bytes:
    """Like real native forms it names the event and holds its text and its foreign properties."""
    text = stored.content.units.get((MASTER, Field.TEXT))
    told = {
        "uid": stored.uid,
        "title": stored.content.title,
        "text": text.plain if isinstance(text, Text) else "",
        "extra": stored.extra,
    }
    return json.dumps(told, sort_keys=True).encode()


def native_uid(given: bytes) -> str:
    """The UID in bytes made by :func:`native`."""
    return str(json.loads(given)["uid"])
