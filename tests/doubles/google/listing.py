"""events.list and events.instances: pages, sync tokens, what is told and what is not (dossier 3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from tests.doubles.google import times
from tests.doubles.google.refusing import ApiError, bad
from tests.doubles.google.state import CalendarState, Stored, rendered, tombstone
from tests.doubles.google.times import Resource

Query = Mapping[str, list[str]]
NOT_WITH_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
)  # fmt: skip
NO_TOKEN_AFTER = ("orderBy", "q", "updatedMin", "iCalUID", "privateExtendedProperty", "sharedExtendedProperty")
MOST = 2500


def one(query: Query, name: str, default: str = "") -> str:
    """The value of a parameter that is given once."""
    return query.get(name, [default])[0]


class Lister:
    """Listings of one calendar. A token, of either kind, remembers the query it was given for."""

    def __init__(self, calendar: CalendarState, breach: Any) -> None:
        self._calendar = calendar
        self._breach = breach

    @property
    def calendar_id(self) -> str:
        """The calendar's id."""
        return self._calendar.id

    def stored(self, event_id: str) -> Stored | None:
        """What is kept under an id."""
        return self._calendar.events.get(event_id)

    def list(self, query: Query) -> Resource:
        """One page of events.list."""
        calendar = self._calendar
        self._check(query)
        asked = {name: value for name, value in query.items() if name not in ("pageToken", "fields", "alt")}
        if "pageToken" in query:
            state = self._opened(one(query, "pageToken"), "page")
            if state["query"] != asked:
                raise bad("pageToken belongs to another query", "pageToken")
        else:
            state = {"query": asked, "seq": calendar.seq, "at": 0, "empty": False, "epoch": calendar.epoch}
            state["name"] = f"listing-{len(calendar.listings) + 1}"
            calendar.listings[state["name"]] = self._chosen(query)
        return self._page(query, state, calendar.listings[state["name"]])

    def _page(self, query: Query, state: dict[str, Any], ids: list[str]) -> Resource:
        calendar, quirks = self._calendar, self._calendar.quirks
        size = min(int(one(query, "maxResults", "250")), MOST, quirks.page_size or MOST)
        empty = quirks.empty_pages and not state["empty"]
        chunk = [] if empty else ids[state["at"] : state["at"] + size]
        told: Resource = {
            "kind": "calendar#events",
            "etag": f'"p{calendar.seq}"',
            "summary": calendar.summary,
            "updated": "2027-01-01T00:00:00.000Z",
            "timeZone": one(query, "timeZone", calendar.time_zone),
            "accessRole": calendar.access_role,
            "defaultReminders": [{"method": "popup", "minutes": 10}],
            "items": [item for name in chunk if (item := self._item(query, name)) is not None],
        }
        place = state["at"] + len(chunk)
        if place < len(ids) or empty:
            told["nextPageToken"] = self._token("page", {**state, "at": place, "empty": empty})
        elif not any(name in query for name in NO_TOKEN_AFTER):
            kept = {name: value for name, value in state["query"].items() if name not in ("syncToken", "timeMin")}
            fresh = {"seq": state["seq"], "query": kept, "epoch": calendar.epoch}
            told["nextSyncToken"] = self._token("sync", fresh)
        return told

    def _check(self, query: Query) -> None:
        if "syncToken" in query:
            refused = [name for name in NOT_WITH_TOKEN if name in query]
            if refused or one(query, "showDeleted") == "false":
                raise bad("Sync token cannot be used with other request restrictions.", "syncToken", "badRequest")
            known = self._opened(one(query, "syncToken"), "sync")
            before = {name: value for name, value in known["query"].items() if name != "maxResults"}
            now = {name: value for name, value in query.items() if name not in _FREE}
            if before != now:
                self._breach(f"a sync token of {before} is used with {now}")
        if one(query, "orderBy") == "startTime" and one(query, "singleEvents") != "true":
            raise bad("The requested ordering is not available for the particular query.", "orderBy")

    def _chosen(self, query: Query) -> list[str]:
        """The ids of a listing, fixed at its start; what they are is looked up when their page is sent."""
        calendar = self._calendar
        if calendar.quirks.lists_empty_once and "syncToken" not in query and "iCalUID" not in query:
            calendar.quirks.lists_empty_once = False
            return []
        if "syncToken" in query:
            since = self._opened(one(query, "syncToken"), "sync")["seq"]
            found = [each for each in calendar.events.values() if each.seq > since and self._told(each)]
        else:
            found = [each for each in calendar.events.values() if self._in_listing(query, each)]
        found = [each for each in found if self._of_type(query, each)]
        if one(query, "singleEvents") == "true":
            return self._expanded(query, found)
        found.sort(key=lambda each: (each.is_exception != calendar.quirks.exceptions_first, each.seq))
        return [each.body["id"] for each in found]

    def _told(self, stored: Stored) -> bool:
        quirks = self._calendar.quirks
        dead = stored.is_exception and not self._calendar.living_master(stored)
        return stored.told and (not dead or quirks.tells_exceptions_of_deleted)

    def _of_type(self, query: Query, stored: Stored) -> bool:
        return "eventTypes" not in query or stored.body.get("eventType", "default") in query["eventTypes"]

    def _in_listing(self, query: Query, stored: Stored) -> bool:
        deleted = one(query, "showDeleted") == "true"
        if stored.is_exception and not self._calendar.living_master(stored):
            return False
        if stored.cancelled and not stored.is_exception and not deleted:
            return False
        if stored.cancelled and not stored.is_exception and self._calendar.quirks.tombstones_vanish:
            return False
        return self._matches(query, stored)

    def _matches(self, query: Query, stored: Stored) -> bool:
        body, quirks = stored.body, self._calendar.quirks
        if "iCalUID" in query:
            known = not (stored.cancelled and stored.is_exception) or quirks.cancelled_instances_match_uid
            if not known or body.get("iCalUID") != one(query, "iCalUID"):
                return False
        for scope in ("private", "shared"):
            for wanted in query.get(f"{scope}ExtendedProperty", []):
                name, _, value = wanted.partition("=")
                if body.get("extendedProperties", {}).get(scope, {}).get(name) != value:
                    return False
        return self._in_time(query, body)

    def _in_time(self, query: Query, body: Resource) -> bool:
        """By the first instance for a series without an end: it goes on."""
        if "start" not in body:
            return True
        low, high = query.get("timeMin"), query.get("timeMax")
        late = low is None or bool(body.get("recurrence")) or _at(low) < times.instant(body["end"])
        return late and (high is None or times.instant(body["start"]) < _at(high))

    def _expanded(self, query: Query, found: list[Stored]) -> list[str]:
        names: list[str] = []
        for each in found:
            if each.body.get("recurrence") and not each.cancelled:
                bodies = [body for body, _ in self._calendar.instances(each) if body.get("status") != "cancelled"]
                names += [body["id"] for body in bodies if self._in_time(query, body)]
            elif not each.is_exception:
                names.append(each.body["id"])
        return list(dict.fromkeys(names))

    def _item(self, query: Query, name: str) -> Resource | None:
        found = self._calendar.find(name)
        if found is None:
            return None
        body, stored = found
        if stored is not None and stored.cancelled:
            if "syncToken" in query or stored.is_exception or one(query, "showDeleted") == "true":
                return tombstone(self._calendar, stored)
            return None
        return rendered(self._calendar, body, stored, one(query, "timeZone") or None)

    def instances(self, master: Stored, query: Query) -> Resource:
        """One page of events.instances."""
        original = one(query, "originalStart")
        found = []
        for body, stored in self._calendar.instances(master):
            if body.get("status") == "cancelled" and one(query, "showDeleted") != "true":
                continue
            if original and not _is_at(body["originalStartTime"], original):
                continue
            if "start" in body and not self._in_time(query, body):
                continue
            found.append((body, stored))
        start = int(one(query, "pageToken", "0"))
        size = min(int(one(query, "maxResults", "250")), MOST, self._calendar.quirks.page_size or MOST)
        zone = one(query, "timeZone") or None
        told: Resource = {
            "kind": "calendar#events",
            "timeZone": zone or self._calendar.time_zone,
            "accessRole": self._calendar.access_role,
            "items": [self._instance(body, stored, zone) for body, stored in found[start : start + size]],
        }
        if start + size < len(found):
            told["nextPageToken"] = str(start + size)
        return told

    def _instance(self, body: Resource, stored: Stored | None, zone: str | None) -> Resource:
        if stored is not None and stored.cancelled:
            return tombstone(self._calendar, stored)
        return rendered(self._calendar, body, stored, zone)

    def _token(self, kind: str, content: Mapping[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps([kind, self._calendar.id, content]).encode()).decode()

    def _opened(self, token: str, kind: str) -> dict[str, Any]:
        try:
            found, calendar, content = json.loads(base64.urlsafe_b64decode(token))
        except ValueError:
            raise bad("Invalid token value.", f"{kind}Token") from None
        if found != kind or calendar != self._calendar.id:
            raise bad("Invalid token value.", f"{kind}Token")
        if content["epoch"] != self._calendar.epoch:
            message = "Sync token is no longer valid, a full sync is required."
            raise ApiError(410, "fullSyncRequired", message, domain="calendar", location=f"{kind}Token")
        return dict(content)


_FREE = frozenset({"syncToken", "pageToken", "fields", "maxResults", "alt"})


def _at(values: list[str]) -> Any:
    return times.instant({"dateTime": values[0].replace("Z", "+00:00")})


def _is_at(original: Resource, asked: str) -> bool:
    if "date" in original:
        return bool(original["date"] == asked[:10])
    if "T" not in asked:
        return False
    return times.instant(original) == _at([asked])
