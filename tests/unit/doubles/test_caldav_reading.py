"""Each switch about discovery, listing, changes and fetching does what it says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doubles.caldav_fixture import Pair, Start
from tests.doubles.raw_client import CALDAV, DAV, event

CTAG = "{http://calendarserver.org/ns/}getctag"
HOME = "calendars/alice@example.com/"


def _fill(pair: Pair, *names: str) -> None:
    for name in names:
        pair.double.put_event("work", name, event(f"{name}@example.com"))


def _listed(pair: Pair) -> list[str]:
    return pair.client.propfind(pair.double.home_url, "1").names[1:]


def _prop(pair: Pair, props: str, name: str) -> str | None:
    answer = pair.client.propfind(pair.work, "0", props)
    good = [p for p in answer.xml.iter(f"{DAV}propstat") if " 200 " in (p.findtext(f"{DAV}status") or "")]
    return next((p.findtext(f".//{name}") for p in good if p.find(f".//{name}") is not None), None)


def test_a_listing_may_have_failed_rows_or_an_end_of_its_own(start: Start) -> None:
    pair = start(error_rows=frozenset({"b.ics"}))
    for name in ("a.ics", "b.ics", "c.ics"):
        pair.double.put_event("work", name, event(name))
    failed = pair.client.propfind(pair.work, "1")
    assert (failed.names, failed.body.count(b"HTTP/1.1 500")) == (["work", "a.ics", "b.ics", "c.ics"], 1)
    pair.double.quirks.listing_page = 2
    assert pair.client.propfind(pair.work, "1").names == ["work", "a.ics", "b.ics", "work"]
    assert b"HTTP/1.1 507" in pair.client.propfind(pair.work, "1").body


def test_a_partition_serves_calendars_and_hrefs_may_name_the_first_host(start: Start) -> None:
    pair = start(partition=True, hrefs_name_first_host=True)
    answer = pair.client.propfind(pair.double.principal_url, props="<C:calendar-home-set/>")
    assert answer.xml.findtext(f".//{CALDAV}calendar-home-set/{DAV}href") == pair.double.home_url
    assert pair.double.home_url == f"{pair.double.base('partition')}/{HOME}"
    listed = pair.client.propfind(pair.double.home_url, "1")
    assert all(href.startswith(pair.double.base("main")) for href in listed.rows)
    assert pair.client.propfind(f"{pair.double.base('main')}/{HOME}").status == 404


@pytest.mark.parametrize(
    ("switch", "status", "telling"),
    [
        ({"unauthenticated_principal": True}, 207, b"<D:unauthenticated/>"),
        ({"principal_without_resourcetype": True}, 207, b"<D:resourcetype/></D:prop><D:status>HTTP/1.1 404"),
        ({"principal_refuses_depth_one": True}, 400, b""),
        ({"second_home": True}, 207, b"/more/alice@example.com/"),
        ({"more_addresses": ("urn:uuid:AB-12",)}, 207, b"<D:href>urn:uuid:AB-12</D:href>"),
    ],
)
def test_principals_differ(switch: dict[str, Any], status: int, telling: bytes, start: Start) -> None:
    pair = start(**switch)
    props = "<D:current-user-principal/><D:resourcetype/><C:calendar-home-set/><C:calendar-user-address-set/>"
    answer = pair.client.propfind(pair.double.principal_url, "1", props)
    assert answer.status == status
    assert telling in answer.body


def test_a_second_propstat_repeats_properties_empty(start: Start) -> None:
    pair = start(late_404_propstats=True)
    found = pair.client.propfind(pair.work, "0", "<CS:getctag/>").xml
    assert [bool(ctag.text) for ctag in found.iter(CTAG)] == [True, False]
    assert [s.text for s in found.iter(f"{DAV}status")] == ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]


@pytest.mark.parametrize(
    ("switch", "more"),
    [
        ("scheduling_boxes", ["inbox", "outbox"]),
        ("subscribed_calendar", ["subscribed"]),
        ("notification_collection", ["notification"]),
        ("todo_calendar", ["reminders"]),
        ("read_only_calendar", ["holidays"]),
        ("twin_collections", ["work.ics"]),
    ],
)
def test_a_home_lists_more_than_calendars(switch: str, more: list[str], start: Start) -> None:
    assert sorted(_listed(start(**{switch: True}))) == sorted(["work", *more])


def test_a_read_only_calendar_and_a_twin_refuse_writes(start: Start) -> None:
    pair = start(read_only_calendar=True, twin_collections=True)
    assert pair.client.create(pair.double.calendar_url("holidays") + "a.ics", event()).status == 403
    assert pair.client.create(pair.work.rstrip("/") + ".ics/a.ics", event()).status == 501


@pytest.mark.parametrize(
    ("switch", "telling", "there"),
    [
        ({"default_calendar_is_outbox": True}, b"<C:calendar/><C:schedule-outbox/>", True),
        ({"privileges": "parts"}, b"<D:bind/>", True),
        ({"privileges": "all"}, b"<D:all/>", True),
        ({"privileges": "missing"}, b"<D:privilege>", False),
        ({"component_set": False}, b"<C:comp ", False),
        ({"todo_calendar": True}, b'<C:comp name="VTODO"/>', True),
        ({"color": "red"}, b">red</A:calendar-color>", True),
        ({"sync_collection": False}, b"<D:sync-token>", False),
        ({"sync_collection": False}, b"<D:sync-collection/>", False),
        ({"sync_report_listed": False}, b"<D:sync-collection/>", False),
        ({"sync_report_listed": False}, b"<D:sync-token>", True),
        ({"max_resource_size": 900}, b">900</C:max-resource-size>", True),
    ],
)
def test_calendars_describe_themselves(switch: dict[str, Any], telling: bytes, there: bool, start: Start) -> None:
    pair = start(**switch)
    props = (
        "<D:resourcetype/><D:current-user-privilege-set/><C:supported-calendar-component-set/><D:sync-token/>"
        "<D:supported-report-set/><C:max-resource-size/><A:calendar-color xmlns:A='http://apple.com/ns/ical/'/>"
    )
    assert (telling in pair.client.propfind(pair.double.home_url, "1", props).body) is there


def test_without_sync_collection_the_report_is_refused(start: Start) -> None:
    pair = start(sync_collection=False)
    assert pair.client.sync(pair.work).status == 403


def test_a_delta_comes_in_pages_until_no_row_says_507(start: Start) -> None:
    pair = start(sync_page=2)
    _fill(pair, "a.ics", "b.ics", "c.ics", "d.ics", "e.ics")
    token, seen, pages = "", [], 0
    while True:
        answer = pair.client.sync(pair.work, token)
        token, pages = answer.token, pages + 1
        seen += [name for name in answer.names if name.endswith(".ics")]
        if b"HTTP/1.1 507" not in answer.body:
            break
    assert (seen, pages) == (["a.ics", "b.ics", "c.ics", "d.ics", "e.ics"], 3)


def test_a_truncated_delta_may_hide_its_rest_for_ever(start: Start) -> None:
    pair = start(sync_page=1, truncated_token_skips_rest=True)
    _fill(pair, "a.ics", "b.ics")
    first = pair.client.sync(pair.work)
    assert (first.names, pair.client.sync(pair.work, first.token).names) == (["a.ics"], [])


@pytest.mark.parametrize(
    ("switch", "names"),
    [
        ({}, ["b.ics"]),
        ({"repeats_same_second": True}, ["a.ics", "b.ics"]),
        ({"lists_collection_row": True}, ["work", "b.ics"]),
        ({"lists_foreign_rows": True}, ["notes.txt", "b.ics"]),
        ({"never_seen_gone_rows": True}, ["never-seen.ics", "b.ics"]),
        ({"lists_empty": True}, []),
    ],
)
def test_deltas_hold_more_or_less_than_the_changes(switch: dict[str, Any], names: list[str], start: Start) -> None:
    pair = start()
    _fill(pair, "a.ics")
    token = pair.client.sync(pair.work).token
    for name, value in switch.items():
        setattr(pair.double.quirks, name, value)
    _fill(pair, "b.ics")
    assert pair.client.sync(pair.work, token).names == names


def test_rows_have_odd_statuses(start: Start) -> None:
    pair = start(row_status=201, error_rows=frozenset({"b.ics"}))
    _fill(pair, "a.ics", "b.ics")
    statuses = [status.text for status in pair.client.sync(pair.work).xml.iter(f"{DAV}status")]
    assert statuses == ["HTTP/1.1 201 Created", "HTTP/1.1 500 Internal Server Error"]


@pytest.mark.parametrize("status", [403, 412, 400, 409, 410, 404, 418, 500])
@pytest.mark.parametrize("named", [True, False])
def test_an_invalid_token_is_refused(status: int, named: bool, start: Start) -> None:
    pair = start(token_refusal_status=status, token_refusal_named=named)
    token = pair.client.sync(pair.work).token
    pair.double.expire_tokens("work")
    answer = pair.client.sync(pair.work, token)
    assert (answer.status, b"valid-sync-token" in answer.body) == (status, named)
    assert pair.client.sync(pair.work).status == 207


def test_an_invalid_token_may_look_fine(start: Start) -> None:
    pair = start(bad_tokens_pass=True)
    _fill(pair, "a.ics", "b.ics")
    token = pair.client.sync(pair.work).token
    pair.double.delete_event("work", "a.ics")
    pair.double.expire_tokens("work")
    assert pair.client.sync(pair.work, token).names == ["b.ics"]


def test_a_change_may_never_be_told(start: Start) -> None:
    pair = start(omit_change_times=1)
    token = pair.client.sync(pair.work).token
    _fill(pair, "a.ics", "b.ics")
    assert pair.client.sync(pair.work, token).names == ["b.ics"]
    assert pair.client.propfind(pair.work, "1").names == ["work", "a.ics", "b.ics"]


def test_an_empty_token_may_be_refused(start: Start) -> None:
    pair = start(refuses_empty_token=True)
    assert pair.client.sync(pair.work).status == 403


def test_ctags_are_spelled_differently_or_missing(start: Start) -> None:
    found = {kind: _prop(start(ctag=kind), "<CS:getctag/>", CTAG) for kind in ("plain", "quoted", "missing")}
    assert found == {"plain": "0-0", "quoted": '"0-0"', "missing": None}


@pytest.mark.parametrize("ignored", [True, False])
def test_a_deletion_may_leave_the_ctag_alone(ignored: bool, start: Start) -> None:
    pair = start(ctag_ignores_deletes=ignored)
    _fill(pair, "a.ics")
    before = _prop(pair, "<CS:getctag/>", CTAG)
    pair.double.delete_event("work", "a.ics")
    assert (_prop(pair, "<CS:getctag/>", CTAG) == before) is ignored


def test_hrefs_are_spelled_in_several_ways(start: Start) -> None:
    pair = start(encodes_at=True, encodes_plus=True, absolute_hrefs=True)
    _fill(pair, "a@b+c.ics")
    href = next(iter(pair.client.sync(pair.work).rows))
    assert href == f"{pair.double.base('main')}/calendars/alice%40example.com/work/a%40b%2Bc.ics"
    plain = start()
    _fill(plain, "a@b+c.ics")
    assert next(iter(plain.client.sync(plain.work).rows)) == urlsplit(plain.work).path + "a@b+c.ics"


@pytest.mark.parametrize(("omits", "names"), [(True, ["a.ics"]), (False, ["a.ics", "b.ics"])])
def test_a_multiget_may_omit_what_is_missing(omits: bool, names: list[str], start: Start) -> None:
    pair = start(multiget_omits_missing=omits)
    _fill(pair, "a.ics")
    assert pair.client.multiget(pair.work, "a.ics", "b.ics").names == names


def test_a_query_for_a_uid_finds_what_contains_it(start: Start) -> None:
    pair = start()
    _fill(pair, "a.ics", "b.ics")
    asked = '<C:prop-filter name="UID"><C:text-match collation="i;octet">b.ics@</C:text-match></C:prop-filter>'
    sieve = f'<C:comp-filter name="VEVENT">{asked}</C:comp-filter>'
    assert pair.client.query(pair.work, sieve).names == ["b.ics"]


def test_removals_may_share_a_row(start: Start) -> None:
    pair = start(removals_share_a_row=True)
    _fill(pair, "a.ics", "b.ics", "c.ics")
    token = pair.client.sync(pair.work).token
    for name in ("a.ics", "c.ics"):
        pair.double.delete_event("work", name)
    (shared,) = pair.client.sync(pair.work, token).xml.findall(f"{DAV}response")
    assert [href.text for href in shared.findall(f"{DAV}href")] == [f"/{HOME}work/{name}.ics" for name in "ac"]
    assert shared.findtext(f"{DAV}status") == "HTTP/1.1 404 Not Found"


@pytest.mark.parametrize("status", [413, 500, 507])
def test_a_multiget_has_a_limit(status: int, start: Start) -> None:
    pair = start(multiget_max=2, multiget_max_status=status)
    assert pair.client.multiget(pair.work, "a.ics", "b.ics", "c.ics").status == status
    assert pair.client.multiget(pair.work, "a.ics", "b.ics").status == 207


def test_a_multiget_may_be_newer_than_the_listing_or_lag_behind(start: Start) -> None:
    pair = start(multiget_newer_times=1)
    _fill(pair, "a.ics")
    listed = pair.double.etag("work", "a.ics")
    newer = pair.client.multiget(pair.work, "a.ics").xml.findtext(f".//{DAV}getetag")
    assert newer == pair.double.etag("work", "a.ics") != listed
    pair.double.quirks.multiget_lags_times = 1
    found = [b"calendar-data" in pair.client.multiget(pair.work, "a.ics").body for _ in range(2)]
    assert found == [False, True]


def test_a_range_changes_what_an_object_looks_like(start: Start) -> None:
    pair = start(adds_recurrence_exception=True)
    _fill(pair, "a.ics")
    ranged = '<C:comp-filter name="VEVENT"><C:time-range start="20270101T000000Z" end="20280101T000000Z"/>'
    assert b"X-RECURRENCE-EXCEPTION" in pair.client.query(pair.work, ranged + "</C:comp-filter>").body
    assert b"X-RECURRENCE-EXCEPTION" not in pair.client.multiget(pair.work, "a.ics").body


@pytest.mark.parametrize("status", [404, 410])
def test_calendars_may_vanish(status: int, start: Start) -> None:
    pair = start(calendar_vanished=status)
    answers = [pair.client.propfind(pair.work), pair.client.sync(pair.work), pair.client.send("GET", pair.work + "a")]
    answers += [pair.client.create(pair.work + "a.ics", event()), pair.client.delete(pair.work + "a.ics", '"x"')]
    assert ([answer.status for answer in answers], _listed(pair)) == ([status] * 5, [])


def test_calendars_may_be_closed_though_the_home_lists_them(start: Start) -> None:
    pair = start(calendar_closed=True)
    pair.double.put_event("work", "a.ics", event())
    answers = [
        pair.client.propfind(pair.work),
        pair.client.sync(pair.work),
        pair.client.send("GET", pair.work + "a.ics"),
    ]
    answers += [pair.client.create(pair.work + "b.ics", event()), pair.client.delete(pair.work + "a.ics", '"x"')]
    assert ([answer.status for answer in answers], _listed(pair)) == ([403] * 5, ["work"])


def test_a_server_may_know_no_queries(start: Start) -> None:
    pair = start(knows_queries=False)
    answer = pair.client.query(pair.work, '<C:comp-filter name="VEVENT"/>')
    assert (answer.status, b"supported-report" in answer.body) == (403, True)


def test_a_calendar_may_suddenly_list_empty(start: Start) -> None:
    pair = start(lists_empty=True)
    _fill(pair, "a.ics")
    assert pair.client.propfind(pair.work, "1").names == ["work"]
    assert pair.client.query(pair.work, '<C:comp-filter name="VEVENT"/>').names == []
