"""A small world around the engine: a PSA user's items in dictionaries, a lossy calendar service, a phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Unit, Value, content
from calbridge.domain.fingerprint import KeyMaker
from calbridge.domain.item import Item, ItemType
from calbridge.domain.options import Options
from calbridge.domain.series import rekey
from calbridge.domain.times import When, day, zoned
from calbridge.errors import ConnectorError
from calbridge.sync.engine import Outcome, Task, run
from calbridge.sync.in_memory import InMemoryStore, Tables
from calbridge.sync.memory import Integration, Link, LinkState
from calbridge.sync.ports import Budget
from calbridge.testing.memory import MAIN, MemoryConnector, MemoryService, Switches

ZONE = "Europe/Vienna"
ALL = Window()
SECOND = "second"


class WorldClock:
    """The service's clock, so that both sides agree about later."""

    def __init__(self, service: MemoryService) -> None:
        self.service = service

    def now(self) -> datetime:
        return self.service.now


def at(text: str, zone: str = ZONE) -> When:
    """``2027-01-05 09:00`` in a zone, or ``2027-01-05`` as a date."""
    if len(text) == 10:
        return day(date.fromisoformat(text))
    return zoned(datetime.fromisoformat(text), zone)


def event(title: str, start: str, minutes: int = 60, rule: str | None = None, **more: object) -> Content:
    """Content with a title and a time, and what else is named by field."""
    begin = at(start)
    end = begin.shifted(timedelta(days=1) if begin.is_date else timedelta(minutes=minutes))
    units: dict[Unit, Value] = {
        (MASTER, Field.TITLE): title,
        (MASTER, Field.TIME): Span(begin, end, (f"RRULE:{rule}",) if rule else ()),
    }
    for name, value in more.items():
        units[(MASTER, Field(name))] = value  # type: ignore[assignment]
    return content(units)


def span(start: str, minutes: int = 60, rule: str | None = None) -> Span:
    """A time unit."""
    begin = at(start)
    return Span(begin, begin.shifted(timedelta(minutes=minutes)), (f"RRULE:{rule}",) if rule else ())


def guests(*emails: str) -> People:
    """An organizer and attendees."""
    return People(Person("owner@example.com"), tuple(Person(each) for each in emails))


def text(plain: str) -> Text:
    """A description."""
    return Text(plain)


class Slices:
    """A budget that is spent after so many questions."""

    def __init__(self, lasts: int) -> None:
        self.lasts = lasts

    def spent(self) -> bool:
        self.lasts -= 1
        return self.lasts < 0


class Psa:
    """What PSA people do."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def tables(self) -> Tables:
        return self.world.tables

    def add(self, shown: Content, type: ItemType = ItemType.APPOINTMENT, **more: object) -> str:
        number = self.world.number()
        item = Item(f"i{number:04}", "alice", type, shown, **more)  # type: ignore[arg-type]
        return self._stamp(item, 1)

    def edit(self, item_id: str, units: dict[Unit, Value] | None = None, **fields: object) -> None:
        """Change units; a moved series takes its occurrences along, as the API does."""
        item = self.tables.items[item_id]
        changed = {**(units or {}), **{(MASTER, Field(name)): value for name, value in fields.items()}}
        base = item.content
        moved = changed.get((MASTER, Field.TIME))
        if isinstance(moved, Span):
            base = rekey(base, moved).content
        self._stamp(replace(item, content=base.with_units(changed)), item.version + 1)  # type: ignore[arg-type]

    def change(self, item_id: str, **facts: object) -> None:
        item = self.tables.items[item_id]
        self._stamp(replace(item, **facts), item.version + 1)  # type: ignore[arg-type]

    def delete(self, item_id: str) -> None:
        self.change(item_id, deleted_at=self.world.clock.now())

    def _stamp(self, item: Item, version: int) -> str:
        self.tables.seq += 1
        now = self.world.clock.now()
        self.tables.items[item.id] = replace(item, version=version, seq=self.tables.seq, updated_at=now)
        return item.id

    def living(self) -> list[Item]:
        return [item for item in self.tables.items.values() if not item.deleted]

    def titles(self) -> list[str]:
        return sorted(item.content.title for item in self.living())

    def __getitem__(self, item_id: str) -> Item:
        return self.tables.items[item_id]


class World:
    """One user, one calendar, one integration (more by :meth:`link_calendar`)."""

    def __init__(self, switches: Switches | None = None, options: Options | None = None, seed: int = 1) -> None:
        self.service = MemoryService(switches=switches or Switches(), random=Random(seed), calendars=(MAIN, SECOND))
        self.clock = WorldClock(self.service)
        self.keys = KeyMaker(b"k" * 32, "test", "t1")
        self.tables = Tables()
        self.psa = Psa(self)
        self.phone = self.service.phone
        self._number = 0
        self.link_calendar("A", MAIN, options or Options())

    def number(self) -> int:
        self._number += 1
        return self._number

    def link_calendar(self, name: str, calendar: str, options: Options | None = None) -> None:
        self.tables.integrations[name] = Integration(name, "t1", "alice", calendar, options or Options())

    def set_options(self, options: Options, name: str = "A", **facts: object) -> None:
        self.tables.integrations[name] = replace(
            self.tables.integrations[name],
            options=options,
            **facts,  # type: ignore[arg-type]
        )

    def confirm(self, name: str = "A") -> None:
        until = self.clock.now() + timedelta(hours=24)
        self.tables.integrations[name] = replace(
            self.tables.integrations[name],
            confirmed_retrieve_until=until,
            confirmed_send_until=until,
            leave_confirmed=True,
        )

    def store(self, name: str = "A") -> InMemoryStore:
        return InMemoryStore(self.tables, name, self.clock, self.keys)

    def run(self, task: Task | None = None, name: str = "A", budget: Budget | None = None) -> Outcome:
        self.service.advance(timedelta(minutes=1))
        return run(MemoryConnector(self.service), self.store(name), self.clock, self.keys, task, budget)

    def try_run(self, task: Task | None = None, name: str = "A") -> Outcome | ConnectorError:
        try:
            return self.run(task, name)
        except ConnectorError as error:
            return error

    def silence(self, share: float) -> None:
        """This share of the addresses that are read gets no answer."""
        self.service.switches = replace(self.service.switches, fetch_unknown=share)

    def settle(self, times: int = 4, name: str = "A") -> None:
        for _ in range(times):
            self.run(name=name)

    def start(self) -> None:
        """The first run, and a range run of everything in both directions."""
        self.run(Task(retrieve=ALL, send=ALL))

    def link_of(self, item_id: str, name: str = "A") -> Link:
        links = [link for (owner, _), link in self.tables.links.items() if owner == name and link.item_id == item_id]
        return sorted(links, key=lambda link: link.state is LinkState.CLOSED)[0]

    def event_of(self, item_id: str, name: str = "A") -> Content | None:
        remote_id = self.link_of(item_id, name).remote_id
        calendar = self.tables.integrations[name].calendar_id
        found = self.service.phone_at(calendar).events().get(remote_id or "")
        return found.content if found else None

    def remote_of(self, item_id: str, name: str = "A") -> str:
        return self.link_of(item_id, name).remote_id or ""

    def event_titles(self) -> list[str]:
        return sorted(each.content.title for each in self.phone.events().values())

    def writes(self) -> int:
        """Writes the service has been asked for."""
        names = {"create.before", "update.before", "delete.before"}
        return sum(1 for name in self.service.io.passed if name in names)


SUMMER = datetime(2027, 7, 1, tzinfo=UTC)
