"""What a calendar holds: events as they are kept, their versions, and the order of changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.doubles.google import times
from tests.doubles.google.quirks import Quirks
from tests.doubles.google.times import Resource

READ_ONLY = frozenset(
    {"kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "hangoutLink", "locked"}
)
"""Ignored where a client sends them."""
UNTOLD = frozenset({"reminders", "colorId"})
"""The user's own; a change of only these leaves ``updated`` alone (dossier 3)."""


@dataclass
class Stored:
    """One event, exception or tombstone."""

    body: Resource
    seq: int
    version: int
    told: bool = True
    """Whether deltas tell it: dropped exceptions are not told."""

    @property
    def cancelled(self) -> bool:
        return self.body.get("status") == "cancelled"

    @property
    def is_exception(self) -> bool:
        return "recurringEventId" in self.body

    @property
    def etag(self) -> str:
        return f'"{3_400_000_000_000_000 + self.version * 2}"'


@dataclass
class CalendarState:
    """One calendar of an account."""

    id: str
    summary: str
    quirks: Quirks
    time_zone: str = "Europe/Vienna"
    access_role: str = "owner"
    primary: bool = False
    hidden: bool = False
    events: dict[str, Stored] = field(default_factory=dict)
    seq: int = 0
    epoch: int = 1
    listings: dict[str, list[str]] = field(default_factory=dict)

    def put(self, body: Resource, now: datetime, *, told: bool = True) -> Stored:
        """Keep a body under a new version."""
        self.seq += 1
        before = self.events.get(body["id"])
        changed = before is None or _without(before.body) != _without(body)
        stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
        body = copy.deepcopy(body)
        body.setdefault("created", stamp)
        body["updated"] = stamp if changed else body.get("updated", stamp)
        self.events[body["id"]] = Stored(body, self.seq, self.seq, told)
        return self.events[body["id"]]

    def exceptions(self, master_id: str) -> list[Stored]:
        """All exceptions of a series, cancelled instances included."""
        return [each for each in self.events.values() if each.body.get("recurringEventId") == master_id]

    def drop(self, event_id: str) -> None:
        """Forget without a word."""
        del self.events[event_id]

    def living_master(self, stored: Stored) -> bool:
        """Whether an exception's series lives; an invitation to one instance has none here at all."""
        master = self.events.get(stored.body.get("recurringEventId", ""))
        return master is None or not master.cancelled

    def instances(self, master: Stored) -> Iterator[tuple[Resource, Stored | None]]:
        """Every instance in order: an untouched one as a body, or the exception that stands for it."""
        own = {times.instant(each.body["originalStartTime"]): each for each in self.exceptions(master.body["id"])}
        for local in times.slots(master.body, self.quirks.longest_series):
            original = times.from_wall(local, master.body["start"])
            stored = own.pop(times.instant(original), None)
            yield (stored.body if stored else self.untouched(master, original)), stored
        for stored in own.values():
            yield stored.body, stored

    def untouched(self, master: Stored, original: Resource) -> Resource:
        """The body of an instance that nobody touched."""
        body = copy.deepcopy({key: value for key, value in master.body.items() if key != "recurrence"})
        start, end = times.span(master.body, original, exact=self.quirks.exact_durations)
        name = times.instance_id(master.body["id"], original)
        return {
            **body,
            "id": name,
            "recurringEventId": master.body["id"],
            "originalStartTime": original,
            "start": start,
            "end": end,
        }

    def find(self, event_id: str) -> tuple[Resource, Stored | None] | None:
        """An event, exception or tombstone, or an instance nobody touched yet (then without ``Stored``)."""
        stored = self.events.get(event_id)
        if stored is not None:
            return stored.body, stored
        master = self.events.get(event_id.rpartition("_")[0])
        if master is None or master.cancelled or not master.body.get("recurrence"):
            return None
        return next(((body, kept) for body, kept in self.instances(master) if body["id"] == event_id), None)

    def etag_of(self, body: Resource, stored: Stored | None) -> str:
        """An untouched instance has the version of its series."""
        return stored.etag if stored is not None else self.events[body["recurringEventId"]].etag


def _without(body: Resource) -> str:
    return json.dumps({key: value for key, value in body.items() if key not in UNTOLD | {"updated"}}, sort_keys=True)


def rendered(calendar: CalendarState, body: Resource, stored: Stored | None, zone: str | None = None) -> Resource:
    """An event as it is sent in a zone of the response; private ones are masked for who may not see them."""
    told: dict[str, Any] = {key: copy.deepcopy(value) for key, value in body.items() if not key.startswith("_")}
    told |= {"kind": "calendar#event", "etag": calendar.etag_of(body, stored)}
    for name in ("start", "end", "originalStartTime"):
        if name in told:
            told[name] = times.shown(told[name], zone or calendar.time_zone)
    told.setdefault("status", "confirmed")
    told["htmlLink"] = f"https://www.google.com/calendar/event?eid={body['id']}"
    masks = calendar.access_role in ("writerWithoutPrivateAccess", "freeBusyReader")
    if masks and body.get("visibility") in ("private", "confidential"):
        kept = ("kind", "etag", "id", "status", "start", "end", "visibility", "recurrence", "recurringEventId")
        return {key: told[key] for key in (*kept, "originalStartTime", "iCalUID", "updated") if key in told}
    return told


def tombstone(calendar: CalendarState, stored: Stored) -> Resource:
    """What a delta tells of a deleted event: of a living series' instance where it was, of others an id only."""
    body = stored.body
    told: Resource = {"kind": "calendar#event", "etag": stored.etag, "id": body["id"], "status": "cancelled"}
    if stored.is_exception and calendar.living_master(stored):
        told["recurringEventId"] = body["recurringEventId"]
        told["originalStartTime"] = times.shown(body["originalStartTime"], calendar.time_zone)
    return told
