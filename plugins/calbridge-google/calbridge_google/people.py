"""Attendees to people and answers, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from calbridge.domain.content import People, Person, Responses

_ANSWERS = {"accepted": "accepted", "declined": "declined", "tentative": "tentative", "needsAction": "needs_action"}
STATUSES = {answer: status for status, answer in _ANSWERS.items()}
"""Answer of the contract to Google's word."""
Attendee = Mapping[str, Any]


def attendees_of(resource: Mapping[str, Any]) -> list[Attendee]:
    """The attendees with an address, as they are told."""
    told = resource.get("attendees")
    return [each for each in told if isinstance(each, Mapping) and each.get("email")] if isinstance(told, list) else []


def _email(person: Mapping[str, Any]) -> str:
    return str(person.get("email") or "").strip().lower()


def is_organised_here(resource: Mapping[str, Any]) -> bool:
    """Whether the organizer is this very calendar."""
    organizer = resource.get("organizer")
    return not isinstance(organizer, Mapping) or bool(organizer.get("self")) or not organizer


def people_of(resource: Mapping[str, Any]) -> People:
    """The merge unit ``people``. The organizer counts only where it is somebody else: here it is always the owner."""
    guests = {
        _email(each): Person(_email(each), str(each.get("displayName") or ""), _role(each))
        for each in attendees_of(resource)
        if not each.get("organizer")
    }
    if is_organised_here(resource):
        return People(None, tuple(guests.values()))
    host = resource["organizer"]
    person = Person(_email(host), str(host.get("displayName") or "")) if host.get("email") else None
    return People(person, tuple(guests.values()))


def _role(attendee: Attendee) -> str:
    if attendee.get("resource"):
        return "resource"
    return "optional" if attendee.get("optional") else "required"


def responses_of(resource: Mapping[str, Any]) -> Responses:
    """The answers of everybody but the owner."""
    found = {_email(each): answer_of(each) for each in attendees_of(resource) if not each.get("self")}
    return tuple(sorted(found.items()))


def answer_of(attendee: Attendee) -> str:
    """One answer; an unknown word waits for action."""
    return _ANSWERS.get(str(attendee.get("responseStatus")), "needs_action")


def own_entry(resource: Mapping[str, Any]) -> Attendee | None:
    """The owner among the attendees."""
    return next((each for each in attendees_of(resource) if each.get("self")), None)


def attendees_json(wanted: Iterable[Person], present: Iterable[Attendee]) -> list[dict[str, Any]]:
    """The whole list, because a patch replaces it: who stays keeps all that Google knows, the organizer always."""
    known = {_email(each): dict(each) for each in present}
    kept = [entry for entry in known.values() if entry.get("organizer")]
    hosts = {_email(entry) for entry in kept}
    return kept + [_attendee(person, known.get(person.email)) for person in wanted if person.email not in hosts]


def _attendee(person: Person, known: dict[str, Any] | None) -> dict[str, Any]:
    entry: dict[str, Any] = dict(known) if known is not None else {"email": person.email}
    if person.name and entry.get("displayName") != person.name:
        entry["displayName"] = person.name
    if person.role == "resource" and known is None:
        entry["resource"] = True
    if not entry.get("resource") and bool(entry.get("optional")) != (person.role not in ("required", "resource")):
        entry["optional"] = person.role not in ("required", "resource")
    return entry
