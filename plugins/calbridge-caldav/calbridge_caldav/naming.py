"""Address and UID of what we create: from the key alone, so that a create can be repeated (contract C4)."""

from __future__ import annotations

import hashlib
import uuid

from calbridge.connectors.contract import Place


def place_of(calendar_path: str, key: str) -> Place:
    """``<uid>.ics`` in the calendar. Letters, digits and ``-`` only: other names are refused at times (dossier 5)."""
    uid = str(uuid.UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=5)).upper()
    return Place(f"{calendar_path}{uid}.ics", uid)


def own_path(calendar_path: str, uid: str) -> str | None:
    """Where an event with this UID lives if we made it; None for a UID that is none of ours."""
    try:
        ours = str(uuid.UUID(uid)).upper() == uid
    except ValueError:
        return None
    return f"{calendar_path}{uid}.ics" if ours else None
