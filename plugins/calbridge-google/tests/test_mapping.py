"""The pure parts: descriptions, rules, times, versions, names."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calbridge.connectors.contract import Account
from calbridge.connectors.registry import load_registry
from calbridge.domain.content import MASTER, Field, Text, content, normal_text
from calbridge.domain.times import When, day, utc, zoned
from calbridge_google.bundle import bundle_of, etag_of, version_of
from calbridge_google.endpoints import SETTINGS, Endpoints, endpoints_of
from calbridge_google.fields import normalise
from calbridge_google.naming import event_id, is_event_id, place_of
from calbridge_google.rules import excluded_of, read_rule, written_rule
from calbridge_google.text import clean, description_of, text_of
from tests.servers.reaching import transport

from .support import at, meeting

VIENNA = zoned(datetime(2027, 1, 5, 10), "Europe/Vienna")
_SIGNS = st.text(st.sampled_from("ab <>&;/\n\"'#x1Ä\t"), max_size=40)


@given(_SIGNS)
def test_any_text_comes_back_as_it_was_sent(plain: str) -> None:
    assert normal_text(text_of(description_of(Text(plain))).plain) == normal_text(plain)


@given(_SIGNS)
def test_reading_is_safe_for_whatever_stands_there(raw: str) -> None:
    found = text_of(raw)
    assert found.html in (None, raw)


def test_html_that_says_the_same_is_sent_as_html() -> None:
    assert description_of(Text("Bring the key", "<p>Bring <b>the</b> key</p>")) == "<p>Bring <b>the</b> key</p>"
    assert description_of(Text("Bring the key", "<p>Something else</p>")) == "Bring the key"


def test_control_characters_are_left_out() -> None:
    assert clean("a\x00b\x1fc\ud800\nd") == "abc\nd"
    assert normalise(meeting("a\x00b")).title == "ab"


@pytest.mark.parametrize(
    ("line", "start", "expected"),
    [
        ("RRULE:FREQ=DAILY;UNTIL=20270301", VIENNA, "RRULE:FREQ=DAILY;UNTIL=20270301T225959Z"),
        ("RRULE:FREQ=DAILY;UNTIL=20270301T100000", VIENNA, "RRULE:FREQ=DAILY;UNTIL=20270301T090000Z"),
        ("RRULE:FREQ=DAILY;UNTIL=20270301T090000Z", VIENNA, "RRULE:FREQ=DAILY;UNTIL=20270301T090000Z"),
        ("RRULE:FREQ=DAILY;UNTIL=20270301T230000Z", day(datetime(2027, 1, 5)), "RRULE:FREQ=DAILY;UNTIL=20270301"),
        (
            "RRULE:FREQ=DAILY;UNTIL=20270301T100000",
            utc(datetime(2027, 1, 5)),
            "RRULE:FREQ=DAILY;UNTIL=20270301T100000Z",
        ),
        ("RRULE:FREQ=DAILY;COUNT=3", VIENNA, "RRULE:FREQ=DAILY;COUNT=3"),
        ("RDATE:20270105T100000", VIENNA, "RDATE:20270105T100000"),
    ],
)
def test_until_has_the_kind_of_the_start(line: str, start: When, expected: str) -> None:
    assert written_rule(line, start) == expected
    assert written_rule(expected, start) == expected


def test_dates_in_lines_are_wall_times_of_the_series() -> None:
    lines = ["RRULE:FREQ=WEEKLY", "RDATE;TZID=America/New_York:20270106T040000", "EXDATE:20270112T090000Z"]
    assert read_rule(lines, VIENNA) == ("RRULE:FREQ=WEEKLY", "RDATE:20270106T100000")
    assert excluded_of(lines, VIENNA) == ("2027-01-12T10:00:00",)


def test_a_version_covers_a_series_in_any_order_and_keeps_the_masters_etag() -> None:
    assert version_of('"1"', []) == '"1"'
    one, other = version_of('"1"', ["a x", "b y"]), version_of('"1"', ["b y", "a x"])
    assert one == other != version_of('"1"', ["a x"])
    assert [etag_of(version or "") for version in (one, '"1"', 'W/"a:b"')] == ['"1"', '"1"', 'W/"a:b"']
    assert version_of("", ["a"]) is None


def test_foreign_native_bytes_are_none() -> None:
    assert [bundle_of(data) for data in (b"", b"[]", b"{}", b"[1]", b"\xff")] == [None] * 5


@given(st.text(max_size=60), st.integers(0, 3))
def test_ids_are_made_of_what_google_allows(key: str, number: int) -> None:
    name = event_id(key, number)
    assert set(name) <= set("0123456789abcdefghijklmnopqrstuv")
    assert 5 <= len(name) <= 1024
    assert is_event_id(name)
    assert place_of(key).uid == f"{place_of(key).remote_id}@google.com"


@pytest.mark.parametrize("text", ["", "a/b", "..", "a?b", "a b", "ü", "x" * 1200])
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_event_id(text)


def test_what_google_can_not_hold_is_dropped_once() -> None:
    target = meeting(
        categories=("Urgent",), show_as="oof", visibility="confidential", rule=["RRULE:FREQ=WEEKLY;COUNT=3"]
    )
    target = target.with_units(
        {("2027-01-06T10:00:00", Field.TITLE): "No such visit", ("x", Field.VISIBILITY): "private"}
    )
    normal = normalise(target)
    assert set(normal.units) == {(MASTER, name) for name in (Field.TIME, Field.TITLE, Field.VISIBILITY)}
    assert normal.visibility == "private"
    assert normalise(normal).units == normal.units
    assert normalise(content({})).units == {}


def test_addresses_are_googles_own_unless_the_operator_says_otherwise() -> None:
    assert endpoints_of({}) == Endpoints()
    moved = endpoints_of({"api_url": "https://api.example.com/google", "oauth_url": "https://login.example.com/"})
    assert moved.api == "https://api.example.com/google/"
    assert moved.token == "https://login.example.com/token"
    assert moved.userinfo == "https://login.example.com/v1/userinfo"


def test_the_registry_offers_google_and_opens_it() -> None:
    registry = load_registry(["calbridge-google"])
    assert [service.name for service in registry.services] == ["google"]
    assert registry.problems == ()
    with transport() as sending:
        connector = registry.open("google", Account("google", None, "", ""), sending)
        assert connector.capabilities.write_batch == 50
        assert connector.normalise(meeting(start=at(10))).title == "Visit"
        connector.close()
        assert sending.counters.requests == 0


def test_the_manual_lists_every_setting() -> None:
    manual = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `CALBRIDGE_GOOGLE_(\w+)` \|", manual, re.MULTILINE)
    assert [name.lower() for name in told] == list(SETTINGS)


def test_registering_imports_no_vendor_library() -> None:
    code = (
        "import sys, calbridge_google.plugin as p; p.calbridge_register_connectors();"
        "heavy = ('calbridge_google.connector', 'googleapiclient', 'google.auth', 'httplib2');"
        "sys.exit(any(name in sys.modules for name in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
