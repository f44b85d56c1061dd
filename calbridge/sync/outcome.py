"""What a write did, read from an event (SYNC C3, D4, D5). Pure.

Each function answers with the link as it is just before the event is looked at by ``decide``: ``shown`` holds what the
service is understood to have made of our write, so that everything else in the event counts as somebody's edit.
"""

from __future__ import annotations

from dataclasses import replace

from calbridge.connectors.contract import Done, Partial
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.series import rekey
from calbridge.sync.memory import Intent, Link, MadeBy, Op
from calbridge.sync.merge import TIME
from calbridge.sync.settle import same


def created(link: Link, intent: Intent, seen: Content, normal: Content, *, atomic: bool, exact: bool) -> Link:
    """The link after its create was found or confirmed.

    ``exact``: ``seen`` is what the write left. Otherwise every difference from the target and from what the service
    makes of it is an edit (D4), except that on a service that writes a series in steps an occurrence that is still
    untouched is merely missing (C3).
    """
    target = intent.target
    shown: dict[Unit, Value] = {}
    owed: set[Unit] = set()
    for unit in target.units.keys() | seen.units.keys():
        wanted, found = target.get(unit), seen.get(unit)
        ours = same(unit, found, wanted) or same(unit, found, normal.get(unit))
        missing = not atomic and unit[0] != MASTER and found is None
        shown[unit] = found if exact or ours or missing else wanted
        if missing and wanted is not None:
            owed.add(unit)
    return replace(
        link,
        remote_id=intent.remote_id,
        uid=intent.uid,
        key=intent.key,
        generation=intent.generation,
        made_by=MadeBy.US,
        sent=target,
        shown=content(shown).without({Field.REMINDERS}),
        seen_version=None,
        owed=frozenset(owed),
    )


def updated(link: Link, intent: Intent, seen: Content, normal: Content) -> Link:
    """The link after a look at an event whose update has an unknown outcome: unit by unit, done or not."""
    moved = intent.units.get(TIME)
    happened = isinstance(moved, Span) and (
        same(TIME, seen.get(TIME), moved) or same(TIME, seen.get(TIME), normal.get(TIME))
    )
    sent, shown = _in_slots(link, moved if happened and isinstance(moved, Span) else None)
    new_sent, new_shown = dict(sent.units), dict(shown.units)
    owed = set(link.owed)
    for unit, wanted in intent.units.items():
        found = seen.get(unit)
        if same(unit, found, wanted) or same(unit, found, normal.get(unit)) or unit[1] is Field.REMINDERS:
            new_sent[unit] = wanted
            new_shown[unit] = found
            owed.discard(unit)
    return replace(
        link,
        sent=content(new_sent),
        shown=content(new_shown).without({Field.REMINDERS}),
        owed=frozenset(owed),
        seen_version=None,
    )


def written(link: Link, intent: Intent, result: Done, seen: Content, normal: Content) -> Link:
    """The link after a confirmed update (D5)."""
    moved = intent.units.get(TIME)
    sent, shown = _in_slots(link, moved if isinstance(moved, Span) else None)
    new_sent, new_shown = {**sent.units, **intent.units}, dict(shown.units)
    for unit, wanted in intent.units.items():
        found = seen.get(unit)
        ours = result.exact or same(unit, found, wanted) or same(unit, found, normal.get(unit))
        new_shown[unit] = found if ours else wanted
    if result.exact and result.conditional:
        rest = (seen.units.keys() | new_shown.keys()) - intent.units.keys()
        new_shown |= {unit: seen.get(unit) for unit in rest}
    return replace(
        link,
        sent=content(new_sent),
        shown=content(new_shown).without({Field.REMINDERS}),
        owed=link.owed - intent.units.keys(),
    )


def partly(link: Link, intent: Intent, result: Partial, seen: Content) -> Link:
    """The link after some steps: ``sent`` advances by what is there, what is missing is owed (C3)."""
    target = intent.target if intent.op is Op.CREATE else content({**link.sent.units, **intent.units})
    base = intent.target if intent.op is Op.CREATE else link.sent
    written_units = (intent.target.units if intent.op is Op.CREATE else intent.units).keys() - result.missing
    sent = {unit: value for unit, value in base.units.items() if unit not in result.missing}
    sent |= {unit: target.get(unit) for unit in written_units}
    made = intent.op is Op.CREATE
    return replace(
        link,
        remote_id=result.remote_id,
        uid=result.event.uid or link.uid,
        key=intent.key if made else link.key,
        generation=intent.generation if made else link.generation,
        made_by=MadeBy.US if made else link.made_by,
        sent=content(sent),
        shown=seen,
        owed=(link.owed - written_units) | result.missing,
        seen_version=None,
    )


def _in_slots(link: Link, span: Span | None) -> tuple[Content, Content]:
    """Both memories in the slots of a series that our write moved."""
    if span is None or link.sent.span is None:
        return link.sent, link.shown
    return rekey(link.sent, span).content, rekey(link.shown, span).content
