"""Items as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import nh3

from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Value
from calbridge.domain.event import ALL_EDITABLE, Editable
from calbridge.domain.item import Item
from calbridge.service.values import when_json
from calbridge.service.views import rfc3339
from calbridge.store.memories import LinkOutline
from calbridge.sync.memory import LinkState, MadeBy

READ_ONLY = frozenset(
    {
        "id", "editable", "origin", "links", "ical_uid", "version", "seq", "created_at", "updated_at", "attachments",
        "my_response", "deleted_at", "user_id", "hidden",
    }
)  # fmt: skip


LINK_STATES = tuple(each.value for each in LinkState)
RESPONSES = ("needs_action", "accepted", "tentative", "declined")
UNANSWERED = RESPONSES[0]
_EDITABLE = tuple(each.name for each in fields(Editable))


@dataclass(frozen=True, slots=True)
class Shown:
    """A link of an item with the integration it belongs to."""

    integration_id: str
    link: LinkOutline


def shown(item: Item, links: Sequence[Shown] = ()) -> dict[str, Any]:
    """The JSON form of an item. HTML is sanitised by an allow-list; the raw form stays inside (A6)."""
    content = item.content
    span = content.span
    return {
        "id": item.id,
        "user_id": item.user_id,
        "external_id": item.external_id,
        "record_id": item.record_id,
        "type": item.type.value,
        **_event_fields(content, MASTER),
        "start": when_json(span.start) if span else None,
        "end": when_json(span.end) if span else None,
        "due": when_json(item.due),
        "completed_at": rfc3339(item.completed_at),
        "recurrence": list(span.rule) if span else [],
        "overrides": [_override(content, key) for key in content.keys],
        "organizer": _organizer(content.get((MASTER, Field.PEOPLE))),
        "attendees": _attendees(content, MASTER),
        "my_response": content.get((MASTER, Field.MY_RESPONSE)),
        "attachments": [],
        "associations": [dict(each) for each in item.associations],
        "hidden": item.hidden,
        "editable": _words(editable(links)),
        "origin": item.origin,
        "links": [_link(each) for each in links],
        "ical_uid": item.ical_uid,
        "version": item.version,
        "created_at": rfc3339(item.created_at),
        "updated_at": rfc3339(item.updated_at),
        "deleted_at": rfc3339(item.deleted_at),
    }


def editable(links: Sequence[Shown]) -> Editable:
    """What all services that hold the item let be changed (A5); our own copies never forbid anything."""
    bound = [each.link.editable for each in links if each.link.live and each.link.made_by is not MadeBy.US]
    if not bound:
        return ALL_EDITABLE
    return Editable(**{name: all(getattr(one, name) for one in bound) for name in _EDITABLE})


def _words(value: Editable) -> dict[str, bool]:
    return {name: getattr(value, name) for name in _EDITABLE}


def _event_fields(content: Content, key: str) -> dict[str, Any]:
    return {
        "title": content.of(Field.TITLE, key),
        "description": _description(content.of(Field.TEXT, key)),
        "location": content.of(Field.LOCATION, key),
        "status": content.of(Field.STATUS, key) or "confirmed",
        "show_as": content.of(Field.SHOW_AS, key) or "busy",
        "visibility": content.of(Field.VISIBILITY, key) or "default",
        "reminders": [{"minutes_before": minutes} for minutes in _list(content.of(Field.REMINDERS, key))],
        "conference_url": content.of(Field.CONFERENCE, key),
        "categories": _list(content.of(Field.CATEGORIES, key)),
    }


def _list(value: Value) -> list[Any]:
    return list(value) if isinstance(value, tuple) else []


def _description(value: Value) -> dict[str, str | None] | None:
    if not isinstance(value, Text):
        return None
    return {"text": value.plain, "html": None if value.html is None else sanitised(value.html)}


def sanitised(markup: str) -> str:
    """HTML as it may leave calbridge: an allow-list of tags and attributes (A6)."""
    return nh3.clean(markup)


_NAMES = {
    Field.TITLE: "title",
    Field.TEXT: "description",
    Field.LOCATION: "location",
    Field.STATUS: "status",
    Field.SHOW_AS: "show_as",
    Field.VISIBILITY: "visibility",
    Field.CATEGORIES: "categories",
    Field.CONFERENCE: "conference_url",
}


def _override(content: Content, key: str) -> dict[str, Any]:
    """What an occurrence changes, and nothing it inherits."""
    if content.excluded(key):
        return {"recurrence_id": key, "cancelled": True}
    own = {name for each, name in content.units if each == key}
    whole = _event_fields(content, key)
    found: dict[str, Any] = {"recurrence_id": key}
    found |= {_NAMES[name]: whole[_NAMES[name]] for name in Field if name in own and name in _NAMES}
    span = content.get((key, Field.TIME))
    if isinstance(span, Span):
        found |= {"start": when_json(span.start), "end": when_json(span.end)}
    if Field.PEOPLE in own:
        found |= {"organizer": _organizer(content.get((key, Field.PEOPLE))), "attendees": _attendees(content, key)}
    return found


def occurrence(item: Item, key: str, span: Span, links: Sequence[Shown] = ()) -> dict[str, Any]:
    """One occurrence as an entry of a list: the series' own fields with what the occurrence changes."""
    whole = shown(item, links)
    if key == MASTER:
        return whole
    own = any(each == key for each, _ in item.content.units)
    return (
        whole
        | (_event_fields(item.content, key) if own else {})
        | {
            "start": when_json(span.start),
            "end": when_json(span.end),
            "recurrence_id": key,
            "overrides": [],
            "attendees": _attendees(item.content, key),
        }
    )


def _organizer(value: Value) -> dict[str, str] | None:
    if not isinstance(value, People) or value.organizer is None:
        return None
    return {"email": value.organizer.email, "name": value.organizer.name}


def _attendees(content: Content, key: str) -> list[dict[str, str]]:
    people = content.of(Field.PEOPLE, key)
    if not isinstance(people, People):
        return []
    told = content.of(Field.RESPONSES, key)
    answers: Mapping[str, str] = dict(told) if isinstance(told, tuple) else {}  # type: ignore[arg-type]
    return [_attendee(person, answers) for person in people.attendees]


def _attendee(person: Person, answers: Mapping[str, str]) -> dict[str, str]:
    response = answers.get(person.email, UNANSWERED)
    return {"email": person.email, "name": person.name, "role": person.role, "response": response}


def _link(each: Shown) -> dict[str, Any]:
    link = each.link
    closed = link.state is LinkState.CLOSED
    return {
        "integration_id": each.integration_id,
        "state": link.state.value,
        "reason": link.reason,
        "since": rfc3339(link.since),
        "remote_id": link.remote_id,
        "web_link": None if closed else link.web_link,
        "synced_version": link.synced_version,
    }
