"""The fake calendar service: what it stores and what happens there."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from random import Random

from calbridge.domain.content import HIDDEN_FIELDS, Content
from calbridge.domain.event import ALL_EDITABLE, NOTHING_EDITABLE, Editable, Event
from calbridge.errors import CalendarGone
from calbridge.testing.memory.faults import Points
from calbridge.testing.memory.phone import Phone
from calbridge.testing.memory.pushing import tell_subscribers
from calbridge.testing.memory.rewriting import normalise
from calbridge.testing.memory.state import CalendarState, Change, Mail, Pushed, State, Stored
from calbridge.testing.memory.switches import Switches

OWNER_ID = "memory-owner"
OWNER_ADDRESS = "owner@example.com"
MAIN = "main"
ATTENDEE = Editable(time=False, details=False, people=False, existence=True, response=True)


class MemoryService:
    """A calendar service in memory with the calendars named in ``calendars``, the first one primary.

    ``switches`` may be replaced at any time. All chance comes from ``random``. The state survives every client.
    """

    def __init__(
        self, switches: Switches | None = None, random: Random | None = None, calendars: tuple[str, ...] = (MAIN,)
    ) -> None:
        self.switches = switches or Switches()
        self.random = random or Random(0)
        self.io = Points()
        self.state = State(calendars={name: CalendarState(name, name.title()) for name in calendars})
        self.delay_seen_of_moves = False
        self.phone = Phone(self, calendars[0])

    def phone_at(self, calendar: str) -> Phone:
        """The phone's view of another calendar."""
        return Phone(self, calendar)

    @property
    def now(self) -> datetime:
        """The service's clock, aware UTC; it stands still unless moved."""
        return self.state.now

    def advance(self, delta: timedelta) -> None:
        """Move the service's clock."""
        self.state.now += delta

    def take_pushed(self) -> list[Pushed]:
        """The notices that are under way, to be delivered by whoever takes them."""
        taken, self.state.pushed = self.state.pushed, []
        return taken

    @property
    def mails(self) -> list[Mail]:
        """What calbridge's writes made the service mail to guests (A8: must stay empty)."""
        return self.state.mails

    def snapshot(self) -> State:
        """A deep copy of everything stored."""
        return copy.deepcopy(self.state)

    def load(self, state: State) -> None:
        """Go back to a snapshot."""
        self.state = copy.deepcopy(state)

    def expire_cursors(self) -> None:
        """No cursor or checkpoint given so far can be used any more."""
        self.state.epoch += 1
        if self.switches.version_restarts:
            self.state.numbering += 1
            for calendar in self.state.calendars.values():
                for stored in calendar.events.values():
                    self._stamp(stored)

    def lie_once(self, calendar: str | None = None) -> None:
        """The next delta that has changes leaves one out; its cursor is past it all the same."""
        self.calendar(calendar or self.phone.calendar).lies += 1

    def list_empty_once(self, calendar: str | None = None) -> None:
        """The next full listing shows nothing."""
        self.calendar(calendar or self.phone.calendar).empty_listings += 1

    def drop_calendar(self, calendar: str | None = None) -> None:
        """The calendar is not there any more."""
        self.calendar(calendar or self.phone.calendar).present = False

    def refuse_sign_in(self, *, confirmed: bool) -> None:
        """Every call is answered as if the secret were wrong."""
        self.state.refused_sign_in = confirmed

    def accept_sign_in(self) -> None:
        """The secret is right again."""
        self.state.refused_sign_in = None

    def set_read_only(self, read_only: bool = True) -> None:
        """Writes are refused for want of permission."""
        self.state.read_only = read_only

    def calendar(self, calendar: str) -> CalendarState:
        """One calendar. :raises CalendarGone: it was dropped or never was there."""
        found = self.state.calendars.get(calendar)
        if found is None or not found.present:
            raise CalendarGone()
        return found

    def number(self) -> int:
        """The next number, for versions, addresses and places in the log."""
        self.state.counter += 1
        return self.state.counter

    def event(self, stored: Stored) -> Event:
        """A stored event as the contract shows it."""
        organizer = stored.content.people.organizer
        here = organizer is None or organizer.email == OWNER_ADDRESS
        content = stored.raw or stored.content
        masked = self.switches.masks_private and content.private
        return Event(
            uid=stored.uid,
            content=content.without(HIDDEN_FIELDS) if masked else content,
            marker=None if masked else stored.marker,
            editable=NOTHING_EDITABLE if masked else ALL_EDITABLE if here else ATTENDEE,
            modified_at=stored.modified_at if self.switches.modified_times else None,
            organised_here=here,
            masked=masked,
        )

    def put(self, calendar: CalendarState, stored: Stored, content: Content, *, raw: bool = False) -> None:
        """Store an event's content, rewritten as this service does, with a new version and a line in the log."""
        stored.content = normalise(content, self.switches)
        stored.raw = content if raw and content != stored.content else None
        stored.number = self.number()
        stored.modified_at = self.now
        self._stamp(stored)
        calendar.events[stored.remote_id] = stored
        self.tell(calendar, stored.remote_id)

    def settle(self, calendar: CalendarState) -> None:
        """Rewrite what was written and still lies there as written."""
        for stored in calendar.events.values():
            if stored.raw is not None:
                stored.raw = None
                stored.number = self.number()
                self._stamp(stored)
                self.tell(calendar, stored.remote_id)

    def remove(self, calendar: CalendarState, remote_id: str) -> None:
        """Put an event into the bin."""
        stored = calendar.events.pop(remote_id)
        calendar.bin[remote_id] = stored
        self.tell(calendar, remote_id)

    def readdress(self, calendar: CalendarState, stored: Stored, *, delayed: bool | None = None) -> str:
        """Give a living event another address."""
        old = stored.remote_id
        del calendar.events[old]
        stored.remote_id = f"m-{self.number()}"
        stored.number = self.number()
        self._stamp(stored)
        calendar.events[stored.remote_id] = stored
        self.tell(calendar, old)
        self.tell(calendar, stored.remote_id, self.delay_seen_of_moves if delayed is None else delayed)
        return stored.remote_id

    def tell(self, calendar: CalendarState, remote_id: str, delayed: bool = False) -> None:
        """A line in the log that deltas are made from."""
        calendar.log.append(Change(self.number(), remote_id, delayed))
        tell_subscribers(self, calendar.id)

    def _stamp(self, stored: Stored) -> None:
        stored.version = f"{self.state.numbering}.{stored.number}"
