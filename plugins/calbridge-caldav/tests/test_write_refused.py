"""Writes that a server refuses, redirects, loses or leaves without an answer (dossier 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.connectors.contract import Done
from calbridge.domain.content import MASTER, Field, Span
from calbridge.errors import (
    AddressRefused,
    EventFailed,
    Rejected,
    Throttled,
    Unavailable,
)

from .conftest import Link, Serve
from .support import at, error_of, meeting

HERE = "/calendars/alice@example.com/work/"


def test_instants_that_a_server_refuses_are_made_a_second_long(serve: Serve, link: Link) -> None:
    double = serve(refuses_zero_duration=True)
    phone = link(double)
    made = phone.made("key-1", meeting(start=at(10), end=at(10)))
    assert made.event is not None
    assert made.event.content.span is not None
    assert made.event.content.span.duration.total_seconds() == 1
    moved = phone.update(made, {(MASTER, Field.TIME): Span(at(12), at(12))})
    assert isinstance(moved, Done)


def test_an_end_is_always_written(serve: Serve, link: Link) -> None:
    double = serve(missing_end_refusal=403)
    phone = link(double)
    made = phone.made("key-1", meeting(start=at(10), end=at(10)))
    assert b"DTEND" in double.events("work")[made.remote_id.removeprefix(HERE)]


@pytest.mark.parametrize(
    ("switches", "kind", "code"),
    [
        ({"read_only": True}, Rejected, "read_only_calendar"),
        ({"quota_exceeded": True}, Unavailable, "quota_exceeded"),
        ({"locked": True}, EventFailed, "locked_by_server"),
        ({"put_refusal": (500, "valid-calendar-data")}, EventFailed, "event_failed"),
        ({"put_refusal": (501, "valid-calendar-data")}, EventFailed, "event_failed"),
        ({"put_refusal": (502, "valid-calendar-data")}, EventFailed, "event_failed"),
        ({"put_refusal": (503, "valid-calendar-data")}, EventFailed, "event_failed"),
        ({"max_resource_size": 100}, Rejected, "too_large"),
        ({"put_refusal": (403, "max-resource-size")}, Rejected, "too_large"),
        ({"put_refusal": (403, "valid-calendar-data")}, Rejected, "rejected"),
        ({"put_refusal": (403, "supported-calendar-component")}, Rejected, "rejected"),
        ({"put_refusal": (403, "min-date-time")}, Rejected, "not_expressible"),
        ({"put_refusal": (415, "supported-calendar-data")}, Rejected, "rejected"),
        ({"put_refusal": (400, "valid-calendar-object-resource")}, Rejected, "rejected"),
        ({"put_refusal": (404, "valid-calendar-data")}, Rejected, "rejected"),
    ],
)
def test_every_refusal_has_its_code(
    serve: Serve, link: Link, switches: dict[str, object], kind: type[Exception], code: str
) -> None:
    double = serve(**switches)
    error = error_of(link(double).create("key-1", meeting()))
    assert isinstance(error, kind)
    assert getattr(error, "code", "") == code
    assert double.count("PUT") == 1


def test_a_write_that_a_gateway_did_not_wait_for_has_no_outcome_yet(serve: Serve, link: Link) -> None:
    double = serve(put_refusal=(504, "valid-calendar-data"))
    assert link(double).create("key-1", meeting()) is None


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_without_its_server_is_no_fault_of_one_event(serve: Serve, link: Link, status: int) -> None:
    double = serve(throttle_status=status, retry_after=None)
    phone = link(double)
    double.quirks.throttle_times = 99
    assert isinstance(error_of(phone.create("key-1", meeting())), Unavailable)


def test_a_server_that_asks_to_wait_is_not_asked_on(serve: Serve, link: Link) -> None:
    double = serve(throttle_status=503, retry_after="7")
    phone = link(double)
    double.quirks.throttle_times = 1
    assert isinstance(error_of(phone.create("key-1", meeting())), Throttled)


def test_an_event_that_can_not_be_changed_or_deleted_now_stops_no_other(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting())
    double.quirks.locked = True
    for result in (phone.retitle(made, "Later"), phone.delete(made)):
        assert isinstance(error_of(result), EventFailed)


def test_an_event_that_can_not_be_read_before_it_is_changed_stops_no_other(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting())
    double.quirks.object_errors = frozenset(double.events("work"))
    assert isinstance(error_of(phone.retitle(replace(made, version=None), "Later")), EventFailed)


def test_an_event_that_was_stored_though_the_server_says_it_failed_is_not_made_again(serve: Serve, link: Link) -> None:
    double = serve(put_fails_after_storing=True)
    assert isinstance(link(double).create("key-1", meeting()), Done)
    assert double.count("PUT") == 1


def test_a_server_that_fails_at_everything_is_no_fault_of_one_event(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting())
    double.quirks.server_error_times = 99
    for shown in (made, replace(made, version=None)):
        assert isinstance(error_of(phone.retitle(shown, "Later")), Unavailable)


def test_a_put_redirected_to_a_login_page_is_no_success(serve: Serve, link: Link) -> None:
    double = serve(put_redirects_to_login=True)
    error = error_of(link(double).create("key-1", meeting()))
    assert isinstance(error, AddressRefused)
    assert error.code == "redirect_refused"
    assert double.events("work") == {}


def test_a_page_for_people_is_no_answer_to_a_write(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    double.quirks.breakage = "html"
    assert not isinstance(phone.create("key-1", meeting()), Done)


def test_an_answer_without_a_body_is_no_page_whatever_it_calls_itself(serve: Serve, link: Link) -> None:
    double = serve(empty_answers_are_html=True)
    phone = link(double)
    made = phone.made("key-1", meeting())
    assert isinstance(phone.delete(made), Done)
    assert double.events("work") == {}


@pytest.mark.parametrize("fault", ["drop_times", "lose_reply_times"])
def test_a_write_is_never_sent_twice_by_itself(serve: Serve, link: Link, fault: str) -> None:
    double = serve(faulty_operations=frozenset({"PUT"}))
    phone = link(double)
    setattr(double.quirks, fault, 1)
    assert phone.create("key-1", meeting()) is None
    assert double.count("PUT") == 1


def test_a_slow_write_is_unknown(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double, timeout=0.4)
    double.quirks.latency_seconds = 1.0
    assert phone.create("key-1", meeting()) is None
