"""What two people do to a calendar from both sides, and what both sides must mean in the end.

Every appointment has one side that edits it, or both sides with fields of their own each, so that the right end does
not depend on when a run came in between. Its title holds its code, by which it is found wherever it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Literal

Side = Literal["phone", "psa"]
SIDES: tuple[Side, Side] = ("phone", "psa")
CODE = re.compile(r"\[(e\d+)\]")
WEEKS = 5
HOUR = timedelta(hours=1)
LIVING = 18
STEPS = 2


def next_monday() -> date:
    """A Monday at least a week ahead: nothing here is past."""
    return date.today() + timedelta(days=14 - date.today().weekday())


@dataclass(frozen=True, order=True)
class Entry:
    """One occurrence as a person sees it, by the wall clock in Vienna."""

    start: str
    end: str
    title: str
    place: str

    @classmethod
    def of(cls, start: datetime, end: datetime, title: str, place: str) -> Entry:
        """From wall times."""
        return cls(f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}", title, place)


@dataclass
class Appointment:
    """An appointment of an hour, or a weekly series of them, as it must be in the end."""

    code: str
    editors: frozenset[Side]
    start: datetime
    series: bool
    title: str
    place: str = ""
    alive: bool = True
    moved: dict[int, datetime | None] = field(default_factory=dict)
    """Week to another start, or to None where it is cancelled."""
    renamed: dict[int, str] = field(default_factory=dict)

    def slot(self, week: int) -> datetime:
        """The original start in a week."""
        return self.start + timedelta(weeks=week)

    @property
    def free_weeks(self) -> list[int]:
        """Weeks that are as the series has them."""
        touched = self.moved.keys() | self.renamed.keys()
        return [week for week in range(1, WEEKS) if week not in touched] if self.series else []

    def entries(self) -> list[Entry]:
        """All occurrences that must be there."""
        found = []
        for week in range(WEEKS if self.series else 1) if self.alive else ():
            start = self.moved.get(week, self.slot(week))
            if start is not None:
                found.append(Entry.of(start, start + HOUR, self.renamed.get(week, self.title), self.place))
        return found


@dataclass(frozen=True)
class Step:
    """One thing that one side does. ``week`` is set where it concerns one occurrence, ``start`` where it moves."""

    side: Side
    what: Literal["create", "delete", "rename", "place", "move", "move_one", "cancel_one", "rename_one"]
    code: str
    text: str = ""
    week: int = 0
    start: datetime | None = None


class Story:
    """Thinks up the next steps, and remembers what must come of them. The same random numbers tell the same story."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._monday = next_monday()
        self.appointments: dict[str, Appointment] = {}
        self._told = 0

    def entries(self) -> list[Entry]:
        """What both sides must show in the end."""
        return sorted(entry for each in self.appointments.values() for entry in each.entries())

    def dead(self) -> set[str]:
        """Codes of what was deleted."""
        return {code for code, each in self.appointments.items() if not each.alive}

    def create(self, side: Side) -> Step:
        """Somebody makes an appointment."""
        code = f"e{len(self.appointments) + 1}"
        editors: frozenset[Side] = frozenset(self._random.choice([("phone",), ("psa",), SIDES]))
        day = self._monday + timedelta(days=self._random.randrange(5))
        start = datetime.combine(day, time(self._random.randrange(7, 18)))
        series = self._random.random() < 0.4
        self.appointments[code] = Appointment(code, editors, start, series, f"{self._word()} [{code}]")
        return Step(side, "create", code)

    def steps(self, side: Side, visible: set[str]) -> list[Step]:
        """What a side does next; it touches only what it sees, and each thing once."""
        living = [each for each in self.appointments.values() if each.alive]
        made = [self.create(side)] if len(living) < LIVING else []
        mine = [each for each in living if side in each.editors and each.code in visible]
        chosen = self._random.sample(mine, min(STEPS, len(mine)))
        return made + [self._edit(side, each) for each in chosen]

    def _edit(self, side: Side, each: Appointment) -> Step:
        alone = each.editors == {side}
        kinds = ["rename", "place"] if alone else ["rename"] if side == "phone" else ["place"]
        kinds += ["move"] if alone and not each.series else []
        kinds += ["delete"] if alone else []
        weeks = [week for week in each.free_weeks if alone or (week % 2 == 0) == (side == "psa")]
        kinds += ["move_one", "cancel_one"] if weeks else []
        kinds += ["rename_one"] if weeks and alone else []
        what = self._random.choice(kinds)
        week = self._random.choice(weeks) if what.endswith("_one") else 0
        return getattr(self, f"_{what}")(side, each, week)  # type: ignore[no-any-return]

    def _rename(self, side: Side, each: Appointment, _week: int) -> Step:
        each.title = f"{self._word()} [{each.code}]"
        return Step(side, "rename", each.code, each.title)

    def _place(self, side: Side, each: Appointment, _week: int) -> Step:
        each.place = f"Room {self._word()}"
        return Step(side, "place", each.code, each.place)

    def _move(self, side: Side, each: Appointment, _week: int) -> Step:
        each.start += timedelta(days=self._random.randrange(1, 5), minutes=30)
        return Step(side, "move", each.code, start=each.start)

    def _delete(self, side: Side, each: Appointment, _week: int) -> Step:
        each.alive = False
        return Step(side, "delete", each.code)

    def _move_one(self, side: Side, each: Appointment, week: int) -> Step:
        start = each.slot(week) + timedelta(hours=self._random.randrange(1, 4))
        each.moved[week] = start
        return Step(side, "move_one", each.code, week=week, start=start)

    def _cancel_one(self, side: Side, each: Appointment, week: int) -> Step:
        each.moved[week] = None
        return Step(side, "cancel_one", each.code, week=week)

    def _rename_one(self, side: Side, each: Appointment, week: int) -> Step:
        each.renamed[week] = f"{self._word()} once [{each.code}]"
        return Step(side, "rename_one", each.code, each.renamed[week], week=week)

    def _word(self) -> str:
        self._told += 1
        return f"Visit {self._told}"
