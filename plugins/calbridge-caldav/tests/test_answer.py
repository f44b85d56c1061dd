"""Answering invitations: one's own PARTSTAT, who learns of it, and what servers refuse (dossier 7)."""

from __future__ import annotations

import pytest

from calbridge.connectors.capabilities import Ability, Support
from calbridge.connectors.contract import Done
from calbridge.domain.content import MASTER, Field
from calbridge.errors import Rejected, VersionConflict
from calbridge_caldav.capabilities import capabilities_for

from .conftest import Link, Serve
from .support import error_of, ics, single, vevent

HERE = "/calendars/alice@example.com/work/"
PEOPLE = (
    "ORGANIZER:mailto:bob@example.com",
    "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Alice@example.com",
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@example.com",
)
MINE = (MASTER, Field.MY_RESPONSE)


@pytest.mark.parametrize("strict", [False, True])
def test_an_answer_is_told_to_the_organiser_once(serve: Serve, link: Link, strict: bool) -> None:
    double = serve(auto_schedule=True, refuses_guest_changes=strict)
    double.put_event("work", "a.ics", single("a", "Invited", *PEOPLE))
    phone = link(double)
    result = phone.answer(phone.fetch_one(HERE + "a.ics"), "accepted")
    assert isinstance(result, Done)
    assert result.event is not None
    assert result.event.content.get(MINE) == "accepted"
    assert [(mail.method, mail.recipient) for mail in double.mails] == [("REPLY", "mailto:bob@example.com")]
    stored = double.events("work")["a.ics"]
    assert b"ATTENDEE;PARTSTAT=ACCEPTED:mailto:Alice@example.com" in stored
    assert b"ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@example.com" in stored
    put = next(entry for entry in double.requests if entry.method == "PUT")
    assert "schedule-reply" not in put.headers


@pytest.mark.parametrize(("strict", "kept"), [(False, True), (True, False)])
def test_words_go_along_where_the_server_takes_them(serve: Serve, link: Link, strict: bool, kept: bool) -> None:
    double = serve(auto_schedule=True, refuses_guest_changes=strict)
    double.put_event("work", "a.ics", single("a", "Invited", *PEOPLE))
    phone = link(double)
    assert isinstance(phone.answer(phone.fetch_one(HERE + "a.ics"), "declined", "On holiday"), Done)
    stored = double.events("work")["a.ics"]
    assert b"PARTSTAT=DECLINED" in stored
    assert (b"On holiday" in stored) is kept
    assert len(double.mails) == 1


def test_all_of_a_series_is_answered(serve: Serve, link: Link) -> None:
    master = vevent("a", "Weekly", "RRULE:FREQ=WEEKLY;COUNT=4", *PEOPLE)
    moved = vevent(
        "a",
        "Weekly",
        "RECURRENCE-ID:20270112T100000Z",
        *PEOPLE,
        start="20270112T120000Z",
        end="20270112T130000Z",
    )
    double = serve()
    double.put_event("work", "a.ics", ics(master, moved))
    phone = link(double)
    assert isinstance(phone.answer(phone.fetch_one(HERE + "a.ics"), "tentative"), Done)
    assert double.events("work")["a.ics"].count(b"PARTSTAT=TENTATIVE") == 2


def test_a_meeting_that_changed_meanwhile_is_not_answered(serve: Serve, link: Link) -> None:
    double = serve(auto_schedule=True)
    double.put_event("work", "a.ics", single("a", "Invited", *PEOPLE))
    phone = link(double)
    seen = phone.fetch_one(HERE + "a.ics")
    double.put_event("work", "a.ics", single("a", "Invited for another day", *PEOPLE))
    assert isinstance(error_of(phone.answer(seen, "accepted")), VersionConflict)
    assert double.mails == []


def test_who_is_not_invited_sends_nothing(serve: Serve, link: Link) -> None:
    double = serve(auto_schedule=True)
    double.put_event("work", "a.ics", single("a", "Own"))
    phone = link(double)
    error = error_of(phone.answer(phone.fetch_one(HERE + "a.ics"), "accepted"))
    assert isinstance(error, Rejected)
    assert error.code == "not_invited"
    assert [entry.method for entry in double.requests if entry.method == "PUT"] == []


def test_a_server_that_schedules_makes_answering_a_full_ability() -> None:
    for told, level in (("auto", Support.FULL), ("none", Support.PARTIAL)):
        assert capabilities_for("caldav", {"scheduling": told}).levels[Ability.RESPOND] is level
