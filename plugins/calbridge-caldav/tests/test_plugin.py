"""What the plugin registers, and its pure small parts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from calbridge.connectors.contract import Account
from calbridge.connectors.registry import load_registry
from calbridge.connectors.transport import Headers, Response
from calbridge.errors import Unavailable
from calbridge_caldav.hrefs import RemoteId, canonical, is_event_name, parse_remote_id
from calbridge_caldav.locator import context_urls, dns_locator
from calbridge_caldav.multistatus import read_multistatus
from calbridge_caldav.naming import own_path, place_of
from tests.servers.reaching import transport


def test_the_registry_offers_both_services_and_opens_them() -> None:
    registry = load_registry(["calbridge-caldav"])
    assert [service.name for service in registry.services] == ["caldav", "icloud"]
    assert registry.problems == ()
    with transport() as sending:
        connector = registry.open("icloud", Account("icloud", None, "a@icloud.com", "x"), sending)
        assert connector.capabilities.parallel_writes == 2
        assert sending.counters.requests == 0


def test_registering_imports_no_connector_code() -> None:
    code = (
        "import sys, calbridge_caldav.plugin as p; p.calbridge_register_connectors();"
        "sys.exit(any(m in sys.modules for m in ('calbridge_caldav.connector', 'dns', 'icalendar')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/a/b.ics", "/a/b.ics"),
        ("https://h.example.com:8443/a%40b/c.ics?x#y", "/a@b/c.ics"),
        ("/a b/%63%2b.ics", "/a%20b/c+.ics"),
        ("/a/x%2fy.ics", "/a/x%2Fy.ics"),
        ("/a/%C3%A9é%23%25.ics", "/a/%C3%A9%C3%A9%23%25.ics"),
        ("/a/%FF.ics", "/a/%FF.ics"),
    ],
)
def test_every_spelling_has_one_canonical_form(href: str, path: str) -> None:
    assert canonical(href) == path
    assert canonical(path) == path


def test_remote_ids_of_parts_survive_any_uid() -> None:
    for uid, recurrence_id in (("a#b/ä%", None), ("x", "2027-01-05T10:00:00"), ("", None)):
        remote_id = RemoteId("/c/d.ics", uid, recurrence_id)
        assert parse_remote_id(remote_id.text) == remote_id
    assert parse_remote_id("/c/d.ics") == RemoteId("/c/d.ics")


def test_collections_and_foreign_files_are_no_events() -> None:
    assert [is_event_name(path) for path in ("/c/a.ics", "/c/a.EML", "/c/", "/c/a.txt")] == [True, True, False, False]


def test_names_of_ours_are_plain_and_found_again() -> None:
    place = place_of("/c/", "key \N{SNOWMAN} 1")
    assert place.remote_id == f"/c/{place.uid}.ics"
    assert place.uid.replace("-", "").isalnum()
    assert own_path("/c/", place.uid) == place.remote_id
    assert own_path("/c/", "somebody@example.com") is None
    assert place_of("/c/", "key 2").uid != place.uid


def test_srv_records_are_ordered_and_carry_their_path() -> None:
    servers = [(20, 1, "c.example.com.", 443), (10, 1, "b.example.com.", 8443), (10, 9, "a.example.com.", 443)]
    assert context_urls(servers, [b"v=1", b"path=/dav/"]) == [
        "https://a.example.com:443/dav/",
        "https://b.example.com:8443/dav/",
        "https://c.example.com:443/dav/",
    ]
    assert context_urls([(0, 0, ".", 0)], []) == []
    assert context_urls([(0, 0, "a.example.com", 443)], []) == ["https://a.example.com:443/.well-known/caldav"]


def test_addresses_and_local_names_are_not_looked_up() -> None:
    assert [dns_locator(host) for host in ("127.0.0.1", "[::1]", "localhost", "")] == [[], [], [], []]


def test_an_etag_that_no_header_can_carry_is_none() -> None:
    body = (
        '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/a</D:href><D:propstat><D:prop>'
        '<D:getetag>"a&#13;&#10;X: y"</D:getetag></D:prop></D:propstat></D:response></D:multistatus>'
    )
    (row,) = read_multistatus(Response(207, Headers(), body.encode(), "")).rows
    assert row.etag is None


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE m [<!ENTITY e "x">]><D:multistatus xmlns:D="DAV:"/>',
        b'<?xml version="1.0"?><!DOCTYPE m SYSTEM "http://127.0.0.1/x"><D:multistatus xmlns:D="DAV:"/>',
        b"<other/>",
        b'<D:multistatus xmlns:D="DAV:"><D:response>',
        b"",
    ],
)
def test_hostile_xml_is_refused(body: bytes) -> None:
    with pytest.raises(Unavailable) as raised:
        read_multistatus(Response(207, Headers(), body, ""))
    assert raised.value.code == "malformed_answer"
