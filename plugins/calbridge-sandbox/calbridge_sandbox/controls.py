"""The other door: what a person does in the fake calendar, and what goes wrong there (contract C10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from calbridge.connectors.contract import ANSWERS
from calbridge.connectors.ical import create, respond
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value
from calbridge.domain.series import rekey
from calbridge.errors import NotFound, Rejected, VersionConflict
from calbridge_sandbox.document import MAIN, Calendar, Document, Faults, Stored
from calbridge_sandbox.events import check_readable, edited, event_of, now, shown, text_of

MOST_TIMES = 1_000
MOST_SECONDS = 86_400.0
Arguments = Mapping[str, object]
Answered = Mapping[str, object]
T = TypeVar("T")


@dataclass(frozen=True)
class Controls:
    """The other door of one document that is being changed. No fault stops what comes through it."""

    document: Document
    own: frozenset[str]

    def act(self, action: str, arguments: Arguments) -> Answered:
        """One act. Raises Rejected (``invalid_value``: no such act), NotFound, VersionConflict, CalendarGone."""
        return _chosen(_ACTIONS, action)(self, arguments)

    def list(self, arguments: Arguments) -> Answered:
        """``calendar, after?, limit?`` -> ``events``: Seen, in the order of their addresses."""
        calendar = self._calendar(arguments)
        after, limit = _given(arguments, "after", str, ""), _given(arguments, "limit", int, MOST_TIMES)
        names = sorted(name for name in calendar.events if name > after)[: max(0, limit)]
        return {"events": tuple(shown(name, calendar.events[name], self.own) for name in names)}

    def read(self, arguments: Arguments) -> Answered:
        """``calendar, remote_id`` -> ``event``: Seen."""
        _, name, stored = self._met(arguments)
        return {"event": shown(name, stored, self.own)}

    def create(self, arguments: Arguments) -> Answered:
        """``calendar, content`` -> ``event``: Seen."""
        calendar, content = self._calendar(arguments), _given(arguments, "content", Content)
        name = f"p-{self.document.number + 1}"
        uid = f"{uuid4()}@sandbox.example"
        text = text_of(create(content, uid=uid, marker=None, now=now()))
        return self._put(calendar, name, Stored(uid), text)

    def change(self, arguments: Arguments) -> Answered:
        """``calendar, remote_id, units, version?`` -> ``event``: Seen; where a series moves its occurrences follow."""
        calendar, name, stored = self._met(arguments)
        units: Mapping[Unit, Value] = _given(arguments, "units", Mapping)
        target = units.get((MASTER, Field.TIME))
        keys = rekey(event_of(stored, self.own).content, target).keys if isinstance(target, Span) else {}
        return self._put(calendar, name, stored, edited(stored, units, keys, self.own))

    def delete(self, arguments: Arguments) -> Answered:
        """``calendar, remote_id, version?`` -> nothing."""
        calendar, name, _ = self._met(arguments)
        calendar.remove(name, self.document.next_number())
        return {}

    def answer(self, arguments: Arguments) -> Answered:
        """``calendar, remote_id, attendee, answer`` -> ``event``: Seen; the owner may be that attendee too."""
        calendar, name, stored = self._met(arguments)
        attendee, answer = _given(arguments, "attendee", str), _given(arguments, "answer", str)
        if answer not in ANSWERS:
            raise Rejected(code="invalid_value", field="answer")
        body = respond(
            stored.text.encode(),
            uid=stored.uid,
            recurrence_id=None,
            answer=answer,
            own_addresses=frozenset({attendee.lower()}),
            now=now(),
        )
        return self._put(calendar, name, stored, text_of(body), edit=False)

    def faults(self, arguments: Arguments) -> Answered:
        """Nothing -> the state of all faults."""
        faults = self.document.faults
        return {
            "revoked": bool(faults.revoked),
            "confirmed": faults.revoked == "confirmed",
            "throttled": faults.throttled,
            "retry_after": faults.retry_after if faults.throttled else None,
            "lost_replies": faults.lost_replies,
            "gone_calendars": tuple(name for name, each in self.document.calendars.items() if not each.present),
        }

    def fault(self, arguments: Arguments) -> Answered:
        """``fault`` and what it needs -> the state of all faults."""
        _chosen(_FAULTS, _given(arguments, "fault", str))(self, arguments)
        return self.faults({})

    def _revoke(self, arguments: Arguments) -> None:
        confirmed = _given(arguments, "confirmed", bool, True)
        self.document.faults.revoked = "confirmed" if confirmed else "unconfirmed"

    def _restore(self, arguments: Arguments) -> None:
        """Everything is well again; what had been in a calendar that was gone is still there."""
        self.document.faults = Faults()
        for calendar in self.document.calendars.values():
            calendar.present = True

    def _throttle(self, arguments: Arguments) -> None:
        self.document.faults.throttled = _times(arguments, "requests")
        seconds = _given(arguments, "retry_after", (int, float), 0.0)
        if not 0 <= seconds <= MOST_SECONDS:
            raise Rejected(code="invalid_value", field="retry_after")
        self.document.faults.retry_after = float(seconds)

    def _lose_reply(self, arguments: Arguments) -> None:
        self.document.faults.lost_replies = _times(arguments, "writes")

    def _expire_cursor(self, arguments: Arguments) -> None:
        self.document.epoch += 1

    def _calendar_gone(self, arguments: Arguments) -> None:
        self._calendar(arguments).present = False

    def _calendar(self, arguments: Arguments) -> Calendar:
        return self.document.calendar(_given(arguments, "calendar", str, MAIN))

    def _met(self, arguments: Arguments) -> tuple[Calendar, str, Stored]:
        calendar, name = self._calendar(arguments), _given(arguments, "remote_id", str)
        stored = calendar.events.get(name)
        if stored is None:
            raise NotFound()
        version = arguments.get("version")
        if version is not None and version != str(stored.number):
            raise VersionConflict()
        return calendar, name, stored

    def _put(self, calendar: Calendar, name: str, stored: Stored, text: str, *, edit: bool = True) -> Answered:
        check_readable(text)
        moment = now().isoformat() if edit else None
        return {"event": shown(name, self.document.put(calendar, name, stored, text, edit=moment), self.own)}


_ACTIONS: Mapping[str, Callable[[Controls, Arguments], Answered]] = {
    "list": Controls.list,
    "read": Controls.read,
    "create": Controls.create,
    "change": Controls.change,
    "delete": Controls.delete,
    "answer": Controls.answer,
    "faults": Controls.faults,
    "fault": Controls.fault,
}
_FAULTS: Mapping[str, Callable[[Controls, Arguments], None]] = {
    "revoke": Controls._revoke,
    "restore": Controls._restore,
    "throttle": Controls._throttle,
    "lose_reply": Controls._lose_reply,
    "expire_cursor": Controls._expire_cursor,
    "calendar_gone": Controls._calendar_gone,
}


def _chosen(table: Mapping[str, T], name: str) -> T:
    found = table.get(name)
    if found is None:
        raise Rejected(code="invalid_value", field="action")
    return found


def _given(arguments: Arguments, name: str, kind: type | tuple[type, ...], otherwise: object = None) -> Any:
    """An argument of a kind. Raises Rejected (``invalid_value``)."""
    value = arguments.get(name, otherwise)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Rejected(code="invalid_value", field=name)
    return value


def _times(arguments: Arguments, name: str) -> int:
    number: int = _given(arguments, name, int, 1)
    if not 0 <= number <= MOST_TIMES:
        raise Rejected(code="invalid_value", field=name)
    return number
