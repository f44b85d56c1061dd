"""Writing: conditions, repeats, refusals, and what the server made of it (dossier 5 and 7, contract C3, C4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.connectors.contract import Create, Delete, Done, Gone, Seen, Update
from calbridge.domain.content import MASTER, Field, People, Person, Span
from calbridge.errors import (
    NotFound,
    Rejected,
    SignInRequired,
    Throttled,
    VersionConflict,
)

from .conftest import Link, Serve
from .support import at, error_of, ics, meeting, single, title_of, vevent

HERE = "/calendars/alice@example.com/work/"


def test_a_create_has_the_address_and_uid_of_its_key(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    place = phone.connector.place(phone.calendar, "key-1")
    made = phone.made("key-1", meeting())
    assert place is not None
    assert made.remote_id == place.remote_id
    assert made.event is not None
    assert (made.event.uid, made.event.marker, title_of(made)) == (place.uid, "key-1", "Visit")
    assert (made.conditional, made.exact) == (True, True)
    name = made.remote_id.removeprefix(HERE)
    assert made.version == double.etag("work", name)
    assert [entry.operation for entry in double.requests] == ["PUT", "calendar-multiget"]


def test_the_address_of_the_record_is_the_url_of_the_event_until_it_is_hidden(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    address = "https://psa.example.com/records/42?a=b%20c"
    write = replace(phone.creation("key-1", meeting()), source_url=address)
    [made] = phone.connector.write(phone.calendar, [write])
    assert isinstance(made, Done)
    assert made.native is not None
    assert f"URL:{address}".encode() in made.native.splitlines()
    changed = phone.update(made, {(MASTER, Field.TITLE): "Busy"}, redact=True)
    assert isinstance(changed, Done)
    assert changed.native is not None
    assert b"psa.example.com" not in changed.native


def test_the_same_key_twice_is_one_event(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    first = phone.made("key-1", meeting())
    again = phone.made("key-1", meeting())
    assert (again.remote_id, again.version) == (first.remote_id, first.version)
    assert again.exact
    assert len(double.events("work")) == 1


def test_a_create_whose_reply_was_lost_is_unknown_and_can_be_repeated(serve: Serve, link: Link) -> None:
    double = serve(lose_reply_times=1, faulty_operations=frozenset({"PUT"}))
    phone = link(double)
    assert phone.create("key-1", meeting()) is None
    assert isinstance(phone.create("key-1", meeting()), Done)
    assert len(double.events("work")) == 1


def test_a_repeat_after_somebody_edited_the_first_try_is_told_as_no_exact_state(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting())
    phone.retitle(made, "Edited on the phone")
    again = phone.made("key-1", meeting())
    assert title_of(again) == "Edited on the phone"
    assert not again.exact


def test_an_address_taken_by_somebody_else_is_a_conflict(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    write = phone.creation("key-1", meeting())
    assert write.remote_id is not None
    double.put_event("work", write.remote_id.removeprefix(HERE), single(write.uid))
    assert isinstance(error_of(phone.create("key-1", meeting())), VersionConflict)


@pytest.mark.parametrize("status", [409, 412, 403])
@pytest.mark.parametrize("named", [True, False])
def test_a_taken_uid_is_told_as_such(serve: Serve, link: Link, status: int, named: bool) -> None:
    double = serve(uid_conflict=status, uid_conflict_named=named)
    phone = link(double)
    double.put_event("work", "other.ics", single(phone.creation("key-1", meeting()).uid))
    error = error_of(phone.create("key-1", meeting()))
    assert isinstance(error, Rejected)
    assert error.code == ("rejected" if status == 403 and not named else "uid_conflict")
    assert list(double.events("work")) == ["other.ics"]


def test_a_uid_may_be_taken_in_another_calendar(serve: Serve, link: Link) -> None:
    double = serve(uid_conflict_everywhere=True, extra_calendars=("home",))
    phone = link(double)
    double.put_event("home", "other.ics", single(phone.creation("key-1", meeting()).uid))
    assert getattr(error_of(phone.create("key-1", meeting())), "code", "") == "uid_conflict"


def test_an_update_changes_its_units_and_nothing_else(serve: Serve, link: Link) -> None:
    double = serve()
    foreign = single(
        "a", "Lunch", "X-FOREIGN;X-P=1:kept", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM"
    )
    double.put_event("work", "a.ics", foreign)
    phone = link(double)
    result = phone.retitle(phone.fetch_one(HERE + "a.ics"), "Dinner")
    assert isinstance(result, Done)
    assert title_of(result) == "Dinner"
    stored = double.events("work")["a.ics"]
    assert b"X-FOREIGN;X-P=1:kept" in stored
    assert b"TRIGGER:-PT5M" in stored
    assert result.native is not None
    put = next(entry for entry in double.requests if entry.method == "PUT")
    assert put.headers["content-type"].startswith("text/calendar")
    assert "if-match" in put.headers


def test_a_stale_update_is_refused(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    double.put_event("work", "a.ics", single("a", "Dinner"))
    assert isinstance(error_of(phone.retitle(shown, "Supper")), VersionConflict)
    assert isinstance(error_of(phone.delete(shown)), VersionConflict)
    assert b"Dinner" in double.events("work")["a.ics"]


@pytest.mark.parametrize("status", [412, 404])
def test_an_update_of_a_deleted_event_never_brings_it_back(serve: Serve, link: Link, status: int) -> None:
    double = serve(if_match_missing_status=status)
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    double.delete_event("work", "a.ics")
    assert isinstance(error_of(phone.retitle(shown, "Supper")), VersionConflict if status == 412 else NotFound)
    assert double.events("work") == {}


def test_a_false_412_is_a_conflict_and_no_endless_loop(serve: Serve, link: Link) -> None:
    double = serve(put_412_times=1)
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    assert isinstance(error_of(phone.retitle(shown, "Supper")), VersionConflict)
    assert double.count("PUT") == 1
    assert isinstance(phone.retitle(shown, "Supper"), Done)


def test_a_sogo_like_server_is_looked_at_before_each_write(serve: Serve, link: Link) -> None:
    double = serve(
        counter_etags=True,
        ignores_if_match=True,
        if_match_creates_missing=True,
        delete_ignores_if_match=True,
        ignores_if_none_match=True,
    )
    for name in "abc":
        double.put_event("work", f"{name}.ics", single(name))
    phone = link(double)
    shown = {name: phone.fetch_one(f"{HERE}{name}.ics") for name in "abc"}
    double.put_event("work", "a.ics", single("a", "Changed there"))
    double.delete_event("work", "b.ics")
    assert isinstance(error_of(phone.retitle(shown["a"], "Mine")), VersionConflict)
    assert isinstance(error_of(phone.delete(shown["a"])), VersionConflict)
    assert isinstance(error_of(phone.retitle(shown["b"], "Mine")), NotFound)
    assert set(double.events("work")) == {"a.ics", "c.ics"}
    result = phone.retitle(shown["c"], "Mine")
    assert isinstance(result, Done)
    assert (result.conditional, result.exact) == (False, True)


def test_where_conditions_are_ignored_a_create_looks_first(serve: Serve, link: Link) -> None:
    double = serve(counter_etags=True, ignores_if_none_match=True, allows_unconditional_writes=True)
    phone = link(double)
    made = phone.made("key-1", meeting())
    phone.retitle(phone.fetch_one(made.remote_id), "Edited")
    again = link(double, facts={"preconditions": "ignored"}).made("key-1", meeting())
    assert title_of(again) == "Edited"
    assert b"Edited" in double.events("work")[made.remote_id.removeprefix(HERE)]


@pytest.mark.parametrize("how", ["weak", "suffix"])
def test_a_version_is_not_what_compressing_makes_of_it(serve: Serve, link: Link, how: str) -> None:
    double = serve(gzip=True, gzip_etag=how, empty_data=frozenset({"a.ics"}))
    double.put_event("work", "a.ics", single("a", "Read by itself"))
    double.put_event("work", "two.ics", ics(vevent("x"), vevent("y")))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    assert shown.version == double.etag("work", "a.ics")
    assert isinstance(phone.retitle(shown, "Changed"), Done)
    part = next(row for row in phone.fetch(HERE + "two.ics").values() if isinstance(row, Seen))
    assert isinstance(phone.delete(replace(part, native=None)), Done)


def test_weak_etags_mean_look_compare_and_write(serve: Serve, link: Link) -> None:
    double = serve(weak_etags=True)
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    result = phone.retitle(shown, "Dinner")
    assert isinstance(result, Done)
    assert (title_of(result), result.conditional) == ("Dinner", False)
    assert isinstance(error_of(phone.retitle(shown, "Supper")), VersionConflict)
    assert isinstance(phone.delete(result), Done)
    assert double.events("work") == {}


@pytest.mark.parametrize(
    "rewriting",
    [
        {"sorts_properties": True},
        {"refolds": True},
        {"adds_class": True},
        {"swaps_duration": True},
        {"replaces_vtimezone": True},
        {"adds_default_alarm": True},
        {"put_without_etag": True},
        {"put_without_etag": True, "sorts_properties": True, "swaps_duration": True, "adds_class": True},
    ],
)
def test_what_the_server_makes_of_a_write_is_told_as_its_state(
    serve: Serve, link: Link, rewriting: dict[str, bool]
) -> None:
    double = serve(**rewriting)
    phone = link(double)
    made = phone.made("key-1", meeting())
    name = made.remote_id.removeprefix(HERE)
    assert made.exact
    assert made.version == double.etag("work", name)
    assert made.event is not None
    assert made.event.content.without({Field.VISIBILITY}).same(meeting())
    cursor = phone.cursor()
    assert phone.listing(cursor)[0] == []
    assert isinstance(phone.retitle(made, "Dinner"), Done)


def test_a_cut_title_is_told_as_it_is(serve: Serve, link: Link) -> None:
    double = serve(title_limit=4)
    made = link(double).made("key-1", meeting("Visit of the technician"))
    assert (title_of(made), made.exact) == ("Visi", True)


def test_an_edit_between_write_and_reading_back_is_not_ours(serve: Serve, link: Link) -> None:
    for switches in ({}, {"put_without_etag": True}):
        double = serve(**switches)
        phone = link(double)
        write = phone.creation("key-1", meeting())
        name = (write.remote_id or "").removeprefix(HERE)
        theirs = single(write.uid, "Changed at once")
        double.before("calendar-multiget", lambda d=double, n=name, b=theirs: d.put_event("work", n, b))
        made = phone.made("key-1", meeting())
        assert title_of(made) == "Changed at once"
        assert not made.exact


def test_a_write_deleted_at_once_has_happened(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    cursor = phone.cursor()
    write = phone.creation("key-1", meeting())
    name = (write.remote_id or "").removeprefix(HERE)
    double.before("calendar-multiget", lambda: double.delete_event("work", name))
    made = phone.made("key-1", meeting())
    assert title_of(made) == "Visit"
    assert phone.listing(cursor)[0] == [Gone(made.remote_id, sure=True)]


def test_when_reading_back_fails_nobody_claims_to_know(serve: Serve, link: Link) -> None:
    double = serve(throttle_times=9, faulty_operations=frozenset({"calendar-multiget"}))
    phone = link(double)
    assert phone.create("key-1", meeting()) is None
    assert len(double.events("work")) == 1


def test_a_delete_is_conditional_silent_and_told_when_nothing_is_there(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    assert phone.delete(shown) == Done(HERE + "a.ics")
    deletion = next(entry for entry in double.requests if entry.method == "DELETE")
    assert (deletion.headers["if-match"], deletion.headers["schedule-reply"]) == (shown.version, "F")
    assert isinstance(error_of(phone.delete(shown)), NotFound)


def test_removing_an_attendees_copy_mails_nobody(serve: Serve, link: Link) -> None:
    people = ("ORGANIZER:mailto:bob@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com")
    double = serve(auto_schedule=True)
    double.put_event("work", "a.ics", single("a", "Invited", *people))
    phone = link(double)
    assert isinstance(phone.delete(phone.fetch_one(HERE + "a.ics")), Done)
    assert double.mails == []


def test_people_are_written_only_if_the_target_names_them(serve: Serve, link: Link) -> None:
    double = serve(auto_schedule=True, no_etag_after_scheduling=True)
    phone = link(double)
    phone.made("key-1", meeting())
    assert double.mails == []
    people = People(Person("alice@example.com"), (Person("bob@example.com"),))
    made = phone.made("key-2", meeting(people=people))
    assert [mail.recipient for mail in double.mails] == ["mailto:bob@example.com"]
    assert made.exact


def test_one_of_several_uids_is_edited_and_removed_beside_the_others(serve: Serve, link: Link) -> None:
    double = serve(allows_several_uids=True)
    double.put_event("work", "two.ics", ics(vevent("a", "A"), vevent("b", "B")))
    phone = link(double)
    rows = phone.fetch(HERE + "two.ics")
    shown = rows[HERE + "two.ics#b"]
    assert isinstance(shown, Seen)
    result = phone.retitle(shown, "B2")
    assert isinstance(result, Done)
    assert (result.remote_id, title_of(result)) == (HERE + "two.ics#b", "B2")
    assert b"SUMMARY:A\r\n" in double.events("work")["two.ics"]
    assert isinstance(phone.delete(result), Done)
    assert b"UID:b" not in double.events("work")["two.ics"]
    last = phone.fetch(HERE + "two.ics")[HERE + "two.ics"]
    assert isinstance(last, Seen)
    assert isinstance(phone.delete(last), Done)
    assert double.events("work") == {}


def test_an_occurrence_is_moved_and_excluded_in_the_stored_series(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting(rule=["RRULE:FREQ=DAILY;COUNT=5"]))
    moved = {("2027-01-06T10:00:00", Field.TIME): Span(at(15, 6), at(16, 6))}
    result = phone.update(made, {**moved, ("2027-01-07T10:00:00", Field.EXISTS): False})
    assert isinstance(result, Done)
    assert result.event is not None
    assert result.event.content.keys == ("2027-01-06T10:00:00", "2027-01-07T10:00:00")
    assert len(double.events("work")) == 1


def test_writes_are_in_flight_together_and_answered_in_order(serve: Serve, link: Link) -> None:
    double = serve(latency_seconds=0.06)
    phone = link(double)
    double.clear()
    results = phone.connector.write(
        phone.calendar, [phone.creation(f"key-{n}", meeting(f"Visit {n}")) for n in range(12)]
    )
    assert [title_of(result) for result in results] == [f"Visit {n}" for n in range(12)]
    assert len(double.requests) == 13
    assert 2 <= double.most_at_once <= phone.connector.capabilities.parallel_writes


def test_icloud_gets_two_writes_at_a_time(serve: Serve, link: Link) -> None:
    double = serve(latency_seconds=0.06)
    phone = link(double, service="icloud")
    double.clear()
    phone.connector.write(phone.calendar, [phone.creation(f"key-{n}", meeting()) for n in range(6)])
    assert double.most_at_once == 2


def test_local_changes_cost_one_request_each_and_one_to_read_back(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.connector.write(phone.calendar, [phone.creation(f"key-{n}", meeting()) for n in range(10)])
    cursor = phone.cursor()
    double.clear()
    updates = [
        Update(one.remote_id, one.version, one.native, {(MASTER, Field.TITLE): "New"})
        for one in made
        if isinstance(one, Done)
    ]
    phone.listing(cursor)
    assert all(isinstance(result, Done) for result in phone.connector.write(phone.calendar, updates))
    assert len(double.requests) == 12


def test_after_a_refusal_of_the_account_the_rest_is_not_sent(serve: Serve, link: Link) -> None:
    for switches, kind in (({"throttle_times": 99}, Throttled), ({"rejects_login": True}, SignInRequired)):
        double = serve()
        phone = link(double, service="icloud")
        for name, value in switches.items():
            setattr(double.quirks, name, value)
        writes = [phone.creation(f"key-{n}", meeting()) for n in range(20)]
        results = phone.connector.write(phone.calendar, writes)
        assert all(isinstance(error_of(result), kind) for result in results)
        assert double.count("PUT") <= 4


def test_an_update_without_a_memory_of_the_resource_reads_it_first(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "a.ics", single("a"))
    phone = link(double)
    shown = phone.fetch_one(HERE + "a.ics")
    title = {(MASTER, Field.TITLE): "Dinner"}
    (result,) = phone.connector.write(phone.calendar, [Update(shown.remote_id, shown.version, None, title)])
    assert isinstance(result, Done)
    (stale,) = phone.connector.write(phone.calendar, [Update(shown.remote_id, shown.version, None, title)])
    assert isinstance(error_of(stale), VersionConflict)
    assert phone.connector.write(phone.calendar, [Delete(shown.remote_id, result.version)]) == [Done(shown.remote_id)]


def test_what_can_not_be_written_is_rejected_without_a_request(serve: Serve, link: Link) -> None:
    from calbridge.domain.content import content

    double = serve()
    phone = link(double)
    (result,) = phone.connector.write(phone.calendar, [Create("k", content({(MASTER, Field.TITLE): "No time"}), "u")])
    assert getattr(error_of(result), "code", "") == "not_expressible"
    assert double.requests == []


def test_a_written_override_without_a_master_is_told_as_fetching_tells_it(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "s.ics", ics(vevent("s", "Only this day", "RECURRENCE-ID:20270105T090000Z")))
    phone = link(double)
    (shown,) = [row for row in phone.connector.fetch(phone.calendar, [HERE + "s.ics"]) if isinstance(row, Seen)]
    written = phone.retitle(shown, "Renamed")
    (again,) = [row for row in phone.connector.fetch(phone.calendar, [shown.remote_id]) if isinstance(row, Seen)]
    assert again.event is not None
    assert isinstance(written, Done)
    assert written.event is not None
    assert written.event.uid == again.event.uid == again.uid
    assert title_of(written) == title_of(again) == "Renamed"
