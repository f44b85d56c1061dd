"""Events that begin or end where times end: whoever invites somebody to one stops nothing else."""

from __future__ import annotations

from datetime import datetime

import pytest

from calbridge.domain.content import MASTER, Field, Span, Unit, Value, content
from calbridge.domain.times import When, day, zoned
from tests.unit.sync.world import World, event

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
