"""One account's world: its calendars, who may ask, what goes wrong next, and the calls of the API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.doubles.google.discovery import Operation, check_body, checked_query
from tests.doubles.google.events import Writer
from tests.doubles.google.listing import Lister, Query, one
from tests.doubles.google.partial import parsed, selected
from tests.doubles.google.push import Pushing
from tests.doubles.google.quirks import Quirks
from tests.doubles.google.refusing import Answer, ApiError, Dropped, not_found
from tests.doubles.google.signing import Client, Signing
from tests.doubles.google.state import CalendarState
from tests.doubles.google.times import Resource

_ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
_PATCHES = frozenset({"events.patch"})
_CARELESS_FIELDS = frozenset(
    {"sequence", "organizer", "creator", "eventLabelId", "gadget", "anyoneCanAddSelf", "privateCopy", "eventType"}
)
_CARELESS_PARAMETERS = frozenset(
    {"eventLabelVersion", "maxAttendees", "sendNotifications", "alwaysIncludeEmail", "timeMax"}
)


@dataclass
class Fault:
    """What goes wrong with the next calls of an operation (``*``: of any)."""

    operation: str
    kind: str
    error: ApiError | None = None
    times: int = 1


class Site:
    """Everything behind the listener; ``lock`` guards it."""

    def __init__(self, quirks: Quirks, client: Client) -> None:
        self.quirks = quirks
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.offset = timedelta(0)
        self.breaches: list[str] = []
        self.mails: list[tuple[str, str, tuple[str, ...]]] = []
        self.faults: list[Fault] = []
        self.hooks: dict[str, list[Callable[[], object]]] = {}
        self.signing = Signing(quirks, client, self.now, self.breach)
        self.pushing = Pushing(quirks, self.now)
        self.calendars: dict[str, CalendarState] = {}
        self.add_calendar(self.user.email, "Alice", primary=True)

    @property
    def user(self) -> Any:
        """The account's owner."""
        return self.signing.user

    def now(self) -> datetime:
        """The clock, which tests may put forward."""
        return datetime.now(UTC) + self.offset

    def breach(self, what: str) -> None:
        """Note what a careful client would not have done."""
        self.breaches.append(what)

    def add_calendar(self, calendar_id: str, summary: str, **facts: Any) -> CalendarState:
        """One more calendar."""
        self.calendars[calendar_id] = CalendarState(calendar_id, summary, self.quirks, **facts)
        return self.calendars[calendar_id]

    def fault(self, kind: str, operations: Sequence[str]) -> Fault | None:
        """Take the next fault of a kind for one of these operations."""
        for fault in self.faults:
            if fault.kind == kind and fault.times and (fault.operation == "*" or fault.operation in operations):
                fault.times -= 1
                return fault
        return None

    def run_hooks(self, operation: str) -> None:
        """What tests want done just before an operation."""
        for action in self.hooks.pop(operation, []):
            action()

    def call(
        self, called: Operation, pairs: Sequence[tuple[str, str]], headers: Mapping[str, str], body: object
    ) -> Answer:
        """One call of the API, whether by itself or in a batch."""
        try:
            fault = self.fault("error", [called.name])
            if fault is not None and fault.error is not None:
                raise fault.error
            self.run_hooks(called.name)
            self._check_access(called, headers)
            query = checked_query(called, pairs)
            if called.request_schema is not None:
                check_body(called.request_schema, body, nulls=called.name in _PATCHES)
            elif body:
                self.breach(f"{called.name} with a body")
            self._notice_careless(called, query, body)
            told = self._done(called, query, headers, body)
            if told is None:
                return Answer(204)
            if "fields" in query:
                told = selected(told, parsed(one(query, "fields")))
            return Answer(200, told, {"ETag": told["etag"]} if "etag" in told else {})
        except ApiError as error:
            return error.answer()

    def _notice_careless(self, called: Operation, query: Query, body: object) -> None:
        """What is deprecated, or may break more than it says (dossier 4)."""
        fields = _CARELESS_FIELDS & set(body) if isinstance(body, dict) and called.name != "events.import" else set()
        for name in sorted({*fields, *(_CARELESS_PARAMETERS & set(query))}):
            self.breach(f"{called.name} with {name}")

    def _check_access(self, called: Operation, headers: Mapping[str, str]) -> None:
        grant = self.signing.grant_of(headers.get("authorization", ""))
        if grant is None:
            raise ApiError(401, "authError", "Invalid Credentials", headers={"WWW-Authenticate": "Bearer"})
        if not called.scopes & set(grant.scopes):
            message = "Request had insufficient authentication scopes."
            raise ApiError(403, "insufficientPermissions", message)

    def _done(self, called: Operation, query: Query, headers: Mapping[str, str], body: Any) -> Resource | None:
        resource, _, method = called.name.partition(".")
        if called.name == "channels.stop":
            self.pushing.stop(body)
            return None
        if resource == "calendarList":
            return self._calendar_list(method, called.path, query)
        if resource == "events":
            return self._event(method, called.path, query, headers, body)
        raise ApiError(404, "notFound", f"the double has no {called.name}")

    def _calendar_list(self, method: str, path: Mapping[str, str], query: Query) -> Resource:
        if method == "get":
            return self._entry(self.calendar(path["calendarId"]))
        if method != "list":
            raise ApiError(404, "notFound", f"the double has no calendarList.{method}")
        least = _ROLES.index(one(query, "minAccessRole", "freeBusyReader"))
        hidden = one(query, "showHidden") == "true"
        found = [
            self._entry(each)
            for each in self.calendars.values()
            if _ROLES.index(each.access_role) >= least and (hidden or not each.hidden)
        ]
        start = int(one(query, "pageToken", "0"))
        size = min(int(one(query, "maxResults", "100")), 250, self.quirks.page_size or 250)
        told: Resource = {"kind": "calendar#calendarList", "etag": '"list"', "items": found[start : start + size]}
        more = start + size < len(found)
        return told | ({"nextPageToken": str(start + size)} if more else {"nextSyncToken": "calendars"})

    def _entry(self, calendar: CalendarState) -> Resource:
        told: Resource = {
            "kind": "calendar#calendarListEntry",
            "etag": '"entry"',
            "id": calendar.id,
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
            "accessRole": calendar.access_role,
            "backgroundColor": "#9fe1e7",
        }
        return told | ({"primary": True} if calendar.primary else {}) | ({"hidden": True} if calendar.hidden else {})

    def calendar(self, calendar_id: str) -> CalendarState:
        """By id, or by the alias of the primary one. Raises ApiError 404."""
        found = self.calendars.get(self.user.email if calendar_id == "primary" else calendar_id)
        if found is None:
            raise not_found()
        return found

    def _event(
        self, method: str, path: Mapping[str, str], query: Query, headers: Mapping[str, str], body: Any
    ) -> Resource | None:
        calendar = self.calendar(path["calendarId"])
        lister, writer = Lister(calendar, self.breach), Writer(self, calendar)
        before = calendar.seq
        told = self._event_done(method, path.get("eventId", ""), lister, writer, query, headers, body)
        if calendar.seq != before:
            self.pushing.changed(calendar.id)
        return told

    def _event_done(
        self,
        method: str,
        event_id: str,
        lister: Lister,
        writer: Writer,
        query: Query,
        headers: Mapping[str, str],
        body: Any,
    ) -> Resource | None:
        match method:
            case "list":
                return lister.list(query)
            case "instances":
                return self._instances(lister, writer, event_id, query)
            case "get":
                return writer.get(event_id, query)
            case "insert":
                return writer.insert(body or {}, query)
            case "import":
                return writer.import_(body or {}, query)
            case "patch":
                return writer.patch(event_id, body or {}, query, headers)
            case "update":
                return writer.update(event_id, body or {}, query, headers)
            case "delete":
                writer.delete(event_id, query, headers)
                return None
            case "watch":
                return self.pushing.watch(lister.calendar_id, body or {})
            case _:
                raise ApiError(404, "notFound", f"the double has no events.{method}")

    def _instances(self, lister: Lister, writer: Writer, event_id: str, query: Query) -> Resource:
        writer.get(event_id, {})
        stored = lister.stored(event_id)
        if stored is None or stored.cancelled or not stored.body.get("recurrence"):
            return {"kind": "calendar#events", "items": []}
        return lister.instances(stored, query)

    def drop_if(self, kind: str, operations: Sequence[str]) -> None:
        """Raises Dropped where tests want the request or its reply lost."""
        if self.fault(kind, operations) is not None:
            raise Dropped
