"""Without switches the double is a correct server that refuses what a careful client never sends."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

import pytest

from tests.doubles.caldav_fixture import Pair, Start
from tests.doubles.raw_client import CALDAV, DAV, XMLNS, Answer, RawClient, event


def test_a_correct_conversation_breaches_nothing(start: Start) -> None:
    pair = start()
    client, work = pair.client, pair.work
    assert client.send("OPTIONS", pair.double.url, Authorization="").dav == [
        "1, 2, 3, access-control, calendar-access, extended-mkcol"
    ]
    principal = client.propfind(pair.double.url, props="<D:current-user-principal/>").xml
    assert principal.findtext(f".//{DAV}current-user-principal/{DAV}href") == "/principals/alice@example.com/"
    home = client.propfind(pair.double.principal_url, props="<C:calendar-home-set/>").xml
    assert home.findtext(f".//{CALDAV}calendar-home-set/{DAV}href") == "/calendars/alice@example.com/"
    assert client.propfind(pair.double.home_url, "1").names == ["alice@example.com", "work"]
    first = client.sync(work)
    made = client.create(work + "a.ics", event())
    assert (first.status, first.names, made.status) == (207, [], 201)
    delta = client.sync(work, first.token)
    assert delta.names == ["a.ics"]
    assert event() in (client.multiget(work, "a.ics").body.decode().replace("\n", "\r\n").replace("\r\r", "\r"))
    assert client.propfind(work, "1").names == ["work", "a.ics"]
    changed = client.update(work + "a.ics", event(SUMMARY="SUMMARY:Later"), made.headers["etag"])
    assert client.update(work + "a.ics", event(), made.headers["etag"]).status == 412
    assert client.create(work + "a.ics", event()).status == 412
    assert b"Later" in client.send("GET", work + "a.ics").body
    found = client.query(work, '<C:comp-filter name="VEVENT"><C:time-range start="20270105T000000Z"/></C:comp-filter>')
    assert found.names == ["a.ics"]
    assert client.delete(work + "a.ics", made.headers["etag"]).status == 412
    assert client.delete(work + "a.ics", changed.headers["etag"]).status == 204
    gone = client.sync(work, delta.token)
    assert [row.findtext(f"{DAV}status") for row in gone.rows.values()] == ["HTTP/1.1 404 Not Found"]
    assert (client.sync(work).names, pair.double.breaches, pair.double.mails) == ([], [], [])


def test_a_new_calendar_can_be_made(start: Start) -> None:
    pair = start()
    url = pair.double.home_url + "made/"
    assert (pair.client.send("MKCALENDAR", url).status, pair.client.send("MKCALENDAR", url).status) == (201, 405)
    assert pair.client.propfind(pair.double.home_url, "1").names[1:] == ["work", "made"]


def _put(client: RawClient, work: str, body: str, name: str = "a.ics") -> Answer:
    return client.create(work + name, body)


BREACHES: dict[str, Callable[[RawClient, str], Answer]] = {
    "propfind_depth": lambda c, u: c.propfind(u, "infinity"),
    "propfind_without_body": lambda c, u: c.send("PROPFIND", u, Depth="0"),
    "propfind_names_nothing": lambda c, u: c.propfind(u, props=""),
    "xml_without_content_type": lambda c, u: c.send("REPORT", u, "<a/>", Depth="0"),
    "xml_with_dtd": lambda c, u: c.report(u, "<!DOCTYPE a><a/>"),
    "xml_unreadable": lambda c, u: c.report(u, "<a>"),
    "report_unknown": lambda c, u: c.report(u, "<a/>"),
    "report_on_home": lambda c, u: c.sync(u.removesuffix("work/")),
    "sync_collection_limit": lambda c, u: c.sync(u, extra="<D:limit><D:nresults>2</D:nresults></D:limit>"),
    "sync_collection_asks_data": lambda c, u: c.sync(u, extra="<C:calendar-data/>"),
    "sync_collection_depth": lambda c, u: c.report(u, f"<D:sync-collection {XMLNS}/>", "1"),
    "sync_level": lambda c, u: c.report(u, f"<D:sync-collection {XMLNS}/>"),
    "sync_collection_without_token": lambda c, u: c.report(
        u, f"<D:sync-collection {XMLNS}><D:sync-level>1</D:sync-level></D:sync-collection>"
    ),
    "multiget_depth": lambda c, u: c.report(u, f"<C:calendar-multiget {XMLNS}/>", "1"),
    "multiget_without_hrefs": lambda c, u: c.multiget(u),
    "multiget_repeats_href": lambda c, u: c.multiget(u, "a.ics", "a.ics"),
    "multiget_foreign_href": lambda c, u: c.multiget(u, "../private/a.ics"),
    "query_depth": lambda c, u: c.report(u, f"<C:calendar-query {XMLNS}/>"),
    "query_without_component": lambda c, u: c.query(u, ""),
    "delete_collection": lambda c, u: c.delete(u),
    "delete_unconditional": lambda c, u: c.delete(u + "a.ics"),
    "if_match_star": lambda c, u: c.delete(u + "a.ics", "*"),
    "if_match_value": lambda c, u: c.delete(u + "a.ics", "no-quotes"),
    "if_none_match_value": lambda c, u: c.create(u + "a.ics", event(), If_None_Match='"x"'),
    "put_content_type": lambda c, u: c.create(u + "a.ics", event(), Content_Type="text/xml"),
    "put_unconditional": lambda c, u: c.create(u + "a.ics", event(), If_None_Match=""),
    "put_encoded_slash": lambda c, u: c.create(u + "a%2Fb.ics", event()),
    "put_odd_name": lambda c, u: c.create(u + "one@example.com.ics", event()),
    "put_unreadable": lambda c, u: _put(c, u, "hello"),
    "put_line_ends": lambda c, u: _put(c, u, event().replace("\r\n", "\n")),
    "put_long_line": lambda c, u: _put(c, u, event(SUMMARY="SUMMARY:" + "x" * 80)),
    "put_method": lambda c, u: _put(c, u, event(PRODID="METHOD:PUBLISH")),
    "put_without_uid": lambda c, u: _put(c, u, event(UID="")),
    "put_several_uids": lambda c, u: _put(
        c, u, event(SUMMARY="END:VEVENT\r\nBEGIN:VEVENT\r\nUID:two\r\nDTSTART:20270105")
    ),
    "put_two_ends": lambda c, u: _put(c, u, event("one", "DURATION:PT1H")),
}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_careless_request_is_refused_recorded_and_without_effect(rule: str, start: Start) -> None:
    pair = start()
    assert BREACHES[rule](pair.client, pair.work).status == 400
    assert [breach.rule for breach in pair.double.breaches] == [rule]
    assert pair.double.events("work") == {}


def test_a_password_sent_to_a_foreign_host_is_a_breach(start: Start) -> None:
    pair = start()
    pair.client.propfind(pair.double.base("other") + "/")
    assert [breach.rule for breach in pair.double.breaches] == ["credentials_to_foreign_host"]


def test_several_uids_and_missing_conditions_may_be_allowed(start: Start) -> None:
    pair = start(allows_several_uids=True, allows_unconditional_writes=True)
    two = event(SUMMARY="END:VEVENT\r\nBEGIN:VEVENT\r\nUID:two\r\nDTSTART:20270105")
    assert pair.client.create(pair.work + "a.ics", two, If_None_Match="").status == 201
    assert pair.client.delete(pair.work + "a.ics").status == 204
    assert pair.double.breaches == []


def test_requests_bytes_and_connections_are_counted(start: Start) -> None:
    pair = start()
    for _ in range(3):
        pair.client.propfind(pair.work)
    assert (pair.double.count("PROPFIND"), pair.double.count("PROPFIND 0"), pair.double.count("PUT")) == (3, 3, 0)
    assert (pair.double.connections, pair.double.most_at_once) == (1, 1)
    assert pair.double.bytes_moved == sum(e.body_length + e.answer_length for e in pair.double.requests) > 0
    pair.double.clear()
    assert pair.double.requests == []


def test_simultaneous_requests_are_counted(start: Start) -> None:
    pair = start(latency_seconds=0.2)
    clients = [RawClient(pair.double) for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert [a.status for a in pool.map(lambda client: client.propfind(pair.work), clients)] == [207] * 3
    for client in clients:
        client.close()
    assert (pair.double.most_at_once, pair.double.connections) == (3, 3)


def test_the_phone_edits_without_checks(start: Start) -> None:
    double = start(extra_calendars=("home",)).double
    double.put_event("work", "b@d.txt", b"\xff nonsense")
    double.move_event("work", "b@d.txt", "c.ics")
    double.move_event("work", "c.ics", "d.ics", to="home")
    assert (double.events("work"), double.events("home")) == ({}, {"d.ics": b"\xff nonsense"})
    double.delete_event("home", "d.ics")
    assert double.events("home") == {}


def test_the_phone_renames_and_drops_calendars(start: Start) -> None:
    pair = start(extra_calendars=("home",))
    pair.double.rename("work", "Office & more")
    pair.double.drop_calendar("home")
    listed = pair.client.propfind(pair.double.home_url, "1", "<D:displayname/>")
    assert [name.text for name in listed.xml.iter(f"{DAV}displayname") if name.text] == ["Office & more"]


def test_something_can_be_done_just_before_a_request(start: Start) -> None:
    pair: Pair = start()
    pair.double.before("calendar-multiget", lambda: pair.double.put_event("work", "a.ics", event()))
    assert pair.client.propfind(pair.work, "1").names == ["work"]
    assert b"200" in pair.client.multiget(pair.work, "a.ics").body
