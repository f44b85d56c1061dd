"""What a calendar shows of an item, and My Calendar of an event, in every combination (SYNC A3, A6, A8, A9, B2, B3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import product

import pytest

from calbridge.domain.content import MASTER, Content, Field, People, Text, Unit, Value, content
from calbridge.domain.event import Event
from calbridge.domain.item import DUE_TYPES, Item, ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send
from calbridge.sync.memory import MadeBy
from calbridge.sync.project import Detach, Projected, Projection, Withdraw, project, view
from tests.unit.sync.world import at, event, guests, span

HERE, ELSEWHERE = "A", "B"
VISIT = "2027-02-03T09:00:00"
BUSY = "Occupied"

FIELDS = """
field           level full   busy_only      hidden here
time            yes          yes            yes
show_as         yes          yes            yes
visibility      yes          yes            yes
status          yes          yes            yes
exists          yes          yes            yes
title           yes          placeholder    no
description     yes          no             no
location        yes          no             no
categories      yes          no             no
reminders       yes          no             yes
people          invitations  no             no
conference_url  no           no             no
responses       no           no             no
my_response     no           no             no
"""
"""Which fields are shown to the linked calendar (A6, A8, A9); ``hidden here``: retrieved as busy, the text unknown."""

SHOWN = {line.split()[0]: line.split()[1:] for line in FIELDS.strip().splitlines()[1:]}


@cache
def whole(private: bool = False, cancelled: bool = False) -> Content:
    """A series with every field, an excluded visit and one with values of its own."""
    units: dict[Unit, Value] = {
        (MASTER, Field.SHOW_AS): "free",
        (MASTER, Field.VISIBILITY): "private" if private else "default",
        (MASTER, Field.STATUS): "cancelled" if cancelled else "tentative",
        (MASTER, Field.TEXT): Text("Bring the file"),
        (MASTER, Field.LOCATION): "Room 1",
        (MASTER, Field.PEOPLE): guests("bob@example.com"),
        (MASTER, Field.CATEGORIES): ("red",),
        (MASTER, Field.REMINDERS): (15,),
        (MASTER, Field.CONFERENCE): "https://meet.example.com/1",
        (MASTER, Field.RESPONSES): (("bob@example.com", "accepted"),),
        (MASTER, Field.MY_RESPONSE): "accepted",
        ("2027-02-02T09:00:00", Field.EXISTS): False,
        (VISIT, Field.TITLE): "Secret visit",
        (VISIT, Field.LOCATION): "Room 2",
        (VISIT, Field.TIME): span("2027-02-03 15:00"),
    }
    return event("Chemotherapy", "2027-02-01 09:00", rule="FREQ=DAILY").with_units(units)


@cache
def unscheduled(private: bool, cancelled: bool) -> Content:
    """The same without a time."""
    shown = whole(private, cancelled)
    return Content({unit: value for unit, value in shown.units.items() if unit[0] == MASTER}).without({Field.TIME})


@cache
def visible(scheduled: bool, private: bool, cancelled: bool, column: int, invitations: bool) -> Content:
    """What the table leaves of a content."""
    shown = whole(private, cancelled) if scheduled else unscheduled(private, cancelled)
    expected: dict[Unit, Value] = {}
    for unit, value in shown.units.items():
        told = SHOWN[unit[1].value][column]
        if told == "placeholder" and unit[0] == MASTER:
            expected[unit] = BUSY
        elif told == "yes" or (told == "invitations" and invitations):
            expected[unit] = value
    return content(expected)


@dataclass(frozen=True)
class Case:
    """One combination of circumstances."""

    type: ItemType
    ticked: bool
    private: bool
    level: Level
    cancelled: bool
    scheduled: bool
    made_by: MadeBy
    origin: str | None
    forward: bool
    on_leave: OnLeave
    hidden: bool
    invitations: bool

    @property
    def item(self) -> Item:
        shown = whole(self.private, self.cancelled) if self.scheduled else unscheduled(self.private, self.cancelled)
        return Item("i1", "alice", self.type, shown, hidden=self.hidden, origin=self.origin)

    @property
    def options(self) -> Options:
        types = frozenset(ItemType) if self.ticked else frozenset(ItemType) - {self.type}
        other = Level.SKIP if self.level is not Level.SKIP else Level.FULL
        levels = Privacy(self.level, other) if self.private else Privacy(other, self.level)
        send = Send(types, levels, self.forward, self.on_leave)
        return Options(send=send, invitations_all=self.invitations, busy_title=BUSY)

    def answer(self) -> Projection:
        return project(self.item, self.options, self.made_by, HERE)

    def stops(self) -> list[Projection]:
        """Every reason why a copy made by us must not be there; SYNC ranks none above the other."""
        leave = Withdraw if self.on_leave is OnLeave.REMOVE else Detach
        table: list[tuple[bool, Projection]] = [
            (not self.scheduled, Withdraw("unscheduled")),
            (self.cancelled, Withdraw("cancelled")),
            (self.level is Level.SKIP, Withdraw("private")),
            (not self.ticked, leave("type_not_sent")),
            (self.origin == ELSEWHERE and not self.forward, leave("forward_off")),
            (self.hidden, Withdraw("hidden")),
        ]
        return [projection for holds, projection in table if holds]

    def column(self) -> int:
        redacted = self.made_by is MadeBy.US and self.level is not Level.FULL
        unsent = self.made_by is not MadeBy.US and self.level is not Level.FULL
        return 2 if self.hidden or unsent else 1 if redacted else 0


def all_cases(made_by: MadeBy) -> Iterator[Case]:
    yes_no = (False, True)
    for type, ticked, private, level, cancelled, scheduled, origin, forward, on_leave, hidden, invitations in product(
        ItemType, yes_no, yes_no, Level, yes_no, yes_no, (None, HERE, ELSEWHERE), yes_no, OnLeave, yes_no, yes_no
    ):
        yield Case(
            type, ticked, private, level, cancelled, scheduled, made_by, origin, forward, on_leave, hidden, invitations
        )


def shown_as_the_table_says(case: Case, projected: Projected) -> bool:
    expected = visible(case.scheduled, case.private, case.cancelled, case.column(), case.invitations)
    return projected.content.units == expected.units


def test_a_copy_of_ours_is_there_exactly_while_no_reason_speaks_against_it() -> None:
    for case in all_cases(MadeBy.US):
        stops, answer = case.stops(), case.answer()
        assert isinstance(answer, Projected) if not stops else answer in stops, (case, answer)
        if isinstance(answer, Projected):
            assert answer.sends
            assert shown_as_the_table_says(case, answer), (case, answer)


@pytest.mark.parametrize("made_by", [MadeBy.THEM, MadeBy.ADOPTED])
def test_an_event_not_made_by_us_is_never_redacted_or_withdrawn(made_by: MadeBy) -> None:
    for case in all_cases(made_by):
        answer = case.answer()
        assert isinstance(answer, Projected), (case, answer)
        forwarded = case.forward or case.origin != ELSEWHERE
        assert answer.sends is (case.ticked and case.scheduled and forwarded)
        assert bool(answer.hidden) is case.hidden
        assert shown_as_the_table_says(case, answer), (case, answer)


def test_what_is_redacted_takes_no_part_and_leaves_no_text_anywhere() -> None:
    secrets = ("Chemotherapy", "Secret visit", "Bring the file", "Room 1", "Room 2", "bob@", "red", "meet.example")
    for case in all_cases(MadeBy.US):
        answer = case.answer()
        if isinstance(answer, Projected) and case.level is Level.BUSY_ONLY:
            assert {Field.TITLE, Field.TEXT, Field.LOCATION, Field.PEOPLE, Field.CATEGORIES} <= answer.hidden
            assert not any(word in repr(answer.content.units) for word in secrets), answer
            assert answer.content.span == case.item.content.span
            assert answer.content.of(Field.TIME, VISIT) == span("2027-02-03 15:00")


DUE = """
due                 type          starts            ends              show_as
2027-02-01          task          2027-02-01        2027-02-02        free
2027-02-01          todo          2027-02-01        2027-02-02        free
2027-02-01T10:00    task          2027-02-01T09:15  2027-02-01T10:00  busy
2027-02-01T10:00    todo          2027-02-01T09:15  2027-02-01T10:00  busy
"""
"""A due date is all-day and free, a due time a block of ``default_minutes`` (45) that ends there (A3)."""


@pytest.mark.parametrize("line", DUE.strip().splitlines()[1:])
def test_a_due_date_is_a_free_day_and_a_due_time_a_block_that_ends_there(line: str) -> None:
    due, type, starts, ends, show_as = line.split()
    item = Item("i1", "alice", ItemType(type), Content({(MASTER, Field.TITLE): "Call"}), due=at(due.replace("T", " ")))
    answer = project(item, Options(default_minutes=45), MadeBy.US, HERE)
    assert isinstance(answer, Projected)
    found = answer.content.span
    assert found is not None
    assert (found.start, found.end) == (at(starts.replace("T", " ")), at(ends.replace("T", " ")))
    assert (answer.content.get((MASTER, Field.SHOW_AS)) or "busy") == show_as


def test_a_block_that_ends_just_after_the_clock_was_set_forward_starts_before_it_ends() -> None:
    shown = Content({(MASTER, Field.TITLE): "Call"})
    item = Item("i1", "alice", ItemType.TODO, shown, due=at("2027-03-28 03:10"))
    found = item.calendar_content(45).span
    assert found is not None
    assert found.start.instant() == found.end.instant() - timedelta(minutes=45)


@pytest.mark.parametrize("type", ItemType)
@pytest.mark.parametrize("due", [None, "2027-02-01", "2027-02-01 10:00"])
@pytest.mark.parametrize("timed", [True, False])
def test_only_tasks_and_todos_without_a_time_of_their_own_follow_their_due(
    type: ItemType, due: str | None, timed: bool
) -> None:
    own = event("Call", "2027-05-01 08:00")
    shown = own if timed else own.without({Field.TIME})
    item = Item("i1", "alice", type, shown, due=at(due) if due else None)
    answer = project(item, Options(), MadeBy.US, HERE)
    if timed:
        assert isinstance(answer, Projected)
        assert answer.content.span == own.span
    elif due and type in DUE_TYPES:
        assert isinstance(answer, Projected)
    else:
        assert answer == Withdraw("unscheduled")


@pytest.mark.parametrize("made_by", MadeBy)
@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("level", Level)
def test_an_event_is_seen_under_the_level_in_force_unless_we_made_it(
    made_by: MadeBy, private: bool, level: Level
) -> None:
    other = Level.FULL if level is not Level.FULL else Level.SKIP
    privacy = Privacy(level, other) if private else Privacy(other, level)
    shown = whole(private)
    found = view(Event("u1", shown), Options(retrieve=Retrieve(privacy=privacy)), made_by)
    in_force = Level.FULL if made_by is MadeBy.US else level
    assert found.level is in_force
    hidden = {Field.TITLE, Field.TEXT, Field.LOCATION, Field.PEOPLE, Field.CATEGORIES, Field.CONFERENCE}
    hidden |= {Field.RESPONSES, Field.REMINDERS}
    expected = shown.without({Field.REMINDERS} if in_force is Level.FULL else hidden)
    assert found.content.units == expected.units


def test_a_placeholder_of_a_hidden_item_is_never_projected() -> None:
    item = Item("i1", "alice", content=event("", "2027-02-01 09:00"), hidden=True, origin=HERE)
    options = Options(send=Send(privacy=Privacy(Level.BUSY_ONLY, Level.BUSY_ONLY)))
    assert project(item, options, MadeBy.US, HERE) == Withdraw("hidden")
    for made_by in (MadeBy.THEM, MadeBy.ADOPTED):
        answer = project(item, options, made_by, HERE)
        assert isinstance(answer, Projected)
        assert answer.content.get((MASTER, Field.TITLE)) is None


def test_people_are_projected_only_when_invitations_are_sent() -> None:
    item = Item("i1", "alice", content=whole())
    for invitations in (True, False):
        answer = project(item, Options(invitations_all=invitations), MadeBy.US, HERE)
        assert isinstance(answer, Projected)
        assert isinstance(answer.content.get((MASTER, Field.PEOPLE)), People) is invitations
