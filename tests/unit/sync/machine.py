"""A random user of both sides, and what must hold when it is quiet again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from calbridge.domain.content import MASTER, NO_EDIT_FIELDS, Content, Field, Span, Unit, Value
from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, Options, Privacy, Retrieve, Send, Winner
from calbridge.errors import ConnectorError, Unavailable
from calbridge.sync.engine import Task
from calbridge.sync.memory import LinkState
from calbridge.sync.project import Projected, project
from calbridge.sync.settle import same
from calbridge.testing.memory import Crash, MemoryConnector, Switches
from tests.unit.sync.world import ALL, SECOND, Slices, World, event, span

DAYS = st.integers(2, 27)
HOURS = st.integers(7, 18)
PICK = st.integers(0, 30)
POINTS = [
    "changes.before", "changes.after", "fetch.before", "fetch.after", "find.before", "find.after", "create.before",
    "create.after", "update.before", "update.after", "delete.before", "delete.after",
]  # fmt: skip
STANDING = {LinkState.SYNCED, LinkState.PENDING}


TASKS = [None, Task(compare=True), Task(retrieve=ALL), Task(send=ALL), Task(retrieve=ALL, send=ALL)]


class SyncMachine(RuleBasedStateMachine):
    """Edits, deletions and series on both sides, faults and crashes in between; then quiet, then the checks."""

    switches = Switches()
    options = Options()
    tasks = TASKS

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        self.start(seed)

    def start(self, seed: int) -> None:
        """The first run copies everything both ways."""
        self.world = World(self.switches, self.options, seed)
        self.world.service.switches = self.switches
        self.try_run(Task(retrieve=ALL, send=ALL))
        self.titles = 0

    def try_run(self, task: Task | None = None) -> None:
        with suppress(Crash):
            self.world.try_run(task)

    def title(self, who: str) -> str:
        self.titles += 1
        return f"{who} {self.titles}"

    def time(self, day: int, hour: int, series: bool) -> Span:
        return span(f"2027-03-{day:02} {hour:02}:00", rule="FREQ=WEEKLY;COUNT=8" if series else None)

    # the phone

    @rule(day=DAYS, hour=HOURS, series=st.booleans())
    def phone_creates(self, day: int, hour: int, series: bool) -> None:
        made = event(self.title("phone"), "2027-03-01 09:00")
        self.world.phone.create(made.with_units({(MASTER, Field.TIME): self.time(day, hour, series)}))

    def remote(self, pick: int) -> str | None:
        events = sorted(self.world.phone.events())
        return events[pick % len(events)] if events else None

    @rule(pick=PICK, place=st.booleans())
    def phone_edits_a_text(self, pick: int, place: bool) -> None:
        remote = self.remote(pick)
        if remote:
            name = Field.LOCATION if place else Field.TITLE
            self.world.phone.edit(remote, {(MASTER, name): self.title("phone")})

    @rule(pick=PICK, day=DAYS, hour=HOURS)
    def phone_moves(self, pick: int, day: int, hour: int) -> None:
        remote = self.remote(pick)
        if remote:
            old = self.world.phone.events()[remote].content.span
            self.world.phone.edit(remote, {(MASTER, Field.TIME): self.time(day, hour, bool(old and old.rule))})

    @rule(pick=PICK, number=st.integers(1, 5), what=st.sampled_from(["title", "time", "gone", "plain"]))
    def phone_touches_an_occurrence(self, pick: int, number: int, what: str) -> None:
        remote = self.remote(pick)
        shown = self.world.phone.events()[remote].content if remote else None
        units = self.occurrence(shown, number, what, "phone")
        if remote and units:
            self.world.phone.edit(remote, units)

    def occurrence(self, shown: Content | None, number: int, what: str, who: str) -> dict[Unit, Value]:
        if shown is None or shown.span is None or not shown.span.recurring:
            return {}
        start = shown.span.start.shifted(timedelta(weeks=number))
        match what:
            case "title":
                return {} if shown.excluded(start.key) else {(start.key, Field.TITLE): self.title(who)}
            case "time":
                later = start.shifted(timedelta(hours=1))
                own = Span(later, later.shifted(timedelta(minutes=30)))
                return {} if shown.excluded(start.key) else {(start.key, Field.TIME): own}
            case "gone":
                return {(start.key, Field.EXISTS): False}
            case _:
                return {(start.key, name): None for name in (Field.EXISTS, Field.TITLE, Field.TIME)}

    @rule(pick=PICK)
    def phone_deletes(self, pick: int) -> None:
        remote = self.remote(pick)
        if remote:
            self.world.phone.delete(remote)

    @rule(pick=PICK)
    def address_changes(self, pick: int) -> None:
        remote = self.remote(pick)
        if remote and not self.switches.stable_addresses:
            self.world.phone.move_address(remote)

    # the PSA

    @rule(day=DAYS, hour=HOURS, series=st.booleans(), type=st.sampled_from(list(ItemType)[:3]), private=st.booleans())
    def psa_adds(self, day: int, hour: int, series: bool, type: ItemType, private: bool) -> None:
        units: dict[Unit, Value] = {(MASTER, Field.TIME): self.time(day, hour, series)}
        if private:
            units[(MASTER, Field.VISIBILITY)] = "private"
        self.world.psa.add(event(self.title("psa"), "2027-03-01 09:00").with_units(units), type)

    def item(self, pick: int) -> str | None:
        items = sorted(item.id for item in self.world.psa.living())
        return items[pick % len(items)] if items else None

    @rule(pick=PICK, place=st.booleans())
    def psa_edits_a_text(self, pick: int, place: bool) -> None:
        item = self.item(pick)
        if item and not self.world.psa[item].hidden:
            name = Field.LOCATION if place else Field.TITLE
            self.world.psa.edit(item, {(MASTER, name): self.title("psa")})

    @rule(pick=PICK, day=DAYS, hour=HOURS)
    def psa_moves(self, pick: int, day: int, hour: int) -> None:
        item = self.item(pick)
        if item:
            old = self.world.psa[item].content.span
            self.world.psa.edit(item, {(MASTER, Field.TIME): self.time(day, hour, bool(old and old.rule))})

    @rule(pick=PICK, number=st.integers(1, 5), what=st.sampled_from(["title", "time", "gone", "plain"]))
    def psa_touches_an_occurrence(self, pick: int, number: int, what: str) -> None:
        item = self.item(pick)
        if item and not self.world.psa[item].hidden:
            units = self.occurrence(self.world.psa[item].content, number, what, "psa")
            if units:
                self.world.psa.edit(item, units)

    @rule(pick=PICK, status=st.sampled_from(["cancelled", "confirmed", "tentative"]))
    def psa_sets_a_status(self, pick: int, status: str) -> None:
        item = self.item(pick)
        if item:
            self.world.psa.edit(item, status=status)

    @rule(pick=PICK, visibility=st.sampled_from(["private", "default"]))
    def psa_sets_visibility(self, pick: int, visibility: str) -> None:
        item = self.item(pick)
        if item:
            self.world.psa.edit(item, visibility=visibility)

    @rule(pick=PICK)
    def psa_deletes(self, pick: int) -> None:
        item = self.item(pick)
        if item:
            self.world.psa.delete(item)

    # what happens in between

    @rule()
    def it_runs(self) -> None:
        self.try_run()

    @rule(number=st.integers(1, 6))
    def it_crashes(self, number: int) -> None:
        self.world.service.io.crash_at(number)
        self.try_run()
        self.world.service.io.hooks.clear()

    @rule(point=st.sampled_from(POINTS), number=st.integers(1, 2))
    def it_crashes_at(self, point: str, number: int) -> None:
        self.world.service.io.once(number, point, Crash())
        self.try_run()
        self.world.service.io.hooks.clear()

    @rule(point=st.sampled_from(POINTS))
    def it_has_no_answer(self, point: str) -> None:
        self.world.service.io.fail(point, Unavailable())
        self.try_run()
        self.world.service.io.hooks.clear()

    @rule(point=st.sampled_from(["update.before", "update.after", "create.after", "fetch.after"]), pick=PICK)
    def the_phone_interferes(self, point: str, pick: int) -> None:
        self.world.service.io.once(1, point, lambda: self.phone_edits_a_text(pick, place=True))
        self.try_run()
        self.world.service.io.hooks.clear()

    @rule(lasts=st.integers(0, 4), pick=PICK)
    def its_time_is_over(self, lasts: int, pick: int) -> None:
        with suppress(ConnectorError):
            self.world.run(self.tasks[pick % len(self.tasks)], budget=Slices(lasts))

    @rule()
    def cursors_expire(self) -> None:
        self.world.service.expire_cursors()

    @rule()
    def a_delta_lies(self) -> None:
        self.world.service.lie_once()

    @rule(choice=st.sampled_from(["psa", "linked", "newest"]), loose=st.booleans())
    def options_change(self, choice: str, loose: bool) -> None:
        level = Level.FULL if loose else Level.BUSY_ONLY
        privacy = Privacy(private=level)
        self.world.set_options(Options(Retrieve(privacy=privacy), Send(privacy=privacy), conflict=Winner(choice)))

    # the checks

    names = ("A",)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.become_quiet()
        for name in self.names:
            self.check_pairs(name)
            self.check_events_and_items(name)
        self.check_no_doubles()
        self.check_quiet()

    def become_quiet(self) -> None:
        world = self.world
        world.service.io.hooks.clear()
        calm = {"loses_reply": 0.0, "loses_request": 0.0, "half_written_series": 0.0, "throttles": 0.0}
        calm |= {"unavailable": 0.0, "fetch_unknown": 0.0}
        world.service.switches = replace(self.switches, **calm)
        before = world.writes()
        for _ in range(3):
            for name in self.names:
                world.confirm(name)
                world.service.advance(timedelta(hours=13))
                world.run(Task(compare=True), name)
                world.run(name=name)
        assert world.writes() - before <= 2 * len(world.tables.links), "more than two writes each until quiet"

    def check_pairs(self, name: str) -> None:
        world = self.world
        state = world.tables.integrations[name]
        events = world.service.phone_at(state.calendar_id).events()
        connector = MemoryConnector(world.service)
        for (owner, _), link in world.tables.links.items():
            item = world.tables.items[link.item_id]
            if owner != name or link.state is LinkState.FROZEN:
                continue
            assert link.state not in {LinkState.FAILED, LinkState.PENDING_DELETE}, link
            if not link.live:
                continue
            assert link.remote_id in events, ("no event", link)
            assert not item.deleted, ("deleted here, alive there", link)
            projected = project(item, state.options, link.made_by, name)
            assert isinstance(projected, Projected), (projected, link)
            normal = connector.normalise(projected.content)
            shown = events[link.remote_id or ""].content
            for unit in projected.content.units.keys() | shown.units.keys():
                self.check_unit(unit, projected, normal, shown, item.hidden)

    def check_unit(self, unit: Unit, projected: Projected, normal: Content, shown: Content, hidden: bool) -> None:
        unknown = hidden and unit[1] in projected.hidden
        if unit[1] in NO_EDIT_FIELDS or unit[1] is Field.PEOPLE or unknown or unit[1] in projected.unsent:
            return
        here, there = projected.content.get(unit), shown.get(unit)
        assert same(unit, here, there) or same(unit, normal.get(unit), there), (unit, here, there)

    def check_events_and_items(self, name: str) -> None:
        """Nobody is forgotten: every event and every item is linked, known or ended."""
        world = self.world
        calendar = world.tables.integrations[name].calendar_id
        mine = [link for (owner, _), link in world.tables.links.items() if owner == name]
        known = {row.remote_id for (owner, _), row in world.tables.known.items() if owner == name}
        living = [link for link in mine if link.live]
        assert len({link.remote_id for link in living}) == len(living)
        assert len({link.item_id for link in living}) == len(living)
        kept = known | {link.remote_id for link in mine}
        for remote_id, each in world.service.phone_at(calendar).events().items():
            assert remote_id in kept, ("an event nobody looks after", remote_id, each.content.title)
        for item in world.psa.living():
            assert any(link.item_id == item.id for link in mine), ("an item forgotten", name, item)

    def check_no_doubles(self) -> None:
        world = self.world
        for name in self.names:
            events = world.service.phone_at(world.tables.integrations[name].calendar_id).events().values()
            titles = [each.content.title for each in events if each.content.title != "Busy"]
            assert len(set(titles)) == len(titles), ("doubled", titles)
        names = [item.content.title for item in world.psa.living() if not item.hidden]
        assert len(set(names)) == len(names), ("doubled here", names)

    def check_quiet(self) -> None:
        world = self.world
        assert world.service.mails == []
        before, items = world.writes(), dict(world.tables.items)
        for name in self.names:
            world.run(name=name)
            world.run(Task(compare=True), name)
        assert world.writes() == before, "still writing"
        assert world.tables.items == items, "still changing items"
        assert not world.tables.intents


class FoundMachine(SyncMachine):
    """The calendar had events before it was linked, and nobody asked for them (D9)."""

    tasks = (None, Task(compare=True), Task(send=ALL))

    def start(self, seed: int) -> None:
        """The first run only gets to know what is there."""
        self.world = World(self.switches, self.options, seed)
        self.titles = 0
        for day in range(2, 8):
            self.phone_creates(day, 9, day % 2 == 0)
        self.before = {each.content.title for each in self.world.phone.events().values()}
        self.try_run()

    def remote(self, pick: int) -> str | None:
        """Whatever somebody touches is theirs to be taken over."""
        remote = super().remote(pick)
        if remote:
            self.before.discard(self.world.phone.events()[remote].content.title)
        return remote

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "before"):
            events = self.world.phone.events()
            linked = {events[each.remote_id].content.title for each in self.world.tables.links.values() if each.live}
            assert not self.before & linked, ("nobody asked for these", self.before & linked)


class TemplatesMachine(SyncMachine):
    """Titles go out with something before them, which edits on the phone keep or not."""

    options = Options(title_templates=tuple((each, "[x] {title}") for each in ItemType))

    @rule(pick=PICK)
    def phone_extends_a_title(self, pick: int) -> None:
        remote = self.remote(pick)
        if remote:
            before = self.world.phone.events()[remote].content.title
            self.world.phone.edit(remote, {(MASTER, Field.TITLE): f"{before} {self.title('more')}"})

    @rule(there=st.booleans())
    def templates_come_and_go(self, there: bool) -> None:
        self.world.set_options(self.options if there else Options())


class TwoCalendarsMachine(SyncMachine):
    """The same user with a second calendar that gets what the first one brought (D10)."""

    names = ("A", "B")

    @initialize(seed=st.integers(0, 99), forward=st.booleans())
    def begin(self, seed: int, forward: bool) -> None:
        self.start(seed)
        self.world.link_calendar("B", SECOND, Options(send=Send(forward=forward)))
        self.try_run_second(Task(retrieve=ALL, send=ALL))

    def try_run_second(self, task: Task | None = None) -> None:
        with suppress(Crash):
            self.world.try_run(task, "B")

    @rule()
    def the_second_runs(self) -> None:
        self.try_run_second()

    @rule(number=st.integers(1, 6))
    def the_second_crashes(self, number: int) -> None:
        self.world.service.io.crash_at(number)
        self.try_run_second()
        self.world.service.io.hooks.clear()

    @rule(day=DAYS, hour=HOURS, series=st.booleans())
    def second_phone_creates(self, day: int, hour: int, series: bool) -> None:
        made = event(self.title("second"), "2027-03-01 09:00")
        timed = made.with_units({(MASTER, Field.TIME): self.time(day, hour, series)})
        self.world.service.phone_at(SECOND).create(timed)

    def second_remote(self, pick: int) -> str | None:
        events = sorted(self.world.service.phone_at(SECOND).events())
        return events[pick % len(events)] if events else None

    @rule(pick=PICK)
    def second_phone_edits(self, pick: int) -> None:
        remote = self.second_remote(pick)
        if remote:
            self.world.service.phone_at(SECOND).edit(remote, {(MASTER, Field.TITLE): self.title("second")})

    @rule(pick=PICK)
    def second_phone_deletes(self, pick: int) -> None:
        remote = self.second_remote(pick)
        if remote:
            self.world.service.phone_at(SECOND).delete(remote)
