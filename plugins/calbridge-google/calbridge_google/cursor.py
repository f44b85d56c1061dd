"""The cursor as the core stores it: Google's sync token, and the query that it belongs to."""

from __future__ import annotations

import json

from calbridge.errors import CursorExpired

QUERY = "1"
"""Number of the query in :mod:`.changes`: with another one a token would have undefined behaviour (events.list)."""


def cursor_text(token: str) -> str:
    """For the core."""
    return json.dumps({"query": QUERY, "token": token}, separators=(",", ":"))


def token_of(cursor: str) -> str:
    """Raises CursorExpired for a text that is not ours, or of another query."""
    try:
        told = json.loads(cursor)
        if told["query"] != QUERY:
            raise CursorExpired("the listing is asked for otherwise now")
        return str(told["token"])
    except (ValueError, KeyError, TypeError) as error:
        raise CursorExpired("not a cursor of this connector") from error
