"""The other door to the memory service: what a person does on the phone."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

from calbridge.domain.content import Content, Unit, Value
from calbridge.domain.event import Event
from calbridge.testing.memory.rewriting import edited, moves
from calbridge.testing.memory.state import CalendarState, Stored

if TYPE_CHECKING:
    from calbridge.testing.memory.service import MemoryService


class Phone:
    """Acts of a person in one calendar. They need no connector, pass no I/O points and mail nobody."""

    def __init__(self, service: MemoryService, calendar: str) -> None:
        self._service = service
        self.calendar = calendar

    def create(self, content: Content, uid: str | None = None, *, marker: str | None = None) -> str:
        """A new event with a foreign property; its address."""
        number = self._service.number()
        stored = Stored(f"p-{number}", uid or f"phone-{number}@example.com", marker=marker, created=number)
        stored.extra = {"X-PHONE-ONLY": f"kept {number}"}
        self._service.put(self._calendar, stored, content)
        return stored.remote_id

    def edit(self, remote_id: str, units: Mapping[Unit, Value]) -> str:
        """Change units; where that moves a series its occurrences follow. The address afterwards."""
        calendar, stored = self._calendar, self._stored(remote_id)
        moving = moves(stored.content, units)
        self._service.put(calendar, stored, edited(stored.content, units))
        if moving and self._service.switches.changes_ids:
            return self._service.readdress(calendar, stored)
        return remote_id

    def replace(self, remote_id: str, content: Content) -> None:
        """Put another content at an address, occurrence by occurrence as given."""
        self._service.put(self._calendar, self._stored(remote_id), content)

    def annotate(self, remote_id: str, extra: Mapping[str, str]) -> None:
        """Add properties that calbridge does not know."""
        stored = self._stored(remote_id)
        stored.extra.update(extra)
        self._service.put(self._calendar, stored, stored.content)

    def extra(self, remote_id: str) -> dict[str, str]:
        """The properties an event has that calbridge does not know."""
        return dict(self._stored(remote_id).extra)

    def delete(self, remote_id: str) -> None:
        """Put it into the bin."""
        self._stored(remote_id)
        self._service.remove(self._calendar, remote_id)

    def move_address(self, remote_id: str) -> str:
        """The service gives the event another address. :raises ValueError: it promises never to."""
        if self._service.switches.stable_addresses:
            raise ValueError("this service promises stable addresses")
        return self._service.readdress(self._calendar, self._stored(remote_id))

    def restore(self, remote_id: str, *, new_id: bool = False) -> str:
        """Take it out of the bin: same UID, content and marker, at the old or a new address."""
        calendar = self._calendar
        stored = calendar.bin.pop(remote_id)
        if new_id or remote_id in calendar.events:
            stored.remote_id = f"r-{self._service.number()}"
        self._service.put(calendar, stored, stored.content)
        return stored.remote_id

    def copy(self, remote_id: str) -> str:
        """The user's own copy: another UID and address, everything else the same, our marker too."""
        stored = copy.deepcopy(self._stored(remote_id))
        number = self._service.number()
        stored.remote_id, stored.uid, stored.created = f"p-{number}", f"phone-{number}@example.com", number
        self._service.put(self._calendar, stored, stored.content)
        return stored.remote_id

    def spoil(self, remote_id: str, readable: bool = False) -> None:
        """Make it unreadable for connectors, or readable again."""
        stored = self._stored(remote_id)
        stored.readable = readable
        self._service.put(self._calendar, stored, stored.content)

    def events(self) -> dict[str, Event]:
        """All living events by address."""
        return {remote_id: self._service.event(stored) for remote_id, stored in self._calendar.events.items()}

    def deleted(self) -> tuple[str, ...]:
        """Addresses in the bin, oldest first."""
        return tuple(self._calendar.bin)

    @property
    def _calendar(self) -> CalendarState:
        return self._service.calendar(self.calendar)

    def _stored(self, remote_id: str) -> Stored:
        return self._calendar.events[remote_id]
