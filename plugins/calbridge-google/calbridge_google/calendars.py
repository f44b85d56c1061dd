"""Which calendars the account's list shows (calendarList.list)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calbridge.connectors.contract import Calendar
from calbridge.domain.times import is_iana
from calbridge.errors import Unavailable
from calbridge_google.client import CalendarClient, Call
from calbridge_google.series import items_of

_MOST = 250
_MAX_PAGES = 100
_WRITABLE = frozenset({"writerWithoutPrivateAccess", "writer", "owner"})
_NAME_LENGTH = 200


def calendars(client: CalendarClient) -> list[Calendar]:
    """All calendars whose events the account may read: who sees only free and busy sees no events."""
    query: dict[str, Any] = {"maxResults": _MOST, "minAccessRole": "reader"}
    found: dict[str, Calendar] = {}
    for _ in range(_MAX_PAGES):
        answer = client.one(Call("list", query, resource="calendarList"))
        found.update({str(item["id"]): _calendar(item) for item in items_of(answer) if item.get("id")})
        if not answer.get("nextPageToken"):
            return list(found.values())
        query["pageToken"] = str(answer["nextPageToken"])
    raise Unavailable("a list of calendars without an end", code="malformed_answer", sent=True)


def _calendar(item: Mapping[str, Any]) -> Calendar:
    name = item.get("summaryOverride") or item.get("summary") or item["id"]
    zone = item.get("timeZone")
    color = item.get("backgroundColor")
    return Calendar(
        str(item["id"]),
        str(name)[:_NAME_LENGTH],
        zone if isinstance(zone, str) and is_iana(zone) else None,
        color.upper() if isinstance(color, str) else None,
        primary=bool(item.get("primary")),
        writable=item.get("accessRole") in _WRITABLE,
    )
