"""Id and UID of what we create: from the key alone, so that a create can be repeated (contract C4)."""

from __future__ import annotations

import base64
import hashlib
import re

from calbridge.connectors.contract import Place

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,1100}")
_HASH_BYTES = 20
SPARE_IDS = 4
"""How many ids belong to one key: the id of a deleted event is never free again (events.insert, 409)."""


def event_id(key: str, number: int = 0) -> str:
    """An id in base32hex (``a`` to ``v`` and digits); ``number`` counts those that were found used up."""
    text = key if number == 0 else f"{key}\n{number}"
    digest = hashlib.sha256(text.encode()).digest()[:_HASH_BYTES]
    return "cb" + base64.b32hexencode(digest).decode("ascii").lower()


def place_of(key: str) -> Place:
    """Google gives an event without a UID of its own the UID ``<id>@google.com``."""
    name = event_id(key)
    return Place(name, f"{name}@google.com")


def is_event_id(text: str) -> bool:
    """Whether an event can have this id: anything else would change the address that is asked."""
    return _EVENT_ID.fullmatch(text) is not None


def series_of(remote_id: str) -> str:
    """The series that an instance belongs to, by its id (``<series>_<original start>``)."""
    return remote_id.rpartition("_")[0]
