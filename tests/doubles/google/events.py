"""Writing and reading single events (dossier 4 and 5)."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.doubles.google import times
from tests.doubles.google.listing import Query, one
from tests.doubles.google.refusing import ApiError, bad, not_found
from tests.doubles.google.state import READ_ONLY, CalendarState, Stored, rendered
from tests.doubles.google.times import Resource

_ID = re.compile(r"[a-v0-9]{5,1024}")
_IMMUTABLE = ("id", "iCalUID", "recurringEventId", "originalStartTime", "eventType", "privateCopy")
_OF_A_GUEST = frozenset(
    {"attendees", "attendeesOmitted", "reminders", "colorId", "extendedProperties", "transparency", "visibility"}
)
_LOCKED = frozenset({"summary", "description", "location", "start", "end", "recurrence"})
_HIDING = ("private", "confidential")
_COPIED = ("summary", "description", "location", "transparency", "visibility")
_MOVES = ("start", "end", "recurrence")


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> Resource:
    """Patch semantics: objects are merged, lists replaced, null removes."""
    found = copy.deepcopy(dict(base))
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = merged(found[name], value)
        else:
            found[name] = copy.deepcopy(value)
    return found


class Writer:
    """Writes of one calendar on behalf of its user. ``site`` has the clock, the mails and the breaches."""

    def __init__(self, site: Any, calendar: CalendarState) -> None:
        self._site = site
        self._calendar = calendar

    def get(self, event_id: str, query: Query) -> Resource:
        """events.get; deleted ones, too, while their tombstone lives."""
        body, stored = self._found(event_id)
        return rendered(self._calendar, body, stored, one(query, "timeZone") or None)

    def insert(self, given: Resource, query: Query) -> Resource:
        """events.insert."""
        self._may_write()
        if given.get("id") is not None and not _ID.fullmatch(given["id"]):
            raise bad("Invalid resource id value.", "id")
        if "id" in given and "iCalUID" in given:
            self._site.breach("insert with both id and iCalUID")
        if given.get("id") in self._calendar.events:
            raise ApiError(409, "duplicate", "The requested identifier already exists.")
        if given.get("eventType", "default") != "default":
            raise bad("eventType is not supported here", "eventType")
        name = given.get("id") or secrets.token_hex(13)
        body = self._new(name, given, query)
        stored = self._calendar.put(body, self._site.now())
        self._mail("insert", body, query)
        return rendered(self._calendar, stored.body, stored)

    def import_(self, given: Resource, query: Query) -> Resource:
        """events.import: a private copy, one for each iCalUID, without mails."""
        self._may_write()
        if not given.get("iCalUID"):
            raise bad("Missing iCalUID", "iCalUID", "required")
        owner = self._site.user.email
        people = [given.get("organizer", {}), *given.get("attendees", [])]
        if owner not in [person.get("email") for person in people]:
            raise bad("The owner is neither organizer nor attendee", None, "participantIsNeitherOrganizerNorAttendee")
        known = next(
            (each for each in self._calendar.events.values() if each.body.get("iCalUID") == given["iCalUID"]), None
        )
        name = known.body["id"] if known else secrets.token_hex(13)
        body = self._new(name, given, query)
        if given["organizer"].get("email") != owner:
            body["organizer"] = {**given["organizer"], "self": False}
        stored = self._calendar.put(body, self._site.now())
        return rendered(self._calendar, stored.body, stored)

    def _new(self, name: str, given: Resource, query: Query) -> Resource:
        body = self._cleaned({key: value for key, value in given.items() if value is not None}, query)
        owner = {"email": self._calendar.id, "self": True}
        body |= {"id": name, "organizer": owner, "creator": {"email": self._site.user.email, "self": True}}
        body.setdefault("iCalUID", f"{name}@google.com")
        body.setdefault("eventType", "default")
        body.setdefault("reminders", {"useDefault": True})
        for key in ("start", "end"):
            if key not in body:
                raise bad(f"Missing {key} time.", key, "required")
        return self._checked(body)

    def _checked(self, body: Resource) -> Resource:
        for key in ("start", "end"):
            body[key] = times.kept(body[key], key)
        times.check_order(body)
        times.check_recurrence(body)
        reminders = body.get("reminders", {})
        overrides = reminders.get("overrides") or []
        if reminders.get("useDefault") and overrides:
            raise bad(
                "Cannot specify both default reminders and overrides.",
                None,
                "cannotUseDefaultRemindersAndSpecifyOverride",
            )
        if len(overrides) > 5 or any(not 0 <= each.get("minutes", -1) <= 40_320 for each in overrides):
            raise bad("Invalid reminders.", "reminders")
        if any(each.get("method") not in ("email", "popup") for each in overrides):
            raise bad("Invalid reminder method.", "reminders")
        if body.get("visibility", "default") not in ("default", "public", *_HIDING):
            raise bad("Invalid visibility value.", "visibility")
        if body.get("transparency", "opaque") not in ("opaque", "transparent"):
            raise bad("Invalid transparency value.", "transparency")
        url = body.get("source", {}).get("url", "https://")
        if not url.startswith(("http://", "https://")):
            raise bad("Invalid source url.", "source")
        _check_people(body)
        return body

    def _cleaned(self, given: Resource, query: Query) -> Resource:
        """Without what is ignored: read-only fields, conferences and attachments that were not announced."""
        body = {key: value for key, value in given.items() if key not in READ_ONLY}
        if one(query, "conferenceDataVersion", "0") != "1":
            body.pop("conferenceData", None)
        if one(query, "supportsAttachments") != "true":
            body.pop("attachments", None)
        for scope in ("private", "shared"):
            known = (body.get("extendedProperties") or {}).get(scope)
            if known:
                short = {key: value and value[:1024] for key, value in known.items() if len(key) <= 44}
                body["extendedProperties"] = {**body["extendedProperties"], scope: short}
        return body

    def patch(self, event_id: str, given: Resource, query: Query, headers: Mapping[str, str]) -> Resource:
        """events.patch."""
        body, stored = self._writable(event_id, headers, "patch")
        return self._change(body, stored, merged(body, self._cleaned(given, query)), set(given), query)

    def update(self, event_id: str, given: Resource, query: Query, headers: Mapping[str, str]) -> Resource:
        """events.update: what is not sent is removed."""
        body, stored = self._writable(event_id, headers, "update")
        kept = {key: body[key] for key in (*_IMMUTABLE, *READ_ONLY) if key in body}
        if one(query, "conferenceDataVersion", "0") != "1" and "conferenceData" in body:
            kept["conferenceData"] = body["conferenceData"]
        if one(query, "supportsAttachments") != "true" and "attachments" in body:
            kept["attachments"] = body["attachments"]
        return self._change(body, stored, {**self._cleaned(given, query), **kept}, set(given), query)

    def _change(
        self, before: Resource, stored: Stored | None, after: Resource, named: set[str], query: Query
    ) -> Resource:
        for name in _IMMUTABLE:
            if name in named and after.get(name) != before.get(name):
                raise bad(f"{name} can't be changed", name)
        if after.get("sequence", 0) < before.get("sequence", 0):
            raise bad("Invalid sequence value. The specified sequence number is below the current one.", "sequence")
        self._check_rights(before, named)
        if (
            before.get("status") == "cancelled"
            and after.get("status") != "cancelled"
            and self._calendar.quirks.revive_refused
        ):
            raise ApiError(403, "forbidden", "Forbidden")
        if after.get("status") == "cancelled":
            return self._cancel(before, stored, query, "patch")
        if not _is_self(before):
            after = self._as_guest(before, after)
        after = self._checked(after)
        kept = self._put(before, stored, after)
        self._mail("update", {**after, "attendees": [*before.get("attendees", []), *after.get("attendees", [])]}, query)
        return rendered(self._calendar, kept.body, kept)

    def _put(self, before: Resource, stored: Stored | None, after: Resource) -> Stored:
        calendar, quirks, now = self._calendar, self._calendar.quirks, self._site.now()
        if "recurringEventId" in before:
            after = self._spread_visibility(before, after)
            kept = calendar.put(after, now)
            master = calendar.events.get(before["recurringEventId"])
            if quirks.instance_touches_master and master is not None:
                calendar.put(master.body, now)
            return kept
        kept = calendar.put(after, now)
        if before.get("recurrence"):
            if any(before.get(name) != after.get(name) for name in _MOVES):
                self._move_exceptions(before, kept)
            if quirks.exceptions_follow_master:
                self._copy_into_exceptions(before, after)
        return kept

    def _spread_visibility(self, before: Resource, after: Resource) -> Resource:
        """Dossier 4: more restrictive spreads to the whole series, less restrictive is ignored."""
        wanted, was = after.get("visibility", "default"), before.get("visibility", "default")
        if wanted == was:
            return after
        if wanted not in _HIDING:
            return merged(after, {"visibility": before.get("visibility")})
        series = [self._calendar.events.get(before["recurringEventId"])]
        series += self._calendar.exceptions(before["recurringEventId"])
        for each in series:
            if each is not None and not each.cancelled:
                self._calendar.put({**each.body, "visibility": wanted}, self._site.now())
        return after

    def _move_exceptions(self, before: Resource, master: Stored) -> None:
        calendar, policy = self._calendar, self._calendar.quirks.on_master_move
        exceptions = calendar.exceptions(before["id"])
        if policy == "keeps" and master.body.get("recurrence"):
            return
        for each in exceptions:
            calendar.drop(each.body["id"])
        if policy == "shifts" and master.body.get("recurrence"):
            zone = master.body["start"].get("timeZone")
            delta = times.wall(master.body["start"], zone) - times.wall(before["start"], zone)
            for each in exceptions:
                self._shift(each, master, delta)

    def _shift(self, exception: Stored, master: Stored, delta: timedelta) -> None:
        zone = master.body["start"].get("timeZone")
        local = times.wall(exception.body["originalStartTime"], zone) + delta
        original = times.from_wall(local, master.body["start"])
        name = times.instance_id(master.body["id"], original)
        self._calendar.put({**exception.body, "id": name, "originalStartTime": original}, self._site.now())

    def _copy_into_exceptions(self, before: Resource, after: Resource) -> None:
        for each in self._calendar.exceptions(before["id"]):
            same = {name: after.get(name) for name in _COPIED if each.body.get(name) == before.get(name)}
            if not each.cancelled:
                self._calendar.put(merged(each.body, same), self._site.now())

    def _as_guest(self, before: Resource, after: Resource) -> Resource:
        """Of the list of guests only one's own answer is taken."""
        own = next((each for each in after.get("attendees", []) if each.get("email") == self._site.user.email), None)
        people = copy.deepcopy(before.get("attendees", []))
        for person in people:
            if person.get("self") and own is not None:
                person.update({key: own[key] for key in ("responseStatus", "comment") if key in own})
        after = {key: value for key, value in after.items() if key != "attendeesOmitted"}
        return {**after, "attendees": people} if people else after

    def _check_rights(self, before: Resource, named: set[str]) -> None:
        if before.get("locked") and named & _LOCKED:
            raise ApiError(403, "forbidden", "The event is locked.")
        if before.get("eventType", "default") != "default" and named - {"colorId", "reminders", "extendedProperties"}:
            raise bad("Not possible for events of this type.", "eventType", "eventTypeRestriction")
        if _is_self(before) or before.get("guestsCanModify"):
            return
        if named - _OF_A_GUEST - set(_IMMUTABLE) - {"status"}:
            message = "Shared properties can only be changed by the organizer of the event."
            raise ApiError(403, "forbiddenForNonOrganizer", message, domain="calendar")

    def delete(self, event_id: str, query: Query, headers: Mapping[str, str]) -> None:
        """events.delete."""
        body, stored = self._writable(event_id, headers, "delete")
        self._cancel(body, stored, query, "delete")

    def _cancel(self, body: Resource, stored: Stored | None, query: Query, act: str) -> Resource:
        self._mail(act, body, query)
        kept = self._calendar.put({**body, "status": "cancelled"}, self._site.now())
        for each in self._calendar.exceptions(body["id"]):
            self._calendar.put({**each.body, "status": "cancelled"}, self._site.now())
        return rendered(self._calendar, kept.body, kept)

    def _found(self, event_id: str) -> tuple[Resource, Stored | None]:
        found = self._calendar.find(event_id)
        if found is None:
            raise not_found()
        stored = found[1]
        if (
            stored is not None
            and stored.cancelled
            and not stored.is_exception
            and self._calendar.quirks.tombstones_vanish
        ):
            raise not_found()
        return found

    def _writable(self, event_id: str, headers: Mapping[str, str], act: str) -> tuple[Resource, Stored | None]:
        self._may_write()
        body, stored = self._found(event_id)
        if self._calendar.access_role == "writerWithoutPrivateAccess" and body.get("visibility") in _HIDING:
            raise ApiError(403, "requiredAccessLevel", "You need to have private access to this calendar.")
        condition = headers.get("if-match")
        if condition is None:
            self._site.breach(f"{act} without If-Match")
        elif act == "delete" and body.get("status") == "cancelled":
            raise ApiError(410, "deleted", "Resource has been deleted")
        elif condition not in ("*", self._calendar.etag_of(body, stored)):
            raise ApiError(412, "conditionNotMet", "Precondition Failed", location="If-Match")
        return copy.deepcopy(body), stored

    def _may_write(self) -> None:
        if self._calendar.access_role not in ("writer", "owner", "writerWithoutPrivateAccess"):
            raise ApiError(403, "requiredAccessLevel", "You need to have writer access to this calendar.")

    def _mail(self, act: str, body: Resource, query: Query) -> None:
        guests = sorted({each["email"] for each in body.get("attendees", []) if not each.get("self")})
        if not _is_self(body):
            # A guest's own change is told to nobody but the organizer.
            act, guests = "answer", [body["organizer"]["email"]]
        if guests and one(query, "sendUpdates", "none") != "none":
            self._site.mails.append((act, body["id"], tuple(guests)))


def _is_self(body: Resource) -> bool:
    return bool(body.get("organizer", {}).get("self", True))


def _check_people(body: Resource) -> None:
    for person in body.get("attendees", []):
        if "@" not in person.get("email", ""):
            raise bad("Invalid attendee email.", "attendees")
        person.setdefault("responseStatus", "needsAction")
        if person["responseStatus"] not in ("needsAction", "declined", "tentative", "accepted"):
            raise bad("Invalid response status.", "attendees")
