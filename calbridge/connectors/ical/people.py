"""ORGANIZER and ATTENDEE to people and answers, and back."""

from __future__ import annotations

from collections.abc import Iterable

from calbridge.connectors.ical.tree import Line, line, with_parameters
from calbridge.domain.content import People, Person, Responses

_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
PARTSTATS = {answer: name for name, answer in _ANSWERS.items()} | {"needs_action": "NEEDS-ACTION"}
_ROLES = {"OPT-PARTICIPANT": "optional", "NON-PARTICIPANT": "none"}
_ROLE_NAMES = {"required": "REQ-PARTICIPANT", "optional": "OPT-PARTICIPANT", "none": "NON-PARTICIPANT"}
_THINGS = {"RESOURCE", "ROOM"}


def address_of(found: Line) -> str:
    """The address of a calendar user: lower case, without mailto:; another URI as it is."""
    value = found.value.strip()
    if value[:7].lower() == "mailto:":
        return value[7:].strip().lower()
    return (found.parameter("EMAIL") or value).strip().lower().removeprefix("mailto:")


def is_own(found: Line, own: frozenset[str]) -> bool:
    """Whether this calendar user is the account's owner."""
    return address_of(found) in own or found.value.strip().lower() in own


def person_of(found: Line) -> Person:
    """The person of an ORGANIZER or ATTENDEE."""
    role = _ROLES.get(found.parameter("ROLE").upper(), "required")
    if found.parameter("CUTYPE").upper() in _THINGS:
        role = "resource"
    return Person(address_of(found), found.parameter("CN"), role)


def people_of(organizer: Line | None, attendees: Iterable[Line]) -> People:
    """The merge unit ``people``."""
    found = {person.email: person for person in map(person_of, attendees) if person.email}
    host = person_of(organizer) if organizer is not None else None
    if host is not None:
        host = Person(host.email, host.name) if host.email else None
    return People(host, tuple(found.values()))


def responses_of(attendees: Iterable[Line], own: frozenset[str]) -> Responses:
    """The answers of everybody else."""
    return tuple(sorted({address_of(one): answer_of(one) for one in attendees if not is_own(one, own)}.items()))


def answer_of(attendee: Line) -> str:
    """One answer; what is not known (delegated, x-names) waits for action."""
    return _ANSWERS.get(attendee.parameter("PARTSTAT").upper(), "needs_action")


def organizer_lines(person: Person | None, present: Iterable[Line]) -> list[Line]:
    """The ORGANIZER property; one that names the same person, or nobody who can be told, stays as it is."""
    if person is None:
        return [one for one in present if not address_of(one)]
    same = [one for one in present if address_of(one) == person.email]
    return same[:1] or [line("ORGANIZER", _uri(person), {"CN": person.name} if person.name else {})]


def attendee_lines(people: Iterable[Person], present: Iterable[Line]) -> list[Line]:
    """The ATTENDEE properties; those of people who stay keep all their parameters.

    Of several with one address the last is the one that is read, and changed; those without an address stay.
    """
    known: dict[str, list[Line]] = {}
    for one in present:
        known.setdefault(address_of(one), []).append(one)
    found = known.pop("", [])
    for person in people:
        same = known.get(person.email, [])
        found += [*same[:-1], _attendee(person, same[-1] if same else None)]
    return found


def _attendee(person: Person, present: Line | None) -> Line:
    found = present if present is not None else line("ATTENDEE", _uri(person), {"PARTSTAT": "NEEDS-ACTION"})
    before = person_of(found)
    changed: dict[str, str | None] = {}
    if person.name and person.name != before.name:
        changed["CN"] = person.name
    if person.role != before.role and "resource" in (person.role, before.role):
        changed["CUTYPE"] = "RESOURCE" if person.role == "resource" else None
    if person.role != before.role or present is None:
        changed["ROLE"] = _ROLE_NAMES.get(person.role, "REQ-PARTICIPANT")
    return with_parameters(found, changed)


def _uri(person: Person) -> str:
    email = "".join(char for char in person.email if char.isprintable() and char != " ")
    return email if "@" not in email or ":" in email else f"mailto:{email}"
