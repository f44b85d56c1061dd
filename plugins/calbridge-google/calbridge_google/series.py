"""Reading whole series: the master, its exceptions, and which of its instances are cancelled.

Exceptions are listed by the UID that all of a series share; cancelled instances, of which nothing but their place is
promised, are told by events.instances with ``showDeleted``. One batch asks both for many series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calbridge.errors import ConnectorError, NotFound, Unavailable
from calbridge_google.bundle import Bundle, is_cancelled, lone, series_id
from calbridge_google.client import CalendarClient, Call, Outcome
from calbridge_google.limits import PAGE_SIZE
from calbridge_google.naming import is_event_id

Resource = Mapping[str, Any]
_CANCELLED_FIELDS = "nextPageToken,items(id,status,recurringEventId,originalStartTime,etag)"
_PARTS = 3
SERIES_AT_ONCE = 16
"""As many as fit into one batch with the three calls of each."""


@dataclass
class Found:
    """What was found at an address: ``bundle``, or ``gone``, or neither where there was no answer."""

    bundle: Bundle | None = None
    gone: bool = False


@dataclass
class Reader:
    """Reads addresses of one calendar."""

    client: CalendarClient
    calendar: str
    own: frozenset[str] = frozenset()
    """The owner's addresses."""
    uids: dict[str, str] = field(default_factory=dict)
    """UIDs of series as listings told them: a hint that saves a request, nothing more."""

    def call(self, method: str, act: str = "read", **parameters: Any) -> Call:
        """A call on this calendar."""
        return Call(method, {"calendarId": self.calendar, **parameters}, act)

    def ensure_there(self) -> None:
        """Raises CalendarGone if the calendar itself does not answer: then nothing says that an event is gone."""
        self.client.one(self.call("list", "list", maxResults=1, fields="etag"))

    def read(self, remote_ids: Iterable[str]) -> dict[str, Found]:
        """What lives at these addresses. Raises ConnectorError for what concerns the account or the calendar."""
        ids = [each for each in dict.fromkeys(remote_ids) if is_event_id(each)]
        outcomes = self.client.all([self.call("get", eventId=each) for each in ids])
        found = {name: _found(outcome) for name, outcome in zip(ids, outcomes, strict=True)}
        if any(isinstance(outcome, NotFound) for outcome in outcomes) or not ids:
            self.ensure_there()
        self._complete(found)
        return found

    def _complete(self, found: dict[str, Found]) -> None:
        """Add the exceptions of series, and find out whether lone instances are alone."""
        masters = {name: each.bundle for name, each in found.items() if each.bundle is not None}
        series = [bundle for bundle in masters.values() if bundle.recurring and not is_cancelled(bundle.master)]
        for start in range(0, len(series), SERIES_AT_ONCE):
            some = series[start : start + SERIES_AT_ONCE]
            for bundle in self._exceptions_of(some):
                found[bundle.id].bundle = bundle
        instances = {name: bundle for name, bundle in masters.items() if series_id(bundle.master) is not None}
        living = self._living({str(series_id(bundle.master)) for bundle in instances.values()})
        for name, bundle in instances.items():
            answer = living[str(series_id(bundle.master))]
            found[name] = Found() if answer is None else Found(gone=True) if answer else Found(lone(bundle.master))

    def _living(self, ids: Iterable[str]) -> dict[str, bool | None]:
        """Whether series live in this calendar; None where there was no answer."""
        wanted = sorted(ids)
        outcomes = self.client.all([self.call("get", eventId=each, fields="id,status") for each in wanted])
        return {name: _lives(outcome) for name, outcome in zip(wanted, outcomes, strict=True)}

    def _exceptions_of(self, masters: Sequence[Bundle]) -> list[Bundle]:
        calls = [call for each in masters for call in self._exception_calls(each.id, each.uid)]
        outcomes = self.client.all(calls)
        return [
            Bundle(each.master, self._joined(each.id, each.uid, outcomes[place * 2], outcomes[place * 2 + 1]))
            for place, each in enumerate(masters)
        ]

    def _exception_calls(self, master_id: str, uid: str) -> list[Call]:
        modified = self.call("list", iCalUID=uid, singleEvents=False, maxResults=PAGE_SIZE)
        return [modified, self._cancelled_call(master_id)]

    def _cancelled_call(self, master_id: str, token: str | None = None) -> Call:
        more = {"pageToken": token} if token else {}
        return self.call(
            "instances", eventId=master_id, showDeleted=True, maxResults=PAGE_SIZE, fields=_CANCELLED_FIELDS, **more
        )

    def _joined(self, master_id: str, uid: str, modified: Outcome, cancelled: Outcome) -> tuple[Resource, ...]:
        """Both kinds of exceptions of one series; a cancelled instance is told as cancelled wherever it is met."""
        parts: dict[str, Resource] = {}
        for item in self.all_pages(modified, self.call("list", iCalUID=uid, singleEvents=False, maxResults=PAGE_SIZE)):
            if series_id(item) == master_id:
                parts[str(item.get("id"))] = item
        for item in self.all_pages(cancelled, self._cancelled_call(master_id)):
            if is_cancelled(item):
                parts[str(item.get("id"))] = item
        return tuple(parts.values())

    def all_pages(self, first: Outcome, call: Call) -> Iterable[Resource]:
        """The items of all pages: a page may be empty and still have a next one."""
        answer = first
        while True:
            if isinstance(answer, NotFound):
                # The series went between two calls of a batch: the next delta says so.
                raise Unavailable("a series changed while it was read", sent=False)
            if isinstance(answer, ConnectorError):
                raise answer
            yield from items_of(answer)
            token = answer.get("nextPageToken")
            if not token:
                return
            again = Call(call.method, {**call.parameters, "pageToken": str(token)}, call.act)
            answer = self.client.one(again)

    def read_series(self, ids: Sequence[str]) -> dict[str, Found]:
        """Series whose UIDs are known from a listing, each with one batch of three calls (at most 16 at once)."""
        guessed = {each: self.uids.get(each, f"{each}@google.com") for each in ids}
        calls = [
            call
            for name, uid in guessed.items()
            for call in (self.call("get", eventId=name), *self._exception_calls(name, uid))
        ]
        outcomes = self.client.all(calls)
        found: dict[str, Found] = {}
        again: dict[str, Found] = {}
        for place, (name, uid) in enumerate(guessed.items()):
            got, modified, cancelled = outcomes[place * _PARTS : (place + 1) * _PARTS]
            found[name] = _found(got)
            bundle = found[name].bundle
            if bundle is None or is_cancelled(bundle.master) or series_id(bundle.master) is not None:
                continue
            if not bundle.recurring:
                continue
            if bundle.uid != uid:
                again[name] = found[name]
            else:
                found[name].bundle = Bundle(bundle.master, self._joined(name, uid, modified, cancelled))
        self._complete(again)
        return {**found, **again}


def items_of(answer: Resource) -> list[Resource]:
    """The items of a listing. Raises Unavailable where there is no list: an empty one means something."""
    items = answer.get("items", [])
    if not isinstance(items, list) or not all(isinstance(each, Mapping) for each in items):
        raise Unavailable("a listing without items", code="malformed_answer", sent=True)
    return items


def _found(outcome: Outcome) -> Found:
    """Raises what concerns more than this address; a failure of this part alone is no answer."""
    if isinstance(outcome, NotFound):
        return Found(gone=True)
    if isinstance(outcome, Unavailable) and "status" in outcome.facts:
        return Found()
    if isinstance(outcome, ConnectorError):
        raise outcome
    if not outcome.get("id"):
        raise Unavailable("an event without an id", code="malformed_answer", sent=True)
    return Found(Bundle(outcome))


def _lives(outcome: Outcome) -> bool | None:
    found = _found(outcome)
    if found.gone:
        return False
    return None if found.bundle is None else not is_cancelled(found.bundle.master)
