"""Items as JSON (the shape of the API) and back. Pure.

:func:`applied` gives the item that a body makes of another one: what is absent is kept, ``null`` clears (SYNC E1).
:func:`patched` turns an RFC 7396 patch into such a body. :func:`shown` is the way out; the two are inverses, and what
is only for reading may come back with a body, where it is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from calbridge.domain.content import HIDDEN_FIELDS, MASTER, Content, Field, Text, Unit, Value, differing, same_value
from calbridge.domain.item import DUE_TYPES, Item, ItemType
from calbridge.errors import Refused
from calbridge.service import item_out, item_times
from calbridge.service.item_fields import EVENT_FIELDS, ITEM_FIELDS, read_fields
from calbridge.service.item_out import READ_ONLY, Shown
from calbridge.service.item_overrides import read_overrides
from calbridge.service.values import Body, choice, identifier, instant, invalid, listed, mapping, text, when

ASSOCIATED = frozenset({"organization", "account", "opportunity", "contact", "ticket"})
MAX_ASSOCIATIONS = 100
WRITABLE = (
    frozenset(EVENT_FIELDS)
    | ITEM_FIELDS
    | {"start", "end", "recurrence", "overrides", "attendees", "organizer", "due", "type"}
)
KNOWN = WRITABLE | READ_ONLY

shown = item_out.shown
__all__ = ["KNOWN", "READ_ONLY", "WRITABLE", "Shown", "applied", "applied_new", "patched", "shown"]


def applied_new(item_id: str, user_id: str, body: Body) -> Item:
    """A new item. Raises Refused (``invalid_value``, ``unknown_time_zone``, ``too_large``, ``recurrence_too_fine``,
    ``recurrence_too_large``, ``too_many_overrides``), each with the fact ``field``."""
    item = applied(Item(identifier(item_id, "id"), user_id), body)
    if not item.content.title:
        raise invalid("title", "an item needs a title")
    if item.content.span is None and item.type not in DUE_TYPES:
        raise invalid("start", f"an item of type {item.type.value} needs start and end")
    return item


def applied(item: Item, body: Body) -> Item:
    """The item after this body. Raises Refused as :func:`applied_new`, and ``text_hidden`` for text not known here."""
    body = mapping(body, "", KNOWN)
    item = _facts(item, body)
    changed: dict[Unit, Value] = _keeping_html(item.content, read_fields(item.content, body, MASTER, ""))
    span = item_times.read_span(item.content.span, body)
    if not isinstance(span, item_times.Keep):
        changed[(MASTER, Field.TIME)] = span
    made = item_times.retimed(item.content, span).with_units(changed)
    if "overrides" in body:
        made = read_overrides(made, body["overrides"])
    if made.span is not None and made.span.recurring and made.span != item.content.span:
        item_times.check_rule_works(made, item.content.span)
    _check_hidden(item, made)
    return replace(item, content=made)


def _keeping_html(before: Content, changed: dict[Unit, Value]) -> dict[Unit, Value]:
    """HTML is replaced only where it or its text is another one: what is shown of it is sanitised (A6)."""
    unit = (MASTER, Field.TEXT)
    old, new = before.get(unit), changed.get(unit)
    if not (isinstance(old, Text) and isinstance(new, Text)) or old.html is None or not same_value(old, new):
        return changed
    return changed | {unit: old} if new.html in (None, item_out.sanitised(old.html)) else changed


def _check_hidden(item: Item, made: Content) -> None:
    """Hidden fields are not editable on the other side (A9)."""
    if not item.hidden:
        return
    touched = sorted(unit[1].value for unit in differing(item.content, made) if unit[1] in HIDDEN_FIELDS)
    if touched:
        raise Refused(code="text_hidden", field=touched[0])


def _facts(item: Item, body: Body) -> Item:
    """What belongs to the PSA alone."""
    facts: dict[str, Any] = {}
    if "type" in body:
        facts["type"] = ItemType(choice(body["type"], "type", [each.value for each in ItemType]))
    if "record_id" in body:
        facts["record_id"] = None if body["record_id"] is None else text(body["record_id"], "record_id", 200)
    if "external_id" in body:
        facts["external_id"] = None if body["external_id"] is None else identifier(body["external_id"], "external_id")
    if "completed_at" in body:
        facts["completed_at"] = None if body["completed_at"] is None else instant(body["completed_at"], "completed_at")
    if "associations" in body:
        facts["associations"] = _associations(body["associations"])
    if "due" in body:
        facts["due"] = None if body["due"] is None else when(body["due"], "due", item.due)
    made = replace(item, **facts)
    for name in ("due", "completed_at"):
        if made.type not in DUE_TYPES and getattr(made, name) is not None:
            raise invalid(name, "only tasks and to-dos have it")
    return made


def _associations(value: object) -> tuple[Mapping[str, str], ...]:
    found = []
    for place, each in enumerate(() if value is None else listed(value, "associations", MAX_ASSOCIATIONS)):
        field = f"associations[{place}]"
        body = mapping(each, field, {"type", "id", "name"})
        if "id" not in body:
            raise invalid(f"{field}.id", "is needed")
        named = body.get("name")
        found.append(
            {
                "type": choice(body.get("type"), f"{field}.type", ASSOCIATED),
                "id": text(body["id"], f"{field}.id", 200),
                "name": "" if named is None else text(named, f"{field}.name", 500),
            }
        )
    return tuple(found)


def patched(current: Body, patch: object) -> dict[str, Any]:
    """The body that a patch (RFC 7396) of the shown form makes: its top-level names, each merged whole."""
    given = mapping(patch, "", KNOWN)
    body = {name: _merged(current.get(name), value) for name, value in given.items()}
    told = given.get("description")
    if isinstance(told, Mapping) and "text" in told and "html" not in told:
        # The old HTML says what the old text said.
        body["description"] = {"text": told["text"]}
    for name in ("start", "end", "due"):
        if isinstance(given.get(name), Mapping):
            body[name] = _one_kind(given[name], body[name])
    return body


def _one_kind(given: Mapping[str, Any], merged: Any) -> Any:
    """A date that becomes a time, or the other way round, drops what it was before."""
    if "date" in given:
        return {"date": given["date"]} | {name: given[name] for name in ("date_time", "time_zone") if name in given}
    return {name: value for name, value in merged.items() if name != "date"}


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None and name != "time_zone":
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
