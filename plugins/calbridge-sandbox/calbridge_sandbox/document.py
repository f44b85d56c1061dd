"""What the fake service stores of one account: one JSON document, read and written whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from calbridge.errors import CalendarGone, ConnectorError, Rejected, SignInRequired, Throttled

MOST_EVENTS = 2_000
MOST_BYTES = 5_000_000
"""Of all events together: what is around them stays below the storage's own limit."""
MOST_GONE = 2_000
"""Deletions remembered per calendar; a cursor from before the oldest forgotten one has expired."""
MAIN = "main"


@dataclass
class Stored:
    """An event: its iCalendar text of ``size`` bytes, the number of its last change, its last edit (ISO, UTC)."""

    uid: str
    text: str = ""
    number: int = 0
    marker: str | None = None
    modified: str | None = None
    size: int = 0


@dataclass
class Calendar:
    """Events by address; ``gone``: numbers of deletions, complete after ``floor``."""

    name: str
    events: dict[str, Stored] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    floor: int = 0
    present: bool = True

    def remove(self, remote_id: str, number: int) -> None:
        """No event any more."""
        del self.events[remote_id]
        self.gone[remote_id] = number
        while len(self.gone) > MOST_GONE:
            oldest = min(self.gone, key=lambda each: self.gone[each])
            self.floor = self.gone.pop(oldest)


@dataclass
class Faults:
    """What goes wrong. ``revoked``: confirmed, unconfirmed or empty; the numbers count down."""

    revoked: str = ""
    throttled: int = 0
    retry_after: float = 0.0
    lost_replies: int = 0


@dataclass
class Document:
    """The whole account. ``number`` counts changes; ``epoch`` is part of every cursor."""

    number: int = 0
    epoch: int = 1
    calendars: dict[str, Calendar] = field(
        default_factory=lambda: {MAIN: Calendar("Calendar"), "second": Calendar("Second calendar")}
    )
    faults: Faults = field(default_factory=Faults)

    @classmethod
    def read(cls, content: bytes | None) -> Document:
        """The document in its stored form; a fresh one where nothing is stored."""
        if content is None:
            return cls()
        data = json.loads(content)
        return cls(
            data["number"],
            data["epoch"],
            {name: _calendar(each) for name, each in data["calendars"].items()},
            Faults(**data["faults"]),
        )

    def written(self) -> bytes:
        """The stored form."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()

    def next_number(self) -> int:
        """The number of a change that happens now."""
        self.number += 1
        return self.number

    def calendar(self, name: str) -> Calendar:
        """One calendar. Raises CalendarGone."""
        found = self.calendars.get(name)
        if found is None or not found.present:
            raise CalendarGone()
        return found

    def put(self, calendar: Calendar, remote_id: str, stored: Stored, text: str, *, edit: str | None = None) -> Stored:
        """``stored`` with another text under the next number; ``edit``: when it was edited, if this is an edit.

        Raises Rejected (``too_large``): there is no room.
        """
        size = len(text.encode())
        events = [each for place in self.calendars.values() for each in place.events.values()]
        full = remote_id not in calendar.events and len(events) >= MOST_EVENTS
        if full or sum(each.size for each in events) + size - stored.size > MOST_BYTES:
            raise Rejected("the sandbox is full", code="too_large")
        changed = replace(stored, text=text, size=size, number=self.next_number(), modified=edit or stored.modified)
        calendar.gone.pop(remote_id, None)
        calendar.events[remote_id] = changed
        return changed

    def refusal(self) -> ConnectorError | None:
        """What the faults make of a request; None: it is let in."""
        faults = self.faults
        if faults.revoked:
            return SignInRequired(confirmed=faults.revoked == "confirmed")
        if faults.throttled:
            faults.throttled -= 1
            return Throttled(retry_after=faults.retry_after)
        return None


def _calendar(data: dict[str, object]) -> Calendar:
    events = data.pop("events")
    assert isinstance(events, dict)
    return Calendar(**{**data, "events": {name: Stored(**each) for name, each in events.items()}})  # type: ignore[arg-type]
