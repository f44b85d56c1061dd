"""What to send for a write. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calbridge.connectors.contract import Create, Update
from calbridge.domain.content import (
    MASTER,
    Content,
    Field,
    People,
    Span,
    Unit,
    Value,
    canonical_rule,
    content,
    differing,
    same_value,
)
from calbridge.domain.recurrence import has_slot
from calbridge.domain.series import rekey
from calbridge.errors import Rejected
from calbridge_google.bundle import Bundle, content_of, private_properties
from calbridge_google.fields import HIDING, WRITTEN, field_json
from calbridge_google.limits import MARKER
from calbridge_google.people import is_organised_here
from calbridge_google.rules import excluded_of, lines_of
from calbridge_google.times import moment_of

Resource = Mapping[str, Any]
_INSTANCE_FIELDS = (Field.TITLE, Field.TEXT, Field.LOCATION, Field.STATUS, Field.SHOW_AS, Field.PEOPLE)
"""What an instance may differ in. Its visibility spreads to the series if it hides and is ignored if it shows; its
reminders are the user's."""
_FOLLOWING = frozenset({Field.TIME, Field.EXISTS, *_INSTANCE_FIELDS})
_WRITABLE = frozenset({Field.TIME, Field.EXISTS, *WRITTEN})
_UNKNOWN = ("source", "attachments", "conferenceData", "colorId", "gadget")
"""Fields beyond the model that an event may carry and a redaction takes (SYNC A9)."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A body and the parameters that go with it."""

    body: Mapping[str, Any]
    parameters: Mapping[str, Any]


def _silent(units: Mapping[Unit, Value], *, redact: bool = False) -> dict[str, Any]:
    """Guests are written only where invitations are wanted (SYNC A8); then they are told, and never otherwise."""
    invites = any(isinstance(value, People) and value.attendees for value in units.values())
    return {"sendUpdates": "all" if invites and not redact else "none"}


def insertion(write: Create, target: Content, event_id: str) -> Patch:
    """A new event or master; ``target`` is what Google can hold of it.

    :raises Rejected: ``not_expressible``: no time, or one that Google can't hold.
    """
    span = target.span
    if span is None:
        raise Rejected("no time", code="not_expressible", field=Field.TIME)
    body: dict[str, Any] = {"id": event_id, "extendedProperties": {"private": {MARKER: write.key}}}
    body |= {"start": _filled(moment_of(span.start)), "end": _filled(moment_of(span.end))}
    if span.rule:
        body["recurrence"] = lines_of(span)
    for name in WRITTEN:
        value = target.get((MASTER, name))
        if value is not None:
            body |= _filled(field_json(name, value, {}))
    if write.source_url is not None:
        body["source"] = {"title": target.title or write.source_url, "url": write.source_url}
    return Patch(body, _silent(target.units))


def _filled(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}


def touched_of(bundle: Bundle, base: Content, target: Content, write: Update) -> frozenset[Unit]:
    """The units that an update is about: its own, those that follow a move, and what inherits a changed field.

    The guests of somebody else's meeting are not ours to write.
    """
    fields = {name for key, name in write.units if key == MASTER}
    moved = (MASTER, Field.TIME) in write.units or bool(write.rekeyed)
    following = _FOLLOWING if is_organised_here(bundle.master) else _FOLLOWING - {Field.PEOPLE}
    keys = {key for each in (base, target) for key in each.keys}
    follows = {(key, name) for key in keys for name in (following if moved else fields)}
    return frozenset(write.units.keys() | follows)


def master_patch(bundle: Bundle, base: Content, target: Content, write: Update) -> Patch:
    """What changes on the master or single event; an empty body where nothing does.

    :raises Rejected: ``not_expressible``.
    """
    body: dict[str, Any] = {}
    names = {name for key, name in write.units if key == MASTER}
    if any(key != MASTER and name is Field.VISIBILITY for key, name in write.units):
        names.add(Field.VISIBILITY)
    for name in WRITTEN:
        if name in names and (write.redact or not _same(name, base, target)):
            body |= field_json(name, target.get((MASTER, name)), bundle.master)
    body |= _time_body(bundle, base, target, write)
    if write.redact:
        body |= _redaction(bundle.master)
    return Patch(body, _silent(write.units, redact=write.redact) | _announced(body))


def _same(name: Field, base: Content, wanted: Content) -> bool:
    unit = (MASTER, name)
    return unit not in differing(Content({unit: base.get(unit)}), Content({unit: wanted.get(unit)}))


def _time_body(bundle: Bundle, base: Content, target: Content, write: Update) -> dict[str, Any]:
    """Start, end and rule as far as each differs: a rule that is sent again may cost exceptions."""
    before, after = base.span, target.span
    if before is None or after is None:
        raise Rejected("no time", code="not_expressible", field=Field.TIME)
    body: dict[str, Any] = {}
    if (MASTER, Field.TIME) in write.units:
        if not _same_moment(before, after, "start"):
            body["start"] = moment_of(after.start)
        if not _same_moment(before, after, "end") or "start" in body:
            body["end"] = moment_of(after.end)
    exdates = _exdates(bundle, before, after, target, write)
    if _rules(before) != _rules(after) or exdates is not None:
        kept = exdates if exdates is not None else ()
        body["recurrence"] = lines_of(after, kept) if after.rule else None
    return body


def _same_moment(one: Span, other: Span, name: str) -> bool:
    a, b = getattr(one, name), getattr(other, name)
    return (a.kind, a.local, a.zone) == (b.kind, b.local, b.zone)


def _rules(span: Span) -> list[str]:
    return sorted(canonical_rule(line) for line in span.rule)


def _exdates(bundle: Bundle, before: Span, after: Span, target: Content, write: Update) -> tuple[str, ...] | None:
    """Exclusions that stand in the rule itself, in the slots of now; None where the rule's own stay as they are."""
    old = excluded_of(bundle.master.get("recurrence") or (), before.start)
    if not old or not after.rule:
        return None
    keys: dict[str, str | None] = dict(rekey(content_with(before, old), after).keys) | dict(write.rekeyed)
    new = tuple(key for each in old if (key := keys.get(each, each)) is not None and target.excluded(key))
    moved = not _same_moment(before, after, "start") or _rules(before) != _rules(after)
    return new if moved or new != old else None


def content_with(span: Span, excluded: tuple[str, ...]) -> Content:
    """A series with nothing but exclusions."""
    units: dict[Unit, Value] = {(key, Field.EXISTS): False for key in excluded}
    return Content({(MASTER, Field.TIME): span, **units})


def _redaction(resource: Resource) -> dict[str, Any]:
    """Everything that the model does not know, emptied; our own marker stays."""
    body: dict[str, Any] = {name: None for name in _UNKNOWN if resource.get(name)}
    properties: dict[str, Any] = {}
    for scope in ("private", "shared"):
        gone = {key: None for key in private_properties(resource, scope) if key != MARKER}
        if gone:
            properties[scope] = gone
    return body | ({"extendedProperties": properties} if properties else {})


def _announced(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without these parameters Google ignores the fields."""
    found: dict[str, Any] = {}
    if "conferenceData" in body:
        found["conferenceDataVersion"] = 1
    if "attachments" in body:
        found["supportsAttachments"] = True
    return found


def owed(bundle: Bundle, target: Content, touched: frozenset[Unit]) -> frozenset[Unit]:
    """The units of an update that are not yet as they shall be."""
    return frozenset(
        (key, name)
        for key, name in differing(content_of(bundle), target) & touched
        if name in _WRITABLE and (not (key and name is Field.VISIBILITY) or target.visibility in HIDING)
    )


def keys_owed(bundle: Bundle, target: Content, touched: frozenset[Unit]) -> tuple[str, ...]:
    """Occurrences that still have to be written."""
    return tuple(sorted({key for key, _ in owed(bundle, target, touched) if key != MASTER}))


def instance_patch(key: str, present: Resource, actual: Content, target: Content, *, redact: bool) -> Patch:
    """What brings one instance to its target. ``present``: the exception as it is, or an untouched instance.

    :raises Rejected: ``not_expressible``.
    """
    span = target.span
    cut = span is not None and not has_slot(span, key)
    if target.excluded(key) or cut:
        return Patch({"status": "cancelled"}, _silent({}))
    back = actual.excluded(key)
    body: dict[str, Any] = {"status": "confirmed"} if back else {}
    units: dict[Unit, Value] = {}
    for name in _INSTANCE_FIELDS:
        value = target.of(name, key)
        # Who was invited to a cancelled visit is not shown: the list is left as it was kept.
        unseen = back and (name is not Field.PEOPLE or (key, name) in target.units)
        if unseen or (not back and not _alike(name, actual.of(name, key), value)):
            body |= field_json(name, value, present)
            units[(key, name)] = value
    if target.visibility in HIDING and actual.of(Field.VISIBILITY, key) not in HIDING:
        body["visibility"] = "private"
    own, shown = target.of(Field.TIME, key), actual.of(Field.TIME, key)
    if isinstance(own, Span) and (back or not same_value(own, shown)):
        body |= {"start": moment_of(own.start), "end": moment_of(own.end)}
    if redact:
        body |= _redaction(present)
    return Patch(body, _silent(units, redact=redact) | _announced(body))


def _alike(name: Field, one: Value, other: Value) -> bool:
    unit = (MASTER, name)
    return content({unit: one}).same(content({unit: other}))
