"""Two contents and their two memories, merged unit by unit (SYNC A2, B1, D3, F3). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from calbridge.domain.content import EMPTY, MASTER, NO_EDIT_FIELDS, Content, Field, Span, Unit, Value, content
from calbridge.domain.series import new_key, rekey
from calbridge.sync.settle import Four, Rules, Verdict, changed_here, changed_there, same, settle

TIME: Unit = (MASTER, Field.TIME)


@dataclass(frozen=True, slots=True)
class Sides:
    """What goes into a merge; ``normalised`` is what the service is known to make of ``projected``."""

    sent: Content
    shown: Content
    projected: Content
    seen: Content
    normalised: Content = EMPTY
    past_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that lost."""

    unit: Unit
    kept: Value
    lost: Value
    why: str = "conflict"


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome: units for the item, units to keep for writing, and where the memories go.

    ``span`` is the time both sides will have; ``keys`` moves the item's own occurrences when the remote side moved
    the series. ``settled``: units whose ``sent`` advances. ``past``: occurrences left alone.
    """

    take: Mapping[Unit, Value] = field(default_factory=dict)
    keep: frozenset[Unit] = frozenset()
    settled: frozenset[Unit] = frozenset()
    withheld: frozenset[Unit] = frozenset()
    sent: Content = EMPTY
    seen: Content = EMPTY
    projected: Content = EMPTY
    conflicts: tuple[Conflict, ...] = ()
    past: frozenset[str] = frozenset()
    span: Span | None = None
    moved: bool = False


def merge(sides: Sides, rules: Rules) -> Merged:
    """Merge all units. The series' time is settled first, because every occurrence key follows it."""
    first = _four(TIME, sides)
    verdict = settle(TIME, _normal(TIME, first, sides), rules)
    span = first.seen if verdict in {Verdict.TAKE} else first.projected if verdict is not Verdict.NOTHING else None
    target = span if isinstance(span, Span) else (sides.projected.span or sides.seen.span)
    here = _aligned(sides, target)
    state = _Merging(here.sides, replace(rules, owed=_moved_units(rules.owed, sides.sent.span, target)))
    state.conflicts.extend(here.conflicts)
    state.record(TIME, verdict, first)
    for unit in here.sides.projected.units.keys() | here.sides.seen.units.keys() | _memories(here.sides):
        if unit[0] == MASTER and unit != TIME:
            state.settle(unit)
    for key in sorted({unit[0] for side in _all(here.sides) for unit in side.units} - {MASTER}):
        state.settle_key(key)
    return state.result(target, here.moved)


def _memories(sides: Sides) -> set[Unit]:
    return set(sides.sent.units) | set(sides.shown.units)


def _all(sides: Sides) -> tuple[Content, ...]:
    return (sides.sent, sides.shown, sides.projected, sides.seen)


def _four(unit: Unit, sides: Sides) -> Four:
    return Four(*(side.get(unit) for side in _all(sides)))


def _normal(unit: Unit, four: Four, sides: Sides) -> Four:
    """A value the service is known to make of ours counts as ours."""
    known = sides.normalised.get(unit)
    if known is not None and same(unit, known, four.seen):
        return Four(four.sent, four.shown, four.projected, four.projected)
    return four


@dataclass(frozen=True, slots=True)
class _Aligned:
    sides: Sides
    conflicts: tuple[Conflict, ...]
    moved: bool


def _aligned(sides: Sides, target: Span | None) -> _Aligned:
    """All four contents in the slots of the time that will hold."""
    if target is None:
        return _Aligned(sides, (), False)
    moves = [rekey(side, target) for side in _all(sides)]
    lost = tuple(
        Conflict((key, Field.EXISTS), None, None, "slot_gone")
        for move in (moves[2], moves[3])
        for key, new in move.keys.items()
        if new is None
    )
    sent, shown, projected, seen = (move.content for move in moves)
    normalised = rekey(sides.normalised, target).content
    aligned = Sides(sent, shown, projected, seen, normalised, sides.past_before)
    return _Aligned(aligned, lost, any(move.keys for move in moves))


def _moved_units(units: frozenset[Unit], old: Span | None, target: Span | None) -> frozenset[Unit]:
    if old is None or target is None or not old.recurring or not target.recurring:
        return units
    moved = ((key if key == MASTER else new_key(key, old, target), name) for key, name in units)
    return frozenset((key, name) for key, name in moved if key is not None)


class _Merging:
    """Collects verdicts."""

    def __init__(self, sides: Sides, rules: Rules) -> None:
        self.sides = sides
        self.rules = rules
        self.take: dict[Unit, Value] = {}
        self.keep: set[Unit] = set()
        self.settled: set[Unit] = set()
        self.withheld: set[Unit] = set()
        self.conflicts: list[Conflict] = []
        self.past: set[str] = set()

    def settle(self, unit: Unit) -> None:
        four = _four(unit, self.sides)
        self.record(unit, settle(unit, _normal(unit, four, self.sides), self.rules), four)

    def record(self, unit: Unit, verdict: Verdict, four: Four) -> None:
        if unit[1] is Field.REMINDERS:
            if not same(unit, four.projected, four.sent):
                self.keep.add(unit)
            return
        match verdict:
            case Verdict.TAKE:
                self.take[unit] = four.seen
                self.settled.add(unit)
            case Verdict.KEEP:
                self.keep.add(unit)
            case Verdict.AGREED:
                self.settled.add(unit)
            case Verdict.WITHHOLD:
                self.withheld.add(unit)
            case Verdict.NOTHING:
                pass
        both = changed_here(unit, four, self.rules) and changed_there(unit, four, self.rules)
        if both and verdict in {Verdict.TAKE, Verdict.KEEP}:
            kept, lost = (four.seen, four.projected) if verdict is Verdict.TAKE else (four.projected, four.seen)
            if lost is not None:
                self.conflicts.append(Conflict(unit, kept, lost))

    def settle_key(self, key: str) -> None:
        units = [unit for side in _all(self.sides) for unit in side.units if unit[0] == key]
        if self._is_past(key):
            self.past.add(key)
            return
        exists: Unit = (key, Field.EXISTS)
        four = _four(exists, self.sides)
        here, there = (not same(exists, four.projected, four.sent), not same(exists, four.seen, four.shown))
        if self.rules.adopting or exists in self.rules.owed:
            here = there = True
        if not here and not there:
            if four.projected is not False or four.seen is not False:
                for unit in dict.fromkeys(units):
                    self.settle(unit)
            return
        self._settle_existence(key, list(dict.fromkeys([*units, exists])), four)

    def _settle_existence(self, key: str, units: list[Unit], four: Four) -> None:
        """Delete against edit, per occurrence: the same rules as for a whole event (D3)."""
        exists: Unit = (key, Field.EXISTS)
        if four.projected is four.seen:
            for unit in units:
                self.settled.add(unit) if four.projected is False else self.settle(unit)
            return
        here = not same(exists, four.projected, four.sent) or exists in self.rules.owed
        there = not same(exists, four.seen, four.shown)
        edited_here = any(self._edited(unit, here=True) for unit in units)
        edited_there = any(self._edited(unit, here=False) for unit in units)
        verdict = self._existence_verdict(four, here or edited_here, there or edited_there)
        for unit in units:
            self.record(unit, verdict, _four(unit, self.sides))

    def _existence_verdict(self, four: Four, here: bool, there: bool) -> Verdict:
        rules = self.rules
        can_send = rules.sends and rules.may_edit(Field.EXISTS)
        if rules.adopting:
            gone_here = four.projected is False
            return (Verdict.KEEP if can_send else Verdict.NOTHING) if gone_here else _taken(rules)
        if here and not there:
            return Verdict.KEEP if rules.may_edit(Field.EXISTS) or not rules.sends else Verdict.TAKE
        if there and not here:
            return _taken(rules)
        if not rules.takes:
            return Verdict.KEEP
        if not can_send:
            return Verdict.TAKE
        if four.projected is False:
            return Verdict.KEEP if rules.local_wins(deletion=True) else Verdict.TAKE
        return Verdict.TAKE if rules.remote_deletion_wins() else Verdict.KEEP

    def _edited(self, unit: Unit, *, here: bool) -> bool:
        if unit[1] in NO_EDIT_FIELDS or unit[1] is Field.EXISTS:
            return False
        four = _four(unit, self.sides)
        return changed_here(unit, four, self.rules) if here else changed_there(unit, four, self.rules)

    def _is_past(self, key: str) -> bool:
        limit = self.sides.past_before
        if limit is None:
            return False
        ends = [side.of(Field.TIME, key) for side in _all(self.sides) if side.span is not None]
        return bool(ends) and all(isinstance(end, Span) and end.end.instant() < limit for end in ends)

    def result(self, span: Span | None, moved: bool) -> Merged:
        return Merged(
            take=self.take,
            keep=frozenset(self.keep),
            settled=frozenset(self.settled),
            withheld=frozenset(self.withheld),
            sent=self.sides.sent,
            seen=self._seen(),
            projected=self.sides.projected,
            conflicts=tuple(self.conflicts),
            past=frozenset(self.past),
            span=span,
            moved=moved,
        )

    def _seen(self) -> Content:
        """What was seen, with past occurrences as they were shown before (F3)."""
        if not self.past:
            return self.sides.seen
        units = {unit: value for unit, value in self.sides.seen.units.items() if unit[0] not in self.past}
        units |= {unit: value for unit, value in self.sides.shown.units.items() if unit[0] in self.past}
        return content(units)


def _taken(rules: Rules) -> Verdict:
    return Verdict.TAKE if rules.takes else Verdict.WITHHOLD
