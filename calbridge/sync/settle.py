"""One merge unit, both sides (SYNC D3): a pure truth table."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from calbridge.domain.content import MASTER, NO_EDIT_FIELDS, Field, Unit, Value, same_unit, same_value
from calbridge.domain.event import ALL_EDITABLE, Editable
from calbridge.domain.options import Winner


class Verdict(enum.StrEnum):
    """What happens to a unit."""

    NOTHING = "nothing"
    AGREED = "agreed"
    TAKE = "take"
    KEEP = "keep"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class Rules:
    """All that options, service and circumstances say about merging one pair.

    ``takes``: remote changes may be applied; ``sends``: local ones may go out; ``mute``: fields hidden in one
    direction or the other; ``adopting``: both sides count as changed in every unit (D9).
    """

    takes: bool = True
    sends: bool = True
    winner: Winner = Winner.PSA
    editable: Editable = ALL_EDITABLE
    mute: frozenset[Field] = frozenset()
    redacting: bool = False
    people_sent: bool = False
    unsent: frozenset[Field] = frozenset()
    adopting: bool = False
    local_time: datetime | None = None
    remote_time: datetime | None = None
    owed: frozenset[Unit] = field(default_factory=frozenset)

    def may_edit(self, name: Field) -> bool:
        """Whether the service lets this account change the field (A5); the visibility is one's own (A9)."""
        if name is Field.VISIBILITY:
            return True
        if name in {Field.TIME, Field.EXISTS}:
            return self.editable.time
        return self.editable.people if name is Field.PEOPLE else self.editable.details

    def local_field(self, name: Field) -> bool:
        """Whether the PSA's value of this field ever goes out by syncing."""
        if name is Field.PEOPLE and not self.people_sent:
            return False
        return name not in NO_EDIT_FIELDS and name not in self.unsent

    def local_wins(self, *, deletion: bool = False) -> bool:
        """Who wins where both sides acted; ties of ``newest`` go to the PSA.

        ``deletion``: the local act is a deletion, which with ``newest`` wins only when known to be later.
        """
        if self.winner is not Winner.NEWEST:
            return self.winner is Winner.PSA
        if self.local_time is None or self.remote_time is None:
            return not deletion
        return self.local_time > self.remote_time if deletion else self.local_time >= self.remote_time

    def remote_deletion_wins(self) -> bool:
        """Whether a deletion there beats an edit here."""
        if self.winner is not Winner.NEWEST:
            return self.winner is Winner.LINKED
        return self.local_time is not None and self.remote_time is not None and self.remote_time > self.local_time


@dataclass(frozen=True, slots=True)
class Four:
    """The four values of one unit: last sent, last shown, projected now, seen now."""

    sent: Value
    shown: Value
    projected: Value
    seen: Value


def same(unit: Unit, one: Value, other: Value) -> bool:
    """Equality of meaning; on an occurrence "inherited" is a value of its own."""
    if unit[0] == MASTER:
        return same_unit(unit[1], one, other)
    if (one is None) != (other is None):
        return False
    return same_value(one, other)


def changed_here(unit: Unit, four: Four, rules: Rules) -> bool:
    """B1: the projection differs from what was last agreed, or something is owed."""
    if not rules.local_field(unit[1]) or (unit[1] in rules.mute and not rules.redacting):
        return False
    return unit in rules.owed or rules.adopting or not same(unit, four.projected, four.sent)


def changed_there(unit: Unit, four: Four, rules: Rules) -> bool:
    """B1: the event differs from what was last shown."""
    if unit[1] is Field.REMINDERS or (unit[1] in rules.mute and not rules.redacting):
        return False
    return rules.adopting or not same(unit, four.seen, four.shown)


def settle(unit: Unit, four: Four, rules: Rules) -> Verdict:
    """What to do with one unit."""
    name = unit[1]
    if name in rules.mute:
        return _settle_muted(unit, four, rules)
    if name is Field.REMINDERS:
        return Verdict.NOTHING
    here, there = changed_here(unit, four, rules), changed_there(unit, four, rules)
    if not here and not there:
        return Verdict.NOTHING
    if rules.local_field(name) and same(unit, four.projected, four.seen):
        return Verdict.AGREED
    if name in NO_EDIT_FIELDS or not rules.local_field(name):
        if rules.adopting and (four.seen is None or name in rules.unsent):
            return Verdict.NOTHING
        takes = rules.takes or name in {Field.RESPONSES, Field.MY_RESPONSE}
        return Verdict.TAKE if takes else Verdict.WITHHOLD
    if rules.adopting:
        return _settle_adopted(four, rules, name)
    if not here:
        return Verdict.TAKE if rules.takes else Verdict.WITHHOLD
    if not there:
        bound = rules.sends and rules.takes and not rules.may_edit(name)
        return Verdict.TAKE if bound else Verdict.KEEP
    return _settle_conflict(rules, name)


def _settle_muted(unit: Unit, four: Four, rules: Rules) -> Verdict:
    """A field hidden by us goes back to its placeholder; one hidden from us is not looked at (A9)."""
    if not rules.redacting or not rules.sends or not rules.local_field(unit[1]):
        return Verdict.NOTHING
    return Verdict.AGREED if same(unit, four.projected, four.seen) else Verdict.KEEP


def _settle_conflict(rules: Rules, name: Field) -> Verdict:
    can_send = rules.sends and rules.may_edit(name)
    if not rules.takes:
        return Verdict.KEEP if can_send else Verdict.WITHHOLD
    return Verdict.KEEP if can_send and rules.local_wins() else Verdict.TAKE


def _settle_adopted(four: Four, rules: Rules, name: Field) -> Verdict:
    """Empty never beats filled (D9)."""
    can_send = rules.sends and rules.may_edit(name)
    if four.projected is None:
        return Verdict.TAKE if rules.takes else Verdict.WITHHOLD
    if four.seen is None:
        return Verdict.KEEP if can_send else Verdict.NOTHING
    if not rules.takes:
        return Verdict.KEEP if can_send else Verdict.WITHHOLD
    return Verdict.KEEP if can_send and rules.local_wins() else Verdict.TAKE
