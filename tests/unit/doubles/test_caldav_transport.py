"""Each transport switch of the double does what it says."""

from __future__ import annotations

import gzip
import http.client
import time
import zlib
from typing import Any

import pytest

from tests.doubles.caldav_fixture import Start, starting
from tests.doubles.raw_client import event

WELL_KNOWN = ".well-known/caldav"


@pytest.mark.parametrize(
    ("where", "status", "location"),
    [
        ("relative", 301, "/"),
        ("relative", 302, "/"),
        ("relative", 303, "/"),
        ("relative", 307, "/"),
        ("absolute", 308, "{main}/"),
        ("chain", 301, "/.well-known/caldav/1"),
        ("loop", 301, "/.well-known/caldav"),
        ("cross_host", 301, "{other}/"),
        ("login_page", 302, "/login"),
        ("missing", 404, None),
        ("here", 207, None),
    ],
)
def test_well_known_leads_where_the_switch_says(where: str, status: int, location: str | None, start: Start) -> None:
    pair = start(well_known=where, redirect_status=status)
    answer = pair.client.propfind(pair.double.url + WELL_KNOWN, props="<D:current-user-principal/>")
    bases = {host: pair.double.base(host) for host in ("main", "other")}
    assert answer.status == status
    assert answer.headers.get("location") == (None if location is None else location.format(**bases))


def test_a_chain_of_redirects_ends_at_the_root(start: Start) -> None:
    pair, path, hops = start(well_known="chain"), "/" + WELL_KNOWN, 0
    while path != "/":
        path, hops = pair.client.propfind(pair.double.base("main") + path).headers["location"], hops + 1
    assert hops == 4


def test_the_root_may_redirect_to_the_principal(start: Start) -> None:
    pair = start(principal_redirects=True, redirect_status=307)
    answer = pair.client.propfind(pair.double.url)
    assert (answer.status, answer.headers["location"]) == (307, "/principals/alice@example.com/")


def test_put_is_sent_to_a_login_page(start: Start) -> None:
    pair = start(put_redirects_to_login=True)
    answer = pair.client.create(pair.work + "a.ics", event())
    page = pair.client.send("GET", pair.double.base("main") + answer.headers["location"])
    assert (answer.status, page.status, b"<form>" in page.body) == (302, 200, True)
    assert pair.double.events("work") == {}


def test_tls_serves_with_a_certificate_of_its_own_authority(start: Start) -> None:
    pair = start(tls=True, partition=True)
    assert pair.double.url.startswith("https://")
    assert pair.client.propfind(pair.double.url).status == 207
    assert pair.client.propfind(pair.work).status == 207


def test_the_dav_header_may_come_in_lines(start: Start) -> None:
    pair = start(split_dav_header=True, auto_schedule=True)
    dav = pair.client.send("OPTIONS", pair.work).dav
    assert len(dav) > 1
    assert "calendar-auto-schedule" in dav


def test_a_wrong_password_is_refused_only_where_passwords_count(start: Start) -> None:
    open_pair, shut = start(login_required=False), start()
    open_pair.client.login = shut.client.login = {"Authorization": "Basic bm9ib2R5OnBhc3M="}
    assert (open_pair.client.propfind(open_pair.work).status, shut.client.propfind(shut.work).status) == (207, 401)
    shut.client.login = {"Authorization": "Basic !"}
    assert shut.client.propfind(shut.work).status == 401


TIMES = {
    "false_401_times": 401,
    "throttle_times": 429,
    "server_error_times": 500,
}


@pytest.mark.parametrize("switch", TIMES)
def test_a_counted_refusal_ends(switch: str, start: Start) -> None:
    pair = start(**{switch: 2})
    statuses = [pair.client.propfind(pair.work).status for _ in range(3)]
    assert statuses == [TIMES[switch], TIMES[switch], 207]


def test_faults_may_concern_named_operations_only(start: Start) -> None:
    pair = start(throttle_times=1, faulty_operations=frozenset({"sync-collection"}))
    assert (pair.client.propfind(pair.work).status, pair.client.sync(pair.work).status) == (207, 429)


@pytest.mark.parametrize("value", ["7", "Sat, 02 Jan 2027 10:00:00 GMT", None])
def test_throttling_names_a_time_to_wait_or_not(value: str | None, start: Start) -> None:
    pair = start(throttle_times=1, throttle_status=503, retry_after=value)
    answer = pair.client.propfind(pair.work)
    assert (answer.status, answer.headers.get("retry-after")) == (503, value)


def test_logins_are_refused_in_the_way_of_icloud(start: Start) -> None:
    pair = start(rejects_login=True, icloud_challenge=True)
    answer = pair.client.propfind(pair.work)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("X-MobileMe-AuthToken")


def test_everything_may_be_forbidden(start: Start) -> None:
    pair = start(forbids_everything=True)
    assert pair.client.propfind(pair.work).status == 403


def test_single_addresses_may_be_forbidden(start: Start) -> None:
    pair = start(forbidden_paths=frozenset({"/"}))
    answers = [pair.client.propfind(pair.double.url + path).status for path in ("", WELL_KNOWN)]
    assert answers == [403, 301]


@pytest.mark.parametrize("switches", [{"latency_seconds": 0.1}, {"drip_seconds": 0.01}])
def test_answers_may_be_slow(switches: dict[str, Any], start: Start) -> None:
    pair = start(**switches)
    began = time.monotonic()
    assert pair.client.propfind(pair.work).status == 207
    assert time.monotonic() - began >= 0.1


def test_a_slow_answer_does_not_hold_up_the_end() -> None:
    began = time.monotonic()
    with starting() as start:
        pair = start(latency_seconds=30.0)
        pair.client.timeout = 0.1
        with pytest.raises(TimeoutError):
            pair.client.propfind(pair.work)
    assert time.monotonic() - began < 5


def test_an_answer_may_be_cut(start: Start) -> None:
    pair = start(cut_times=1)
    with pytest.raises(http.client.IncompleteRead):
        pair.client.propfind(pair.work)
    assert pair.client.propfind(pair.work).status == 207


@pytest.mark.parametrize(("switch", "applied"), [("lose_reply_times", True), ("drop_times", False)])
def test_a_connection_may_end_after_or_before_the_work(switch: str, applied: bool, start: Start) -> None:
    pair = start(**{switch: 1})
    with pytest.raises(http.client.RemoteDisconnected):
        pair.client.create(pair.work + "a.ics", event())
    assert (pair.double.events("work") != {}) is applied
    assert pair.double.requests[0].status == 0


@pytest.mark.parametrize(
    ("kind", "telling"),
    [
        ("content_type", b"<D:multistatus"),
        ("html", b"<!DOCTYPE html>"),
        ("entity_bomb", b"&e8;&e8;"),
        ("external_entity", b"SYSTEM"),
        ("deep", b"<D:a>" * 1000),
        ("empty", b"</D:multistatus>"),
        ("not_xml", b"<D:multistatus"),
    ],
)
def test_an_answer_may_be_nonsense(kind: str, telling: bytes, start: Start) -> None:
    pair = start(breakage=kind)
    answer = pair.client.propfind(pair.work)
    assert telling in answer.body
    assert (kind == "content_type") is (answer.headers["content-type"] == "image/png")
    assert kind != "empty" or answer.names == []


def test_a_body_may_be_fifty_megabytes(start: Start) -> None:
    pair = start(breakage="huge")
    assert len(pair.client.propfind(pair.work).body) > 50_000_000


def test_a_small_body_may_unpack_to_a_large_one(start: Start) -> None:
    pair = start(breakage="gzip_bomb")
    body = pair.client.propfind(pair.work).body
    unpacker = zlib.decompressobj(31)
    assert len(body) < 1_000_000
    assert len(unpacker.decompress(body, 20_000_000)) == 20_000_000


def test_answers_are_compressed_for_those_who_can_read_them(start: Start) -> None:
    pair = start(gzip=True)
    plain = pair.client.send("OPTIONS", pair.work)
    packed = pair.client.send("GET", pair.work + "a.ics", Accept_Encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert (packed.headers["content-encoding"], gzip.decompress(packed.body)) == ("gzip", b"refused\n")


@pytest.mark.parametrize(("how", "told"), [("", '"{}"'), ("weak", 'W/"{}"'), ("suffix", '"{}-gzip"')])
def test_compressing_may_change_an_etag(how: str, told: str, start: Start) -> None:
    pair = start(gzip=True, gzip_etag=how)
    etag = pair.double.put_event("work", "a.ics", event())
    plain, packed = (pair.client.send("GET", pair.work + "a.ics", Accept_Encoding=coding) for coding in ("", "gzip"))
    assert (plain.headers["etag"], packed.headers["etag"]) == (etag, told.format(etag.strip('"')))
