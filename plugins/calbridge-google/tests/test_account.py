"""The list of calendars, who the account is, and the way the vendor's library reaches the world (dossier 2 and 6)."""

from __future__ import annotations

import threading

import pytest

from calbridge.connectors.contract import Calendar
from calbridge.errors import ConnectorError, PermissionMissing, SignInRequired, Unavailable
from calbridge_google.connector import GoogleConnector
from calbridge_google.tokens import Grant
from tests.doubles.google import ApiError
from tests.servers.reaching import transport

from .conftest import Link, Serve
from .support import account, single


def test_calendars_are_listed_with_what_may_be_done_in_them(serve: Serve, link: Link) -> None:
    google = serve(page_size=2)
    google.add_calendar("team#1@group.calendar.google.com", "Team", access_role="writer", time_zone="America/New_York")
    google.add_calendar("read@example.com", "Holidays", access_role="reader")
    google.add_calendar("private@example.com", "Boss", access_role="writerWithoutPrivateAccess")
    google.add_calendar("busy@example.com", "Busy only", access_role="freeBusyReader")
    found = {each.id: each for each in link(google).connector.calendars()}
    assert {name: each.writable for name, each in found.items()} == {
        google.user: True,
        "team#1@group.calendar.google.com": True,
        "read@example.com": False,
        "private@example.com": True,
    }
    assert found[google.user] == Calendar(google.user, "Alice", "Europe/Vienna", "#9FE1E7", primary=True)
    assert found["team#1@group.calendar.google.com"].time_zone == "America/New_York"


def test_a_calendar_with_an_odd_name_is_read(serve: Serve, link: Link) -> None:
    google = serve()
    google.add_calendar("team#1 at@group.calendar.google.com", "Team")
    name = google.insert(single(), "team#1 at@group.calendar.google.com")
    client = link(google, calendar="team#1 at@group.calendar.google.com")
    assert client.fetch_one(name).event is not None


def test_a_masked_private_event_is_shown_as_it_is_and_can_not_be_written(serve: Serve, link: Link) -> None:
    google = serve()
    name = google.insert(single("Secret", visibility="private"))
    google.set_role("writerWithoutPrivateAccess")
    client = link(google)
    [entry] = client.listing()[0]
    assert (entry.event.content.title, entry.event.masked) == ("", True)
    assert not entry.event.editable.details
    result = client.retitle(entry, "Mine")
    assert result.error.code == "read_only_calendar"  # type: ignore[union-attr]
    assert google.count("events.patch") == 1
    assert name == entry.remote_id


def test_a_scope_that_is_missing_asks_for_another_consent(serve: Serve) -> None:
    google = serve()
    refresh = google.grant(["https://www.googleapis.com/auth/calendar.events", "openid"])
    with transport() as sending:
        connector = GoogleConnector(account(google, Grant(refresh).text), sending)
        with pytest.raises(PermissionMissing) as raised:
            connector.calendars()
    assert raised.value.code == "consent_incomplete"


@pytest.mark.parametrize("status", [400, 403])
def test_user_info_that_is_refused_is_no_proof(serve: Serve, link: Link, status: int) -> None:
    google = serve()
    client = link(google)
    google.fail("userinfo", ApiError(status, "invalid"))
    with pytest.raises(SignInRequired) as raised:
        client.connector.check()
    assert not raised.value.confirmed


def test_a_reader_is_tried_twice_and_a_writer_once(serve: Serve, link: Link) -> None:
    google = serve()
    name = google.insert(single())
    client = link(google)
    google.lose_reply("events.get")
    assert client.fetch_one(name).event is not None
    assert google.count("events.get") == 2


def test_a_slow_answer_ends_at_the_time_limit(serve: Serve, link: Link) -> None:
    google = serve()
    google.insert(single())
    client = link(google, timeout=0.6)
    google.quirks.drip_seconds = 0.2
    with pytest.raises(Unavailable) as raised:
        client.listing()
    assert raised.value.code == "timed_out"
    google.quirks.drip_seconds = 0.0


def test_nothing_but_errors_of_the_contract_comes_out(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    for status in (400, 401, 403, 404, 409, 410, 412, 418, 429, 500, 502, 503, 504):
        google.fail("events.list", ApiError(status, "somethingNew"), times=2)
        with pytest.raises(ConnectorError):
            client.listing()
        google.heal()


def test_one_connector_may_be_used_by_several_threads(serve: Serve, link: Link) -> None:
    google = serve()
    names = [google.insert(single(f"Visit {number}")) for number in range(8)]
    client = link(google)
    google.kill_access_tokens()
    found: list[str] = []

    def read(name: str) -> None:
        event = client.fetch_one(name).event
        assert event is not None
        found.append(event.content.title)

    threads = [threading.Thread(target=read, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"Visit {number}" for number in range(8))


def test_a_query_too_long_for_an_address_is_sent_as_a_form(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    assert client.find(uids=["u" * 3000]) == []
    [entry] = google.requests
    assert (entry.method, entry.headers["x-http-method-override"]) == ("POST", "GET")
