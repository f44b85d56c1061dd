"""Automatic scheduling (RFC 6638): which messages a write makes the server send."""

from __future__ import annotations

from tests.doubles.caldav import ics
from tests.doubles.caldav.site import Mail

_NO_MATTER = {"DTSTAMP", "SEQUENCE", "LAST-MODIFIED", "CREATED", "ATTENDEE"}


def mails(own: tuple[str, ...], before: bytes | None, after: bytes | None, *, reply: bool = True) -> list[Mail]:
    """Messages sent when ``before`` becomes ``after`` (``None`` = no object).

    An organizer's write invites and cancels, an attendee's write or delete replies; attendees (and, for replies, an
    organizer) marked SCHEDULE-AGENT=CLIENT or NONE are left alone. ``reply`` False = ``Schedule-Reply: F``.
    """
    found: list[Mail] = []
    old, new = _entries(before), _entries(after)
    for key in dict.fromkeys([*old, *new]):
        entry = new.get(key) or old[key]
        uid = entry.value("UID") or ""
        organizer = entry.get("ORGANIZER")
        if organizer is None:
            continue
        if organizer.value.lower() in own:
            found += _from_organizer(uid, old.get(key), new.get(key), own)
        elif reply and not _left_alone(organizer) and _answer(old.get(key), own) != _answer(new.get(key), own):
            found.append(Mail("REPLY", uid, organizer.value))
    return list(dict.fromkeys(found))


def more_than_an_answer(own: tuple[str, ...], before: bytes | None, after: bytes) -> bool:
    """Whether a guest's write changes more of a meeting than the guest's own answer."""
    old, new = _entries(before), _entries(after)
    for key, entry in new.items():
        present, organizer = old.get(key), entry.get("ORGANIZER")
        if organizer is None or organizer.value.lower() in own or present is None:
            continue
        if _matter(present) != _matter(entry) or _others(present, own) != _others(entry, own):
            return True
    return False


def _others(event: ics.Component, own: tuple[str, ...]) -> list[str]:
    return sorted(person.text for person in event.all("ATTENDEE") if person.value.lower() not in own)


def _from_organizer(uid: str, old: ics.Component | None, new: ics.Component | None, own: tuple[str, ...]) -> list[Mail]:
    before, after = _guests(old, own), _guests(new, own)
    changed = old is None or new is None or _matter(old) != _matter(new)
    invited = [Mail("REQUEST", uid, guest) for guest in after if changed or guest not in before]
    return invited + [Mail("CANCEL", uid, guest) for guest in before if guest not in after]


def _entries(body: bytes | None) -> dict[tuple[str | None, str | None], ics.Component]:
    if body is None:
        return {}
    try:
        events = ics.parse(body).children("VEVENT")
    except ics.NotCalendar:
        return {}
    return {(event.value("UID"), event.value("RECURRENCE-ID")): event for event in events}


def _guests(event: ics.Component | None, own: tuple[str, ...]) -> list[str]:
    found = [] if event is None else event.all("ATTENDEE")
    return [p.value for p in found if p.value.lower() not in own and not _left_alone(p)]


def _left_alone(person: ics.Property) -> bool:
    return (person.parameter("SCHEDULE-AGENT") or "SERVER").upper() in ("CLIENT", "NONE")


def _answer(event: ics.Component | None, own: tuple[str, ...]) -> str | None:
    found = [] if event is None else [p for p in event.all("ATTENDEE") if p.value.lower() in own]
    return found[0].parameter("PARTSTAT") if found else None


def _matter(event: ics.Component) -> list[str]:
    return sorted(p.text for p in event.properties if p.name not in _NO_MATTER)
