"""Events that begin or end where times end: whoever invites somebody to one stops nothing else."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Field, Span, Unit, Value, content
from calbridge.domain.times import When, day, zoned
from calbridge.sync.engine import Task
from tests.unit.sync.world import World, event, span

FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)
NOW = datetime(2027, 1, 5, 10)


def when(moment: datetime, zone: str | None) -> When:
    return zoned(moment, zone) if zone else day(moment.date())


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", None])
@pytest.mark.parametrize("rule", ["", "RRULE:FREQ=WEEKLY;COUNT=6", "RRULE:FREQ=YEARLY"])
@pytest.mark.parametrize(("start", "end"), [(FIRST, NOW), (NOW, LAST), (FIRST, LAST), (datetime(9999, 12, 31), LAST)])
def test_an_event_at_an_end_of_time_stops_nothing(start: datetime, end: datetime, rule: str, zone: str | None) -> None:
    world = World()
    first = when(start, zone)
    units: dict[Unit, Value] = {
        (MASTER, Field.TITLE): "Odd",
        (MASTER, Field.TIME): Span(first, when(end, zone), (rule,) if rule else ()),
    }
    if rule:
        units[(first.key, Field.TITLE)] = "Other"
    world.phone.create(content(units))
    world.phone.create(event("Good", "2027-02-01 09:00"))
    world.start()
    world.psa.add(event("Ours", "2027-02-03 09:00"))
    world.run()
    world.run()
    assert {"Good", "Odd", "Ours"} <= {*world.psa.titles(), *world.event_titles()}
    assert {"Good", "Ours"} <= set(world.event_titles()) & set(world.psa.titles())


RULES = [
    "FREQ=WEEKLY;UNTIL=99991231T235959Z",
    "FREQ=WEEKLY;UNTIL=99991231",
    "FREQ=WEEKLY;UNTIL=20271131T000000Z",
    "FREQ=WEEKLY;UNTIL=00000000",
    "FREQ=WEEKLY;UNTIL=20270601T0000Z",
    "FREQ=WEEKLY UNTIL=20270601",
    "FREQ=WEEKLY;FOO=1",
    "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=WEEKLY;COUNT=",
    "FREQ=DAILY;COUNT=abc",
    "FREQ=MONTHLY;BYDAY=1000MO",
    "RSCALE=GREGORIAN;FREQ=DAILY",
]
"""Rules that end beyond all days, on no day, or that dateutil can't read."""


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_nobody_can_follow_stops_nothing(rule: str) -> None:
    world = World()
    odd = world.phone.create(event("Odd", "2027-01-05 09:00", rule=rule))
    world.phone.create(event("Good", "2027-02-05 11:00"))
    world.run()
    world.run(Task(retrieve=Window(date(2027, 1, 1), date(2027, 3, 1)), send=Window(None, date(2027, 3, 1))))
    world.phone.edit(odd, {(MASTER, Field.TIME): span("2027-01-05 10:00", rule=rule)})
    world.psa.add(event("Ours", "2027-02-03 09:00", rule=rule))
    world.settle(2)
    assert "Good" in world.psa.titles()
    assert "Ours" in world.event_titles()


@pytest.mark.parametrize("day", ["9996-12-30", "9998-12-30"])
def test_a_series_that_goes_on_to_the_last_of_all_days_can_be_moved_on_either_side(day: str) -> None:
    world = World()
    world.start()
    ours = world.psa.add(event("Ours", f"{day} 09:00", rule="FREQ=YEARLY"))
    theirs = world.phone.create(event("Theirs", f"{day} 09:00", rule="FREQ=YEARLY"))
    world.settle(2)
    world.psa.edit(ours, time=span(f"{day} 10:00", rule="FREQ=YEARLY"))
    world.phone.edit(theirs, {(MASTER, Field.TIME): span(f"{day} 10:00", rule="FREQ=YEARLY")})
    world.psa.add(event("Good", "2027-02-03 09:00"))
    world.settle(2)
    assert world.event_titles() == world.psa.titles() == ["Good", "Ours", "Theirs"]
    assert {each.content.span.start.local.hour for each in world.phone.events().values() if each.content.span} == {
        9,
        10,
    }


def test_a_visit_on_the_last_of_all_days_stays_there_when_its_series_moves() -> None:
    world = World()
    world.start()
    last = {("2027-01-12T09:00:00", Field.TIME): span("9999-12-31 09:00")}
    item = world.psa.add(event("Series", "2027-01-05 09:00", rule="FREQ=WEEKLY").with_units(last))
    world.settle(2)
    world.psa.edit(item, time=span("2027-01-06 09:00", rule="FREQ=WEEKLY"))
    world.psa.add(event("Good", "2027-02-03 09:00"))
    world.settle(2)
    assert world.event_titles() == ["Good", "Series"]
    moved = world.event_of(item)
    assert moved is not None
    assert moved.get(("2027-01-13T09:00:00", Field.TIME)) == span("9999-12-31 09:00")


def test_a_series_that_is_moved_by_thousands_of_years_takes_along_what_still_has_a_day() -> None:
    world = World()
    world.start()
    item = world.psa.add(
        event("Series", "2027-01-05 09:00", rule="FREQ=YEARLY").with_units(
            {("9999-01-05T09:00:00", Field.TITLE): "End"}
        )
    )
    world.settle(2)
    moved = span("2027-01-05 09:00", rule="FREQ=YEARLY")
    world.psa.edit(
        item,
        time=type(moved)(moved.start.shifted(timedelta(days=366)), moved.end.shifted(timedelta(days=366)), moved.rule),
    )
    world.psa.add(event("Good", "2027-02-03 09:00"))
    world.settle(2)
    assert world.event_titles() == ["Good", "Series"]
