"""Each switch about writes does what it says."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.caldav import Mail, Quirks, quirks
from tests.doubles.caldav_fixture import Pair, Start
from tests.doubles.raw_client import event

STALE = '"stale"'
ORGANIZER = "ORGANIZER:mailto:Alice@example.com"
GUEST = "ATTENDEE:mailto:bob@example.com"


def _created(pair: Pair, body: str | None = None, name: str = "a.ics") -> str:
    answer = pair.client.create(pair.work + name, body or event())
    assert answer.status == 201
    return answer.headers.get("etag", "")


def _stored(pair: Pair, name: str = "a.ics") -> str:
    return pair.double.events("work")[name].decode()


@pytest.mark.parametrize(("switch", "status"), [("", 412), ("ignores_if_none_match", 204)])
def test_if_none_match_may_be_ignored(switch: str, status: int, start: Start) -> None:
    pair = start(**({switch: True} if switch else {}))
    _created(pair)
    assert pair.client.create(pair.work + "a.ics", event()).status == status


@pytest.mark.parametrize(("switch", "status"), [("", 412), ("ignores_if_match", 204)])
def test_a_stale_if_match_may_be_ignored(switch: str, status: int, start: Start) -> None:
    pair = start(**({switch: True} if switch else {}))
    _created(pair)
    assert pair.client.update(pair.work + "a.ics", event(), STALE).status == status


@pytest.mark.parametrize(
    ("switch", "status"),
    [({}, 412), ({"if_match_creates_missing": True}, 201), ({"if_match_missing_status": 404}, 404)],
)
def test_if_match_on_nothing_differs(switch: dict[str, Any], status: int, start: Start) -> None:
    pair = start(**switch)
    assert pair.client.update(pair.work + "a.ics", event(), STALE).status == status


@pytest.mark.parametrize(("reverse", "statuses"), [(False, [412, 204]), (True, [201, 412])])
def test_if_match_star_may_be_reversed_and_is_a_breach(reverse: bool, statuses: list[int], start: Start) -> None:
    pair = start(if_match_star_reversed=reverse, allows_if_match_star=True)
    found = [pair.client.update(pair.work + "a.ics", event(), "*").status]
    pair.double.put_event("work", "a.ics", event())
    found.append(pair.client.update(pair.work + "a.ics", event(), "*").status)
    pair.double.quirks.allows_if_match_star = False
    assert found == statuses
    assert pair.client.update(pair.work + "a.ics", event(), "*").status == 400


def test_an_answer_without_a_body_may_say_it_is_a_page(start: Start) -> None:
    pair = start(empty_answers_are_html=True)
    created = pair.client.create(pair.work + "a.ics", event())
    deleted = pair.client.delete(pair.work + "a.ics", created.headers["etag"])
    assert [(answer.status, answer.body) for answer in (created, deleted)] == [(201, b""), (204, b"")]
    assert {answer.headers["content-type"] for answer in (created, deleted)} == {"text/html; charset=UTF-8"}


@pytest.mark.parametrize(("switch", "status"), [("", 412), ("delete_ignores_if_match", 204)])
def test_delete_may_ignore_if_match(switch: str, status: int, start: Start) -> None:
    pair = start(**({switch: True} if switch else {}))
    _created(pair)
    assert pair.client.delete(pair.work + "a.ics", STALE).status == status


def test_weak_etags_never_match_and_conditions_are_not_demanded(start: Start) -> None:
    pair = start(weak_etags=True)
    etag = _created(pair)
    assert etag.startswith('W/"')
    assert pair.client.update(pair.work + "a.ics", event(), etag).status == 412
    assert pair.client.create(pair.work + "a.ics", event(), If_None_Match="").status == 204
    assert (pair.client.delete(pair.work + "a.ics").status, pair.double.breaches) == (204, [])


def test_put_may_tell_no_etag(start: Start) -> None:
    assert _created(start(put_without_etag=True)) == ""


def test_etags_may_count_and_restart(start: Start) -> None:
    pair = start(counter_etags=True)
    first = _created(pair)
    second = pair.client.update(pair.work + "a.ics", event(), first).headers["etag"]
    pair.double.delete_event("work", "a.ics")
    assert (first, second, _created(pair)) == ('"gcs00000000"', '"gcs00000001"', '"gcs00000000"')


DATES = {"DTSTART": "DTSTART;VALUE=DATE:20270105", "DTEND": "DTEND;VALUE=DATE:20270107"}
FLOATING = {"DTSTART": "DTSTART:20270105T100000", "DTEND": "DTEND:20270105T110000"}
REWRITES: list[tuple[str, Any, str, str]] = [
    ("sorts_properties", True, event(), "DTEND:20270105T110000Z\r\nDTSTAMP"),
    ("refolds", True, event(SUMMARY="SUMMARY:" + "x" * 50), "SUMMARY:" + "x" * 32 + "\r\n " + "x" * 18),
    ("adds_class", True, event(), "CLASS:PUBLIC"),
    ("swaps_duration", True, event(), "DURATION:PT3600S"),
    ("swaps_duration", True, event(DTEND="DURATION:PT1H"), "DTEND:20270105T110000Z"),
    ("swaps_duration", True, event(**DATES), "DURATION:P2D"),
    ("floating_to_utc_zone", True, event(**FLOATING), "DTSTART;TZID=Etc/UTC:20270105T100000"),
    ("adds_missing_end", True, event(DTEND=""), "DURATION:PT1H"),
    (
        "mixed_end_types",
        True,
        event(DTSTART=DATES["DTSTART"], DTEND="DTEND;VALUE=DATE:20270105"),
        "DTEND:20270105T000000Z",
    ),
    ("title_limit", 5, event(), "SUMMARY:Stand\r\n"),
    ("adds_default_alarm", True, event(), "X-APPLE-DEFAULT-ALARM"),
    (
        "replaces_vtimezone",
        True,
        event().replace(
            "BEGIN:VEVENT",
            "BEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZNAME:HT\r\n"
            "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT",
        ),
        "X-LIC-LOCATION:Here",
    ),
]


@pytest.mark.parametrize(("switch", "value", "body", "telling"), REWRITES)
def test_a_body_may_be_rewritten(switch: str, value: object, body: str, telling: str, start: Start) -> None:
    plain, changed = start(), start(**{switch: value})
    _created(plain, body)
    _created(changed, body)
    assert (_stored(plain), telling in body, telling in _stored(changed)) == (body, False, True)


@pytest.mark.parametrize("status", [409, 412, 403, 201])
@pytest.mark.parametrize("named", [True, False])
def test_a_uid_under_another_name_conflicts(status: int, named: bool, start: Start) -> None:
    pair = start(uid_conflict=status, uid_conflict_named=named)
    _created(pair)
    answer = pair.client.create(pair.work + "b.ics", event())
    assert (answer.status, b"no-uid-conflict" in answer.body) == (status, named and status != 201)


@pytest.mark.parametrize(("everywhere", "status"), [(True, 409), (False, 201)])
def test_a_uid_may_conflict_over_calendars(everywhere: bool, status: int, start: Start) -> None:
    pair = start(uid_conflict_everywhere=everywhere, extra_calendars=("home",))
    _created(pair)
    assert pair.client.create(pair.double.calendar_url("home") + "b.ics", event()).status == status


def test_the_uid_of_an_object_can_not_change(start: Start) -> None:
    pair = start()
    assert pair.client.update(pair.work + "a.ics", event("two"), _created(pair)).status == 409


@pytest.mark.parametrize("end", ["DTEND:20270105T100000Z", "DURATION:PT0S"])
def test_an_instant_may_be_refused(end: str, start: Start) -> None:
    pair = start(refuses_zero_duration=True)
    answer = pair.client.create(pair.work + "a.ics", event(DTEND=end))
    assert (answer.status, b"valid-calendar-data" in answer.body, pair.double.breaches) == (403, True, [])
    assert _created(start(), event(DTEND=end))


@pytest.mark.parametrize("status", [403, 404])
def test_a_missing_end_may_be_refused_as_a_breach(status: int, start: Start) -> None:
    pair = start(missing_end_refusal=status)
    assert pair.client.create(pair.work + "a.ics", event(DTEND="")).status == status
    assert [breach.rule for breach in pair.double.breaches] == ["put_without_end"]


@pytest.mark.parametrize(
    ("switch", "status", "telling"),
    [
        ({"read_only": True}, 403, b"need-privileges"),
        ({"locked": True}, 423, b"lock-token-submitted"),
        ({"quota_exceeded": True}, 507, b"quota-not-exceeded"),
        ({"max_resource_size": 100}, 413, b"max-resource-size"),
        ({"put_412_times": 1}, 412, b""),
        ({"put_refusal": (415, "valid-calendar-data")}, 415, b"<C:valid-calendar-data/>"),
    ],
)
def test_a_put_may_be_refused(switch: dict[str, Any], status: int, telling: bytes, start: Start) -> None:
    pair = start(**switch)
    answer = pair.client.create(pair.work + "a.ics", event())
    assert (answer.status, telling in answer.body, pair.double.events("work")) == (status, True, {})
    again = pair.client.create(pair.work + "a.ics", event()).status
    assert again == (201 if "put_412_times" in switch else status)


def test_a_put_may_be_stored_and_answered_as_a_failure(start: Start) -> None:
    pair = start(put_fails_after_storing=True)
    assert pair.client.create(pair.work + "a.ics", event()).status == 500
    assert list(pair.double.events("work")) == ["a.ics"]


@pytest.mark.parametrize(("switch", "status"), [("read_only", 403), ("locked", 423)])
def test_a_delete_may_be_refused(switch: str, status: int, start: Start) -> None:
    pair = start()
    etag = _created(pair)
    setattr(pair.double.quirks, switch, True)
    assert pair.client.delete(pair.work + "a.ics", etag).status == status


def test_an_organizer_mails_guests_on_create_change_and_delete(start: Start) -> None:
    pair = start(auto_schedule=True)
    body = event("one", ORGANIZER, GUEST)
    etag = _created(pair, body)
    etag = pair.client.update(pair.work + "a.ics", body.replace("DTSTAMP:2027", "DTSTAMP:2028"), etag).headers["etag"]
    etag = pair.client.update(pair.work + "a.ics", body.replace("Standup", "Later"), etag).headers["etag"]
    pair.client.delete(pair.work + "a.ics", etag)
    bob = "mailto:bob@example.com"
    assert pair.double.mails == [Mail(m, "one", bob) for m in ("REQUEST", "REQUEST", "CANCEL")]


@pytest.mark.parametrize(
    "extra",
    [
        (ORGANIZER, "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob@example.com"),
        (ORGANIZER, 'ATTENDEE;SCHEDULE-AGENT="NONE":mailto:bob@example.com'),
        ("ORGANIZER:mailto:carol@example.com", GUEST),
        (ORGANIZER, "ATTENDEE:mailto:alice@example.com"),
        (GUEST,),
    ],
)
def test_nobody_is_mailed_where_the_client_schedules_or_is_not_the_organizer(
    extra: tuple[str, ...], start: Start
) -> None:
    pair = start(auto_schedule=True)
    pair.client.delete(pair.work + "a.ics", _created(pair, event("one", *extra)))
    assert pair.double.mails == []


@pytest.mark.parametrize(("header", "methods"), [("T", ["REPLY", "REPLY"]), ("F", ["REPLY"])])
def test_an_attendees_answer_and_deletion_reply(header: str, methods: list[str], start: Start) -> None:
    pair = start(auto_schedule=True)
    invited = event(
        "one", "ORGANIZER:mailto:carol@example.com", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.com"
    )
    etag = pair.double.put_event("work", "a.ics", invited)
    etag = pair.client.update(pair.work + "a.ics", invited.replace("NEEDS-ACTION", "ACCEPTED"), etag).headers["etag"]
    pair.client.send("DELETE", pair.work + "a.ics", If_Match=etag, Schedule_Reply=header)
    assert [mail.method for mail in pair.double.mails] == methods


def test_a_guest_may_be_held_to_the_own_answer(start: Start) -> None:
    pair = start(refuses_guest_changes=True)
    guests = ("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.com", GUEST)
    invited = event("one", "ORGANIZER:mailto:carol@example.com", *guests)
    etag = pair.double.put_event("work", "a.ics", invited)
    for changed in (invited.replace("Standup", "Later"), invited.replace("mailto:bob", "mailto:eve")):
        assert pair.client.update(pair.work + "a.ics", changed, etag).status == 403
    assert pair.client.update(pair.work + "a.ics", invited.replace("NEEDS-ACTION", "ACCEPTED"), etag).status == 204


def test_a_put_that_mailed_may_tell_no_etag(start: Start) -> None:
    pair = start(auto_schedule=True, no_etag_after_scheduling=True)
    assert _created(pair, event("one", ORGANIZER, GUEST)) == ""
    assert _created(pair, event("two"), "b.ics") != ""


def test_every_switch_says_where_it_comes_from_and_is_used_by_a_test() -> None:
    names = {field.name for field in dataclasses.fields(Quirks)}
    described = re.findall(r'^    (\w+): .*\n    """(.*)"""$', inspect.getsource(quirks), re.M)
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_caldav_*.py"))
    assert {name for name, text in described if re.search(r"\(\d", text)} == names - {"extra_calendars"}
    assert {name for name in names if not re.search(rf"\b{name}\b", tests)} == set()
