"""Opaque cursors of lists: where the last page ended."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from calbridge.service.values import invalid

LONGEST = 2_000


def encode(place: Any) -> str:
    """A cursor of plain JSON values."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None, kind: type) -> Any:
    """The place that a cursor names, None without one. Raises Refused (``invalid_value``, field ``cursor``)."""
    if cursor is None:
        return None
    try:
        if len(cursor) > LONGEST:
            raise ValueError
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise invalid("cursor", "must be the next_cursor of an earlier answer") from None
    if not isinstance(place, kind) or isinstance(place, bool) or (isinstance(place, str) and "\x00" in place):
        raise invalid("cursor", "must be the next_cursor of an earlier answer")
    return place
